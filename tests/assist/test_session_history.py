"""The person's undo and redo, the jobs beside it, and both across restarts."""

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskgui.assist import loaded as loaded_module
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.document import Change, Edit, EditConflict
from maskgui.core.entities import Category, ImageRecord, Instance, Review
from maskgui.core.shape import Polygon, Shape
from maskgui.project.history import Batch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from editing_script import Model, follow, held

Reopen = Callable[[Session], Session]
TRIANGLE = Shape([Polygon([(0, 0), (9, 0), (0, 9)])])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session.create(tmp_path / "a.maskgui", tmp_path)
    kinds = [Category(number, f"kind {number}", "#000000") for number in (1, 5, 9)]
    session.apply(Edit("Add", None, tuple(Change(None, one) for one in kinds)), SYSTEM)
    for number in (2, 3):
        record = ImageRecord(number, f"{number}.png", 10, 10)
        session.apply(Edit("Add image", number, (Change(None, record),)), SYSTEM)
    yield session
    session.close(discard=True)


@pytest.fixture
def reopened() -> Iterator[Reopen]:
    """Close a session and open its project anew."""
    opened: list[Session] = []

    def reopen(session: Session) -> Session:
        session.close()
        opened.append(Session.open(session.project.path))
        return opened[-1]

    yield reopen
    for session in opened:
        session.close(discard=True)


def add(
    session: Session, image_id: int = 2, author: str = "person", label: str = "Draw"
) -> Instance:
    instance = Instance(session.new_id(), image_id, 1, TRIANGLE)
    session.apply(Edit(label, image_id, (Change(None, instance),)), author)
    return instance


def change(
    session: Session,
    before: Instance,
    author: str = "person",
    label: str = "Change",
    **values: object,
) -> Instance:
    after = msgspec.structs.replace(before, **values)
    session.apply(Edit(label, before.image_id, (Change(before, after),)), author)
    return after


def set_record(session: Session, author: str, **values: object) -> None:
    before = session.document.image(2)
    after = msgspec.structs.replace(before, **values)
    session.apply(Edit("Set image", 2, (Change(before, after),)), author)


@pytest.mark.parametrize("restart", [False, True])
def test_undo_and_redo_walk_the_persons_edits(
    session: Session, reopened: Reopen, restart: bool
) -> None:
    one = add(session, 2, label="Draw one")
    two = add(session, 3, label="Draw two")
    assert (session.undo_label, session.redo_label) == ("Draw two", None)
    if restart:
        session = reopened(session)
    undone = session.undo()
    assert undone is not None and undone.image_id == 3, "the window goes there"
    assert session.instances(3) == []
    assert (session.undo_label, session.redo_label) == ("Draw one", "Draw two")
    if restart:
        session = reopened(session)
    assert session.undo() is not None
    assert session.undo() is None
    assert session.instances(2) == []
    if restart:
        session = reopened(session)
    assert session.redo() is not None
    assert session.redo() is not None
    assert session.redo() is None
    assert session.instances(2) == [one] and session.instances(3) == [two]


def test_a_new_edit_takes_the_place_of_what_was_undone(session: Session, reopened: Reopen) -> None:
    add(session)
    add(session)
    session.undo()
    kept = add(session, 3)
    assert session.redo_label is None
    session = reopened(session)
    assert session.redo() is None
    assert session.undo_label == "Draw"
    session.undo()
    assert session.instances(3) == []
    session.redo()
    assert session.instances(3) == [kept]


def test_a_job_never_enters_the_persons_stack_and_never_clears_redo(
    session: Session, reopened: Reopen
) -> None:
    add(session, label="Mine")
    session.undo()
    add(session, 3, "job-1", "Auto-segment")
    assert (session.undo_label, session.redo_label) == (None, "Mine")
    session = reopened(session)
    assert (session.undo_label, session.redo_label) == (None, "Mine")
    assert session.redo() is not None
    assert len(session.instances(3)) == 1


def test_an_undo_that_a_later_job_contradicts_is_refused_whole(
    session: Session, reopened: Reopen
) -> None:
    mine = add(session)
    moved = change(session, mine, order=4)
    change(session, moved, "job-1", label="Merge", category_id=9)
    before = session.instances(2)
    for _ in range(2):
        assert session.undo_label == "Change"
        with pytest.raises(EditConflict, match="“Merge” has changed the same since"):
            session.undo()
        assert session.instances(2) == before
        session = reopened(session)
    assert session.undo_batch("job-1") == 1
    session.undo()
    assert session.instances(2) == [mine]


