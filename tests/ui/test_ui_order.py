"""Order on the canvas: piles, copies from image to image, categories at the pointer, sifting."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QCursor
from PySide6.QtTest import QTest

from maskgui.core.sieve import Origin, Sieve
from maskgui.ui.controller import Controller
from maskgui.ui.panels.picker import CategoryPicker
from maskgui.ui.panels.sieve import SievePopup

from .canvas_kit import Hand
from .conftest import shown
from .test_ui_window import square

Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier


@pytest.fixture
def hand(opened: Controller) -> Hand:
    opened.canvas.setFocus()
    return Hand(opened.canvas)


def pile(controller: Controller) -> list[int]:
    found = sorted(controller.desk.instances(), key=lambda one: (one.order, one.id))
    return [one.id for one in found]


def test_the_smallest_is_taken_first_and_tab_goes_beneath(opened: Controller, hand: Hand) -> None:
    small, large = square(opened, 30, 30, 10), square(opened, 10, 10, 60)
    hand.click(35, 35)
    assert opened.desk.selection.ids == {small.id}
    hand.key(Key.Key_Tab)
    assert opened.desk.selection.ids == {large.id}
    hand.key(Key.Key_Tab)
    assert opened.desk.selection.ids == {small.id}


def test_alt_drag_lassoes_instances(opened: Controller, hand: Hand) -> None:
    one, _ = square(opened, 10, 10, 10), square(opened, 60, 60, 10)
    hand.stroke([(4, 4), (40, 4), (40, 40), (4, 40), (4, 6)], ALT)
    assert opened.desk.selection.ids == {one.id}
    assert pile(opened)


def test_instances_go_up_and_down_the_pile(opened: Controller, hand: Hand) -> None:
    a, b, c = (square(opened, 10 + 5 * n, 10).id for n in range(3))
    opened.desk.selection.set([a])
    hand.key(Key.Key_BracketRight, CONTROL)
    assert pile(opened) == [b, a, c]
    hand.key(Key.Key_BracketRight, CONTROL | ALT)
    assert pile(opened) == [b, c, a]
    hand.key(Key.Key_BracketLeft, CONTROL)
    assert pile(opened) == [b, a, c]
    hand.key(Key.Key_BracketLeft, CONTROL | ALT)
    assert pile(opened) == [a, b, c]
    hand.key(Key.Key_BracketLeft, CONTROL)
    assert "The selection is at the bottom already." in opened.window.toasts.texts
    for _ in range(4):
        hand.key(Key.Key_Z, CONTROL)
    assert pile(opened) == [a, b, c]
    assert [one.order for one in opened.desk.instances()] == [0, 0, 0]


def test_a_locked_instance_stays_in_its_place(opened: Controller, hand: Hand) -> None:
    a, b = square(opened, 10, 10).id, square(opened, 15, 10).id
    opened.desk.selection.set([a])
    hand.key(Key.Key_L)
    hand.key(Key.Key_BracketRight, CONTROL)
    assert pile(opened) == [a, b]


def test_the_previous_images_instances_are_repeated_once(
    opened: Controller, hand: Hand, wait
) -> None:
    assert "first image" in opened.window.commands.reason("same_as_previous")
    first, second = square(opened, 10, 10), square(opened, 50, 50)
    hand.key(Key.Key_D)
    wait(lambda: shown(opened))
    hand.key(Key.Key_V, CONTROL | SHIFT)
    made = opened.desk.instances()
    assert [one.shape for one in made] == [first.shape, second.shape]
    assert opened.desk.selection.ids == {one.id for one in made}
    hand.key(Key.Key_V, CONTROL | SHIFT)
    assert opened.desk.instances() == made
    assert any("nothing to repeat" in text for text in opened.window.toasts.texts)
    hand.key(Key.Key_Z, CONTROL)
    assert opened.desk.instances() == []


@pytest.fixture
def picker(opened: Controller, hand: Hand, qapp) -> Callable[[], CategoryPicker]:
    for name in ("washer", "bolt", "nut"):
        opened.categories.add_named(name)

    def open_it() -> CategoryPicker:
        hand.key(Key.Key_Q)
        found = qapp.activePopupWidget()
        assert isinstance(found, CategoryPicker)
        return found

    return open_it


def names(picker: CategoryPicker) -> list[str]:
    return [picker.rows.item(row).text().split()[0] for row in range(picker.rows.count())]


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_picker_opens_at_the_pointer_and_inside_the_canvas(opened: Controller, picker) -> None:
    canvas = opened.canvas
    spot = canvas.mapToGlobal(QPoint(200, 120))
    QCursor.setPos(spot)
    found = picker()
    assert (found.pos() - spot).manhattanLength() < 40
    found.close()
    QCursor.setPos(canvas.mapToGlobal(QPoint(canvas.width() - 3, canvas.height() - 3)))
    found = picker()
    corner = canvas.mapFromGlobal(found.geometry().bottomRight())
    assert canvas.rect().adjusted(0, 0, 2, 2).contains(corner)
    found.close()


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_picker_has_recent_ones_first_and_takes_digits(opened: Controller, picker) -> None:
    washer, bolt, nut = (one.id for one in opened.desk.categories())
    found = picker()
    assert names(found) == ["washer", "bolt", "nut"]
    QTest.keyClicks(found.field, "3")
    assert opened.desk.draw_category == nut
    found = picker()
    assert names(found) == ["nut", "washer", "bolt"]
    QTest.keyClicks(found.field, "bo")
    assert names(found)[0] == "bolt"
    QTest.keyClick(found.field, Key.Key_Return)
    assert opened.desk.draw_category == bolt
    found = picker()
    assert names(found) == ["bolt", "nut", "washer"]
    QTest.keyClick(found.field, Key.Key_Escape)
    assert opened.desk.draw_category == bolt
    assert washer not in (bolt, nut)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_recent_categories_come_back_with_the_project(
    opened: Controller, picker, wait, folder: Path
) -> None:
    _, bolt, nut = (one.id for one in opened.desk.categories())
    opened.editing.give_category(nut)
    opened.editing.give_category(bolt)
    assert opened.files.close_project()
    assert opened.desk.session is None
    opened.start([folder], None)
    wait(lambda: shown(opened))
    found = picker()
    assert names(found) == ["bolt", "nut", "washer"]
    found.close()


# The filter


def shown_ids(controller: Controller) -> set[int]:
    return {one.id for one in controller.canvas.scene.instances()}


def test_the_filter_shows_the_same_on_canvas_and_list(opened: Controller, hand: Hand) -> None:
    small, large = square(opened, 10, 10, 10), square(opened, 30, 30, 50)
    opened.desk.selection.set([small.id, large.id])
    opened.sifting.sift(Sieve(least_side=20))
    QTest.qWait(10)  # lists follow once per burst of edits
    panel = opened.window.side.instances
    assert shown_ids(opened) == {large.id} == set(panel.tree.rows.all_ids())
    assert opened.desk.selection.ids == {large.id}
    assert panel._count.text() == "1 of 2"
    hand.click(15, 15)
    assert opened.desk.selection.ids == frozenset()
    hand.key(Key.Key_A, CONTROL)
    assert opened.desk.selection.ids == {large.id}
    opened.sifting.clear()
    assert shown_ids(opened) == {small.id, large.id}
    assert panel._count.text() == "2"


def test_the_filter_stays_from_image_to_image(opened: Controller, hand: Hand, wait) -> None:
    opened.sifting.sift(Sieve(origin=Origin.IMPORTED))
    hand.key(Key.Key_D)
    wait(lambda: shown(opened))
    square(opened)
    QTest.qWait(10)
    assert shown_ids(opened) == set()
    assert "lets none" in opened.window.side.instances.note.text()
    assert "The filter hides what was added." in opened.window.toasts.texts
    assert opened.files.close_project()
    assert opened.sifting.sieve.is_open


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_the_popup_of_the_filter_works_at_once(opened: Controller, hand: Hand, qapp) -> None:
    washer = square(opened, 10, 10, 10)
    bolt = opened.categories.add_named("bolt")
    hand.key(Key.Key_F, CONTROL | SHIFT)
    popup = qapp.activePopupWidget()
    assert isinstance(popup, SievePopup)
    popup.category.setCurrentIndex(popup.category.findData(bolt))
    assert shown_ids(opened) == set()
    popup.clear.click()
    assert shown_ids(opened) == {washer.id}
    popup.sides[1].setValue(9)
    assert shown_ids(opened) == set()
    assert opened.sifting.sieve == Sieve(most_side=9)
    popup.sides[1].lineEdit().setText("any")
    popup.sides[1].interpretText()
    assert opened.sifting.sieve.is_open
    popup.close()
    hand.key(Key.Key_F, CONTROL | SHIFT)
    assert qapp.activePopupWidget().sides[1].text() == "any"
    qapp.activePopupWidget().close()


# Going through instances and images


def test_z_goes_through_the_instances(opened: Controller, hand: Hand) -> None:
    one, two = square(opened, 10, 10, 10), square(opened, 90, 60, 10)
    QTest.qWait(10)
    view = opened.canvas.view
    for expected in (one, two, one):
        hand.key(Key.Key_Z)
        assert opened.desk.selection.ids == {expected.id}
        x0, y0, x1, y1 = expected.shape.bounds
        seen = view.visible_box()
        assert seen[0] <= x0
        assert seen[1] <= y0
        assert x1 <= seen[2]
        assert y1 <= seen[3]
        assert view.scale > 2
    hand.key(Key.Key_Z, SHIFT)
    assert opened.desk.selection.ids == {two.id}


def test_reviewed_and_next_unreviewed_by_key(opened: Controller, hand: Hand, wait) -> None:
    hand.key(Key.Key_Return, CONTROL)
    wait(lambda: shown(opened))
    assert opened.desk.record.path == "scene 2.png"
    hand.key(Key.Key_A)
    wait(lambda: shown(opened))
    assert opened.desk.record.review.value == "reviewed"
    hand.key(Key.Key_D, CONTROL | SHIFT)
    assert opened.desk.record.path == "scene 2.png"
    hand.key(Key.Key_A, CONTROL | SHIFT)
    assert opened.desk.record.path == "scene 4.png"


def test_space_pans_in_the_middle_of_drawing(opened: Controller, hand: Hand) -> None:
    opened.desk.use_category(opened.categories.add_named("washer"))
    hand.key(Key.Key_P)
    for spot in ((20, 20), (60, 20)):
        hand.click(*spot)
    before = opened.canvas.view.origin
    QTest.keyPress(opened.canvas, Key.Key_Space)
    hand.drag((60, 40), (50, 40))
    QTest.keyRelease(opened.canvas, Key.Key_Space)
    assert opened.canvas.view.origin[0] < before[0]
    hand.click(60, 60)
    hand.key(Key.Key_Return)
    (made,) = opened.desk.instances()
    assert made.shape.vertex_count == 3
    x0, y0, x1, y1 = made.shape.bounds
    assert (x0, y0, x1, y1) == pytest.approx((20, 20, 60, 60), abs=0.5)


def test_what_is_drawn_lies_above_hidden_ones(opened: Controller, hand: Hand) -> None:
    one, two = square(opened, 10, 10, 20), square(opened, 60, 60, 20)
    opened.desk.selection.set([one.id])
    opened.window.commands["to_front"].trigger()
    hand.key(Key.Key_H)
    hand.key(Key.Key_R)
    hand.drag((15, 15), (70, 70))
    made = pile(opened)[-1]
    assert pile(opened) == [two.id, one.id, made]


def test_what_is_pasted_at_once_is_clipped(controller: Controller, folder: Path, wait) -> None:
    Image.new("RGB", (40, 30)).save(folder / "scene 2.png")
    controller.start([folder], None)
    wait(lambda: shown(controller))
    one = square(controller, 20, 20, 60)
    controller.desk.selection.set([one.id])
    controller.window.commands["copy"].trigger()
    second = controller.desk.order[1]
    wait(lambda: controller.loader.cached(controller.desk.session.image_path(second)) is not None)
    controller.window.commands["next_image"].trigger()
    controller.window.commands["paste"].trigger()
    (made,) = controller.desk.instances()
    assert made.shape.bounds == (20, 20, 40, 30)


def test_hidden_and_locked_by_key_on_the_canvas(opened: Controller, hand: Hand) -> None:
    one, two = square(opened, 10, 10, 20), square(opened, 60, 60, 20)
    hand.click(20, 20)
    hand.key(Key.Key_H)
    assert shown_ids(opened) == {two.id}
    hand.key(Key.Key_T)
    assert shown_ids(opened) == {one.id, two.id}
    hand.click(70, 70)
    hand.key(Key.Key_H, SHIFT)
    assert shown_ids(opened) == {two.id}
    hand.key(Key.Key_H, SHIFT)
    hand.key(Key.Key_L)
    hand.drag((70, 70), (90, 70), CONTROL)
    assert two in opened.desk.instances()
