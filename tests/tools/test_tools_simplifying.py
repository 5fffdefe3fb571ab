"""Simplify and smooth: the preview tells the truth, Enter keeps it in one edit."""

import numpy as np
import pytest

from maskgui.core.booleans import area_of, overlap
from maskgui.core.raster import iou, mask_to_shape, shape_to_rle
from maskgui.core.shape import Polygon, Shape
from maskgui.core.smooth import smoothed
from maskgui.tools.simplifying import is_simplifying, label_of, settings_of
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, assert_sound, instance, square

CENTERS = np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), axis=-1)
DISK = np.hypot(*np.moveaxis(CENTERS - (50, 40), -1, 0)) < 30


def bench_with(shape):
    bench = Bench(instance(1, *shape.parts), tool="simplify")
    bench.selection = frozenset({1})
    return bench


def test_the_preview_has_the_figures_of_what_is_kept():
    before = mask_to_shape(DISK)
    bench = bench_with(before)
    bench.wheel(2)
    made = bench.tool.preview(bench)
    assert made.before == before.vertex_count
    assert bench.shape(1) == before  # nothing is changed yet
    assert bench.last.overlay.live[1] == made.live[1]
    assert f"{made.iou:.3f}" in bench.last.status
    bench.key("enter")
    assert bench.shape(1).vertex_count == made.after < made.before / 3
    assert overlap(bench.shape(1), before) == pytest.approx(made.iou)
    masks = iou(shape_to_rle(bench.shape(1), HEIGHT, WIDTH), shape_to_rle(before, HEIGHT, WIDTH))
    assert masks == pytest.approx(made.iou, abs=0.03)
    assert len(bench.edits) == 1
    assert bench.tool.name == "select"


def test_more_tolerance_means_fewer_vertices_and_none_means_all():
    bench = bench_with(mask_to_shape(DISK))
    counts = []
    for tolerance in (0, 0.5, 1, 3, 8):
        bench.tool.set_option("tolerance", tolerance)
        counts.append(bench.tool.preview(bench).after)
    assert counts[0] <= bench.shape(1).vertex_count
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] <= 8


def test_escape_leaves_it_as_it_was():
    bench = bench_with(mask_to_shape(DISK))
    bench.key("]")
    assert bench.tool.busy
    tool = bench.tool
    bench.key("escape")
    assert not tool.busy
    assert not bench.edits
    assert bench.tool.name == "select"


def test_a_locked_instance_has_no_preview():
    bench = bench_with(mask_to_shape(DISK))
    bench.locked_ids = frozenset({1})
    assert bench.move(5, 5).overlay.live == {}
    bench.key("enter")
    assert not bench.edits


def test_something_always_remains():
    bench = bench_with(Shape([Polygon(square(10, 10, 2))]))
    bench.tool.set_option("tolerance", 1e9)
    bench.tool.set_option("smoothness", 1e9)
    bench.key("enter")
    assert_sound(bench.shape(1))


@pytest.mark.parametrize("sigma", [1, 3, 6])
def test_smoothing_takes_jags_and_keeps_the_size(sigma):
    jagged = mask_to_shape(DISK)
    smooth = smoothed(jagged, sigma)
    assert area_of(smooth) == pytest.approx(area_of(jagged), rel=0.01)
    reach = np.hypot(*(smooth.parts[0].exterior - (50, 40)).T)
    before = np.hypot(*(jagged.parts[0].exterior - (50, 40)).T)
    assert np.ptp(reach) < 0.75 * np.ptp(before)


def test_smoothing_keeps_holes_and_does_nothing_at_zero():
    ring = Shape([Polygon(square(10, 10, 50), [square(25, 25, 20)])])
    assert smoothed(ring, 0) is ring
    assert len(smoothed(ring, 2).parts[0].holes) == 1
    assert overlap(smoothed(ring, 2), ring) > 0.97


def test_what_was_simplified_before_is_made_anew_from_the_full_outline():
    full = mask_to_shape(DISK)
    bench = bench_with(Shape([Polygon(square(30, 20, 40))]))
    bench.full = {1: full}
    bench.tool.set_option("tolerance", 0.25)
    made = bench.tool.preview(bench)
    assert made.before == full.vertex_count
    assert overlap(made.live[1], full) == pytest.approx(made.iou)
    bench.key("enter")
    assert overlap(bench.shape(1), full) > 0.98
    assert bench.edits[0].changes[0].before.shape.vertex_count == 4


def settings(bench):
    return {option.name: option.value for option in bench.tool.options()}


def test_the_settings_come_back_with_the_instance_and_stay_for_others():
    full = mask_to_shape(DISK)
    bench = Bench(instance(1, *full.parts), instance(2, Polygon(square(2, 2, 6))), tool="simplify")
    bench.click(50, 40)
    bench.tool.set_option("tolerance", 2.5)
    bench.tool.set_option("smoothness", 0.75)
    bench.key("enter")
    label = bench.edits[-1].label
    assert label == "Smooth 0.75 px, simplify 2.50 px"
    bench.full, bench.simplified = {1: full}, {1: label}
    bench.selection = frozenset()
    bench.toolbox.use("simplify")
    bench.tool.set_option("tolerance", 0.25)
    bench.tool.set_option("smoothness", 0)
    bench.key("escape")
    bench.toolbox.use("simplify")
    bench.click(5, 5)
    assert settings(bench) == {"tolerance": 0.25, "smoothness": 0}
    bench.click(50, 40)
    assert settings(bench) == {"tolerance": 2.5, "smoothness": 0.75}
    assert bench.last.overlay.live[1] == bench.shape(1)  # made anew it is what it is
    bench.tool.set_option("tolerance", 4)
    assert settings(bench)["tolerance"] == 4


@pytest.mark.parametrize("tolerance", [0, 0.25, 13.5, 20])
@pytest.mark.parametrize("smoothness", [0, 0.1, 20])
def test_a_label_names_the_settings(tolerance, smoothness):
    values = {"tolerance": tolerance, "smoothness": smoothness}
    assert is_simplifying(label_of(values))
    assert settings_of(label_of(values)) == values


def test_labels_of_older_projects_name_no_settings():
    assert is_simplifying("Simplify")
    assert is_simplifying("Smooth")
    assert settings_of("Smooth") == settings_of("Move vertex") == {}
    assert not is_simplifying("Move vertex")
