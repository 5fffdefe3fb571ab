"""Polygon and rectangle: what is drawn becomes a valid instance, or is kept."""

import numpy as np
import pytest

from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Polygon
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, area, assert_sound, instance, square


def drawn(bench):
    (only,) = bench.document.instances(1)
    return only


def set_points(bench, points):
    for x, y in points:
        bench.click(x, y)


@pytest.mark.parametrize("close", ["enter", "n"])
def test_polygon_is_closed_by_key(close):
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10), (40, 30)])
    bench.key(close)
    made = drawn(bench)
    assert made.category_id == 7
    assert made.touched
    assert np.array_equal(made.shape.parts[0].exterior, [(10, 10), (40, 10), (40, 30)])
    assert bench.selection == {made.id}
    assert len(bench.edits) == 1
    assert not bench.tool.busy


def test_polygon_is_closed_on_its_first_vertex():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10), (40, 30)])
    assert bench.move(14, 12).overlay.draft.closes
    bench.click(14, 12)
    assert len(drawn(bench).shape.parts[0].exterior) == 3


def test_polygon_is_closed_by_double_click_without_a_doubled_vertex():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (60, 10)])
    bench.double_click(60, 50)
    assert np.array_equal(drawn(bench).shape.parts[0].exterior, [(10, 10), (60, 10), (60, 50)])


def test_backspace_and_undo_take_back_a_vertex():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10), (40, 30), (5, 70), (3, 60)])
    bench.key("backspace")
    bench.key("z", "ctrl")
    bench.key("enter")
    assert np.array_equal(drawn(bench).shape.parts[0].exterior, [(10, 10), (40, 10), (40, 30)])


def test_two_vertices_make_no_polygon():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10)])
    assert "three" in bench.key("enter").status
    assert bench.edits == []
    assert bench.tool.busy


def test_a_bow_tie_becomes_two_valid_parts():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (50, 50), (50, 10), (10, 50)])
    bench.key("enter")
    shape = drawn(bench).shape
    assert_sound(shape)
    assert len(shape.parts) == 2
    assert area(shape) == pytest.approx(800)


def test_a_pentagram_keeps_its_hole():
    bench = Bench(tool="polygon")
    turns = np.arange(5) * 2 * 2 * np.pi / 5
    points = np.stack([50 + 35 * np.sin(turns), 40 - 35 * np.cos(turns)], axis=1)
    set_points(bench, points.tolist())
    bench.key("enter")
    shape = drawn(bench).shape
    assert_sound(shape)
    assert not shape_to_mask(shape, HEIGHT, WIDTH)[40, 50]
    assert shape_to_mask(shape, HEIGHT, WIDTH)[12, 50]


def test_what_reaches_over_the_edge_is_clipped():
    bench = Bench(tool="polygon")
    set_points(bench, [(-20, -20), (30, -20), (30, 20), (-20, 20)])
    bench.key("enter")
    assert_sound(drawn(bench).shape)
    assert area(drawn(bench).shape) == pytest.approx(600)


def test_a_line_covers_nothing_and_says_so():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (30, 30), (60, 60)])
    assert "nothing" in bench.key("enter").status
    assert bench.edits == []


def test_without_a_category_the_shape_is_handed_out():
    bench = Bench(tool="rectangle")
    bench.draw_category = None
    bench.drag((10, 10), (30, 40))
    assert bench.edits == []
    assert area(bench.drawn[0]) == pytest.approx(600)


@pytest.mark.parametrize("start, end", [((10, 10), (40, 50)), ((40, 50), (10, 10))])
def test_rectangle_by_drag_and_by_two_clicks(start, end):
    dragged, clicked = Bench(tool="rectangle"), Bench(tool="rectangle")
    dragged.drag(start, end)
    clicked.click(*start)
    assert clicked.move(*end).overlay.draft.closed
    clicked.click(*end)
    for bench in (dragged, clicked):
        assert drawn(bench).shape.bounds == (10, 10, 40, 50)
        assert len(drawn(bench).shape.parts[0].exterior) == 4


def test_new_instances_lie_on_top():
    bench = Bench(instance(5, Polygon(square(0, 0, 50))), tool="rectangle")
    bench.drag((10, 10), (30, 30))
    assert bench.document.instances(1)[-1].id > 1000


@pytest.mark.parametrize("tool", ["polygon", "rectangle"])
def test_an_open_draft_waits_for_its_image(tool):
    bench = Bench(tool=tool)
    bench.click(10, 10)
    bench.toolbox.enter(2)
    assert not bench.tool.busy
    bench.toolbox.use("select")
    bench.toolbox.enter(1)
    assert bench.tool.name == tool
    assert bench.tool.busy
    if tool == "polygon":
        set_points(bench, [(40, 10), (40, 30)])
        bench.key("enter")
    else:
        bench.click(40, 30)
    assert drawn(bench).shape.bounds == (10, 10, 40, 30)


def test_an_open_draft_waits_for_its_tool():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10)])
    bench.toolbox.use("select")
    bench.toolbox.use("polygon")
    bench.click(40, 30)
    bench.key("enter")
    assert drawn(bench).shape.bounds == (10, 10, 40, 30)


def test_escape_drops_the_draft_then_leaves_the_tool():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10), (40, 30)])
    bench.key("escape")
    assert not bench.tool.busy
    assert bench.tool.name == "polygon"
    bench.key("escape")
    assert bench.tool.name == "select"
    assert bench.edits == []


def test_status_says_what_can_be_done():
    bench = Bench(tool="polygon")
    set_points(bench, [(10, 10), (40, 10)])
    assert bench.click(40, 30).status == (
        "Polygon: click to add, Enter closes, Backspace or Ctrl+Z takes back, Esc cancels"
    )
