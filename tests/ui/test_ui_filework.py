"""Imports and exports end before their project closes, and leave nothing half done."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from maskgui.assist import exporting, importing
from maskgui.assist.exporting import ExportOptions
from maskgui.assist.session import Session
from maskgui.ui.control.datasets import EXPORT_CLOSED, IMPORT_CLOSED
from maskgui.ui.controller import Controller
from maskgui.ui.dialogs import stopping
from maskgui.ui.dialogs.stopping import StoppingDialog

from .conftest import shown

WAIT = 60.0
STOPPED = "Importing “data.json” was stopped."


class Held:
    """An import that goes on after its first chunk only when it is let go, or asked to stop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, until_stopped: bool = False) -> None:
        self.began, self.go = threading.Event(), threading.Event()
        real = importing.import_coco

        def held(session: Session, path: Path, images: None, tell: Any, cancel: threading.Event):
            def first(done: int, total: int) -> None:
                if done and not self.began.is_set():
                    self.began.set()
                    assert (cancel if until_stopped else self.go).wait(WAIT)
                tell(done, total)

            return real(session, path, images, first, cancel)

        monkeypatch.setattr(importing, "import_coco", held)


def data_set(folder: Path, each: int = 200) -> Path:
    """A COCO file of the four images of `folder`, with squares on them."""
    images, squares = [], []
    for number in range(1, 5):
        name = f"scene {number}.png"
        images.append({"id": number, "file_name": name, "width": 128, "height": 96})
        for at in range(each):
            x, y = at % 100, at // 100 * 10
            outline = [x, y, x + 8, y, x + 8, y + 8, x, y + 8]
            squares.append(
                {
                    "id": len(squares) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "segmentation": [outline],
                }
            )
    path = folder / "data.json"
    categories = [{"id": 1, "name": "car"}]
    path.write_text(
        json.dumps({"images": images, "categories": categories, "annotations": squares})
    )
    return path


def on_disk(project: Path) -> tuple[int, int]:
    """How many instances a closed project has, and how many jobs left something in it."""
    with Session.open(project) as session:
        return sum(session.instance_counts().values()), len(session.batches())


def begin(window: Controller, held: Held, folder: Path, wait) -> None:
    window.datasets.tells = False
    window.datasets.import_json(data_set(folder))
    wait(held.began.is_set)


def when_asked(act: Callable[[StoppingDialog], object]) -> None:
    """Do something with the dialog as soon as it stands."""

    def look() -> None:
        top = QApplication.activeModalWidget()
        if isinstance(top, StoppingDialog):
            act(top)
        else:
            QTimer.singleShot(10, look)

    look()


def press(dialog: StoppingDialog, text: str) -> None:
    {one.text(): one for one in dialog.findChildren(QPushButton)}[text].click()


def words_of(dialog: StoppingDialog) -> list[str]:
    return [one.text() for one in dialog.findChildren(QLabel)]


@pytest.mark.parametrize("leave", ["close", "quit", "end", "another"])
def test_whoever_leaves_during_an_import_leaves_no_half_data_set(
    opened: Controller,
    folder: Path,
    wait,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    leave: str,
) -> None:
    begin(opened, Held(monkeypatch, until_stopped=True), folder, wait)
    assert opened.desk.session.instance_counts(), "some has come in"
    if leave == "close":
        assert opened.files.close_project()
    elif leave == "quit":
        assert opened.window.close()
    elif leave == "end":
        opened.close()
    else:
        other = tmp_path / "other"
        other.mkdir()
        (other / "one.png").write_bytes((folder / "scene 1.png").read_bytes())
        opened.start([other], None)
        wait(lambda: shown(opened) and opened.desk.session.root == other)
    assert on_disk(folder / "bench.maskgui") == (0, 0)
    if leave in ("close", "another"):
        assert STOPPED in opened.window.toasts.texts


