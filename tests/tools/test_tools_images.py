"""Scissors, wand and GrabCut: on pictures whose answer is known, and with work that comes late."""

import numpy as np
import pytest

from maskgui.core.errors import UserError
from maskgui.core.raster import mask_to_shape, shape_to_mask
from maskgui.core.shape import Polygon, Shape
from maskgui.tools.livewire import LiveWire
from maskgui.tools.pixels import flood, refine
from maskgui.tools.windows import window_around, window_over
from tests.tools.toolkit import HEIGHT, WIDTH, Bench, assert_sound, instance, square

CENTERS = np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), axis=-1)
DISK = np.hypot(*np.moveaxis(CENTERS - (50, 40), -1, 0)) < 25


def picture(mask=DISK, noise=4.0):
    """An orange object on grey, with a little noise."""
    rng = np.random.default_rng(0)
    clean = np.where(mask[..., None], (220, 120, 40), (90, 95, 100))
    return np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8)


def bench_with(tool, *instances, selected=(), pixels=None):
    bench = Bench(*instances, tool=tool)
    bench.pixels = picture() if pixels is None else pixels
    bench.selection = frozenset(selected)
    return bench


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def newest(bench):
    return bench.instances()[-1].id


# Scissors


def on_circle(degrees, radius=25):
    angle = np.radians(degrees)
    return (50 + radius * np.cos(angle), 40 + radius * np.sin(angle))


def test_scissors_cling_to_the_edge_between_few_clicks():
    bench = bench_with("scissors")
    for degrees in (0, 90, 180, 270):
        bench.click(*on_circle(degrees))
    bench.key("enter")
    assert overlap(bench.mask(newest(bench)), DISK) > 0.95
    assert bench.shape(newest(bench)).vertex_count > 8  # four straight lines overlap 0.64
    assert len(bench.edits) == 1
    assert not bench.tool.busy


@pytest.mark.parametrize("how", ["first", "double"])
def test_scissors_close_on_the_first_anchor_or_by_double_click(how):
    bench = bench_with("scissors")
    for degrees in (0, 120):
        bench.click(*on_circle(degrees))
    if how == "double":
        bench.double_click(*on_circle(240))
    else:
        bench.click(*on_circle(240))
        x, y = on_circle(2)
        assert bench.move(x, y).overlay.path.closes
        bench.click(x, y)
    assert overlap(bench.mask(newest(bench)), DISK) > 0.93


def rim_distance(points):
    return np.abs(np.hypot(points[:, 0] - 50, points[:, 1] - 40) - 25)


def test_scissors_set_anchors_on_the_edge_beside_the_click():
    bench = bench_with("scissors")
    for degrees, radius in ((0, 29), (90, 21), (180, 28), (270, 22)):
        bench.click(*on_circle(degrees, radius))
    bench.key("enter")
    ring = bench.shape(newest(bench)).parts[0].exterior
    assert rim_distance(ring).max() < 2  # no hook out to a click, nor in
    bench = bench_with("scissors")
    bench.click(*on_circle(0, 29), "alt")
    bench.click(*on_circle(90, 21), "ctrl")
    anchors = bench.tool.look(bench).overlay.path.anchors
    assert anchors == pytest.approx(np.array([on_circle(0, 29), on_circle(90, 21)]))
    bench = bench_with("scissors", pixels=picture(np.zeros_like(DISK)))
    bench.click(30, 30)
    assert bench.tool.first == (30, 30)  # no edge: no snapping to noise


def test_a_second_click_on_an_anchor_that_snapped_sets_none():
    bench = bench_with("scissors")
    bench.click(*on_circle(0, 29))
    bench.click(*on_circle(0, 29))
    assert bench.tool.pieces == []


def test_scissors_take_back_and_ask_again():
    bench = bench_with("scissors")
    bench.click(*on_circle(0))
    first = bench.tool.wire.anchor
    bench.click(*on_circle(90))
    assert bench.tool.wire.anchor != first
    bench.key("backspace")
    assert bench.tool.wire.anchor == first
    bench.key("backspace")
    assert not bench.tool.busy


