"""The person's older steps after a model ran again: the proposals follow the rule."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgui.assist.session import SYSTEM, Session
from maskgui.core.detections import CERTAIN, DETECTION_RADIX, Detections
from maskgui.core.document import Change, Edit, EditConflict
from maskgui.core.edits import accept, delete_instances, replace_instance
from maskgui.core.entities import Category, ImageRecord, Instance, MarkKind, Review
from maskgui.core.proposals import propose
from maskgui.maskrcnn import vectorize
from maskgui.project.project import KEPT_RUNS

IMAGE = 2
SIZE = (40, 200)
MODEL = "parts 0123456789ab"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = made(tmp_path)
    yield session
    session.close(discard=True)


def made(folder: Path) -> Session:
    session = Session.create(folder / "a.maskgui", folder)
    nut = Category(1, "nut", "#000000")
    record = ImageRecord(IMAGE, "2.png", SIZE[1], SIZE[0])
    session.apply(Edit("Begin", None, (Change(None, nut), Change(None, record))), SYSTEM)
    session.set_category_map(MODEL, {"nut": 1})
    return session


def said(scores: list[float]) -> Detections:
    """Squares side by side with these scores; a later run finds the same objects."""
    boxes = [[4 + 24 * n, 8, 24 + 24 * n, 28] for n in range(len(scores))]
    masks = np.zeros((len(scores), 28, 28), np.uint16)
    masks[:, 2:26, 2:26] = CERTAIN
    masks[:, 6:22, 6:22] = 0.8 * CERTAIN
    return Detections(
        MODEL,
        ("nut",),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.zeros(len(scores), np.int32),
        masks,
    )


def run(session: Session, scores: list[float]) -> str:
    """Let the model run again; return the job's name."""
    kept = session.store_detections(IMAGE, said(scores))
    job = f"segment {kept.run}"
    record = session.document.image(IMAGE)
    edit = rule(session, kept, record.threshold, record.mask_threshold)
    if edit:
        session.apply(msgspec.structs.replace(edit, label="Auto-segment"), job)
    return job


def rule(session: Session, found: Detections, score: float, mask: float) -> Edit | None:
    return propose(
        session.document.image(IMAGE),
        session.instances(IMAGE),
        found,
        session.category_map(found.model) or {},
        score,
        lambda index: vectorize.shapes(found, [index], mask, image_size=SIZE)[0],
        session.new_id,
        mask_threshold=mask,
        label="Move score slider",
    )


def slide(session: Session, score: float, mask: float = 0.5) -> None:
    found = session.detections(IMAGE)
    assert found is not None
    edit = rule(session, found, score, mask)
    assert edit is not None
    session.apply(edit)


def proposals(session: Session) -> list[Instance]:
    return [one for one in session.instances(IMAGE) if one.is_proposal]


def scores(session: Session) -> list[float]:
    return sorted((round(one.score or 0, 2) for one in proposals(session)), reverse=True)


