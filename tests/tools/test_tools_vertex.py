"""Vertex mode: drag, add, delete, rubber band, lasso; rings and instances that get too small go."""

import numpy as np
import pytest

from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Polygon
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, area, assert_sound, instance, square

HOLE = square(20, 20, 15)


@pytest.fixture
def bench():
    """A square with a square hole and a triangle apart, taken up in vertex mode."""
    triangle = Polygon([(70, 10), (90, 10), (80, 30)])
    made = Bench(instance(1, Polygon(square(10, 10, 40), [HOLE]), triangle), tool="vertex")
    made.selection = frozenset({1})
    return made


def test_drag_moves_a_vertex_by_one_edit(bench):
    bench.drag((50.5, 10), (60.5, 5))
    exterior = bench.shape(1).parts[0].exterior
    assert np.array_equal(exterior, [(10, 10), (60, 5), (50, 50), (10, 50)])
    assert len(bench.edits) == 1
    assert bench.edits[0].label == "Move vertex"


def test_escape_in_a_drag_leaves_the_document_as_it_was(bench):
    before = bench.state()
    bench.move(50, 10)
    bench.press(50, 10)
    assert bench.move(60, 5).overlay.live[1] != bench.shape(1)
    bench.key("escape")
    assert bench.last.overlay.live == {}
    bench.release(60, 5)
    assert bench.state() == before
    assert bench.edits == []


def test_a_drag_from_an_edge_and_an_alt_click_add_a_vertex(bench):
    assert bench.move(30, 10.5).overlay.edge is not None
    bench.drag((30, 10), (30, 2))
    assert len(bench.shape(1).parts[0].exterior) == 5
    assert np.array_equal(bench.shape(1).parts[0].exterior[1], (30, 2))
    bench.click(30, 50, "alt")
    assert len(bench.shape(1).parts[0].exterior) == 6
    assert len(bench.edits) == 2


@pytest.mark.parametrize("modifiers", ["shift", "alt shift"])
def test_shift_click_deletes_a_vertex_as_it_showed_before(bench, modifiers):
    assert bench.move(35, 35, modifiers).overlay.doomed
    bench.click(35, 35, modifiers)
    assert np.array_equal(bench.shape(1).parts[0].holes[0], [(20, 20), (35, 20), (20, 35)])


def test_a_part_below_three_vertices_goes(bench):
    bench.click(80, 30, "shift")
    assert len(bench.shape(1).parts) == 1


def test_a_hole_below_three_vertices_goes(bench):
    bench.click(20, 20, "shift")
    bench.click(35, 35, "shift")
    assert bench.shape(1).parts[0].holes == ()
    assert area(bench.shape(1)) == 1600 + 200


def test_an_instance_without_rings_goes(bench):
    bench.drag((2, 2), (99, 70))
    assert len(bench.tool.marked) == 11
    bench.key("delete")
    assert bench.instances() == []
    bench.document.apply(bench.edits[-1].inverse())
    assert len(bench.instances()) == 1


def test_rubber_band_and_delete_remove_vertices(bench):
    bench.drag((41, 1), (56, 56))
    assert len(bench.tool.marked) == 2
    bench.click(10, 10, "ctrl")
    assert len(bench.tool.marked) == 3
    bench.click(10, 10, "ctrl")
    bench.key("delete")
    assert len(bench.shape(1).parts) == 1  # two vertices of the square are too few
    assert len(bench.edits) == 1


def test_marked_vertices_move_together(bench):
    bench.drag((41, 1), (56, 56))
    bench.drag((50, 10), (60, 10))
    assert bench.shape(1).parts[0].exterior[1:3, 0].tolist() == [60, 60]


def test_a_hole_dragged_over_the_edge_stays_a_hole(bench):
    bench.drag((20, 20), (2, 2))
    shape = bench.shape(1)
    assert_sound(shape)
    mask = shape_to_mask(shape, HEIGHT, WIDTH)
    assert not mask[12, 12]
    assert not mask[5, 5]
    assert mask[45, 45]


