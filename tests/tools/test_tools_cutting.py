"""Re-route and slice: pieces of outlines replaced and cut, judged on masks."""

import numpy as np
import pytest

from maskgui.core.courses import rerouted
from maskgui.core.hit import ring_area
from maskgui.core.shape import Polygon
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, assert_sound, instance, square


def box_mask(x0, y0, x1, y1):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def bench_with(tool, *instances, selected=(1,)):
    bench = Bench(*instances, tool=tool)
    bench.selection = frozenset(selected)
    return bench


def block(instance_id=1, x=20, y=20, side=40):
    return instance(instance_id, Polygon(square(x, y, side)))


@pytest.mark.parametrize("turned", [False, True])
def test_reroute_replaces_the_side_it_runs_beside(turned):
    way = [(60, 30), (70, 30), (70, 50), (60, 50)]
    bench = bench_with("reroute", block())
    bench.trace(way[::-1] if turned else way)
    assert np.array_equal(bench.mask(1), box_mask(20, 20, 60, 60) | box_mask(60, 30, 70, 50))
    assert len(bench.edits) == 1


def test_reroute_inwards_takes_away():
    bench = bench_with("reroute", block())
    bench.trace([(60, 30), (45, 30), (45, 50), (60, 50)])
    assert np.array_equal(bench.mask(1), box_mask(20, 20, 60, 60) & ~box_mask(45, 30, 60, 50))


def test_reroute_over_a_corner_replaces_the_short_piece():
    bench = bench_with("reroute", block())
    bench.trace([(50, 20), (50, 30), (60, 30)])
    assert np.array_equal(bench.mask(1), box_mask(20, 20, 60, 60) & ~box_mask(50, 20, 60, 30))


def test_reroute_of_a_hole_leaves_the_rest():
    bench = bench_with("reroute", instance(1, Polygon(square(20, 20, 40), [square(30, 30, 20)])))
    bench.trace([(50, 35), (55, 35), (55, 45), (50, 45)])
    wanted = box_mask(20, 20, 60, 60) & ~box_mask(30, 30, 50, 50) & ~box_mask(50, 35, 55, 45)
    assert np.array_equal(bench.mask(1), wanted)


def test_reroute_needs_an_outline_at_both_ends():
    bench = bench_with("reroute", block())
    assert "begin on" in bench.press(40, 40).status
    assert not bench.tool.busy
    assert "end on" in bench.trace([(60, 30), (90, 30), (95, 70)]).status
    assert not bench.edits


def test_reroute_that_crosses_the_far_side_stays_valid():
    bench = bench_with("reroute", block())
    bench.trace([(60, 30), (10, 30), (10, 50), (60, 50)])
    assert_sound(bench.shape(1))


def test_a_way_along_a_ring_changes_nothing_of_its_area():
    ring = np.array(square(0, 0, 10.0))
    for start in range(4):
        way = np.array([ring[start], ring[(start + 1) % 4], ring[(start + 2) % 4]])
        assert ring_area(rerouted(ring, way)) == pytest.approx(100)


def test_slice_by_a_drag_makes_two_instances():
    bench = bench_with("slice", block())
    bench.trace([(10, 30), (30, 30), (70, 30)])
    one, other = bench.instances()
    assert np.array_equal(bench.mask(1), box_mask(20, 30, 60, 60))
    assert np.array_equal(bench.mask(other.id), box_mask(20, 20, 60, 30))
    assert other.category_id == one.category_id
    assert bench.selection == {1, other.id}
    assert len(bench.edits) == 1
    bench.document.apply(bench.edits[0].inverse())
    assert [found.id for found in bench.instances()] == [1]


def test_slice_by_two_clicks_is_straight():
    bench = bench_with("slice", block())
    bench.click(10, 40)
    assert bench.tool.busy
    shown = bench.move(90, 40).overlay.path
    assert np.array_equal(shown.points, [(10, 40), (90, 40)])
    bench.click(90, 40)
    assert sorted(bench.mask(found.id).sum() for found in bench.instances()) == [800, 800]
    assert not bench.tool.busy


def test_slice_with_nothing_selected_cuts_the_smallest_it_crosses():
    bench = bench_with("slice", block(1, 10, 10, 60), block(2), selected=())
    bench.trace([(5, 40), (50, 40), (90, 40)])
    assert np.array_equal(bench.mask(1), box_mask(10, 10, 70, 70))
    assert len(bench.instances()) == 3


def test_slice_that_ends_inside_changes_nothing():
    bench = bench_with("slice", block())
    assert "border to border" in bench.trace([(10, 30), (30, 30), (40, 40)]).status
    assert not bench.edits


def test_sliced_pieces_share_their_border():
    bench = bench_with("slice", block())
    bench.trace([(10, 25), (40, 44), (41, 36), (70, 55)])
    shapes = [found.shape for found in bench.instances()]
    vertices = [
        {tuple(v) for _, _, ring in shape.rings() for v in ring.tolist()} for shape in shapes
    ]
    assert len(vertices[0] & vertices[1]) == 4


def test_a_locked_instance_is_not_sliced():
    bench = bench_with("slice", block(), selected=())
    bench.locked_ids = frozenset({1})
    bench.trace([(10, 30), (70, 30)])
    assert not bench.edits
