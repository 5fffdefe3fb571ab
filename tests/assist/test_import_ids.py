"""Ids that others draw while an import runs: never those of what comes in."""

import json
from pathlib import Path

import pytest
from PIL import Image

from maskgui.assist import import_categories, import_images, importing
from maskgui.assist.import_categories import CategoryIntake, EntityIds, IdBook
from maskgui.assist.import_images import ImageIntake
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.formats.coco_report import Item

RING = [2, 2, 9, 2, 9, 8, 2, 8]


@pytest.fixture
def session(tmp_path: Path):
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (20, 16)).save(tmp_path / name)
    with Session.create(tmp_path / "p.maskgui", tmp_path) as session:
        yield session


def take(session: Session, images=(1,), annotations=(1,), categories=(1,)):
    """Import images, annotations (on the first image) and categories of these ids."""
    value = {
        "images": [{"id": n, "file_name": f"{c}.png"} for n, c in zip(images, "abc", strict=False)],
        "annotations": [
            {"id": n, "image_id": images[0], "category_id": categories[0], "area": at}
            | {"segmentation": [RING]}
            for at, n in enumerate(annotations)
        ],
        "categories": [{"id": n, "name": f"nut {at}"} for at, n in enumerate(categories)],
    }
    path = session.root / "coco.json"
    path.write_text(json.dumps(value))
    return import_coco(session, path)


def watch(monkeypatch, session: Session, *places) -> set[int]:
    """Let someone draw an id before and after each call of these; return what was drawn."""
    drawn: set[int] = set()

    def watched(call):
        def both(*args):
            drawn.add(session.new_id())
            result = call(*args)
            drawn.add(session.new_id())
            return result

        return both

    for owner, name in places:
        monkeypatch.setattr(owner, name, watched(getattr(owner, name)))
    return drawn


PLACES = {
    "constructing": [(CategoryIntake, "__init__"), (ImageIntake, "__init__")],
    "numbering": [(EntityIds, "keep"), (EntityIds, "new")],
    "reserving": [
        (IdBook, "reserve"),
        (import_categories, "highest_id"),
        (import_images, "highest_id"),
        (importing, "highest_id"),
    ],
    "decoding": [
        (importing._Import, "_fields"),
        (importing._Import, "_take_annotation"),
        (CategoryIntake, "of"),
        (ImageIntake, "_take_one"),
    ],
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(
    "ids",
    [
        {"annotations": (None, None, "x")},
        {"annotations": (4, 4, 2, 1, 3, 0, 4, 12)},
        {"images": ("x", 4, 4), "annotations": ()},
        {"images": (2, 7, 3)},
        {"categories": (0, "x", 5)},
        {"categories": (4, 9, 2)},
    ],
    ids=str,
)
def test_what_is_drawn_meanwhile_is_never_given_to_what_comes_in(
    session, monkeypatch, places, ids
) -> None:
    drawn = watch(monkeypatch, session, *places)
    take(session, **ids)
    images = set(session.document.images)
    instances = [one.id for image_id in images for one in session.instances(image_id)]
    categories = {one.id for one in session.document.categories}
    assert drawn
    assert not drawn & {*images, *instances, *categories}
    assert len(images) == len(ids.get("images", (1,)))
    assert len(set(instances)) == len(instances) == len(ids.get("annotations", (1,)))
    assert len(categories) == len(ids.get("categories", (1,)))
    assert session.new_id() > max(*images, *instances, *categories)


def test_a_listed_id_that_was_drawn_meanwhile_is_renumbered_and_said(session, monkeypatch) -> None:
    book = IdBook.__init__

    def draw_after(*args) -> None:
        book(*args)
        assert session.new_id() == 2

    monkeypatch.setattr(IdBook, "__init__", draw_after)
    report = take(session, images=(2, 9), annotations=(2, 9), categories=(2, 9))
    for item in (Item.IMAGE, Item.ANNOTATION, Item.CATEGORY):
        ((old, new),) = report.new_ids(item)
        assert (old, new > 9) == (2, True)


def test_ids_that_are_taken_get_new_ones_and_the_drawn_stay_apart(session, monkeypatch) -> None:
    take(session, annotations=(1, 2, 3))
    drawn = watch(monkeypatch, session, *PLACES["decoding"])
    report = take(session, images=(7,), annotations=(3, 2, 1, 1))
    new = [new for _, new in report.new_ids(Item.ANNOTATION)]
    assert new
    assert not drawn & set(new)


def test_what_was_used_before_the_import_keeps_no_other_id_from_staying(session) -> None:
    for _ in range(50):
        session.new_id()
    report = take(session, images=(5, 60), annotations=(7, 70), categories=(9, 90))
    for item in (Item.IMAGE, Item.ANNOTATION, Item.CATEGORY):
        assert report.new_ids(item) == []