def test_a_project_that_an_import_began_goes_with_it(
    controller: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(controller, Held(monkeypatch, until_stopped=True), folder, wait)
    assert (folder / "bench.maskgui").is_file()
    assert controller.files.close_project()
    assert controller.desk.session is None
    assert [one.name for one in folder.glob("bench*")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file is deleted")
def test_nothing_is_left_beside_it_where_somebody_reads_it_too(
    controller: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(controller, Held(monkeypatch, until_stopped=True), folder, wait)
    with Session.open(folder / "bench.maskgui", read_only=True):  # SQLite keeps its log then
        assert controller.files.close_project()
        assert [one.name for one in folder.glob("bench*")] == []


@pytest.mark.parametrize("fresh", [True, False])
def test_a_project_made_for_an_import_goes_where_the_open_one_is_kept(
    opened: Controller, tmp_path: Path, wait, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    before, path = opened.desk.session, tmp_path / "new" / "new.maskgui"
    path.parent.mkdir()
    made = Session.create(path, path.parent)
    with monkeypatch.context() as kept_open:
        kept_open.setattr(opened.files, "end_work", lambda: False)
        assert not opened.files.take_new(made, fresh=fresh)
    wait(lambda: [one.name for one in path.parent.iterdir()] == ([] if fresh else [path.name]))
    assert opened.desk.session is before


def test_a_stop_is_said_when_all_is_taken_back(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    begin(opened, held, folder, wait)
    opened.window.commands["cancel_work"].trigger()
    QApplication.processEvents()
    assert opened.window.status.progress.text() == "Stopping: Importing “data.json”"
    assert STOPPED not in opened.window.toasts.texts
    assert opened.desk.work.is_on("data set")
    held.go.set()
    wait(lambda: STOPPED in opened.window.toasts.texts)
    assert not opened.desk.session.instance_counts()
    assert not opened.desk.work.is_on("data set")


def test_a_long_wait_can_be_watched(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "QUIET_MS", 0)
    held = Held(monkeypatch)
    begin(opened, held, folder, wait)
    when_asked(lambda _: held.go.set())
    assert opened.files.close_project()
    assert on_disk(folder / "bench.maskgui") == (0, 0)


def test_an_end_in_the_moment_of_the_question_is_the_end(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "QUIET_MS", 0)
    monkeypatch.setattr(StoppingDialog, "exec", lambda _: pytest.fail("nobody would close it"))
    ended = controller.datasets._work.ended
    QTimer.singleShot(0, ended.emit)
    assert stopping.wait_for_end(controller.window, "Importing", "", ended)


def test_a_project_may_be_kept_open_instead(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "QUIET_MS", 0)
    held = Held(monkeypatch)
    begin(opened, held, folder, wait)
    when_asked(lambda dialog: press(dialog, "Keep it open"))
    session = opened.desk.session
    assert not opened.files.close_project()
    held.go.set()
    wait(lambda: not opened.desk.work.is_on("data set"))
    assert opened.desk.session is session
    assert not session.instance_counts()
    opened.categories.add_named("still open")
    assert session.flush(20)


def test_closed_without_waiting_it_was_stopped(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "QUIET_MS", 0)
    held = Held(monkeypatch)
    begin(opened, held, folder, wait)
    said: list[str] = []
    problems: list[str] = []
    monkeypatch.setattr(opened.desk, "problem", problems.append)

    def close_now(dialog: StoppingDialog) -> None:
        said.extend(words_of(dialog))
        press(dialog, "Close now")

    when_asked(close_now)
    assert opened.files.close_project()
    held.go.set()
    wait(lambda: not opened.desk.work.is_on("data set"))
    assert said == ["Importing “data.json” is being stopped.", IMPORT_CLOSED]
    assert opened.window.toasts.texts[-1] == STOPPED
    assert problems == []
    assert on_disk(folder / "bench.maskgui")[1] == 1


@pytest.mark.parametrize("waits", [True, False])
def test_an_export_under_way_ends_before_its_project_closes(
    opened: Controller,
    folder: Path,
    wait,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    waits: bool,
) -> None:
    out, began, real = tmp_path / "out.json", threading.Event(), exporting.export_coco
    closed = threading.Event()
    said: list[str] = []

    def held(project: Any, target: Path, options: Any, tell: Any, cancel: threading.Event):
        def first(done: int, total: int) -> None:
            began.set()
            assert (cancel if waits else closed).wait(WAIT)
            tell(done, total)

        return real(project, target, options, first, cancel)

    def close_now(dialog: StoppingDialog) -> None:
        said.extend(words_of(dialog))
        press(dialog, "Close now")

    monkeypatch.setattr(exporting, "export_coco", held)
    opened.datasets.write(opened.desk.session, out, ExportOptions())
    wait(began.is_set)
    if not waits:
        monkeypatch.setattr(stopping, "QUIET_MS", 0)
        when_asked(close_now)
    assert opened.files.close_project()
    closed.set()
    wait(lambda: not opened.desk.work.is_on("data set"))
    assert said == ([] if waits else ["Exporting is being stopped.", EXPORT_CLOSED])
    assert opened.window.toasts.texts[-1] == "Exporting was stopped."
    assert list(tmp_path.glob("*.tmp")) == []
    assert not out.exists()


def test_an_import_can_be_taken_back_as_a_whole_once_it_has_ended(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.datasets.tells = False
    held, commands = Held(monkeypatch), opened.window.commands
    assert commands.reason("undo_batch") == "There is no run or import to take back."
    opened.datasets.import_json(data_set(folder))
    wait(held.began.is_set)
    assert commands.reason("undo_batch") == "It waits until the import or export has ended."
    held.go.set()
    wait(lambda: not commands.reason("undo_batch"))
    assert sum(opened.desk.session.instance_counts().values()) == 800
    commands["undo_batch"].trigger()
    wait(lambda: commands.reason("undo_batch") == "There is no run or import to take back.")
    assert not opened.desk.session.instance_counts()
    assert opened.window.toasts.texts[-1] == "Took back “Import data.json”."
