"""The canvas worked through Qt's events: tools, keys, selection, drafts, view, threads."""

import gc
import sys
import threading

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from maskgui.core.document import EditConflict
from maskgui.core.shape import Polygon
from maskgui.ui.canvas.motion import GLIDE_MS
from tests.ui.canvas_kit import LEFT, Desk, holed, instance, square

CTRL = Qt.KeyboardModifier.ControlModifier
PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def desk(qtbot):
    return Desk(qtbot, holed(), instance(2, Polygon(square(120, 20, 40)), category=8))


def test_click_selects_and_the_model_is_shared(desk):
    seen = []
    desk.canvas.selection.changed.connect(seen.append)
    desk.click(30, 30)
    desk.click(140, 40, CTRL)
    assert seen == [frozenset({1}), frozenset({1, 2})]
    desk.click(60, 60)  # in the hole
    assert desk.canvas.selection.ids == frozenset()
    desk.canvas.selection.set({2})
    assert desk.canvas.scene.selection == {2}


def test_a_click_into_a_hole_selects_nothing(desk):
    desk.click(60, 60)
    assert desk.canvas.selection.ids == frozenset()


def test_a_drag_is_one_edit_at_release(desk):
    desk.drag((140, 40), (150, 60), CTRL)
    assert len(desk.project.edits) == 1
    x0, y0, _, _ = desk.shape(2).bounds
    assert (x0, y0) == pytest.approx((130, 40), abs=0.5)


def test_escape_in_a_drag_puts_everything_back(desk):
    before = desk.picture()
    desk.hover(140, 40, CTRL)
    QTest.mousePress(desk.canvas, LEFT, CTRL, desk.at(140, 40))
    desk.hover(160, 80, CTRL, LEFT)
    assert (desk.picture() != before).any()
    desk.key(Qt.Key.Key_Escape)
    QTest.mouseRelease(desk.canvas, LEFT, CTRL, desk.at(160, 80))
    desk.canvas.point_at(None)
    assert desk.project.edits == []
    assert (desk.picture() == before).all()


def test_double_click_edits_vertices(desk):
    names = []
    desk.canvas.tool_changed.connect(names.append)
    desk.double_click(140, 40)
    assert names == ["vertex"]
    desk.drag((160, 20), (170, 10))
    assert desk.shape(2).parts[0].exterior[1].tolist() == pytest.approx([170, 10], abs=0.5)
    assert len(desk.project.edits) == 1
    desk.undo()
    assert desk.shape(2).parts[0].exterior[1].tolist() == [160, 20]


def test_polygon_by_clicks_and_enter(desk):
    texts = []
    desk.canvas.status_changed.connect(texts.append)
    desk.canvas.set_tool("polygon")
    for x, y in [(120, 80), (180, 80), (180, 130)]:
        desk.click(x, y)
    desk.key(Qt.Key.Key_Return)
    assert len(desk.ids()) == 3
    assert desk.canvas.selection.ids == {desk.ids()[-1]}
    assert any("Enter closes" in text for text in texts)


def test_a_shape_without_category_is_kept_until_it_has_one(desk, qtbot):
    desk.canvas.set_draw_category(None)
    desk.canvas.set_tool("rectangle")
    with qtbot.waitSignal(desk.canvas.category_needed):
        desk.drag((120, 80), (180, 130))
    assert desk.project.edits == []
    desk.open(2)
    with qtbot.waitSignal(desk.canvas.category_needed):
        desk.open(1)
    desk.canvas.waiting.give(8)
    made = desk.project.document.instances(1)[-1]
    assert made.category_id == 8
    assert made.shape.bounds == pytest.approx((120, 80, 180, 130), abs=0.5)
    desk.canvas.waiting.give(8)
    assert len(desk.project.edits) == 1


def test_a_draft_waits_for_its_image(desk):
    desk.canvas.set_tool("polygon")
    for x, y in [(120, 80), (180, 80)]:
        desk.click(x, y)
    desk.open(2)
    desk.open(1)
    assert desk.canvas.tool == "polygon"
    desk.click(180, 130)
    desk.key(Qt.Key.Key_N)
    assert len(desk.ids()) == 3


