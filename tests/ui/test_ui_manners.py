"""Small manners of the window: toasts, the pointer's place, sizes, settings that take effect."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QPushButton,
    QScrollArea,
    QWidget,
)

from maskgui.ui.controller import Controller
from maskgui.ui.dialogs.ask import Dialog
from maskgui.ui.dialogs.category_map import CategoryMapDialog
from maskgui.ui.dialogs.keys import KeysDialog
from maskgui.ui.dialogs.settings import SettingsDialog
from maskgui.ui.panels.welcome import AREA_WIDTH
from maskgui.ui.toasts import MAX_TOASTS
from maskgui.ui.window import FIRST_SIZE, first_size

from .conftest import shown


def spoken(controller: Controller) -> list[str]:
    toasts = controller.window.toasts
    return [toast.findChildren(QLabel)[-1].text() for toast in toasts._pile]


def test_toasts_do_not_pile_up(opened: Controller) -> None:
    toasts = opened.window.toasts
    toasts.clear()
    toasts.say("“a.png” cannot be read.", problem=True)
    for name in "bcdef":
        toasts.say(f"Removed “{name}.png”.")
    assert len(toasts.texts) == MAX_TOASTS
    assert toasts.texts[0] == "“a.png” cannot be read.", "news gives way before a problem"
    assert toasts.texts[-1] == "Removed “f.png”."


def test_the_same_problem_is_counted_and_the_same_news_is_renewed(opened: Controller) -> None:
    toasts = opened.window.toasts
    toasts.clear()
    for _ in range(3):
        toasts.say("The disk is full.", problem=True)
    assert spoken(opened) == ["The disk is full. (3 times)"]
    toasts.clear()
    toasts.say("Found 12 objects in 1.3 s.")
    toasts.say("Found 4 objects in 0.9 s.")
    toasts.say("Found 4 objects in 0.9 s.")
    assert spoken(opened) == ["Found 4 objects in 0.9 s."]


def test_a_toast_keeps_out_of_the_images_way(opened: Controller) -> None:
    """It lies on the strip of images, where there is one, in the middle of the canvas."""
    window = opened.window
    window.toasts.clear()
    for shown_strip in (True, False, True):
        window.show_panel("film", shown_strip)
        QTest.qWait(0)
        window.toasts.say("Found 12 objects in 1.3 s.")
        toast = window.toasts._pile[-1]
        place = QRect(toast.mapTo(window, QPoint()), toast.size())
        canvas = QRect(opened.canvas.mapTo(window, QPoint()), opened.canvas.size())
        assert place.intersects(canvas) != shown_strip
        assert abs(place.center().x() - canvas.center().x()) <= 1
        status = window.status.mapTo(window, QPoint()).y()
        assert status - 16 < place.bottom() < status


def test_a_toast_stays_under_the_pointer_and_goes_with_a_click(qtbot, opened: Controller) -> None:
    toasts = opened.window.toasts
    toasts.clear()
    toasts.say("Found 12 objects in 1.3 s.")
    toast = toasts._pile[-1]
    toast._time.start(50)
    middle = QPointF(toast.rect().center())
    QApplication.sendEvent(toast, QEnterEvent(middle, middle, middle))
    QTest.qWait(150)
    assert toasts.texts, "it is being read"
    QApplication.sendEvent(toast, QEvent(QEvent.Type.Leave))
    assert toast._time.isActive()
    label = toast.findChildren(QLabel)[-1]
    QTest.mouseClick(label, Qt.MouseButton.LeftButton)
    assert not toasts.texts


def test_the_pointers_place_goes_with_its_image(opened: Controller, wait) -> None:
    pointer = opened.window.status.pointer
    canvas = opened.canvas
    QTest.mouseMove(canvas, QPoint(canvas.width() // 2, canvas.height() // 2))
    wait(lambda: pointer.text() != "")
    canvas.scroll_by(30, 20)
    before = pointer.text()
    opened.navigation.step(1)
    wait(lambda: shown(opened))
    x, y = canvas.view.to_image(canvas.width() // 2, canvas.height() // 2)
    assert pointer.text() == f"x {x:.1f}  y {y:.1f}" != before, "it rests, the image is another"
    canvas.point_at(None)
    assert pointer.text() == "", "it left the canvas"


@pytest.mark.parametrize("screen", [QSize(1440, 900), QSize(1280, 720), QSize(1366, 768)])
def test_the_first_window_fits_with_its_frame(screen: QSize) -> None:
    size = first_size(screen)
    assert size.width() < screen.width()
    assert size.height() + 37 <= screen.height()
    assert first_size(QSize(3840, 2160)) == FIRST_SIZE


def test_a_larger_image_is_taken_as_soon_as_the_limit_is_raised(
    controller: Controller, folder, wait
) -> None:
    # A PNG or TIFF of that size would be read in pieces.
    Image.fromarray(np.zeros((4000, 4000), np.uint8)).save(folder / "scene 0.bmp")
    controller.options["megapixels"] = 10
    controller.start([folder], None)
    wait(lambda: controller.desk.image_id in controller.navigation.problems)
    controller.options["megapixels"] = 20
    wait(lambda: shown(controller))
    assert controller.desk.record.path == "scene 0.bmp"
    assert not controller.navigation.problems
    controller.options["megapixels"] = 10
    wait(lambda: controller.desk.image_id in controller.navigation.problems)


def test_no_line_of_the_welcome_is_one_word(controller: Controller) -> None:
    words = controller.window.welcome._words
    room = AREA_WIDTH - 80
    for line in words.text().splitlines():
        assert words.fontMetrics().horizontalAdvance(line) <= room
        assert len(line.split()) > 2


def test_a_figure_in_the_settings_stands_as_other_fields_do(controller: Controller) -> None:
    dialog = SettingsDialog(controller.window, controller.options)
    dialog.show()
    figure, choice = dialog.controls["megapixels"], dialog.controls["wheel"]
    assert figure.height() == choice.height()
    assert figure.lineEdit().textMargins().left() >= 6
    assert (
        figure.mapTo(dialog, figure.rect().topRight()).x()
        == choice.mapTo(dialog, choice.rect().topRight()).x()
    )
    hints = [label for label in dialog.findChildren(QLabel) if label.objectName() == "hint"]
    assert (
        len({in_dialog(dialog, hint).left() + hint.contentsMargins().left() for hint in hints}) == 1
    )
    box = dialog.controls["labels"]
    name = next(one for one in dialog.findChildren(QLabel) if one.text() == box.accessibleName())
    QTest.mouseClick(name, Qt.MouseButton.LeftButton)
    assert box.isChecked()
    dialog.close()
    dialog.deleteLater()


def in_dialog(dialog: Dialog, widget: QWidget) -> QRect:
    return QRect(widget.mapTo(dialog, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("count", [1, 11, 40])
def test_a_table_ends_where_the_buttons_end(controller: Controller, wait, count: int) -> None:
    names = [f"category {n}" for n in range(count)]
    dialog = CategoryMapDialog(controller.window, "parts", names, ())
    dialog.show()
    area = dialog.findChild(QScrollArea)
    buttons = [in_dialog(dialog, one) for one in dialog.findChildren(QPushButton)]
    edge = max(button.right() for button in buttons)
    box = dialog.findChildren(QComboBox)[0]
    wait(lambda: in_dialog(dialog, box).right() == edge)
    assert area.verticalScrollBar().isVisible() == (count > 11)
    assert min(button.top() for button in buttons) - in_dialog(dialog, area).bottom() >= 16
    dialog.close()
    dialog.deleteLater()


def test_the_keys_end_where_field_and_button_end(controller: Controller, wait) -> None:
    dialog = KeysDialog(controller.window)
    dialog.show()
    chips = [one for one in dialog.findChildren(QLabel) if one.objectName() == "kbd"]
    edge = in_dialog(dialog, dialog.field).right()
    assert in_dialog(dialog, dialog.findChild(QPushButton)).right() == edge
    wait(lambda: {in_dialog(dialog, chip).right() for chip in chips} == {edge})
    dialog.close()
    dialog.deleteLater()


def test_the_list_of_a_models_categories_is_not_cut_at_its_scroll_bar(
    controller: Controller, wait
) -> None:
    names = [f"a category of the model with a name of its own {n}" for n in range(40)]
    dialog = CategoryMapDialog(controller.window, "parts", names, ())
    dialog.show()
    inside = dialog.findChild(QScrollArea).viewport()
    boxes = dialog.findChildren(QComboBox)
    wait(
        lambda: all(box.mapTo(inside, box.rect().topRight()).x() < inside.width() for box in boxes)
    )
    dialog.close()
    dialog.deleteLater()


def test_nothing_open_shows_no_empty_fields(controller: Controller, folder, wait) -> None:
    saved = controller.window.status.saved
    assert not saved.isVisible()
    controller.start([folder], None)
    wait(lambda: shown(controller))
    assert saved.isVisible()


def test_a_long_recent_name_is_shortened_not_cut(controller: Controller, tmp_path) -> None:
    name = "a project with a very long name that nobody would type " * 3
    path = tmp_path / f"{name}.maskgui"
    controller.window.welcome.show_recent([path])
    link = controller.window.welcome._recent.findChild(QPushButton)
    assert "…" in link.text()
    assert link.toolTip() == str(path)
