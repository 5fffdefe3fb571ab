"""An import beside a person who edits the categories, and one that is stopped on a slow disk."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from maskgui.assist import importing
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.core.edits import add_category, delete_category, merge_categories
from maskgui.core.entities import Category
from maskgui.core.errors import Cancelled, Failure
from maskgui.formats.coco_report import ImportReport

VAN, BUS = Category(9_001, "van", "#00ff00", 8), Category(9_002, "bus", "#0000ff", 9)
COUNT = 40
"""Annotations, ten on each of four images; half of them are "car", half "wheel"."""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(importing, "CHUNK_CHANGES", 8)
    for at in range(4):
        Image.new("RGB", (20, 16)).save(tmp_path / f"{at}.png")
    data = {
        "images": [{"id": at + 1, "file_name": f"{at}.png"} for at in range(4)],
        "annotations": [
            {"id": at + 1, "image_id": at // 10 + 1, "category_id": at % 2 + 1}
            | {"segmentation": [[2, 2, 9, 2, 9, 8, 2, 8]], "area": 42}
            for at in range(COUNT)
        ],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "wheel"}],
    }
    (tmp_path / "data.json").write_text(json.dumps(data))
    with Session.create(tmp_path / "p.maskgui", tmp_path) as session:
        session.apply(add_category(VAN))
        session.apply(add_category(BUS))
        yield session


def named(session: Session, name: str) -> Category:
    return next(one for one in session.document.categories if one.name == name)


def merge(session: Session, name: str, into: str) -> None:
    category = named(session, name)
    held = session.instances_of_category(category.id)
    session.apply(merge_categories(named(session, into), [category], held))


def delete(session: Session, name: str) -> int:
    category = named(session, name)
    held = session.instances_of_category(category.id)
    images = {one.image_id: session.document.image(one.image_id) for one in held}
    session.apply(delete_category(category, held, images))
    return len(held)


def take(session: Session, meanwhile: Callable[[int], object]) -> ImportReport:
    """Import the data set; after each batch `meanwhile` is called with its number."""
    numbers = iter(range(1, 100))
    return import_coco(
        session, session.root / "data.json", None, lambda *_: meanwhile(next(numbers))
    )


def counts(session: Session) -> Counter[str]:
    names = {one.id: one.name for one in session.document.categories}
    found = [one for image in session.document.images for one in session.instances(image)]
    return Counter(names[one.category_id] for one in found)


def notes(report: ImportReport) -> str:
    return " ".join(report.lines())


def test_what_comes_after_a_merge_goes_where_the_rest_went(session: Session) -> None:
    def meanwhile(batch: int) -> None:
        if batch == 2:
            assert 0 < counts(session)["car"] < 20
            merge(session, "car", "van")

    report = take(session, meanwhile)
    assert counts(session) == {"van": 20, "wheel": 20}
    assert "“car” was merged during the import" in notes(report)


def test_a_merge_is_followed_to_its_end_also_by_way_of_undo(session: Session) -> None:
    def meanwhile(batch: int) -> None:
        if batch == 1:
            merge(session, "car", "bus")
            session.undo()
            merge(session, "car", "van")
        if batch == 2:
            merge(session, "van", "wheel")

    take(session, meanwhile)
    assert counts(session) == {"wheel": 40}
    assert [one.name for one in session.document.categories] == ["bus", "wheel"]


def test_a_category_that_was_deleted_comes_again_with_what_comes_after(session: Session) -> None:
    deleted = 0

    def meanwhile(batch: int) -> None:
        nonlocal deleted
        if batch == 2:
            deleted = delete(session, "car")

    report = take(session, meanwhile)
    assert 0 < deleted < 20
    assert counts(session) == {"car": 20 - deleted, "wheel": 20}
    assert "“car” was taken out during the import and added again" in notes(report)
    session.undo_batch(report.job)
    assert "car" not in counts(session)


def test_a_known_category_that_goes_before_the_first_instance_comes_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.apply(add_category(Category(1, "car", "#ff0000", 1)))
    real = importing._Import._assign_ids

    def later(self):
        delete(session, "car")
        return real(self)

    monkeypatch.setattr(importing._Import, "_assign_ids", later)
    take(session, lambda _: None)
    assert counts(session) == {"car": 20, "wheel": 20}


def stop(session: Session, monkeypatch: pytest.MonkeyPatch, flush: Callable[[float], bool]) -> None:
    """Import the data set and stop it in the middle; from then on the disk is as `flush` has it."""
    cancel = threading.Event()

    def halfway(done: int, _: int) -> None:
        if done >= COUNT // 2:
            cancel.set()
            monkeypatch.setattr(session, "flush", flush)

    import_coco(session, session.root / "data.json", None, halfway, cancel)


def test_a_stopped_import_is_taken_back_however_slow_the_disk_is(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = iter([False] * 5)
    real = session.flush
    with pytest.raises(Cancelled):
        stop(session, monkeypatch, lambda seconds: next(late, True) and real(seconds))
    assert session.batches() == []
    assert not session.document.images


def test_what_a_stopped_import_leaves_is_said_where_the_disk_refuses(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(Session, "last_error", property(lambda _: "The disk is full, free some."))
        with pytest.raises(Failure) as refused:
            stop(session, full, lambda _: False)
    assert str(refused.value) == (
        "The disk is full, free some; what “data.json” brought in stays, and Undo batch takes it "
        "back."
    )
    (batch,) = session.batches()
    assert session.instance_counts()
    session.undo_batch(batch.job)
    assert not session.document.images


def test_a_stopped_import_does_not_wait_for_a_project_that_was_closed(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed_meanwhile(_: float) -> bool:
        session.project.close(discard=True)
        return False

    with pytest.raises(Failure, match="brought in stays"):
        stop(session, monkeypatch, closed_meanwhile)


@pytest.mark.parametrize("known", [False, True])
def test_what_comes_for_an_image_that_was_taken_out_stays_out(
    session: Session, known: bool
) -> None:
    if known:
        session.look_through()

    def meanwhile(batch: int) -> None:
        if batch == 2:  # some of its annotations are not in the document yet
            paths = {record.path: record.id for record in session.document.images.values()}
            session.remove_images([paths["1.png"], *([paths["3.png"]] if known else [])])

    report = take(session, meanwhile)
    names = {record.path for record in session.document.images.values()}
    assert names == {"0.png", "2.png", "3.png"}, "what is listed later comes again"
    assert counts(session).total() == 30
    assert 0 < report.annotations - 30 < 10
    assert "its image was taken out during the import" in notes(report)
