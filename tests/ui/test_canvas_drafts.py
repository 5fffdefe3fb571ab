"""Gestures of the drawing tools on the real canvas: seen while they last, one edit at their end."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from maskgui.core.hit import shape_area
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.theme import LIGHT
from tests.ui.canvas_kit import LEFT, Desk, holed, instance, square

PLAIN = Qt.KeyboardModifier.NoModifier


@pytest.fixture
def desk(qtbot):
    made = Desk(qtbot, holed(), instance(2, Polygon(square(120, 20, 40)), category=8))
    made.canvas.selection.set({2})
    return made


WAYS = {
    "brush": [(150, 40), (170, 60), (175, 90)],
    "eraser": [(110, 30), (140, 40), (170, 50)],
    "lasso_add": [(150, 30), (180, 30), (180, 50), (150, 50)],
    "lasso_subtract": [(150, 30), (180, 30), (180, 50), (150, 50)],
    "freehand": [(30, 110), (60, 110), (60, 140), (30, 140)],
    "reroute": [(160, 30), (175, 35), (175, 45), (160, 50)],
    "slice": [(110, 40), (140, 42), (170, 40)],
    "transform": [(160, 60), (165, 65), (170, 75)],
    "ellipse": [(110, 80), (130, 100), (150, 120)],
}


@pytest.mark.parametrize("tool", WAYS)
def test_a_gesture_is_seen_and_becomes_one_edit(desk, tool):
    desk.canvas.set_tool(tool)
    first, *rest = WAYS[tool]
    desk.hover(*first)
    idle = desk.picture()
    before = [desk.project.document.instance(1, one).shape for one in desk.ids()]
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(*first))
    for spot in rest:
        desk.hover(*spot, PLAIN, LEFT)
    assert (desk.picture() != idle).any()
    assert desk.project.edits == []
    QTest.mouseRelease(desk.canvas, LEFT, PLAIN, desk.at(*rest[-1]))
    assert len(desk.project.edits) == 1
    assert [desk.project.document.instance(1, one).shape for one in desk.ids()] != before
    desk.undo()
    assert [desk.project.document.instance(1, one).shape for one in desk.ids()] == before


class Gate:
    """Holds a tool's image work up until opened."""

    def __init__(self, answer):
        self.answer = answer
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self, *_):
        self.begun.set()
        assert self.open.wait(20)
        return self.answer


@pytest.mark.parametrize("tool", ["refine", "wand"])
def test_what_was_found_in_the_pixels_before_changes_nothing(desk, tool, monkeypatch, qtbot):
    gate = Gate(Shape([Polygon(square(0, 0, 30))]))
    monkeypatch.setattr(f"maskgui.tools.{tool}.{'flood' if tool == 'wand' else tool}", gate)
    desk.canvas.set_tool(tool)
    desk.click(140, 40)
    assert gate.begun.wait(20)
    assert desk.canvas.toolbox.active.busy
    desk.open(1)  # the same image again, as after its file was replaced
    assert not desk.canvas.toolbox.active.busy
    gate.open.set()
    qtbot.waitUntil(lambda: not desk.canvas._work.busy, timeout=20_000)
    assert desk.project.edits == []
    assert len(desk.ids()) == 2
    desk.click(140, 40)
    qtbot.waitUntil(lambda: len(desk.project.edits) == 1, timeout=20_000)


def test_the_scissors_go_on_from_their_anchors_on_other_pixels(desk, qtbot):
    desk.canvas.set_tool("scissors")
    desk.click(20, 110)
    desk.click(60, 110)
    tool = desk.canvas.toolbox.active
    qtbot.waitUntil(lambda: tool.wire is not None, timeout=20_000)
    before, draft = tool.wire, tool.draft
    desk.open(1)
    assert tool.draft == draft
    assert tool.wire is None, "it is of the pixels before"
    desk.hover(70, 120)
    qtbot.waitUntil(lambda: tool.wire is not None, timeout=20_000)
    assert tool.wire is not before


def test_other_pixels_end_a_drag_as_its_release(desk):
    desk.canvas.set_tool("brush")
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(150, 40))
    desk.hover(175, 60, PLAIN, LEFT)
    desk.open(1)
    assert len(desk.project.edits) == 1
    assert not desk.canvas.toolbox.active.busy