def test_scissors_are_straight_until_the_map_has_come_and_drop_a_stale_one():
    bench = bench_with("scissors")
    bench.waits = True
    bench.click(*on_circle(0))
    assert len(bench.move(*on_circle(90)).overlay.path.points) == 2
    assert len(bench.requests) == 1  # not asked for again at each move
    bench.click(*on_circle(90))
    bench.work()  # the map of the first anchor is of no use any more
    assert bench.tool.wire is None
    bench.work()
    assert bench.tool.wire is not None
    bench.key("escape")
    assert not bench.tool.busy
    assert not bench.edits


def test_scissors_wait_with_their_image_and_say_what_failed():
    bench = bench_with("scissors")
    bench.click(*on_circle(0))
    bench.click(*on_circle(90))
    bench.toolbox.enter(2)
    assert not bench.tool.busy
    bench.toolbox.enter(1)
    bench.waits = True
    assert len(bench.move(*on_circle(180)).overlay.path.anchors) == 2
    (request,) = bench.requests
    bench.follow(bench.toolbox.deliver(request.ticket, UserError("The file is gone"), bench))
    assert "The file is gone" in bench.last.status
    bench.move(*on_circle(190))
    assert len(bench.requests) == 1  # what failed is not asked for again


@pytest.mark.parametrize("target", [(-40, 12), (300, 12), (12, -9), (12, 500), (0, 0), (20, 12)])
def test_a_wire_ends_where_it_is_asked_to(target):
    pixels = picture()[:60, :60]
    way = LiveWire(pixels, (20, 12), (0, 0), 1).path_to(*target)
    assert np.array_equal(way[0], (20, 12))
    assert np.array_equal(way[-1], target)
    assert len(way) >= 2
    assert (np.abs(way[1:-1] - 30) <= 30).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (1, 40)])
@pytest.mark.parametrize("shrink", [1, 4])
def test_a_wire_of_hardly_any_pixels(size, shrink):
    way = LiveWire(np.zeros((*size, 3), np.uint8), (0.5, 0.5), (0, 0), shrink).path_to(7, 7)
    assert np.array_equal(way[-1], (7, 7))


def test_a_shrunken_window_gives_image_coordinates():
    large = np.kron(picture(), np.ones((4, 4, 1), np.uint8))
    wire = LiveWire(large, (1000 + 4 * 75, 500 + 4 * 40), (1000, 500), 4)
    way = wire.path_to(1000 + 4 * 50, 500 + 4 * 65)
    radius = np.hypot(*(way - (1200, 660)).T)
    assert np.abs(radius - 100).max() < 8


# Wand


def test_the_wand_finds_the_area_of_like_colour():
    bench = bench_with("wand")
    bench.click(50, 40)
    made = newest(bench)
    assert overlap(bench.mask(made), DISK) > 0.97
    assert not bench.shape(made).parts[0].holes
    assert bench.selection == {made}
    assert len(bench.edits) == 1


def test_a_drag_sets_the_tolerance_and_the_preview_follows():
    bench = bench_with(
        "wand",
        pixels=np.repeat(
            np.tile(np.arange(WIDTH, dtype=np.uint8), (HEIGHT, 1))[..., None], 3, axis=2
        ),
    )
    bench.tool.set_option("tolerance", 5)
    bench.press(50, 40)
    bench.move(50, 40)
    narrow = bench.tool.look(bench).overlay.area.shape.bounds
    bench.move(80, 40)
    assert bench.tool.tolerance == 15
    wide = bench.tool.look(bench).overlay.area.shape.bounds
    assert wide[2] - wide[0] > narrow[2] - narrow[0] + 15
    bench.release(80, 40)
    x0, _, x1, _ = bench.shape(newest(bench)).bounds
    assert (x0, x1) == pytest.approx((35, 66), abs=1)


def test_the_wand_adds_with_shift_and_takes_with_alt():
    bench = bench_with("wand", instance(1, Polygon(square(5, 10, 60))), selected=(1,))
    before = bench.mask(1)
    bench.click(50, 40, "alt")
    assert overlap(bench.mask(1), before & ~DISK) > 0.95
    bench.click(50, 40, "shift")
    assert overlap(bench.mask(1), before | DISK) > 0.95
    assert len(bench.edits) == 2


def test_a_wand_that_waits_keeps_the_last_tolerance_only():
    bench = bench_with("wand")
    bench.waits = True
    bench.press(50, 40)
    bench.wheel(10)
    bench.release(50, 40)
    assert bench.tool.busy
    bench.work()  # of the first tolerance
    assert not bench.edits
    bench.work()
    assert len(bench.edits) == 1
    assert not bench.tool.busy


