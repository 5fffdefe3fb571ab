"""Lines, halos, fills and dashes as they are painted, against exact areas and distances."""

from functools import lru_cache

import numpy as np
import pytest
import shapely
from PySide6.QtGui import QColor

from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas import ink
from maskgui.ui.canvas.chips import chip_bleed
from maskgui.ui.canvas.dots import VERTEX, VERTEX_SMALL, Dots, dots_of, paint_dots
from maskgui.ui.canvas.ink import BLOCK, Brushes, Sheet, pixels_of
from maskgui.ui.canvas.linework import Linework, across, cropped
from maskgui.ui.canvas.outlines import TOLERANCE, Outline, Outlines
from maskgui.ui.canvas.paintlist import PaintItem, PaintList, PaintPlan, paint_tile
from maskgui.ui.canvas.style import Look
from maskgui.ui.canvas.tiles import TILE, TileJob, TileKey, area_of, grown

BLUE, RED = (200, 60, 20), (20, 30, 220)
SIDE = 160
assert SIDE % BLOCK == 0


def wobbly(count=90, middle=(80, 80), radius=50, rough=0.05, seed=0):
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    reach = radius * (1 + 0.2 * np.sin(3 * turn) + rough * rng.standard_normal(count))
    return np.asarray(middle) + np.stack([np.cos(turn), np.sin(turn)], 1) * reach[:, None]


SPIKES = np.array(
    [(20, 20), (30, 140), (40, 22), (50, 139), (60, 20), (140, 80), (61, 150), (20, 150)]
)
RINGS = {
    "round": wobbly(rough=0),
    "rough": wobbly(rough=0.08),
    "scribble": wobbly(2000, rough=0.03),
    "spikes": SPIKES + 0.3,
    "twice the same point": np.repeat(wobbly(20, rough=0), 2, axis=0),
}


def brushes(width=2.0, halo=0.0, share=0.0, **more):
    return Brushes(BLUE, share, RED, width, halo, **more)


def painted(*layers, shift=(0.0, 0.0), sketched=False):
    """Pixels (H x W x 4, float 0-1) after painting (rings, brushes) one above the other."""
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    sheet = Sheet(pixels, (0, 0))
    work = Linework([Outline.of(rings) for rings, _ in layers], 1.0, shift)
    for at, (_, style) in enumerate(layers):
        (sheet.sketch if sketched else sheet.paint)(work, at, style)
    return pixels / 255


@lru_cache
def distances(name):
    """How far each pixel's centre lies from one of the rings."""
    y, x = np.indices((SIDE, SIDE)) + 0.5
    line = shapely.LinearRing(RINGS[name])
    return shapely.distance(line, shapely.points(x.ravel(), y.ravel())).reshape(SIDE, SIDE)


@pytest.mark.parametrize("width", [1.25, 2.0, 3.0, 4.0, 6.0])
@pytest.mark.parametrize("name", RINGS)
def test_a_line_covers_what_is_near_and_nothing_else(name, width):
    ring = RINGS[name]
    seen = painted(([ring], brushes(width)))[..., 3]
    away = distances(name)
    assert seen[away <= max(width / 2 - 0.9, 0.1)].min() > 0.6  # no gap, between two lines either
    assert seen[away >= width / 2 + 1.5].max(initial=0) < 0.02


@pytest.mark.parametrize("width", [1.25, 2.0, 3.0, 4.0])
def test_a_line_is_as_wide_as_asked_and_lies_on_the_outline(width):
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = 80.3 + 50 * np.stack([np.cos(turn), np.sin(turn)], 1)
    seen = painted(([ring], brushes(width)))[..., 3]
    assert seen.sum() / shapely.LinearRing(ring).length == pytest.approx(width, abs=0.25)
    y, x = np.indices((SIDE, SIDE)) + 0.5
    beyond = np.hypot(x - 80.3, y - 80.3) - 50
    assert abs((seen * beyond).sum() / seen.sum()) < 0.05


def test_where_lines_cross_or_lie_over_one_another_nothing_adds_up():
    ring = RINGS["scribble"]
    seen = painted(([ring], brushes(2.0)), ([ring[::-1]], brushes(2.0)))
    whole = seen[seen[..., 3] == 1]
    assert len(whole) > 1000
    assert np.abs(whole * 255 - (*RED, 255)).max() <= 1
    assert (seen[..., :3] <= seen[..., 3:] + 1e-9).all()  # premultiplied


