"""Files in and out of the window: what is no data set, a damaged project, the file worker."""

import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QPushButton

from maskgui.assist import importing
from maskgui.assist.exporting import ExportOptions
from maskgui.assist.session import Session
from maskgui.core.errors import UserError
from maskgui.project.backup import make_backup
from maskgui.ui.controller import Controller
from maskgui.ui.dialogs.restore import RestoreDialog
from maskgui.ui.jobs import Ending

from .conftest import shown


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "no ending"])
def test_a_file_of_no_use_is_one_sentence(opened: Controller, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    before = opened.desk.session
    opened.window.dropped.emit([tmp_path / name])
    assert opened.window.toasts.texts[-1].startswith(f"“{name}” is no image, COCO JSON or project")
    assert opened.desk.session is before
    assert not opened.jobs.busy


def test_an_export_does_not_wait_behind_the_network(
    opened: Controller, wait, tmp_path: Path
) -> None:
    go, began = threading.Event(), threading.Event()

    def first_load(_: object) -> None:
        began.set()
        assert go.wait(60)

    try:
        opened.jobs.run(first_load, "Loading", Ending(lambda _: None, pytest.fail))
        assert began.wait(20)
        opened.datasets.write(opened.desk.session, tmp_path / "out.json", ExportOptions())
        wait((tmp_path / "out.json").is_file)
        wait(lambda: not opened.desk.work.is_on("data set"))
        assert opened.jobs.busy, "the network's job is still under way"
    finally:
        go.set()


@pytest.mark.parametrize("agreed", [False, True])
def test_an_export_asks_before_it_replaces_what_is_not_its_own(
    opened: Controller, wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreed: bool
) -> None:
    questions = []
    monkeypatch.setattr(
        "maskgui.ui.dialogs.ask.ask", lambda _, *texts: questions.append(texts) or agreed
    )
    out = tmp_path / "labels.json"
    out.write_text("their labels")
    opened.datasets.write(opened.desk.session, out, ExportOptions())
    wait(lambda: len(questions) == 1 and not opened.desk.work.is_on("data set"))
    assert questions[0][0] == f"Replace “labels.json” in “{tmp_path.name}”?"
    assert (out.read_text() == "their labels") is not agreed
    if agreed:
        opened.datasets.write(opened.desk.session, out, ExportOptions())
        wait(lambda: not opened.desk.work.is_on("data set"))
        assert len(questions) == 1, "the export knows its own"


def test_an_export_of_a_project_that_is_no_more_the_open_one_asks_nothing(
    opened: Controller, wait, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maskgui.ui.dialogs.ask.ask", lambda *_: pytest.fail("nobody can agree"))
    out = tmp_path / "labels.json"
    out.write_text("their labels")
    with Session.create(tmp_path / "other.maskgui", tmp_path) as other:
        opened.datasets.write(other, out, ExportOptions())
        wait(lambda: not opened.desk.work.is_on("data set"))
    assert opened.window.toasts.texts[-1] == (
        "Nothing was exported, as “labels.json” is no earlier export; open “other.maskgui” again "
        "to replace it."
    )
    assert out.read_text() == "their labels"


def damaged(controller: Controller) -> Path:
    """Close the project and damage its file, which has a good backup."""
    path = controller.desk.session.project.path
    assert controller.desk.session.flush(20)
    assert controller.files.close_project()
    assert make_backup(path) is not None
    data = bytearray(path.read_bytes())
    data[100:] = b"\x5a" * (len(data) - 100)
    path.write_bytes(data)
    return path


def answer(button: str, seen: list[str]) -> None:
    """Press a button of the dialog that is about to open."""

    def press(widget: RestoreDialog | None) -> None:
        if widget is None:
            QTimer.singleShot(20, lambda: press(dialog()))
            return
        seen.append(widget.windowTitle())
        buttons = {one.text(): one for one in widget.findChildren(QPushButton)}
        buttons[button].click()

    def dialog() -> RestoreDialog | None:
        from PySide6.QtWidgets import QApplication

        top = QApplication.activeModalWidget()
        return top if isinstance(top, RestoreDialog) else None

    press(None)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_damaged_project_is_restored_from_its_backup(
    opened: Controller, folder: Path, wait
) -> None:
    path = damaged(opened)
    seen: list[str] = []
    answer("Restore the backup", seen)
    opened.start([folder], None)
    wait(lambda: shown(opened))
    assert len(seen) == 1
    assert len(opened.desk.session.document.images) == 4
    (aside,) = path.parent.glob(f"{path.name}.damaged-*")
    wait(lambda: any(aside.name in text for text in opened.window.toasts.texts))


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_damaged_project_may_be_left_as_it_is(opened: Controller, folder: Path, wait) -> None:
    path = damaged(opened)
    broken = path.read_bytes()
    seen: list[str] = []
    answer("Cancel", seen)
    opened.start([folder], None)
    wait(lambda: bool(seen))
    assert opened.desk.session is None
    assert path.read_bytes() == broken


def test_without_a_person_the_damage_is_a_sentence(opened: Controller, folder: Path, wait) -> None:
    damaged(opened)
    opened.opening.asks = False
    opened.start([folder], None)
    wait(lambda: bool(opened.opening.problem))
    assert "newest good backup" in opened.opening.problem


CLOSED_UNDER_A_STAGE = """
    import sys, threading, time
    from pathlib import Path
    from maskgui.assist import jobs
    from maskgui.ui import app
    from maskgui.ui.controller import Controller
    from maskgui.ui.jobs import Ending

    jobs.LINGER = 600
    busy = threading.Event()

    def stage(_):
        busy.set()
        time.sleep(600)

    start = Controller.start

    def started(self, paths, model):
        start(self, paths, model)
        self.jobs.run(stage, "Loading", Ending(print, print))
        busy.wait(60)
        self.desk.shown.connect(lambda: self.desk.record and self.desk.main.post(close))

        def close():
            session = self.desk.session
            self.categories.add_named("washer")
            self.window.close()
            print("closed", session.project.pending, flush=True)

    Controller.start = started
    sys.exit(app.run([Path(sys.argv[1])]))
"""


def test_the_process_ends_with_its_window_though_a_stage_hangs(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CLOSED_UNDER_A_STAGE), str(folder)],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "closed 0\n"), done.stderr

    with Session.open(folder / f"{folder.name}.maskgui") as session:
        assert [one.name for one in session.document.categories] == ["washer"]