def assert_rule_holds(session: Session) -> None:
    """The proposals are those of one run at the image's thresholds, and nothing is missing."""
    found = session.detections(IMAGE)
    assert found is not None
    record = session.document.image(IMAGE)
    assert rule(session, found, record.threshold, record.mask_threshold) is None
    assert {(one.detection or 0) // DETECTION_RADIX for one in proposals(session)} <= {found.run}


def test_an_older_slider_move_is_undone_after_a_new_run(session: Session) -> None:
    run(session, [0.9, 0.6, 0.3])
    slide(session, 0.2)
    run(session, [0.95, 0.55, 0.4])
    assert scores(session) == [0.95, 0.55, 0.4]
    session.undo()
    assert session.document.image(IMAGE).threshold == 0.5
    assert scores(session) == [0.95, 0.55]
    assert_rule_holds(session)
    session.redo()
    assert scores(session) == [0.95, 0.55, 0.4]
    assert_rule_holds(session)


def test_undoing_a_raised_slider_brings_no_proposal_of_the_older_run(session: Session) -> None:
    run(session, [0.9, 0.6])
    slide(session, 0.8)
    run(session, [0.95, 0.7, 0.3])
    session.undo()
    assert scores(session) == [0.95, 0.7]
    assert_rule_holds(session)


def test_a_slider_that_met_no_detection_meets_those_of_the_new_run(session: Session) -> None:
    run(session, [0.9])
    slide(session, 0.7)
    run(session, [0.9, 0.6])
    session.undo()
    assert scores(session) == [0.9, 0.6]
    assert_rule_holds(session)


def test_an_older_mask_slider_move_is_undone_after_a_new_run(session: Session) -> None:
    run(session, [0.9])
    wide = proposals(session)[0].shape
    slide(session, 0.5, mask=0.9)
    assert proposals(session)[0].shape != wide
    run(session, [0.8])
    session.undo()
    assert session.document.image(IMAGE).mask_threshold == 0.5
    assert proposals(session)[0].shape == wide
    assert_rule_holds(session)


def test_a_deleted_proposal_comes_back_as_the_new_runs(session: Session) -> None:
    run(session, [0.9, 0.8])
    found = session.detections(IMAGE)
    doomed = next(one for one in proposals(session) if one.score and one.score > 0.85)
    session.apply(delete_instances([doomed], session.document.image(IMAGE), found))
    run(session, [0.85, 0.75])
    assert scores(session) == [0.75]
    session.undo()
    assert scores(session) == [0.85, 0.75]
    assert session.document.image(IMAGE).marks == ()
    session.redo()
    assert scores(session) == [0.75]
    assert [mark.kind for mark in session.document.image(IMAGE).marks] == [MarkKind.DELETED]
    assert_rule_holds(session)


def test_an_edited_proposal_goes_back_to_the_new_runs(session: Session) -> None:
    run(session, [0.9])
    (one,) = proposals(session)
    moved = msgspec.structs.replace(one, order=7)
    record = session.document.image(IMAGE)
    session.apply(replace_instance(one, moved, "Move", record, session.detections(IMAGE)))
    run(session, [0.8])
    assert scores(session) == []
    session.undo()
    assert scores(session) == [0.8]
    assert len(session.instances(IMAGE)) == 1
    session.redo()
    assert [(held.order, held.touched) for held in session.instances(IMAGE)] == [(7, True)]
    assert_rule_holds(session)


def test_a_batch_taken_back_leaves_the_run_before_in_force(session: Session) -> None:
    run(session, [0.9, 0.6])
    second = run(session, [0.8])
    session.undo_batch(second)
    found = session.detections(IMAGE)
    assert found is not None and len(found) == 2, "the run that the proposals are of"
    assert scores(session) == [0.9, 0.6]
    record = session.document.image(IMAGE)
    session.apply(accept(proposals(session)[:1], record, found))
    slide(session, 0.1)
    assert_rule_holds(session)


STEPS = st.lists(
    st.sampled_from(["run", "slide", "mask", "delete", "accept", "undo", "redo"]),
    min_size=3,
    max_size=14,
)


@settings(max_examples=25)
@given(steps=STEPS, draw=st.data())
def test_the_rule_holds_after_any_steps(
    steps: list[str], draw: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    session = made(tmp_path_factory.mktemp("any"))
    try:
        run(session, [0.9, 0.6, 0.3])
        for step in steps:
            carry_out(session, step, draw)
            assert_rule_holds(session)
        while session.undo_label is not None:
            try:
                session.undo()
            except EditConflict:
                pytest.fail("a person's step on proposals was refused")
            assert_rule_holds(session)
        assert session.document.image(IMAGE).threshold == 0.5
        assert session.document.image(IMAGE).review is Review.NEW
    finally:
        session.close(discard=True)


def carry_out(session: Session, step: str, draw: st.DataObject) -> None:
    found, record = session.detections(IMAGE), session.document.image(IMAGE)
    score = st.sampled_from([0.2, 0.45, 0.5, 0.7, 0.95])
    if step == "run":
        values = draw.draw(st.lists(score, min_size=1, max_size=4))
        run(session, sorted(values, reverse=True))
    elif step in {"slide", "mask"} and found is not None:
        mask = draw.draw(st.sampled_from([0.5, 0.9])) if step == "mask" else record.mask_threshold
        edit = rule(session, found, draw.draw(score), mask)
        if edit:
            session.apply(edit)
    elif step in {"delete", "accept"} and proposals(session):
        one = draw.draw(st.sampled_from(proposals(session)))
        make = delete_instances if step == "delete" else accept
        session.apply(make([one], record, found))
    elif step in {"undo", "redo"}:
        session.undo() if step == "undo" else session.redo()


def test_old_runs_keep_what_the_history_names_and_give_up_their_masks(session: Session) -> None:
    jobs = [run(session, [0.9, 0.6, 0.1 * n]) for n in range(1, KEPT_RUNS + 2)]
    assert session.flush(20)
    old = session.project.detections(IMAGE, 1)
    assert old is not None and not old.has_masks
    assert np.array_equal(old.boxes, said([0.9, 0.6, 0.1]).boxes)
    kept = [session.project.detections(IMAGE, n) for n in range(2, KEPT_RUNS + 2)]
    assert all(one is not None and one.has_masks for one in kept)
    assert session.detected_images(MODEL) == {IMAGE}
    for job in reversed(jobs[1:]):
        assert session.undo_batch(job) == 1
    found, record = session.detections(IMAGE), session.document.image(IMAGE)
    assert found is not None
    session.apply(delete_instances(proposals(session)[:1], record, found))
    assert [mark.box for mark in session.document.image(IMAGE).marks] == [(28, 8, 48, 28)]
    session.undo()
    assert scores(session) == [0.9, 0.6]
