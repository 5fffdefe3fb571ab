"""Images of a data set that the project has already: recognised once, and never doubled."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.assist import images as images_module
from maskgui.assist import import_images
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.core.edits import add_category, add_instances
from maskgui.core.entities import Category, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.formats.coco_report import How, Item, Kind


def draw(path: Path, shade: int = 0, size: tuple[int, int] = (20, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(shade).integers(0, 255, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of images: a.png, one/x.png and two/x.png."""
    for shade, name in enumerate(("a.png", "one/x.png", "two/x.png")):
        draw(tmp_path / "mine" / name, shade)
    return tmp_path / "mine"


@pytest.fixture
def session(root: Path):
    with Session.create(root / "p.maskgui", root) as session:
        session.look_through()
        yield session


def take(session: Session, path: Path, *names: str, size: tuple[int, int] = (20, 16)):
    """Import a data set that lists images of these names, with an annotation on each."""
    width, height = size
    images = [
        {"id": n, "file_name": name, "width": width, "height": height}
        for n, name in enumerate(names, 101)
    ]
    ring = [2, 2, 9, 2, 9, 8, 2, 8]
    annotations = [
        {"id": n, "image_id": n, "category_id": 1, "segmentation": [ring], "area": 42}
        for n in range(101, 101 + len(names))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    value = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "n"}]}
    path.write_text(json.dumps(value))
    return import_coco(session, path)


def labelled(session: Session) -> list[str]:
    """Paths of the images that have instances."""
    return sorted(session.document.image(one).path for one in session.instance_counts())


def test_a_lone_json_finds_the_project_s_images_by_name_and_size(session, tmp_path) -> None:
    report = take(session, tmp_path / "far/data.json", "images/a.png", "train\\one\\x.png")
    assert labelled(session) == ["a.png", "one/x.png"]
    assert len(session.document.images) == 3
    assert [(one.path, one.how) for one in report.matched] == [
        ("a.png", How.NAME),
        ("one/x.png", How.NAME),
    ]
    assert report.missing == []
    assert "0 known by their file, 2 by name and size" in report.summary()
    assert json.loads(report.to_json())["matched_images"][0] == {
        "file_name": "images/a.png",
        "path": "a.png",
        "how": "name",
    }


@pytest.mark.parametrize("suffix", ["", "/images"])
def test_copies_beside_the_json_are_the_project_s_images(session, root, tmp_path, suffix) -> None:
    shutil.copytree(root, tmp_path / f"far{suffix}")
    report = take(session, tmp_path / "far/data.json", "a.png", "one/x.png", "two/x.png")
    assert labelled(session) == ["a.png", "one/x.png", "two/x.png"]
    assert len(session.document.images) == 3
    assert {one.how for one in report.matched} == {How.NAME}


def test_the_very_file_is_known_by_whatever_path_it_is_reached(session, root, tmp_path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "far/other name.png").symlink_to(root / "a.png")
    report = take(session, tmp_path / "far/data.json", "other name.png")
    assert labelled(session) == ["a.png"]
    assert [one.how for one in report.matched] == [How.FILE]


def test_another_picture_of_the_same_name_and_size_stays_another(session, tmp_path) -> None:
    other = draw(tmp_path / "far/a.png", shade=9)
    report = take(session, tmp_path / "far/data.json", "a.png")
    assert labelled(session) == [other.as_posix()]
    assert report.matched == []
    (note,) = [one for one in report.entries if one.kind is Kind.NOTE and one.item is Item.IMAGE]
    assert "though “a.png” has its name" in note.text


@pytest.mark.parametrize(
    ("names", "size"),
    [
        (["x.png"], (20, 16)),  # two images have that name
        (["a.png"], (30, 16)),  # its size is another
        (["one/a.png", "two/a.png"], (20, 16)),  # one image, which of the two?
    ],
)
def test_what_is_not_certain_is_not_guessed(session, tmp_path, names, size) -> None:
    report = take(session, tmp_path / "far/data.json", *names, size=size)
    assert report.matched == []
    assert [one.file_name for one in report.missing] == names


def test_a_size_listed_for_the_file_before_turning_is_the_image_s(session, tmp_path) -> None:
    report = take(session, tmp_path / "far/data.json", "a.png", size=(16, 20))
    assert labelled(session) == ["a.png"]
    assert report.count(Kind.NOTE) == 1, "look whether its outlines fit"


def test_outlines_beyond_their_image_are_kept_and_counted(session, root) -> None:
    report = take(session, root / "data.json", "a.png", size=(20, 16))
    assert report.outside == 0
    draw(root / "small.png", size=(6, 8))
    report = take(session, root / "small.json", "small.png", size=(6, 8))
    assert report.outside == 1
    assert "Reaching beyond their image: 1 annotation." in report.summary()
    (note,) = [one for one in report.entries if one.kind is Kind.NOTE and "beyond" in one.text]
    assert note.text == "its outline reaches 3 pixels beyond the image; it is kept"
    (kept,) = session.instances(max(session.document.images))
    assert kept.shape.bounds == (2, 2, 9, 8)


def while_headers_are_read(monkeypatch: pytest.MonkeyPatch, act) -> None:
    """Do something at the first header that an import reads."""
    real, done = import_images.read_header, []

    def read(path: Path):
        if not done:
            done.append(path)
            act()
        return real(path)

    monkeypatch.setattr(import_images, "read_header", read)


def test_a_rescan_during_an_import_doubles_no_image(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    square = Shape([Polygon([(1, 1), (6, 1), (6, 6)])])
    with Session.create(root / "p.maskgui", root) as session:
        drawn: list[Instance] = []

        def look_and_draw() -> None:
            first = session.look_through().added[0]
            kind = Category(session.new_id(), "mine", "#00ff00", 0)
            session.apply(add_category(kind))
            drawn.append(Instance(session.new_id(), first, kind.id, square, order=3))
            session.apply(add_instances(drawn, "Draw"))

        while_headers_are_read(monkeypatch, look_and_draw)
        names = ("a.png", "one/x.png", "two/x.png")
        report = take(session, root / "data.json", *names)
        paths = {one.path: one for one in session.document.images.values()}
        assert sorted(paths) == sorted(names)
        assert len(session.document.images) == 3
        new = dict(report.new_ids(Item.IMAGE))
        assert [new[old] for old in (101, 102, 103)] == [paths[name].id for name in names]
        for name in names:
            record = paths[name]
            assert (record.width, record.height) == (20, 16)
            assert record.source is not None
            held = session.instances(record.id)
            mine = [one for one in held if one.id == drawn[0].id]
            assert len(held) == 1 + len(mine)
            assert held[-1].verbatim, "what comes in lies above what was drawn"
        assert session.undo_batch(report.job)
        assert len(session.document.images) == 3, "the rescan found them, and they stay"


def test_an_image_added_during_an_import_and_gone_again_comes_in(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session.create(root / "p.maskgui", root) as session:
        while_headers_are_read(
            monkeypatch, lambda: session.remove_images(session.look_through().added)
        )
        take(session, root / "data.json", "a.png")
        assert [one.path for one in session.document.images.values()] == ["a.png"]
        assert labelled(session) == ["a.png"]


def test_what_others_add_during_a_rescan_is_not_added_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session.create(root / "p.maskgui", root) as session:
        theirs: list[int] = []

        def meanwhile(*_: object) -> set:
            theirs.extend(session.add_images([root / "a.png"]))
            return set()

        monkeypatch.setattr(images_module, "_linked", meanwhile)
        added = session.look_through().added
        assert len(session.document.images) == 3
        assert len(added) == 2 and not set(added) & set(theirs)