def test_other_pixels_leave_the_tool_in_the_hand(desk):
    desk.canvas.set_tool("polygon")
    for spot in [(20, 110), (60, 110), (60, 140)]:
        desk.click(*spot)
    desk.canvas.set_tool("wand")
    desk.open(1)
    assert desk.canvas.tool == "wand"
    desk.canvas.set_tool("polygon")
    assert len(desk.canvas.toolbox.active.points) == 3


def test_escape_takes_the_stroke_away(desk):
    desk.canvas.set_tool("brush")
    desk.hover(150, 40)
    idle = desk.picture()
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(150, 40))
    desk.hover(170, 90, PLAIN, LEFT)
    desk.key(Qt.Key.Key_Escape)
    QTest.mouseRelease(desk.canvas, LEFT, PLAIN, desk.at(170, 90))
    desk.hover(150, 40)
    assert desk.project.edits == []
    assert (desk.picture() == idle).all()


def test_the_plain_wheel_sizes_the_brush_and_scrolls_elsewhere(desk):
    desk.canvas.set_tool("brush")
    view, radius = desk.canvas.view.state, desk.canvas.toolbox.active.radius
    desk.wheel(QPointF(desk.at(150, 40)), 1, PLAIN)
    assert desk.canvas.toolbox.active.radius > radius
    assert desk.canvas.view.state == view
    desk.wheel(QPointF(desk.at(150, 40)), 1)
    assert desk.canvas.view.state[0] > view[0]  # Ctrl+wheel zooms with any tool
    desk.key(Qt.Key.Key_BracketLeft)
    assert desk.canvas.toolbox.active.radius == pytest.approx(radius)
    desk.canvas.set_tool("select")
    view = desk.canvas.view.state
    desk.wheel(QPointF(desk.at(150, 40)), -1, PLAIN)
    assert desk.canvas.view.state[1:] != view[1:]


def test_clicks_punch_a_hole_and_simplify_is_kept_with_enter(desk):
    desk.canvas.set_tool("punch")
    for spot in square(130, 30, 20):
        desk.click(*spot)
    desk.key(Qt.Key.Key_Return)
    assert shape_area(desk.shape(2)) == pytest.approx(1200, rel=0.05)
    desk.canvas.set_tool("simplify")
    desk.key(Qt.Key.Key_BracketRight)
    desk.key(Qt.Key.Key_Escape)
    assert desk.canvas.tool == "select"
    assert len(desk.project.edits) == 1


def test_the_band_has_a_halo_and_is_seen_on_dark_ground(qtbot):
    desk = Desk(qtbot)
    desk.canvas.set_theme(LIGHT)
    desk.hover(50, 50)
    QTest.mousePress(desk.canvas, LEFT, PLAIN, desk.at(50, 50))
    desk.hover(150, 100, PLAIN, LEFT)
    picture = desk.picture().astype(int)
    spot = desk.at(50, 75)
    across = picture[spot.y(), spot.x() - 4 : spot.x() + 5].mean(axis=1)
    accent = np.mean(desk.canvas._colors.accent.getRgb()[:3])
    inside, outside = across[-1], across[0]
    assert across.min() < min(accent, inside, outside) - 15
    QTest.mouseRelease(desk.canvas, LEFT, PLAIN, desk.at(150, 100))


@pytest.mark.parametrize("tool", ["rectangle", "ellipse"])
def test_only_the_corners_of_a_box_are_marked(desk, tool):
    desk.canvas.set_tool(tool)
    desk.click(110, 80)
    desk.hover(190, 140)
    draft = desk.canvas._face.overlay.draft
    corners = {(110.0, 80.0), (190.0, 80.0), (190.0, 140.0), (110.0, 140.0)}
    at = {(round(x), round(y)) for x, y in draft.marked.tolist()}
    assert at == corners
    picture = desk.picture().astype(int)
    rims = []  # a white line round each square
    for x, y in draft.marked.tolist():
        spot = desk.at(x, y)
        rims.append(picture[spot.y(), spot.x() - 4 : spot.x() + 5].min(axis=1).max())
    assert min(rims) > 240