@pytest.mark.parametrize("name", RINGS)
def test_lines_drawn_in_one_channel_look_as_those_drawn_in_colour(name, monkeypatch):
    seen = []
    for limit in (0, np.inf):
        monkeypatch.setattr(ink, "CROWDED", limit)
        below = ([wobbly(40, (90, 70))], brushes(3.0, halo=1.0, share=0.4))
        seen.append(painted(below, ([RINGS[name]], brushes(2.0, share=0.22))))
    assert np.abs(seen[0] - seen[1]).max() * 255 <= 8  # OpenCV rounds at each line
    assert seen[1].any()


def test_a_halo_is_of_one_shade_and_darkens_what_is_below():
    ring = RINGS["round"]
    seen = painted(([ring], brushes(2.0, halo=1.0)))
    away = distances("round")
    rim = seen[..., 3][(away > 1.6) & (away < 2.0)]
    assert rim.min() > 0.1
    assert rim.max() < 0.75
    below = [(9, 9), (151, 9), (151, 151), (9, 151)]
    over = painted(([np.array(below)], brushes(share=0.5)), ([ring], brushes(2.0, halo=1.0)))
    middle, edge = over[80, 80], over[(away > 1.6) & (away < 2.0)]
    assert np.abs(middle * 255 - (100, 30, 10, 128)).max() <= 2
    assert (edge[:, 3] >= 0.5).all()
    far = over[20:140, 20:140][(away > 4)[20:140, 20:140]]
    assert np.abs(far * 255 - (100, 30, 10, 128)).max() <= 2


def test_fills_lie_one_above_the_other_with_their_holes():
    square = np.array([(20, 20), (140, 20), (140, 140), (20, 140)], float)
    hole = np.array([(60, 60), (100, 60), (100, 100), (60, 100)], float)
    seen = painted(([square, hole], brushes(share=0.25)), ([square], brushes(share=0.25))) * 255
    assert np.abs(seen[80, 80] - (50, 15, 5, 64)).max() <= 1
    assert np.abs(seen[40, 40] - np.array((200, 60, 20, 255)) * 0.4375).max() <= 2
    dotted = painted(([square], brushes(share=0.25, dotted=True)))[30:130, 30:130, 3]
    assert (dotted > 0).mean() == pytest.approx(0.5)
    half = painted(([square, hole], brushes(share=0.25)), sketched=True) * 255
    assert np.abs(half[40, 40] - (50, 15, 5, 64)).max() <= 1
    assert half[80, 80].max() == 0


def test_dots_lie_on_the_image_whatever_is_painted_of_it():
    whole = np.zeros((SIDE, SIDE, 4), np.uint8)
    outline = Outline.of([wobbly() + 0.4])
    style = brushes(share=0.25, dotted=True)
    Sheet(whole, (0, 0)).paint(Linework([outline], 1.0, (0, 0)), 0, style)
    for x, y in ((32, 33), (33, 33), (33, 32), (-1, 4)):
        piece = np.zeros((64, 64, 4), np.uint8)
        Sheet(piece, (x, y)).paint(Linework([outline], 1.0, (x, y)), 0, style)
        left, top = max(x, 0), max(y, 0)
        differ = piece[top - y :, left - x :] != whole[top : y + 64, left : x + 64]
        assert differ.any(axis=2).mean() < 0.01  # places on the line are rounded another way


def test_dashes_are_on_and_off_in_turn_along_the_whole_outline():
    ring = np.array([(20, 20), (140, 20), (140, 140), (20, 140)], float)
    seen = painted(([ring], brushes(2.0, dashed=True)))[20, 30:130, 3] > 0.5
    changes = np.flatnonzero(np.diff(seen.astype(int)))
    assert np.abs(np.diff(changes[::2]) - 13).max() <= 1
    assert seen.mean() == pytest.approx(8 / 13, abs=0.12)
    whole = painted(([ring], brushes(2.0)))[..., 3].sum()
    assert painted(([ring], brushes(2.0, dashed=True)))[..., 3].sum() == pytest.approx(
        whole * 8 / 13, rel=0.15
    )


def test_outlines_far_outside_cost_nothing_and_harm_nothing():
    away = wobbly() + 500
    across_all = np.array([(-1e9, 80.0), (1e9, 80.0), (1e9, 1e9), (-1e9, 1e9)])
    seen = painted(([away], brushes(share=0.2, halo=1.0)), ([across_all], brushes(share=0.2)))
    assert seen[:78].max() == 0
    assert np.abs(seen[90:, :, 3] - 0.2).max() < 0.01


def test_the_same_outline_is_the_same_wherever_the_raster_begins():
    ring = RINGS["rough"]
    style = brushes(2.0, halo=1.0, share=0.22)
    here = painted(([ring], style))
    there = painted(([ring + np.array([7, -5])], style), shift=(7.0, -5.0))
    assert np.array_equal(here, there)