def test_tab_stays_on_the_canvas(qtbot):
    desk = Desk(qtbot, holed(), instance(2, Polygon(square(25, 25, 15))))
    desk.canvas.setFocus()
    desk.hover(30, 30)
    seen = []
    for key in (Qt.Key.Key_Tab, Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
        desk.key(key)
        seen.append(desk.canvas.selection.ids)
    assert seen == [{2}, {1}, {2}]


def overrides(canvas, key, held=PLAIN):
    event = QKeyEvent(QEvent.Type.ShortcutOverride, key, held)
    event.ignore()
    QApplication.sendEvent(canvas, event)
    return event.isAccepted()


def test_the_tools_keys_come_before_shortcuts_only_while_it_needs_them(desk):
    assert not overrides(desk.canvas, Qt.Key.Key_N)
    assert not overrides(desk.canvas, Qt.Key.Key_Z, CTRL)
    assert not overrides(desk.canvas, Qt.Key.Key_Delete)
    desk.canvas.set_tool("polygon")
    desk.click(120, 80)
    assert overrides(desk.canvas, Qt.Key.Key_N)
    assert overrides(desk.canvas, Qt.Key.Key_Z, CTRL)
    assert overrides(desk.canvas, Qt.Key.Key_Escape)
    assert not overrides(desk.canvas, Qt.Key.Key_R)


def test_keys_that_are_not_the_canvas_go_on(desk, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(desk.canvas)
    got = []
    window.keyPressEvent = lambda event: got.append(event.key())
    window.show()
    QTest.keyClick(desk.canvas, Qt.Key.Key_G)
    assert got == [Qt.Key.Key_G]
    desk.canvas.setParent(None)


def test_arrows_nudge_by_one_edit(desk):
    desk.click(140, 40)
    QTest.keyPress(desk.canvas, Qt.Key.Key_Right)
    QTest.keyPress(desk.canvas, Qt.Key.Key_Right)
    assert desk.project.edits == []
    QTest.keyRelease(desk.canvas, Qt.Key.Key_Right)
    assert desk.shape(2).bounds == (122, 20, 162, 60)


def test_ctrl_wheel_zooms_at_the_cursor_and_plain_wheel_scrolls(desk):
    position = QPointF(200, 150)
    before = desk.canvas.view.to_image(200, 150)
    scale = desk.canvas.view.scale
    for _ in range(4):
        desk.wheel(position, 1)
    assert desk.canvas.view.scale > 2 * scale
    spot = desk.canvas.view.to_screen(*before)
    assert abs(spot.x() - 200.5) <= 0.5
    assert abs(spot.y() - 150.5) <= 0.5
    left, top = desk.canvas.view.origin
    desk.wheel(position, -1, PLAIN)
    assert desk.canvas.view.origin == (left, top - 80)
    desk.canvas.set_wheel_zooms(True)
    scale = desk.canvas.view.scale
    desk.wheel(position, 1, PLAIN)
    assert desk.canvas.view.scale > scale


@pytest.mark.parametrize("way", ["middle", "space"])
def test_panning(desk, way):
    desk.wheel(QPointF(320, 240), 4)
    left, top = desk.canvas.view.origin
    button = Qt.MouseButton.MiddleButton if way == "middle" else LEFT
    if way == "space":
        QTest.keyPress(desk.canvas, Qt.Key.Key_Space)
    start = desk.canvas.view.to_image(300, 200)
    end = desk.canvas.view.to_image(340, 230)
    desk.hover(*start)
    QTest.mousePress(desk.canvas, button, PLAIN, desk.at(*start))
    desk.hover(*end, PLAIN, button)
    QTest.mouseRelease(desk.canvas, button, PLAIN, desk.at(*end))
    if way == "space":
        QTest.keyRelease(desk.canvas, Qt.Key.Key_Space)
    new_left, new_top = desk.canvas.view.origin
    assert abs(new_left - left - 40) <= 1
    assert abs(new_top - top - 30) <= 1
    assert desk.project.edits == []
    assert desk.canvas.selection.ids == frozenset()


def test_fit_100_and_box(desk):
    scales = []
    desk.canvas.scale_changed.connect(scales.append)
    desk.canvas.zoom_to_100()
    assert desk.canvas.view.scale == 1.0
    desk.canvas.zoom_to((120, 20, 160, 60))
    box = desk.canvas.view.box_to_screen((120, 20, 160, 60))
    assert box.center().x() == pytest.approx(320, abs=1)
    assert 200 < box.height() < 480
    desk.canvas.fit()
    assert desk.canvas.view.visible_box() == (0, 0, 200, 150)
    desk.canvas.set_reduced_motion(False)
    fitted = desk.canvas.view.scale
    desk.canvas.zoom_to_100()
    assert desk.canvas.view.scale == fitted
    glide = desk.canvas._glide._animation
    glide.setCurrentTime(GLIDE_MS // 2)
    assert min(fitted, 1.0) < desk.canvas.view.scale < max(fitted, 1.0)
    assert scales[-1] == desk.canvas.view.scale
    glide.setCurrentTime(GLIDE_MS)
    assert scales[-1] == desk.canvas.view.scale == 1.0


def test_what_a_click_will_do_is_shown_before(desk):
    desk.canvas.selection.set({2})
    desk.canvas.set_tool("vertex")
    texts = []
    desk.canvas.status_changed.connect(texts.append)
    plain = desk.picture()
    desk.hover(160, 60)
    assert (desk.picture() != plain).any()
    desk.hover(160, 60, SHIFT)
    assert texts == ["Vertex: drag moves it, Shift+click deletes it", "Vertex: click deletes it"]


def test_hover_is_told_and_ends_when_the_pointer_leaves(desk):
    seen = []
    desk.canvas.hovered.connect(seen.append)
    plain = desk.picture()
    desk.hover(140, 40)
    desk.hover(30, 30)
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    assert seen == [2, 1, None]
    assert (desk.picture() == plain).all()


@pytest.mark.parametrize("tool", ["select", "vertex", "brush", "eraser"])
def test_nothing_is_shown_under_a_pointer_that_has_left(desk, tool):
    desk.canvas.selection.set({1})
    desk.canvas.set_tool(tool)
    plain = desk.picture()
    desk.hover(21, 21)
    assert (desk.picture() != plain).any()
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    assert (desk.picture() == plain).all()
    for ids in ({2}, {1}):  # in the list beside the canvas
        desk.canvas.selection.set(ids)
    assert (desk.picture() == plain).all()


def test_an_edit_that_is_refused_leaves_the_picture(qtbot):
    desk = Desk(qtbot, holed())
    plain = desk.picture()
    desk.canvas.edit_requested.disconnect()
    refused = []
    desk.canvas.edit_requested.connect(lambda edit: refused.append(EditConflict(edit.label)))
    desk.drag((30, 30), (60, 50), CTRL)
    desk.canvas.selection.clear()
    desk.canvas.point_at(None)
    assert refused
    assert (desk.picture() == plain).all()


def test_large_ids_pass_through(qtbot):
    desk = Desk(qtbot, instance(908400553664, Polygon(square(20, 20, 80))))
    desk.click(60, 60)
    assert desk.canvas.selection.ids == {908400553664}


def painting_threads():
    return [
        thread
        for thread in threading.enumerate()
        if thread.name.startswith(("overlay-painter", "image-levels"))
    ]


def test_no_thread_outlives_the_canvas(qtbot):
    before = len(painting_threads())
    for _ in range(3):
        desk = Desk(qtbot, holed(), size=(900, 700))
        desk.canvas.zoom_by(1.7)
        desk.canvas.close()
    assert len(painting_threads()) == before


def test_none_keeps_its_references(desk):
    """A Qt binding that loses references to None ends the interpreter after a while."""
    for _ in range(20):
        desk.hover(140, 40)
        desk.canvas.repaint()
    gc.collect()  # what other tests left has references, too
    before = sys.getrefcount(None)
    for n in range(300):
        desk.hover(30 + n % 100, 40)
        desk.canvas.repaint()
    assert sys.getrefcount(None) > before - 30  # a faulty binding loses one with each call


def test_the_brush_stays_under_a_pointer_that_rests(desk):
    """Whatever moves the image: a key, another image, the wheel in the middle of a draft."""
    desk.canvas.set_tool("brush")
    desk.wheel(QPointF(320, 240), 6)
    desk.hover(*desk.canvas.view.to_image(200, 150))

    def disk_at():
        disk = desk.canvas._face.overlay.disk
        spot = desk.canvas.view.to_screen(disk.x, disk.y)
        return spot.x(), spot.y()

    at = disk_at()
    assert at == pytest.approx((200, 150), abs=1)
    for moves in (
        desk.canvas.fit,
        desk.canvas.zoom_to_100,
        lambda: desk.open(2),
        lambda: desk.canvas.resize(500, 400),
    ):
        moves()
        assert disk_at() == pytest.approx(at)
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    told = []
    desk.canvas.pointer_moved.connect(lambda x, y: told.append((x, y)))
    desk.canvas.zoom_by(2.0)
    assert told == []  # the pointer is elsewhere


def test_the_line_to_the_pointer_follows_a_zoom_but_a_drag_does_not(desk):
    desk.canvas.set_tool("polygon")
    desk.click(120, 80)
    desk.hover(180, 80)
    spot = desk.canvas.view.to_screen(*desk.canvas._face.overlay.draft.cursor)
    desk.canvas.zoom_by(2.0)
    assert desk.canvas.view.to_screen(*desk.canvas._face.overlay.draft.cursor) == spot
    desk.key(Qt.Key.Key_Escape)
    desk.canvas.set_tool("brush")
    desk.canvas.fit()
    desk.hover(150, 100)
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(150, 100))
    desk.canvas.scroll_by(40, 0)
    assert len(desk.canvas.toolbox.active.way) == 1
    QTest.mouseRelease(desk.canvas, LEFT, PLAIN, desk.at(150, 100))