def test_escape_while_the_wand_waits():
    bench = bench_with("wand")
    bench.waits = True
    bench.click(50, 40)
    bench.key("escape")
    assert not bench.tool.busy
    bench.work()
    assert not bench.edits
    assert "inside" in bench.press(-5, 10).status


def test_a_flood_of_one_pixel_is_not_lost():
    pixels = np.zeros((9, 9, 3), np.uint8)
    pixels[4, 4] = 255
    assert flood(pixels, (4, 4), 10).bounds == (4, 4, 5, 5)


# GrabCut


def test_refine_moves_a_rough_outline_to_the_border():
    rough = instance(1, Polygon([(27, 24), (45, 12), (70, 22), (77, 45), (58, 67), (30, 58)]))
    bench = bench_with("refine", rough)
    before = overlap(bench.mask(1), DISK)
    bench.click(50, 40)
    assert overlap(bench.mask(1), DISK) > 0.97 > before
    assert bench.selection == {1}
    assert len(bench.edits) == 1
    assert_sound(bench.shape(1))


def test_refine_keeps_holes_and_parts():
    ring = DISK & (np.hypot(*np.moveaxis(CENTERS - (50, 40), -1, 0)) > 10)
    blob = np.hypot(*np.moveaxis(CENTERS - (88, 14), -1, 0)) < 9
    rough = mask_to_shape(np.roll(ring | blob, 1, axis=1))
    bench = bench_with("refine", instance(1, *rough.parts), pixels=picture(ring | blob))
    bench.tool.set_option("band", 3)
    bench.selection = frozenset({1})
    bench.key("enter")
    assert overlap(bench.mask(1), ring | blob) > 0.95
    assert sorted(len(part.holes) for part in bench.shape(1).parts) == [0, 1]


def test_refine_leaves_what_lies_outside_the_band():
    far = instance(1, Polygon(square(40, 30, 12)))  # deep inside the disk
    bench = bench_with("refine", far)
    bench.tool.set_option("band", 4)
    bench.click(45, 35)
    x0, y0, x1, y1 = bench.shape(1).bounds
    assert x0 >= 35
    assert y0 >= 25
    assert x1 <= 57
    assert y1 <= 47


def test_a_refined_instance_that_has_changed_meanwhile_is_left_alone():
    bench = bench_with("refine", instance(1, Polygon(square(28, 20, 44))))
    bench.waits = True
    bench.click(50, 40)
    assert bench.tool.busy
    bench.document.load(1, [instance(1, Polygon(square(20, 20, 10)))])
    bench.work()
    assert not bench.edits
    assert not bench.tool.busy


def test_refine_that_cannot_work_says_why():
    bench = bench_with(
        "refine", instance(1, Polygon([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)]))
    )
    assert "no unlocked" in bench_with("refine").press(5, 5).status
    bench.press(5, 5)
    assert "nothing beside" in bench.last.status
    assert not bench.tool.busy
    assert not bench.edits


@pytest.mark.parametrize("value", [0, 128])
def test_refine_of_a_flat_picture_stays_near(value):
    flat = np.full((HEIGHT, WIDTH, 3), value, np.uint8)
    shape = Shape([Polygon(square(30, 30, 20))])
    made = shape_to_mask(refine(flat, shape, 4), HEIGHT, WIDTH)
    assert made[35:45, 35:45].all()
    assert not made[:24].any()


def test_a_large_window_is_worked_on_smaller_and_comes_back_to_size():
    large = np.kron(picture(), np.ones((12, 12, 1), np.uint8))
    rough = Shape([Polygon(np.array(square(27, 17, 46)) * 12.0)])
    made = shape_to_mask(refine(large, rough, 100), 12 * HEIGHT, 12 * WIDTH)
    assert overlap(made, np.kron(DISK, np.ones((12, 12), bool))) > 0.95


def test_windows_lie_inside_the_image_and_are_never_empty():
    assert window_around((50, 40), 10, (100, 80)) == (40, 30, 60, 50)
    assert window_around((-50, 400), 10, (100, 80)) == (0, 69, 10, 80)
    assert window_over((30.2, -5, 30.3, 3.5), (100, 80)) == (30, 0, 31, 4)
    assert window_over((200, 200, 210, 210), (100, 80)) == (99, 79, 100, 80)
