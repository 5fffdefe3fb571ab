"""No edit, undo or job leaves an instance without its category or image."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from maskgui.assist import loaded
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.document import Change, Edit, EditConflict
from maskgui.core.edits import delete_category, delete_instances, merge_categories, set_category
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape

TRIANGLE = Shape([Polygon([(0, 0), (9, 0), (0, 9)])])
NUT, BOLT = Category(50, "nut", "#112233"), Category(51, "bolt", "#332211")
IMAGES = [ImageRecord(number, f"{number}.png", 10, 10) for number in (1, 2, 3)]


def put(*entities: Category | ImageRecord | Instance, label: str = "Add") -> Edit:
    return Edit(label, None, tuple(Change(None, one) for one in entities))


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(loaded, "LOADED_IMAGES", 1)
    session = Session.create(tmp_path / "a.maskgui", tmp_path)
    session.apply(put(*IMAGES), SYSTEM)
    session.apply(put(NUT, BOLT, label="Add 2 categories"))
    yield session
    session.close(discard=True)


def draw(session: Session, image_id: int = 1, category: Category = NUT, by: str = "job") -> None:
    one = Instance(session.new_id(), image_id, category.id, TRIANGLE)
    session.apply(put(one, label="Draw"), by)


def state(session: Session) -> list[object]:
    document = session.document
    found = [one for image in document.images for one in session.instances(image)]
    return [*document.categories, *document.images.values(), *found]


def test_undo_leaves_categories_that_a_job_has_used_since(session: Session) -> None:
    draw(session)
    before = state(session)
    with pytest.raises(EditConflict) as refused:
        session.undo()
    assert str(refused.value) == (
        "“Add 2 categories” cannot be undone: “nut” has 1 instance by now; Undo again goes on past "
        "it."
    )
    assert state(session) == before and session.undo_label is None
    session.undo_batch("job")
    assert session.undo_label == "Add 2 categories", "it is tried again"
    session.undo()
    assert session.document.categories == []


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_category_is_not_merged_or_deleted_under_what_has_come_meanwhile(
    session: Session, elsewhere: bool
) -> None:
    draw(session)
    held = session.instances_of_category(NUT.id)
    images = {1: session.document.image(1)}
    merge = merge_categories(BOLT, [NUT], held)
    delete = delete_category(NUT, held, images, session.detections)
    draw(session, 2 if elsewhere else 1)
    if elsewhere:  # its image is in the file only
        assert session.flush(20)
        draw(session, 3, BOLT)
    before = state(session)
    for edit in (merge, delete):
        with pytest.raises(EditConflict, match=r"“nut” has 1 instance by now\.$"):
            session.apply(edit)
        assert state(session) == before
    session.apply(merge_categories(BOLT, [NUT], session.instances_of_category(NUT.id)))
    assert session.document.categories == [BOLT]
    session.undo()
    assert state(session) == before


def test_what_comes_late_names_no_category_or_image_that_is_gone(session: Session) -> None:
    session.apply(delete_category(NUT, [], {}, session.detections))
    with pytest.raises(EditConflict, match=r"“Draw” cannot be .*: its category has been deleted"):
        draw(session)
    draw(session, category=BOLT)
    (one,) = session.instances(1)
    with pytest.raises(EditConflict, match="its category has been deleted"):
        session.apply(set_category([one], NUT.id, session.document.image(1), None))
    session.remove_images([2])
    with pytest.raises(EditConflict, match=r"“Draw” cannot be .*: its image has been taken out"):
        draw(session, 2, BOLT)
    assert session.instances(1) == [one]


def test_undo_takes_no_image_from_under_a_job_s_instances(session: Session) -> None:
    record = ImageRecord(session.new_id(), "new.png", 10, 10)
    session.apply(put(record, label="Add image"))
    draw(session, record.id)
    assert session.flush(20)
    draw(session, 2)  # the new image's instances are in the file only
    with pytest.raises(EditConflict, match=r"“new\.png” has 1 instance by now"):
        session.undo()
    assert session.instance_counts() == {record.id: 1, 2: 1}


def test_what_an_older_file_left_without_a_category_can_still_be_edited(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("maskgui.assist.session.check_references", lambda *_: None)
        draw(session, category=Category(99, "lost", "#000000"))
    (one,) = session.instances(1)
    session.close()
    session = Session.open(session.project.path)
    moved = msgspec.structs.replace(one, shape=Shape([Polygon([(1, 1), (9, 1), (1, 9)])]))
    session.apply(Edit("Move", 1, (Change(one, moved),)))
    session.undo()
    assert session.instances(1) == [one]
    session.apply(set_category([one], BOLT.id, session.document.image(1), None))
    assert session.instances_of_category(99) == []
    session.undo()
    session.apply(delete_instances([one], session.document.image(1), None))
    session.undo()
    assert session.instances(1) == [one], "and it comes back as it was"
    session.close(discard=True)
