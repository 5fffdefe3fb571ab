"""Brush, eraser, lassos, freehand, ellipse and hole punch: judged on the masks that result."""

import numpy as np
import pytest

from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Polygon, Shape
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, area, assert_sound, instance, square

CENTERS = np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), axis=-1)


def near_line(start, end, radius):
    """The mask of pixel centres within `radius` of a line."""
    start, end = np.array(start, float), np.array(end, float)
    along = end - start
    share = np.clip((CENTERS - start) @ along / max(along @ along, 1e-9), 0, 1)
    return np.hypot(*np.moveaxis(CENTERS - start - share[..., None] * along, -1, 0)) <= radius


def box_mask(x0, y0, x1, y1):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def assert_close(mask, wanted, least=0.97):
    assert (mask & wanted).sum() / (mask | wanted).sum() >= least


def bench_with(tool, *instances, selected=(1,)):
    bench = Bench(*instances, tool=tool)
    bench.selection = frozenset(selected)
    return bench


def block(instance_id=1, x=20, y=20, side=30):
    return instance(instance_id, Polygon(square(x, y, side)))


def only(bench):
    (found,) = bench.instances()
    return found


def test_a_stroke_with_nothing_selected_is_a_new_instance():
    bench = bench_with("brush", selected=())
    bench.trace([(20, 40), (40, 40), (70, 40)])
    made = only(bench)
    assert_close(bench.mask(made.id), near_line((20, 40), (70, 40), 10))
    assert bench.selection == {made.id}
    assert len(bench.edits) == 1
    assert made.shape.vertex_count < 60


def test_a_stroke_without_a_category_is_kept():
    bench = bench_with("brush", selected=())
    bench.draw_category = None
    bench.click(50, 40)
    assert len(bench.drawn) == 1
    assert area(bench.drawn[0]) == pytest.approx(np.pi * 100, rel=0.02)


def test_a_stroke_is_added_to_the_selected_instance_and_its_hole_stays():
    pierced = instance(1, Polygon(square(20, 20, 30), [square(30, 30, 8)]))
    bench = bench_with("brush", pierced)
    before = bench.mask(1)
    bench.trace([(45, 44), (75, 44)])
    assert_close(bench.mask(1), before | near_line((45, 44), (75, 44), 10))
    assert len(bench.shape(1).parts[0].holes) == 1
    assert len(bench.edits) == 1
    bench.document.apply(bench.edits[0].inverse())
    assert only(bench) == pierced


def test_a_stroke_apart_from_the_instance_is_another_part():
    bench = bench_with("brush", block())
    bench.click(80, 60)
    assert len(bench.shape(1).parts) == 2


@pytest.mark.parametrize(("tool", "modifiers"), [("brush", "alt"), ("eraser", "")])
def test_erasing_across_the_middle_leaves_two_parts(tool, modifiers):
    bench = bench_with(tool, block(), block(2, 40, 20, 30))
    before, other = bench.mask(1), bench.mask(2)
    bench.tool.set_option("radius", 4)
    bench.trace([(10, 35), (60, 35)], modifiers)
    assert_close(bench.mask(1), before & ~near_line((10, 35), (60, 35), 4))
    assert len(bench.shape(1).parts) == 2
    assert np.array_equal(bench.mask(2), other)


def test_the_eraser_paints_with_alt():
    bench = bench_with("eraser", block())
    before = bench.mask(1)
    bench.click(50, 35, "alt")
    assert (bench.mask(1) & ~before).any()


def test_erasing_all_of_it_changes_nothing_and_says_so():
    bench = bench_with("eraser", block())
    bench.tool.set_option("radius", 60)
    assert "Delete" in bench.click(35, 35).status
    assert not bench.edits


def test_erasing_with_nothing_selected_asks_for_an_instance():
    bench = bench_with("eraser", block(), selected=())
    assert "select" in bench.press(30, 30).status
    assert not bench.tool.busy


def test_painting_on_several_asks_for_one_and_erasing_takes_from_all():
    bench = bench_with("brush", block(), block(2, 55, 20, 30), selected=(1, 2))
    assert "select the one" in bench.click(50, 35).status
    bench.trace([(25, 35), (80, 35)], "alt")
    assert bench.mask(1)[35, 30] == bench.mask(2)[35, 70] == False  # noqa: E712
    assert len(bench.edits) == 1


def test_a_locked_instance_is_left_alone():
    bench = bench_with("brush", block())
    bench.locked_ids = frozenset({1})
    assert "locked" in bench.click(50, 50).status
    assert not bench.edits


def test_size_by_keys_and_wheel_and_within_bounds():
    bench = bench_with("brush")
    bench.key("]")
    assert bench.tool.radius == pytest.approx(12)
    bench.key("[")
    bench.wheel(-1)
    assert bench.tool.radius == pytest.approx(10 / 1.2)
    bench.wheel(-500)
    assert bench.tool.radius == bench.tool.options()[0].low == 0.5
    assert bench.click(50, 40).edit is not None
    with pytest.raises(KeyError):
        bench.tool.set_option("hardness", 1)