@pytest.mark.parametrize("name", [*RINGS, "winding", "around", "beyond"])
@pytest.mark.parametrize("window", [(70, 60, 110, 90), (0, 0, 8, 160), (100, 120, 160, 160)])
def test_what_lies_outside_a_window_is_cut_without_changing_what_lies_within(name, window):
    turn = np.linspace(0, 40, 3000)
    spiral = 80 + np.stack([np.cos(turn), np.sin(turn)], 1) * 4 * turn[:, None]
    more = {"winding": spiral, "around": wobbly(900, radius=400), "beyond": wobbly(300) + 300}
    ring = (RINGS | more)[name]
    for style in (brushes(3.0, halo=1.0, share=0.3), brushes(share=0.3, dashed=True)):
        seen = []
        for cut in (None, grown(window, style.reach)):
            pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
            outlines = [Outline.of([ring]), Outline.of([wobbly(), ring[::-1]])]
            work = Linework(outlines, 1.0, (0.0, 0.0), window=cut)
            sheet = Sheet(pixels, (0, 0))
            for at in range(len(outlines)):
                sheet.paint(work, at, style)
            seen.append(pixels)
        x0, y0, x1, y1 = window
        assert np.array_equal(seen[0][y0:y1, x0:x1], seen[1][y0:y1, x0:x1])


def test_of_a_large_outline_a_window_keeps_little():
    ring = wobbly(2000, radius=400, rough=0.01)
    points, lengths = cropped(ring.T, np.array([len(ring)]), (0, 0, 160, 160))
    assert points.shape == (2, lengths.sum())
    assert lengths.sum() < 40
    points, lengths = cropped(ring.T, np.array([len(ring)]), (400, 0, 560, 160))
    assert 100 < lengths.sum() < 700


@pytest.mark.parametrize(("ratio", "side", "rim"), [(1.0, 7, 1), (1.25, 9, 1), (2.0, 14, 2)])
def test_vertices_are_squares_with_an_edge_and_a_shadow_at_the_border_too(ratio, side, rim):
    ground = np.full((SIDE, SIDE, 4), 255, np.uint8)
    points = np.array([(40.2, 40.0), (0.0, 80.0), (159.0, 100.0), (80.0, 159.0), (500.0, 3.0)])
    dots = Dots(points / ratio, VERTEX, QColor("#ff0000"), QColor("#00ff00"))
    whole = np.full((SIDE + 100, SIDE + 100, 4), 255, np.uint8)
    paint_dots(ground, dots, ratio, (0, 0), ratio)
    paint_dots(whole, dots, ratio, (-50, -50), ratio)
    assert np.array_equal(whole[50:-50, 50:-50], ground)
    first = tuple(int(at - side / 2 + 0.5) for at in (40.2, 40.0))  # halves go up everywhere
    odd = np.full((SIDE, SIDE, 4), 255, np.uint8)
    paint_dots(odd, dots, ratio, (1, 1), ratio)
    assert np.array_equal(odd[:-1, :-1], ground[1:, 1:])
    for inset, color in ((-rim, (165, 165, 165)), (0, (0, 255, 0)), (rim, (0, 0, 255))):
        x, y = first[0] + inset, first[1] + inset
        assert np.abs(ground[y, x, :3].astype(int) - color).max() <= 1
        end = side - 2 * inset - 1
        assert np.array_equal(ground[y, x], ground[y + end, x + end])
    around = ground[first[1] - rim - 1, :80]
    assert (around == 255).all()


def test_of_crowded_vertices_some_are_shown_or_none():
    fine, coarse = Shape([Polygon(wobbly(2000))]), Shape([Polygon(wobbly(20))])
    color = QColor("red")
    assert dots_of(fine, 1.0, color, always=False) is None
    some = dots_of(fine, 1.0, color, always=True)
    assert some.side == VERTEX_SMALL
    assert 50 < len(some.points) < 500
    assert len(dots_of(coarse, 1.0, color, always=False).points) == 20
    assert dots_of(Shape([]), 1.0, color, always=True) is None


def test_lines_side_by_side_are_less_than_a_pixel_apart():
    for width in (1.0, 1.25, 2.0, 3.0, 4.5, 8.0):
        offsets = np.array(across(width))
        assert offsets.sum() == pytest.approx(0, abs=1e-9)
        assert np.diff(offsets).max(initial=0) <= 0.8
        assert np.ptp(offsets) == pytest.approx(max(width - 1.37, 0))


