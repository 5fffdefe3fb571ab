"""Vertices that snap to neighbours, and borders that two instances share."""

import numpy as np
import pytest

from maskgui.core.booleans import intersection, union
from maskgui.core.shape import Polygon
from tests.tools.toolkit import Bench, area, instance, square


def bench_with(*, snap=0, shared=0, selected=(1,)):
    bench = Bench(
        instance(1, Polygon(square(10, 10, 30))),
        instance(2, Polygon([(40, 10), (70, 10), (70, 40), (40, 40)])),
        instance(3, Polygon(square(20, 55, 20))),
        tool="vertex",
    )
    bench.selection = frozenset(selected)
    bench.tool.set_option("snap", snap)
    bench.tool.set_option("shared", shared)
    return bench


def exterior(bench, number):
    return bench.shape(number).parts[0].exterior.tolist()


def test_a_vertex_snaps_to_a_neighbours_vertex():
    bench = bench_with(snap=1)
    bench.press(10, 40)
    assert bench.move(18, 50).overlay.snapped == (20, 55)
    bench.release(18, 50)
    assert [20, 55] in exterior(bench, 1)


def test_a_vertex_snaps_to_a_neighbours_edge():
    bench = bench_with(snap=1)
    bench.drag((10, 40), (30, 52))
    assert [30, 55] in exterior(bench, 1)


def test_alt_lets_go_and_without_the_option_nothing_pulls():
    bench = bench_with(snap=1)
    bench.press(10, 40)
    bench.move(15, 45)
    assert bench.move(18, 52, "alt").overlay.snapped is None
    bench.release(18, 52, "alt")
    assert [18, 52] in exterior(bench, 1)
    bench = bench_with()
    bench.drag((10, 40), (18, 52))
    assert [18, 52] in exterior(bench, 1)


def test_a_vertex_does_not_snap_to_its_own_instance():
    bench = bench_with(snap=1)
    bench.drag((10, 10), (10, 35))
    assert [10, 35] in exterior(bench, 1)


def test_a_shared_vertex_moves_both_in_one_edit():
    bench = bench_with(shared=1)
    bench.drag((40, 40), (46, 44))
    assert [46, 44] in exterior(bench, 1)
    assert [46, 44] in exterior(bench, 2)
    assert len(bench.edits) == 1
    assert not intersection(bench.shape(1), bench.shape(2)).parts
    bench.document.apply(bench.edits[0].inverse())
    assert [40, 40] in exterior(bench, 2)


@pytest.mark.parametrize("by_click", [True, False])
def test_a_new_vertex_of_a_shared_edge_is_in_both(by_click):
    bench = bench_with(shared=1)
    if by_click:
        bench.click(40, 25, "alt")
    else:
        bench.drag((40, 25), (50, 25))
    point = [40, 25] if by_click else [50, 25]
    assert point in exterior(bench, 1)
    assert point in exterior(bench, 2)
    both = union(bench.shape(1), bench.shape(2))
    assert area(both) == pytest.approx(area(bench.shape(1)) + area(bench.shape(2)))
    assert len(bench.edits) == 1


def test_arrows_move_shared_vertices_together():
    bench = bench_with(shared=1)
    bench.click(40, 40)
    bench.key("down")
    bench.key_up("down")
    assert [40, 41] in exterior(bench, 1)
    assert [40, 41] in exterior(bench, 2)


def test_without_the_choice_or_when_locked_the_neighbour_stays():
    bench = bench_with()
    bench.drag((40, 40), (46, 44))
    assert [40, 40] in exterior(bench, 2)
    bench = bench_with(shared=1)
    bench.locked_ids = frozenset({2})
    bench.drag((40, 40), (46, 44))
    assert [40, 40] in exterior(bench, 2)
    assert np.array_equal(exterior(bench, 1)[2], [46, 44])


def test_other_options_are_refused():
    with pytest.raises(KeyError):
        bench_with().tool.set_option("glue", 1)