def test_the_preview_is_the_stroke_and_escape_drops_it():
    bench = bench_with("brush", block())
    bench.press(60, 40)
    shown = bench.move(80, 40).overlay
    assert shown.area.adds
    assert_close(shape_to_mask(shown.area.shape, HEIGHT, WIDTH), near_line((60, 40), (80, 40), 10))
    assert shown.disk.radius == 10
    bench.key("escape")
    assert not bench.tool.busy
    assert bench.release(80, 40).edit is None
    assert bench.press(20, 20).overlay.area.shape.bounds[2] < 40  # nothing of the old stroke


def test_strokes_are_clipped_to_the_image():
    bench = bench_with("brush", selected=())
    bench.trace([(-20, 40), (130, 40)])
    assert_sound(only(bench).shape)
    assert bench.trace([(-50, -50), (-30, -40)]).edit is None


LOOP = [(40, 30), (70, 30), (70, 40), (40, 40)]


def test_lasso_add_joins_the_loop():
    bench = bench_with("lasso_add", block())
    bench.trace(LOOP)
    assert_close(bench.mask(1), box_mask(20, 20, 50, 50) | box_mask(40, 30, 70, 40), 1.0)
    assert len(bench.edits) == 1


def test_lasso_add_with_nothing_selected_draws():
    bench = bench_with("lasso_add", selected=())
    bench.trace(LOOP)
    assert np.array_equal(bench.mask(only(bench).id), box_mask(40, 30, 70, 40))


def test_lasso_subtract_cuts_from_every_selected_instance():
    bench = bench_with("lasso_subtract", block(), block(2, 50, 20, 30), selected=(1, 2))
    bench.trace(LOOP)
    cut = box_mask(40, 30, 70, 40)
    assert np.array_equal(bench.mask(1), box_mask(20, 20, 50, 50) & ~cut)
    assert np.array_equal(bench.mask(2), box_mask(50, 20, 80, 50) & ~cut)
    assert len(bench.edits) == 1


def test_a_loop_inside_makes_a_hole_and_one_beside_changes_nothing():
    bench = bench_with("lasso_subtract", block())
    assert "touches no" in bench.trace([(60, 60), (70, 60), (70, 70)]).status
    bench.trace([(30, 30), (40, 30), (40, 40), (30, 40)])
    assert len(bench.shape(1).parts[0].holes) == 1


@pytest.mark.parametrize("tool", ["lasso_add", "freehand"])
def test_a_click_is_no_loop(tool):
    bench = bench_with(tool, selected=())
    assert "loop" in bench.click(30, 30).status
    assert not bench.tool.busy


def test_freehand_follows_the_hand():
    bench = bench_with("freehand", block())
    angle = np.linspace(0, 2 * np.pi, 60)
    circle = np.stack((50 + 20 * np.cos(angle), 40 + 20 * np.sin(angle)), axis=1)
    bench.trace([tuple(point) for point in circle.tolist()])
    made = bench.instances()[-1]
    assert made.id != 1
    assert_close(bench.mask(made.id), near_line((50, 40), (50, 40), 20), 0.95)


def test_a_freehand_loop_that_crosses_itself_is_valid():
    bench = bench_with("freehand", selected=())
    bench.trace([(10, 10), (60, 60), (60, 10), (10, 60)])
    assert_sound(only(bench).shape)


def test_an_ellipse_fills_its_box():
    bench = bench_with("ellipse", selected=())
    bench.drag((10, 10), (70, 50))
    made = only(bench)
    assert made.shape.bounds == pytest.approx((10, 10, 70, 50))
    assert area(made.shape) == pytest.approx(np.pi * 30 * 20, rel=0.02)


@pytest.mark.parametrize("tool", ["ellipse", "rectangle"])
def test_shift_keeps_the_sides_equal(tool):
    bench = bench_with(tool, selected=())
    bench.drag((50, 60), (70, 20), "shift")
    assert only(bench).shape.bounds == pytest.approx((50, 20, 90, 60))


def punch(bench, points):
    for x, y in points:
        bench.click(x, y)
    return bench.key("enter")


@pytest.mark.parametrize("selected", [(1,), ()])
def test_a_punched_hole(selected):
    bench = bench_with("punch", block(), block(2, 10, 10, 60), selected=selected)
    punch(bench, square(30, 30, 12))
    assert np.array_equal(bench.mask(1), box_mask(20, 20, 50, 50) & ~box_mask(30, 30, 42, 42))
    assert np.array_equal(bench.mask(2), box_mask(10, 10, 70, 70))
    assert len(bench.shape(1).parts[0].holes) == 1


def test_a_hole_in_nothing_says_so():
    bench = bench_with("punch", block(), selected=())
    assert "touches no" in punch(bench, square(60, 60, 12)).status
    assert not bench.edits


def test_a_draft_of_a_hole_waits_while_another_image_is_shown():
    bench = bench_with("punch", block())
    bench.click(30, 30)
    bench.toolbox.enter(2)
    assert not bench.tool.busy
    bench.toolbox.enter(1)
    assert bench.tool.busy
    assert Shape() != bench.shape(1)
