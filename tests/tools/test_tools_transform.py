"""Scale, turn and move by handles; the outcome on the mask."""

import numpy as np
import pytest

from maskgui.core.affine import rotation, scaling, transformed
from maskgui.core.shape import Polygon, Shape
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, area, assert_sound, instance, square

ABOVE = 26.0


def box_mask(x0, y0, x1, y1):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def bench_with(*instances, selected=(1,)):
    bench = Bench(*(instances or (instance(1, Polygon(square(30, 30, 20))),)), tool="transform")
    bench.selection = frozenset(selected)
    return bench


def test_a_corner_scales_about_the_opposite_one():
    bench = bench_with(instance(1, Polygon(square(30, 30, 20), [square(35, 35, 5)])))
    bench.drag((50, 50), (70, 60))
    assert bench.shape(1).bounds == pytest.approx((30, 30, 70, 60))
    assert area(bench.shape(1)) == pytest.approx(375 * 2 * 1.5)
    assert len(bench.edits) == 1


def test_shift_keeps_the_proportions_and_alt_the_middle():
    bench = bench_with()
    bench.drag((50, 50), (60, 60), "alt")
    assert bench.shape(1).bounds == pytest.approx((20, 20, 60, 60))
    bench.drag((60, 60), (70, 50), "shift")
    x0, y0, x1, y1 = bench.shape(1).bounds
    assert x1 - x0 == pytest.approx(y1 - y0)


def test_the_handle_above_turns_and_shift_does_it_in_steps():
    bench = bench_with(instance(1, Polygon([(30, 35), (50, 35), (50, 45), (30, 45)])))
    start, centre = (40, 35 - ABOVE), (40, 40)
    bench.drag(start, (centre[0] + 31, centre[1] + 2), "shift")  # about a quarter turn
    assert bench.shape(1).bounds == pytest.approx((35, 30, 45, 50))
    assert area(bench.shape(1)) == pytest.approx(200)
    assert bench.edits[0].label == "Turn"


def test_inside_the_frame_a_plain_drag_moves():
    bench = bench_with()
    bench.drag((40, 40), (45, 50))
    assert np.array_equal(bench.mask(1), box_mask(35, 40, 55, 60))


def test_what_leaves_the_image_is_clipped_when_it_is_dropped():
    bench = bench_with()
    bench.drag((50, 50), (150, 150))
    assert_sound(bench.shape(1))
    assert bench.shape(1).bounds == (30, 30, WIDTH, HEIGHT)


def test_several_instances_share_one_frame():
    bench = bench_with(
        instance(1, Polygon(square(20, 30, 10))),
        instance(2, Polygon(square(40, 30, 10))),
        selected=(1, 2),
    )
    assert np.array_equal(bench.move(35, 35).overlay.frame.corners[2], (50, 40))
    bench.drag((50, 40), (80, 50))
    assert np.array_equal(bench.mask(2), box_mask(60, 30, 80, 50))
    assert len(bench.edits) == 1


def test_locked_instances_have_no_handles():
    bench = bench_with()
    bench.locked_ids = frozenset({1})
    assert bench.move(50, 50).overlay.frame is None
    bench.drag((50, 50), (60, 60))
    assert not bench.edits


def test_escape_puts_it_back_and_then_leaves():
    bench = bench_with()
    bench.press(50, 50)
    assert bench.move(60, 60).overlay.live
    bench.key("escape")
    assert bench.release(60, 60).edit is None
    bench.key("escape")
    assert bench.tool.name == "select"


def test_matrices():
    shape = Shape([Polygon([(1, 0), (3, 0), (3, 2)])])
    turned = transformed(shape, rotation((1, 0), np.pi / 2))
    assert np.allclose(turned.parts[0].exterior, [(1, 0), (1, 2), (-1, 2)])
    scaled = transformed(shape, scaling((1, 0), 2, 3))
    assert np.allclose(scaled.parts[0].exterior, [(1, 0), (5, 0), (5, 6)])
