"""A button or key whose release never reached the canvas: another window had it."""

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from maskgui.core import booleans
from maskgui.core.shape import Polygon
from tests.ui.canvas_kit import LEFT, Desk, instance, square

CTRL = Qt.KeyboardModifier.ControlModifier
PLAIN = Qt.KeyboardModifier.NoModifier
MIDDLE = Qt.MouseButton.MiddleButton
ELSEWHERE = (190, 140)


@pytest.fixture
def desk(qtbot):
    made = Desk(qtbot, instance(1, Polygon(square(40, 40, 60))))
    made.canvas.selection.set({1})
    return made


def release(desk, at):
    QTest.mouseRelease(desk.canvas, LEFT, PLAIN, desk.at(*at))


def lose_focus(desk, _):
    QApplication.sendEvent(desk.canvas, QFocusEvent(QEvent.Type.FocusOut))


def move_without_button(desk, _):
    desk.hover(*ELSEWHERE)


def drawn(desk, start, end, held, ending):
    """Drag, end it in a way, move on with no button down; return what became of it."""
    desk.hover(*start, held)
    QTest.mousePress(desk.canvas, LEFT, held, desk.at(*start))
    middle = ((start[0] + end[0]) / 2 + 9, (start[1] + end[1]) / 2)
    for spot in (middle, end):
        desk.hover(*spot, held, LEFT)
    ending(desk, end)
    assert not desk.canvas.toolbox.active.busy
    made = [desk.shape(one) for one in desk.ids()]
    desk.hover(*ELSEWHERE)
    release(desk, ELSEWHERE)
    assert [desk.shape(one) for one in desk.ids()] == made
    assert len(desk.project.edits) == 1
    desk.undo()
    desk.canvas.selection.set({1})
    return made


@pytest.mark.parametrize(
    ("tool", "start", "end", "held"),
    [
        ("select", (40, 40), (30, 25), PLAIN),
        ("select", (60, 60), (80, 70), CTRL),
        ("vertex", (40, 40), (30, 25), PLAIN),
        ("transform", (100, 100), (120, 130), PLAIN),
        ("brush", (90, 60), (130, 90), PLAIN),
        ("eraser", (60, 60), (90, 90), PLAIN),
        ("lasso_add", (90, 50), (130, 90), PLAIN),
        ("lasso_subtract", (60, 30), (80, 120), PLAIN),
        ("reroute", (40, 50), (40, 90), PLAIN),
        ("slice", (60, 30), (80, 120), PLAIN),
        ("freehand", (120, 30), (160, 90), PLAIN),
        ("rectangle", (120, 30), (160, 90), PLAIN),
        ("ellipse", (120, 30), (160, 90), PLAIN),
    ],
)
def test_a_drag_whose_release_is_lost_ends_where_the_hand_was(desk, tool, start, end, held):
    desk.canvas.set_tool(tool)
    expected = drawn(desk, start, end, held, release)
    assert drawn(desk, start, end, held, lose_focus) == expected
    assert drawn(desk, start, end, held, move_without_button) == expected


@pytest.mark.parametrize("tool", ["polygon", "scissors"])
@pytest.mark.parametrize("lose", [lose_focus, move_without_button])
def test_what_is_drawn_by_clicks_goes_on(desk, tool, lose):
    desk.canvas.set_tool(tool)
    desk.click(120, 30)
    desk.hover(170, 30)
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(170, 30))
    lose(desk, None)
    assert desk.canvas.toolbox.active.busy
    desk.click(170, 90)
    desk.key(Qt.Key.Key_Return)
    assert len(desk.ids()) == 2


def test_a_button_beside_the_drawing_one_ends_nothing(desk):
    desk.canvas.set_tool("brush")
    desk.hover(90, 60)
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(90, 60))
    QTest.mousePress(desk.canvas, Qt.MouseButton.RightButton, PLAIN, desk.at(90, 60))
    QTest.mouseRelease(desk.canvas, Qt.MouseButton.RightButton, PLAIN, desk.at(90, 60))
    desk.hover(120, 90, PLAIN, LEFT)
    assert desk.canvas.toolbox.active.busy
    desk.hover(*ELSEWHERE)
    assert not desk.canvas.toolbox.active.busy
    assert len(desk.project.edits) == 1


def test_a_second_press_begins_anew(desk):
    desk.canvas.set_tool("brush")
    desk.hover(90, 60)
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(90, 60))
    desk.hover(120, 60, PLAIN, LEFT)
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(60, 90))
    desk.hover(60, 120, PLAIN, LEFT)
    release(desk, (60, 120))
    assert [edit.label for edit in desk.project.edits] == ["Paint", "Paint"]
    assert len(desk.shape(1).parts) == 1
    assert booleans.area_of(desk.shape(1)) < 60 * 60 + 2 * 22 * 40


def test_an_arrow_key_is_let_go_with_the_focus(desk):
    QTest.keyPress(desk.canvas, Qt.Key.Key_Right)
    lose_focus(desk, None)
    assert not desk.canvas.toolbox.active.busy
    assert desk.shape(1).bounds == (41, 40, 101, 100)
    QTest.keyRelease(desk.canvas, Qt.Key.Key_Right)
    assert len(desk.project.edits) == 1


def test_the_image_is_not_held_without_a_button(desk):
    desk.wheel(QPointF(320, 240), 4)
    start, end = desk.canvas.view.to_image(300, 200), desk.canvas.view.to_image(340, 230)
    desk.hover(*start)
    QTest.mousePress(desk.canvas, MIDDLE, PLAIN, desk.at(*start))
    before = desk.canvas.view.origin
    desk.hover(*end)
    assert desk.canvas.view.origin == before