@pytest.mark.parametrize("tagged", [False, True])
def test_a_tile_of_which_a_part_is_painted_anew_equals_a_whole_one(qtbot, tagged):
    def item(number, **more):
        tag = f"0.{number % 100:02}" if tagged else ""
        look = Look(("#0072b2", "#e69f00")[number % 2], proposal=number % 3 == 0, tag=tag, **more)
        ring = wobbly(60, (40 + 83 * number % 430, 40 + 57 * number % 430), 25, seed=number)
        return PaintItem(number, Shape([Polygon(ring)]), look, number, 0.5)

    def paint(job, content, lifted=frozenset()):
        plan = PaintPlan(content, lifted, frozenset(), True, QColor("red"), 1.0)
        paint_tile(job, plan, Outlines())
        return job

    key = TileKey(1.0, 0, 0)
    before = PaintList([item(n) for n in range(60)])
    changed = {7: None, 20: item(20, locked=True), 33: item(33, crowd=True)}
    after = before.changed(changed)
    lifted = frozenset({11})
    old = paint(TileJob(key, print), before)
    boxes = [item(n).shape.bounds for n in (*changed, 11)]
    bleed = chip_bleed(labelled=False) if tagged else 6.0
    for box in boxes:  # one at a time, so that areas are small
        area = area_of(key, [grown(box, bleed)])
        assert area != (0, 0, TILE, TILE)
        part = paint(TileJob(key, print, old.image, area), after, lifted)
        old.image = part.image
    whole = paint(TileJob(key, print), after, lifted)
    assert part.without == whole.without == lifted
    assert np.array_equal(pixels_of(part.image), pixels_of(whole.image))
    assert pixels_of(part.image).any()


def test_a_part_of_a_crowded_outline_is_painted_as_the_whole_is(qtbot):
    """Either way of drawing lines serves, but a shade apart: one is taken for all of an outline."""
    ring = wobbly(4000, (100, 100), 12, 0.1)
    content = PaintList([PaintItem(1, Shape([Polygon(ring)]), Look("#0072b2"))])
    plan = PaintPlan(content, frozenset(), frozenset(), True, QColor("red"), 1.0)
    whole = TileJob(TileKey(1.0, 0, 0), print)
    paint_tile(whole, plan, Outlines())
    for x in range(84, 116, 4):
        part = TileJob(whole.key, print, area=(x, 96, x + 4, 100))
        paint_tile(part, plan, Outlines())
        seen = (slice(96, 100), slice(x, x + 4))
        assert np.array_equal(pixels_of(part.image)[seen], pixels_of(whole.image)[seen])


@pytest.mark.parametrize(
    ("scale", "count", "radius", "rough"),
    [(1.0, 200, 100, 0.01), (1.0, 2000, 110, 0.003), (0.25, 100, 240, 0.005)],
)
def test_no_vertex_is_farther_from_a_thinned_outline_than_the_tolerance(
    scale, count, radius, rough
):
    rings = [wobbly(count, (500, 500), radius, rough, n) for n in range(60)]
    shapes = [Shape([Polygon(ring)]) for ring in rings]
    for shape, thin in zip(shapes, Outlines().at_scale([*enumerate(shapes)], scale), strict=True):
        line = shapely.LinearRing(thin.points)
        far = shapely.distance(line, shapely.points(shape.parts[0].exterior)).max() * scale
        assert far <= TOLERANCE + 1e-6


def test_an_outline_that_loses_little_is_not_thinned_in_every_frame_of_a_drag():
    kept = Outlines()
    for rough, thins in ((0.08, False), (0.001, True)):
        shapes = [Shape([Polygon(wobbly(2000, (500, 500), 300, rough, n))]) for n in range(2)]
        counts = [
            len(kept.at_scale([(1, one)], 4.0 if not thins else 1.0)[0].points) for one in shapes
        ]
        assert (counts[1] < 1500) == thins
        assert counts[0] < 2000
    few = Shape([Polygon(wobbly(20000, (500, 500), 300, 0.0001))])  # of far more vertices
    assert len(kept.at_scale([(1, few)], 4.0)[0].points) < 5000


@pytest.mark.parametrize("scale", [0.165, 1.0])
def test_thinned_outlines_keep_holes_and_parts_within_half_a_pixel(scale):
    parts = [
        Polygon(wobbly(400, (200, 200), 150), [wobbly(300, (200, 200), 60)]),
        Polygon(wobbly(200, (600, 200), 80)),
    ]
    outline = Outlines().at_scale([(1, Shape(parts))], scale)[0]
    found = np.split(outline.points, np.cumsum(outline.lengths)[:-1])
    rings = [ring for part in parts for ring in part.rings]
    assert len(found) == len(rings)
    for thin, ring in zip(found, rings, strict=True):
        far = shapely.distance(shapely.LinearRing(thin), shapely.points(ring)).max()
        assert far * scale <= 0.5
        assert len(thin) < len(ring)
