"""An export is of one moment, and replaces nothing before it is whole and still wanted."""

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from maskgui.assist import export_images, exporting
from maskgui.assist.exporting import ExportOptions, export_coco
from maskgui.assist.importing import import_coco
from maskgui.assist.session import Session
from maskgui.core.edits import add_category, merge_categories
from maskgui.core.entities import Category
from maskgui.core.errors import Cancelled
from maskgui.core.seal import Standing
from maskgui.project import connect

NAMES = ("a.png", "b.png", "c.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three images, and a data set with a square on each."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name in NAMES:
        Image.new("RGB", (20, 16), "red").save(folder / name)
    images = [
        {"id": at, "file_name": name, "width": 20, "height": 16} for at, name in enumerate(NAMES, 1)
    ]
    squares = [
        {"id": at, "image_id": at, "category_id": 1, "segmentation": [[1, 1, 9, 1, 9, 9, 1, 9]]}
        for at in range(1, 4)
    ]
    data = {"images": images, "annotations": squares, "categories": [{"id": 1, "name": "car"}]}
    (folder / "data.json").write_text(json.dumps(data))
    return folder


def without_log(connection: sqlite3.Connection) -> bool:
    """Prepare a writer as on a network share."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_mode = DELETE")
    return False


@pytest.fixture
def session(folder: Path, tmp_path: Path) -> Iterator[Session]:
    with Session.create(tmp_path / "p.maskgui", folder) as session:
        import_coco(session, folder / "data.json")
        yield session


def merge_all(session: Session, name: str) -> None:
    """Put every category into a new one."""
    old = list(session.document.categories)
    into = Category(session.new_id(), name, "#00ff00", 9)
    session.apply(add_category(into))
    touched = [one for each in old for one in session.instances_of_category(each.id)]
    session.apply(merge_categories(into, old, touched))


def names_of(path: Path) -> list[str | None]:
    """The category's name of each annotation, None where it is not listed."""
    data = json.loads(path.read_bytes())
    names = {one["id"]: one["name"] for one in data["categories"]}
    return [names.get(one["category_id"]) for one in data["annotations"]]


@pytest.mark.parametrize("log", [True, False])
def test_an_export_holds_what_was_there_when_it_began(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: bool
) -> None:
    if not log:
        monkeypatch.setattr(connect, "prepare_writer", without_log)
    out = tmp_path / "out.json"
    with Session.create(tmp_path / "p.maskgui", folder) as session:
        import_coco(session, folder / "data.json")
        merge_all(session, "van")  # not on disk yet: the export waits for it

        def edit(done: int, _: int) -> None:
            if done == 1:
                merge_all(session, "lorry")
                assert session.flush(20), "the export is in nobody's way"

        export_coco(session.project, out, ExportOptions(), edit)
        assert names_of(out) == ["van"] * 3
        export_coco(session.project, out)
        assert names_of(out) == ["lorry"] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="there the folder of an open file stays")
@pytest.mark.parametrize("log", [True, False])
def test_a_project_whose_folder_has_another_name_since_is_exported_as_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: bool
) -> None:
    if not log:
        monkeypatch.setattr(connect, "prepare_writer", without_log)
    home, out = tmp_path / "home", tmp_path / "out.json"
    home.mkdir()
    with Session.create(home / "p.maskgui", folder) as session:
        import_coco(session, folder / "data.json")
        export_coco(session.project, out)
        before = out.read_bytes()
        home.rename(tmp_path / "renamed")
        export_coco(session.project, out)
        assert out.read_bytes() == before
        if log:  # a rollback journal is made at the path, so nothing new is on disk without one

            def edit(done: int, _: int) -> None:
                if done == 1:
                    merge_all(session, "lorry")
                    assert session.flush(20)

            export_coco(session.project, out, ExportOptions(), edit)
            assert out.read_bytes() == before
            export_coco(session.project, out)
            assert names_of(out) == ["lorry"] * 3


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file is replaced")
def test_the_project_that_is_open_is_exported_not_another_of_its_name(
    session: Session, folder: Path, tmp_path: Path
) -> None:
    path, out = session.project.path, tmp_path / "out.json"
    session.close()
    with Session.open(path, read_only=True) as reader:
        Session.create(tmp_path / "other.maskgui", folder).close()
        (tmp_path / "other.maskgui").replace(path)
        assert export_coco(reader.project, out).annotations == 3


@pytest.mark.parametrize("copies", [False, True])
def test_an_export_that_is_stopped_while_it_is_read_back_replaces_nothing(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copies: bool
) -> None:
    out, cancel, real = tmp_path / "set" / "out.json", threading.Event(), exporting.check_file
    export_coco(session.project, out)
    before = out.read_bytes()
    merge_all(session, "lorry")

    def asked_meanwhile(*args) -> None:
        cancel.set()
        real(*args)

    monkeypatch.setattr(exporting, "check_file", asked_meanwhile)
    with pytest.raises(Cancelled):
        export_coco(session.project, out, ExportOptions(copy_images=copies), None, cancel)
    assert out.read_bytes() == before
    assert [path for path in out.parent.rglob("*") if path.is_file()] == [out]


def test_copies_are_there_before_the_file_that_names_them_or_not_at_all(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, cancel, copied = tmp_path / "set" / "instances.json", threading.Event(), []
    real = export_images.copy_image

    def second_is_the_last(source: Path, target: Path) -> None:
        assert not out.exists()
        real(source, target)
        copied.append(target)
        if len(copied) == 2:
            cancel.set()

    monkeypatch.setattr(export_images, "copy_image", second_is_the_last)
    options = ExportOptions(copy_images=True)
    with pytest.raises(Cancelled):
        export_coco(session.project, out, options, None, cancel)
    assert [path.name for path in copied] == list(NAMES[:2])
    assert [path for path in out.parent.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert export_coco(session.project, out, options).copied == 3, "nothing is in its way"


@pytest.mark.parametrize("copies", [False, True])
def test_what_somebody_corrects_while_an_export_is_written_stays(
    session: Session, tmp_path: Path, copies: bool
) -> None:
    out = tmp_path / "set" / "out.json"
    options = ExportOptions(copy_images=copies)
    export_coco(session.project, out, options)
    corrected = out.read_text().replace("car", "lorry")

    def meanwhile(done: int, _: int) -> None:
        if done == 2:
            out.write_text(corrected)

    with pytest.raises(Standing):
        export_coco(session.project, out, options, meanwhile)
    assert out.read_text() == corrected
    export_coco(session.project, out, ExportOptions(overwrite=True), meanwhile)
    assert names_of(out) == ["car"] * 3


def test_an_image_that_comes_while_an_export_is_written_stays(
    session: Session, tmp_path: Path
) -> None:
    out = tmp_path / "set" / "out.json"
    theirs = out.parent / "images" / "b.png"

    def meanwhile(done: int, _: int) -> None:
        if done == 2:
            theirs.parent.mkdir(parents=True)
            theirs.write_bytes(b"theirs")

    with pytest.raises(Standing):
        export_coco(session.project, out, ExportOptions(copy_images=True), meanwhile)
    assert theirs.read_bytes() == b"theirs"
    assert [path for path in out.parent.rglob("*") if path.is_file()] == [theirs]