def small_data_set(folder: Path) -> Path:
    """A COCO file beside the four images of `folder`."""
    images = [
        {"id": n, "file_name": f"scene {n}.png", "width": 128, "height": 96} for n in range(1, 5)
    ]
    path = folder / "data.json"
    path.write_text(json.dumps({"images": images, "categories": [], "annotations": []}))
    return path


def said(controller: Controller) -> tuple[str, bool]:
    """The title of the page without images, and whether it offers anything."""
    page = controller.window.empty
    assert controller.window.stage.currentWidget() is page
    return page._title.text(), any(one.isVisible() for one in page.findChildren(QPushButton))


def test_while_a_data_set_is_imported_the_page_says_so(
    controller: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, began, real = threading.Event(), threading.Event(), importing.import_coco

    def slow(*args):
        began.set()
        assert go.wait(60)
        return real(*args)

    monkeypatch.setattr(importing, "import_coco", slow)
    controller.datasets.tells = False
    try:
        controller.start([small_data_set(folder)], None)
        wait(began.is_set)
        assert said(controller) == ("Importing “data.json”…", False)
    finally:
        go.set()
    wait(lambda: shown(controller))
    assert controller.window.stage.currentWidget() is controller.canvas


def test_after_an_import_that_failed_the_page_offers_what_to_do(
    opened: Controller, folder: Path, wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_):
        raise UserError("No such thing.")

    for _ in range(4):
        opened.files.remove_image()
    assert said(opened) == ("No images in “bench”", True)
    monkeypatch.setattr(importing, "import_coco", fails)
    opened.datasets.import_json(small_data_set(folder))
    assert said(opened) == ("Importing “data.json”…", False)
    wait(lambda: not opened.desk.work.is_on("data set"))
    assert said(opened) == ("No images in “bench”", True)
