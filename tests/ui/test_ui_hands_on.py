"""What an annotator ran into with the window in hand: each fault found stays mended."""

from maskgui.ui.controller import Controller

from .conftest import shown


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