def test_a_vertex_dragged_across_is_repaired(bench):
    bench.drag((10, 10), (62, 62))
    assert_sound(bench.shape(1))


def test_a_vertex_cannot_leave_the_image(bench):
    bench.drag((50, 10), (500, -500))
    assert np.array_equal(bench.shape(1).parts[0].exterior[1], (WIDTH, 0))


def test_a_collapse_is_refused():
    bench = Bench(instance(1, Polygon([(10, 10), (30, 10), (20, 30)])), tool="vertex")
    bench.selection = frozenset({1})
    bench.drag((20, 30), (20, 10))
    assert bench.edits == []


def test_escape_goes_back_step_by_step(bench):
    bench.drag((41, 1), (56, 56))
    bench.key("escape")
    assert bench.tool.marked == frozenset()
    bench.key("escape")
    assert bench.tool.name == "select"


def test_undo_makes_references_void(bench):
    bench.drag((30, 10), (30, 2))
    bench.move(50, 50)
    bench.document.apply(bench.edits[0].inverse())
    bench.move(30, 60)
    bench.key("delete")
    assert bench.instances() == []


LEFT = [(1, 1), (12, 5), (16, 7), (17, 53), (5, 54), (4, 30)]


def test_a_lasso_marks_vertices_that_a_frame_could_not_take_alone(bench):
    loop = [(1, 1), (40, 5), (40, 17), (62, 17), (64, 5), (95, 5), (95, 35), (60, 40), (50, 19)]
    loop += [(30, 17), (1, 16)]
    bench.trace(loop, "alt")
    points = {ref[1:] for ref in bench.tool.marked}
    assert points == {(0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 0, 2)}
    bench.trace(LEFT, "alt shift")
    assert {ref[1:] for ref in bench.tool.marked} == points | {(0, 0, 3)}
    bench.trace(LEFT, "alt")
    assert {ref[1:] for ref in bench.tool.marked} == {(0, 0, 0), (0, 0, 3)}
    assert bench.edits == []


def test_the_lasso_shows_what_it_would_mark_and_escape_drops_it(bench):
    bench.move(*LEFT[0], "alt")
    bench.press(*LEFT[0], "alt")
    for spot in LEFT[1:]:
        bench.move(*spot, "alt")
    overlay = bench.last.overlay
    assert overlay.path.closed
    assert {ref[1:] for ref in overlay.marked} == {(0, 0, 0), (0, 0, 3)}
    bench.key("escape")
    assert bench.tool.marked == frozenset()
    assert bench.tool.name == "vertex"


def test_lassoed_vertices_are_dragged_nudged_and_deleted_together(bench):
    start = bench.shape(1).parts[0].exterior
    bench.trace(LEFT, "alt")
    bench.drag((10, 50), (6, 52))
    moved = start + np.array([(-4, 2), (0, 0), (0, 0), (-4, 2)])
    assert np.array_equal(bench.shape(1).parts[0].exterior, moved)
    bench.key("right", "shift")
    bench.key_up("right")
    assert bench.shape(1).parts[0].exterior[0, 0] > 6
    assert bench.shape(1).parts[0].exterior[3, 0] > 6
    assert np.array_equal(bench.shape(1).parts[0].exterior[1:3], start[1:3])
    bench.key("delete")
    assert len(bench.shape(1).parts) == 1  # the square has two vertices left and goes
    assert [edit.label for edit in bench.edits] == [
        "Move vertices",
        "Move vertices",
        "Delete vertices",
    ]


def test_a_ctrl_drag_on_a_locked_instance_moves_nothing(bench):
    before = bench.state()
    bench.locked_ids = frozenset({1})
    bench.drag((15, 15), (25, 30), "ctrl")
    assert bench.state() == before
    assert not bench.tool.busy
