"""What the window says and keeps when the disk, or another program, stands against it."""

import os
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from maskgui.assist.session import Session
from maskgui.core.edits import add_instances
from maskgui.core.entities import Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.project import project as project_module
from maskgui.project import rows, writer
from maskgui.ui.controller import Controller
from maskgui.ui.options import Options

from .conftest import shown

UNDER_AN_OPEN_FILE = pytest.mark.skipif(
    sys.platform == "win32", reason="there an open file is neither deleted nor replaced"
)
NOT_ON_DISK = "Changes are not on disk yet"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.02)
    monkeypatch.setattr(writer, "LOOK_SECONDS", 0.05)


def draw(window: Controller) -> Instance:
    kinds = window.desk.categories()
    kind = kinds[0].id if kinds else window.categories.add_named("a")
    assert kind is not None and window.desk.image_id is not None
    square = Shape([Polygon([(5, 5), (25, 5), (25, 25), (5, 25)])])
    made = Instance(window.desk.new_id(), window.desk.image_id, kind, square)
    assert window.desk.apply(add_instances([made], "Add"))
    return made


def ids_in(path: Path) -> list[int]:
    with Session.open(path, read_only=True) as session:
        images = session.document.images
        return [one.id for image_id in images for one in session.instances(image_id)]


@UNDER_AN_OPEN_FILE
def test_a_deleted_project_is_on_disk_again_and_that_is_said_once(
    opened: Controller, wait, folder: Path
) -> None:
    project = opened.desk.session.project
    made = [draw(opened)]
    opened.window.commands["save"].trigger()
    names = [project.path.with_name(project.path.name + end) for end in ("", "-wal", "-shm")]
    # On the writer's thread, which looks after the files: it sees all or none of them gone.
    project._post(lambda _: [name.unlink() for name in names])
    said = "“bench.maskgui” were deleted or moved away"
    wait(lambda: any(said in text for text in opened.window.toasts.texts))
    assert project.path.is_file()
    made.append(draw(opened))
    opened.window.commands["save"].trigger()
    assert opened.window.status.saved.text() == "saved"
    assert sum("deleted" in text for text in opened.window.toasts.texts) == 1
    opened.window.close()
    assert ids_in(folder / "bench.maskgui") == [one.id for one in made]


@UNDER_AN_OPEN_FILE
def test_a_replaced_project_goes_on_under_another_name(
    opened: Controller, wait, folder: Path, tmp_path: Path
) -> None:
    session = opened.desk.session
    path = session.project.path
    with Session.create(tmp_path / "other.maskgui", folder):
        pass
    made = draw(opened)
    theirs = (tmp_path / "other.maskgui").read_bytes()
    (tmp_path / "other.maskgui").replace(path)
    opened.window.commands["save"].trigger()
    assert any("Another program replaced" in text for text in opened.window.toasts.texts)
    kept = session.project.path
    assert kept.name.startswith("bench (recovered ")
    assert kept.stem in opened.window.windowTitle()
    assert Options().recent()[0] == kept
    opened.window.close()
    assert path.read_bytes() == theirs
    assert ids_in(kept) == [made.id]


@UNDER_AN_OPEN_FILE
def test_a_replacement_found_at_closing_is_among_the_recent_projects(
    opened: Controller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = opened.desk.session.project.path
    draw(opened)
    shutil.copy(path, tmp_path / "copy.maskgui")
    (tmp_path / "copy.maskgui").replace(path)
    opened.window.close()
    assert "recovered" in Options().recent()[0].name


def test_the_alarm_of_a_full_disk_is_one_and_goes_when_all_is_on_disk(
    opened: Controller, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, full = rows.write_changes, True

    def write(connection: sqlite3.Connection, edit: object) -> None:
        if full:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error
        plain(connection, edit)

    toasts, status = opened.window.toasts, opened.window.status
    monkeypatch.setattr(rows, "write_changes", write)
    for _ in range(3):
        draw(opened)
        opened.window.commands["save"].trigger()
        assert status.saved.text() == "not saved"
        assert sum(text.startswith(NOT_ON_DISK) for text in toasts.texts) == 1
    full = False
    wait(lambda: status.saved.text() == "saved")
    assert not any(text.startswith(NOT_ON_DISK) for text in toasts.texts)
    opened.window.commands["save"].trigger()
    assert toasts.texts == ["Saved. Every edit is saved as you make it."]


def test_a_project_that_cannot_be_written_is_shown(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = draw(opened)
    assert opened.files.close_project()
    (folder / "scene 9.png").write_bytes((folder / "scene 1.png").read_bytes())
    before = (folder / "bench.maskgui").read_bytes()
    plain = os.access
    monkeypatch.setattr(
        project_module.os, "access", lambda path, mode: mode != os.W_OK and plain(path, mode)
    )
    for what in (folder, folder / "bench.maskgui", folder / "scene 2.png"):
        opened.start([what], None)
        wait(lambda: shown(opened))
        assert "open for reading only" in opened.window.toasts.texts[-1]
        assert opened.window.status.saved.text() == "read only"
        opened.navigation.go(made.image_id)
        assert [one.id for one in opened.desk.instances()] == [made.id]
        again = opened.desk.instances()[0]
        assert not opened.desk.apply(add_instances([again], "Add"))
        assert "nothing can be changed" in opened.window.toasts.texts[-1]
        opened.desk.selection.set([made.id])
        opened.view.lock()
        opened.window.commands["save"].trigger()
        assert "open for reading only" in opened.window.toasts.texts[-1]
        opened.window.commands["rescan"].trigger()
        wait(lambda: opened.window.toasts.texts[-1] == "No new images.")
        assert opened.files.close_project()
        opened.window.toasts.clear()
    assert (folder / "bench.maskgui").read_bytes() == before


def test_what_is_hidden_or_locked_is_so_after_a_restart(
    opened: Controller, folder: Path, wait
) -> None:
    first, second, third = draw(opened), draw(opened), draw(opened)
    opened.view.hide([first.id])
    opened.view.lock([second.id, third.id])
    opened.view.lock([third.id])
    assert opened.files.close_project()
    assert opened.canvas.scene.hidden == opened.canvas.scene.locked_ids == frozenset()
    opened.start([folder], None)
    wait(lambda: shown(opened))
    assert opened.canvas.scene.hidden == {first.id}
    assert opened.canvas.scene.locked_ids == {second.id}
    assert opened.window.side.instances.tree.locked == {second.id}
    opened.view.toggle_all()
    assert opened.desk.session.setting("hidden") == []


def test_strange_values_for_what_is_hidden_hide_nothing(
    opened: Controller, folder: Path, wait
) -> None:
    opened.desk.session.set_setting("hidden", "everything")
    opened.desk.session.set_setting("locked", [None, "x", 5])
    assert opened.files.close_project()
    opened.start([folder], None)
    wait(lambda: shown(opened))
    assert opened.canvas.scene.hidden == frozenset()
    assert opened.canvas.scene.locked_ids == {5}
