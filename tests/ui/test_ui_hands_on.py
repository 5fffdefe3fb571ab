"""What an annotator ran into with the window in hand: each fault found stays mended."""

from pathlib import Path

from PIL import Image
from PySide6.QtGui import QGuiApplication

from maskgui.ui.controller import Controller

from .conftest import shown
from .test_ui_window import square


def test_the_status_bar_says_the_tool_again_once_there_is_an_image(opened: Controller) -> None:
    status = opened.window.status.tool
    assert status.full_text == opened.canvas.status != ""
    opened.files.close_project()
    assert status.full_text == ""


def test_redo_of_the_images_brings_canvas_and_tool_text_back(opened: Controller, wait) -> None:
    opened.files.remove_image()
    opened.files.remove_image()
    opened.files.remove_image()
    opened.files.remove_image()
    assert opened.window.stage.currentWidget() is opened.window.empty
    opened.editing.undo()
    wait(lambda: shown(opened))
    assert opened.window.stage.currentWidget() is opened.window.canvas
    assert opened.window.status.tool.full_text == opened.canvas.status
    opened.editing.redo()
    wait(lambda: opened.window.stage.currentWidget() is opened.window.empty)


def test_menus_run_as_the_language_does(opened: Controller) -> None:
    top = opened.window.topbar
    for menu in (top.project_menu, top.model_menu):
        assert menu.layoutDirection() is QGuiApplication.layoutDirection()


def test_an_image_that_cannot_be_read_offers_nothing_to_do_on_it(
    opened: Controller, folder: Path, wait
) -> None:
    (folder / "scene 9.png").write_bytes(b"no image")
    opened.files.rescan()
    wait(lambda: len(opened.desk.order) == 5)
    opened.navigation.go(opened.desk.order[-1])
    wait(lambda: opened.canvas.message != "")
    wait(lambda: opened.window.status.tool.full_text == "")
    opened.canvas.set_tool("polygon")
    assert opened.window.status.tool.full_text == ""
    assert "cannot be read" in opened.window.commands.reason("segment")
    assert opened.window.side.instances.empty_note == ""
    opened.navigation.step(-1)
    wait(lambda: shown(opened))
    assert opened.window.status.tool.full_text == opened.canvas.status
    assert "cannot be read" not in opened.window.commands.reason("segment")


def test_a_copy_is_cut_at_the_edge_of_a_smaller_image(
    opened: Controller, folder: Path, wait
) -> None:
    Image.new("RGB", (50, 40)).save(folder / "scene 9.png")
    opened.files.rescan()
    wait(lambda: len(opened.desk.order) == 5)
    far = square(opened, 70, 60)
    near = square(opened, 40, 10)
    opened.desk.selection.set([near.id, far.id])
    opened.copying.copy()
    opened.navigation.go(opened.desk.order[-1])
    wait(lambda: shown(opened))
    opened.copying.paste()
    (made,) = opened.desk.instances()
    assert made.shape.bounds == (40, 10, 50, 30)


def test_undo_in_a_toast_never_takes_back_something_else(opened: Controller) -> None:
    first, second = square(opened), square(opened, 40)
    opened.desk.selection.set([first.id, second.id])
    opened.editing.delete()
    said = "Deleted 2 instances."
    assert said in opened.window.toasts.texts
    square(opened, 60)
    assert said not in opened.window.toasts.texts


def test_saving_ends_in_saved_without_another_edit(opened: Controller, wait, monkeypatch) -> None:
    saved = opened.window.status.saved
    wait(lambda: saved.text() == "saved")
    with monkeypatch.context() as patched:
        patched.setattr(type(opened.desk.session), "pending", 1)
        opened.files._show_saved()
        assert saved.text().startswith("saving")
    wait(lambda: saved.text() == "saved")