@pytest.mark.parametrize("restart", [False, True])
def test_what_is_older_than_a_refused_undo_stays_within_reach(
    session: Session, reopened: Reopen, restart: bool
) -> None:
    add(session, 3, label="Draw elsewhere")
    mine = add(session, label="Draw")
    change(session, mine, "job-1", category_id=9)
    with pytest.raises(EditConflict):
        session.undo()
    assert session.undo_label == "Draw elsewhere"
    assert session.undo() is not None
    assert session.instances(3) == []
    assert (session.undo_label, session.redo_label) == (None, "Draw elsewhere")
    if restart:
        session = reopened(session)
        assert (session.undo_label, session.redo_label) == ("Draw", "Draw elsewhere")
    assert session.redo() is not None
    assert len(session.instances(3)) == 1
    session.undo_batch("job-1")
    assert session.undo_label == "Draw", "it keeps its place, and works again"
    session.undo()
    assert session.instances(2) == []


def test_an_image_keeps_what_others_changed_in_other_fields(
    session: Session, reopened: Reopen
) -> None:
    set_record(session, "person", review=Review.REVIEWED)
    set_record(session, "job-1", threshold=0.25)
    session.set_sizes({2: (640, 480)})
    session.undo()
    record = session.document.image(2)
    assert (record.review, record.threshold, record.width) == (Review.NEW, 0.25, 640)
    session.redo()
    assert session.document.image(2).review == Review.REVIEWED
    session = reopened(session)
    record = session.document.image(2)
    assert (record.review, record.threshold, record.width) == (Review.REVIEWED, 0.25, 640)


def test_the_same_field_changed_by_a_job_is_a_contradiction(session: Session) -> None:
    set_record(session, "person", threshold=0.3)
    set_record(session, "job-1", threshold=0.25)
    with pytest.raises(EditConflict):
        session.undo()
    assert session.document.image(2).threshold == 0.25


def test_adding_an_image_is_undone_though_its_size_was_read_since(
    session: Session, tmp_path: Path
) -> None:
    (image_id,) = session.add_images([tmp_path / "new.png"])
    session.set_sizes({image_id: (5, 6)})
    session.undo()
    assert image_id not in session.document.images
    session.redo()
    assert image_id in session.document.images


def test_a_batch_is_undone_as_one_and_keeps_what_a_person_worked_on(
    session: Session, reopened: Reopen
) -> None:
    first = add(session, 2, "job-1", "Auto-segment")
    second = add(session, 3, "job-1", "Auto-segment")
    add(session, 3, "job-2", "Import")
    mine = change(session, first, category_id=5)
    (one, two) = session.batches()
    assert (one.job, one.label, one.edits) == ("job-1", "Auto-segment", 2)
    assert two.job == "job-2"
    assert session.undo_batch("job-1") == 1
    assert session.instances(2) == [mine]
    assert second not in session.instances(3)
    assert [(batch.job, batch.edits) for batch in session.batches()] == [("job-1", 1), ("job-2", 1)]
    with pytest.raises(EditConflict, match="worked on since"):
        session.undo_batch("job-1")
    assert session.undo_batch("no such job") == 0
    assert session.undo_batch("job-2") == 1
    left = session.batches()
    session = reopened(session)
    assert session.batches() == left == [Batch("job-1", "Auto-segment", 1)]
    assert session.instances(2) == [mine]
    assert session.undo_label == "Change"


def test_a_refused_edit_leaves_no_trace(session: Session) -> None:
    one = add(session)
    heard: list[Edit] = []
    session.subscribe(heard.append)
    stale = msgspec.structs.replace(one, order=3)
    with pytest.raises(EditConflict):
        session.apply(Edit("Late", 2, (Change(stale, None),)))
    with pytest.raises(TypeError):
        wrong = msgspec.structs.replace(one, score=object())
        session.apply(Edit("Wrong", 2, (Change(one, wrong),)))
    assert session.instances(2) == [one]
    assert (heard, session.undo_label) == ([], "Draw")


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_sequence_with_restarts_equals_the_model(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("model")
    limit = loaded_module.LOADED_IMAGES
    loaded_module.LOADED_IMAGES = 2
    model = Model()
    session = Session.create(folder / "m.maskgui", folder)
    try:
        rng = random.Random(data.draw(st.integers(0, 1 << 30)))
        for pause in data.draw(st.lists(st.sampled_from(["", "flush", "reopen"]), max_size=25)):
            for _ in range(3):
                follow(session, model.step(rng))
            if pause == "flush":
                assert session.flush(10)
            elif pause == "reopen":
                session.close()
                session = Session.open(folder / "m.maskgui")
            assert held(session) == model.state
            assert session.instance_counts() == counts(model)
            assert session.undo_label == label_of(model.done)
            assert session.redo_label == label_of(model.undone)
        assert session.flush(10)
        if session.document.images:
            session.instances(next(iter(session.document.images)))
            loaded = [one for one in session.document.images if session.document.is_loaded(one)]
            assert len(loaded) <= 2
    finally:
        loaded_module.LOADED_IMAGES = limit
        session.close(discard=True)


def counts(model: Model) -> dict[int, int]:
    found: dict[int, int] = {}
    for item in model.of(Instance):
        found[item.image_id] = found.get(item.image_id, 0) + 1
    return found


def label_of(stack: list[list[object]]) -> str | None:
    return f"Step {len(stack[-1])}" if stack else None
