"""Booleans of outlines do what the same operation does on masks, and leave only valid parts."""

import numpy as np
import pycocotools.mask
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maskgui.core import booleans, guards
from maskgui.core.raster import shape_to_mask
from maskgui.core.rle import Rle
from maskgui.core.shape import Polygon, Shape

SIDE = 400
OPERATIONS = {
    "union": (booleans.union, np.logical_or),
    "difference": (booleans.difference, lambda one, other: one & ~other),
    "intersection": (booleans.intersection, np.logical_and),
    "symmetric difference": (booleans.symmetric_difference, np.logical_xor),
}


def square(x, y, side):
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


def wavy(rng, center, radius):
    """A closed outline of 6 to 59 vertices around a centre."""
    angle = np.linspace(0, 2 * np.pi, int(rng.integers(6, 60)), endpoint=False)
    phases = rng.uniform(0, 2 * np.pi, 2)
    reach = radius * (1 + 0.2 * np.sin(3 * angle + phases[0]) + 0.1 * np.sin(5 * angle + phases[1]))
    return center + reach[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1)


def pentagon(rng):
    """Long straight edges, about 200 px across."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, 5))
    reach = rng.uniform(60, 120, 5)[:, None]
    ring = rng.uniform(120, 280, 2) + reach * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    return booleans.tidy(Shape([Polygon(ring)]))


def random_shape(rng):
    """Radii log-uniform 6-120 px, half with holes, a third with several parts."""
    parts = []
    for _ in range(int(rng.integers(2, 4)) if rng.random() < 1 / 3 else 1):
        radius = np.exp(rng.uniform(np.log(6), np.log(120)))
        center = rng.uniform(130, 270, 2)
        holes = [wavy(rng, center, 0.4 * radius)] if rng.random() < 0.5 else []
        parts.append(Polygon(wavy(rng, center, radius), holes))
    return Shape(parts)


def reference_mask(shape):
    """What pycocotools makes of the outer rings of a shape."""
    rings = [part.exterior.ravel().tolist() for part in shape.parts]
    if not rings:
        return np.zeros((SIDE, SIDE), dtype=bool)
    codes = pycocotools.mask.frPyObjects(rings, SIDE, SIDE)
    return Rle.from_coco(pycocotools.mask.merge(codes)).to_mask()


def crossings(*shapes):
    rings = [shapely.LinearRing(ring) for shape in shapes for _, _, ring in shape.rings()]
    met = (shapely.intersection(a, b) for i, a in enumerate(rings) for b in rings[:i])
    return sum(len(shapely.get_parts(one)) for one in met)


def assert_valid(shape):
    for part in shape.parts:
        assert shapely.Polygon(part.exterior, part.holes).is_valid
    area = sum(shapely.Polygon(part.exterior, part.holes).area for part in shape.parts)
    assert area == pytest.approx(booleans.area_of(shape), abs=1e-6)  # parts do not overlap


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_boolean_is_the_same_operation_on_masks(name):
    on_shapes, on_masks = OPERATIONS[name]
    rng = np.random.default_rng(list(OPERATIONS).index(name))
    for _ in range(250):
        one, other = random_shape(rng), random_shape(rng)
        made = on_shapes(one, other)
        assert_valid(made)
        wanted = on_masks(shape_to_mask(one, SIDE, SIDE), shape_to_mask(other, SIDE, SIDE))
        got = shape_to_mask(made, SIDE, SIDE)
        allowed = 2 * crossings(one, other) + len(made.parts)
        assert (wanted != got).sum() <= allowed
        if wanted.sum() > 2500:
            assert (wanted & got).sum() / (wanted | got).sum() >= 0.995


points = st.tuples(st.integers(0, 12), st.integers(0, 12))
rings = st.lists(points, min_size=3, max_size=8)
parts = st.builds(Polygon, rings, st.lists(rings, max_size=1))
shapes = st.lists(parts, min_size=1, max_size=2).map(Shape)


@settings(max_examples=100)
@given(shapes, shapes)
@example(  # GEOS took the wrong side of the edge that the bow's crossing lies off by rounding
    Shape([Polygon([(0, 0), (1, 6), (10, 8)])]),
    Shape([Polygon([(5, 1), (1, 6), (10, 8), (0, 8)], [[(0, 0), (0, 0), (0, 0)]])]),
)
def test_touching_crossing_and_flat_outlines_leave_valid_parts_and_areas_that_add_up(one, other):
    both, either = booleans.intersection(one, other), booleans.union(one, other)
    rest, apart = booleans.difference(one, other), booleans.symmetric_difference(one, other)
    for made in (both, either, rest, apart):
        assert_valid(made)
    areas = [booleans.area_of(made) for made in (both, either, rest, apart)]
    slack = 0.5
    assert areas[0] + areas[3] == pytest.approx(areas[1], abs=slack)
    assert areas[0] + areas[2] == pytest.approx(booleans.area_of(booleans.tidy(one)), abs=slack)
    assert booleans.difference(one, one) == Shape()
    again, whole = booleans.union(one, one), booleans.area_of(booleans.tidy(one))
    # Crumbs alone may be missing.
    assert booleans.area_of(again) == pytest.approx(whole, abs=slack)
    assert whole < 10 or booleans.overlap(one, again) == pytest.approx(1.0, abs=0.01)


def test_flat_outlines_cover_nothing_and_are_taken_by_every_operation():
    flat = Shape([Polygon([(0, 0), (0, 0), (0, 0)])])
    bent = Shape([Polygon([(0, 0), (0, 2), (0, 1), (1, 0)])])
    assert booleans.intersection(flat, bent) == booleans.difference(flat, bent) == Shape()
    assert booleans.area_of(booleans.union(flat, bent)) == pytest.approx(0.5)


def test_no_sliver_is_left_between_a_shared_border():
    one = Shape([Polygon([(0, 0), (10, 0), (10, 7), (0, 10)])])
    other = Shape([Polygon([(0, 10), (10, 7 - 1e-7), (10, 20), (0, 20)])])
    assert booleans.intersection(one, other) == Shape()
    joined = booleans.union(one, other)
    assert len(joined.parts) == 1
    assert not joined.parts[0].holes


def test_a_sliver_is_dropped_and_a_narrow_piece_stays():
    wide = Shape([Polygon(square(0, 0, 100))])
    for width, parts in ((0.004, 0), (0.1, 1)):
        rest = booleans.difference(
            wide, Shape([Polygon([(-1, -1), (200, -1), (200, 100 - width), (-1, 100 - width)])])
        )
        assert len(rest.parts) == parts


def test_filled_holes_swallow_what_lay_in_them():
    ring = Polygon(square(0, 0, 30), [square(5, 5, 20)])
    filled = booleans.fill_holes(Shape([ring, Polygon(square(10, 10, 5))]))
    assert len(filled.parts) == 1
    assert booleans.area_of(filled) == 900


def test_pieces_come_largest_first():
    shape = Shape([Polygon(square(0, 0, 3)), Polygon(square(10, 0, 5)), Polygon(square(12, 2, 5))])
    assert [booleans.area_of(piece) for piece in booleans.pieces(shape)] == [41, 9]


def test_a_line_cuts_from_border_to_border_only():
    shape = Shape([Polygon(square(0, 0, 10)), Polygon(square(20, 0, 4))])
    assert len(booleans.slice_along(shape, [(5, 5), (8, 12)])) == 1
    large, small = booleans.slice_along(shape, [(-1, 3), (11, 3)])
    assert booleans.area_of(small) == pytest.approx(30)
    assert len(large.parts) == 2
    assert booleans.area_of(large) == pytest.approx(70 + 16)


def test_a_line_through_a_hole_cuts_a_ring_in_two():
    shape = Shape([Polygon(square(0, 0, 20), [square(5, 5, 10)])])
    one, other = booleans.slice_along(shape, [(-1, 9), (21, 9)])
    assert booleans.area_of(one) + booleans.area_of(other) == pytest.approx(300)
    assert not one.parts[0].holes


def test_a_line_has_two_sides_however_many_pieces_it_makes():
    ring = Polygon(square(0, 0, 20), [square(2, 2, 16)])
    island, other = Polygon(square(8, 8, 4)), Polygon(square(16, 8, 1))
    shape = Shape([ring, island, other])
    one, two = booleans.slice_along(shape, [(9, -1), (9, 21)])
    masks = [reference_mask(found)[:20, :20] for found in (one, two)]
    assert [mask[:, :9].any() for mask in masks] == [False, True]
    assert [mask[:, 9:].any() for mask in masks] == [True, False]
    assert masks[0][8, 16]  # not cut, and nearer to the right side
    assert (masks[0].sum(), masks[1].sum()) == (76 + 12 + 1, 68 + 4)
    back = booleans.slice_along(shape, [(9, 21), (9, -1)])
    assert [booleans.area_of(found) for found in back] == pytest.approx([89, 72])


def test_teeth_cut_off_at_once_stay_one_shape():
    comb = [(0, 0), (20, 0), (20, 9), (16, 9), (16, 3), (12, 3), (12, 9), (8, 9), (8, 3), (0, 3)]
    body, teeth = booleans.slice_along(Shape([Polygon(comb)]), [(-1, 5), (10, 4.5), (21, 5)])
    assert len(body.parts) == 1
    assert len(teeth.parts) == 2
    assert booleans.area_of(body) + booleans.area_of(teeth) == pytest.approx(60 + 48)


def test_a_line_that_crosses_itself_has_two_sides():
    curl = [(-1, 10), (14, 10), (14, 16), (10, 16), (10, 4), (21, 4)]
    whole = Shape([Polygon(square(0, 0, 20))])
    found = booleans.slice_along(whole, curl)
    assert len(found) == 2
    assert sum(map(booleans.area_of, found)) == pytest.approx(400)
    overlap = booleans.intersection(*found)
    assert booleans.area_of(overlap) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("radius", [0.5, 3, 40, 400])
def test_a_stroke_is_a_disk_on_its_way(radius):
    dot = booleans.stroke([(500, 500)], radius)
    reach = np.hypot(*(dot.parts[0].exterior - 500).T)
    assert np.allclose(reach, radius)
    area = booleans.area_of(booleans.stroke([(500, 500), (600, 500)], radius))
    assert area == pytest.approx(np.pi * radius**2 + 200 * radius, rel=0.03)


def test_guards_lie_on_the_edges_that_were_cut():
    hexagon = wavy(np.random.default_rng(3), (200, 200), 110)[::3]
    one, other = Shape([Polygon(hexagon)]), Shape([Polygon(square(150.3, 60.7, 90))])
    made = booleans.difference(one, other)
    exact = booleans.to_area(one).difference(booleans.to_area(other))
    assert made.vertex_count > shapely.get_num_coordinates(exact) - 1  # there are some
    assert booleans.to_area(made).hausdorff_distance(exact) < 1e-9
    wanted = shape_to_mask(one, SIDE, SIDE) & ~shape_to_mask(other, SIDE, SIDE)
    assert (shape_to_mask(made, SIDE, SIDE) != wanted).sum() <= 2


def test_a_guard_that_rounding_puts_across_another_edge_is_left_out():
    first = [
        [166.97802059631633, 126.43706788805697],
        [161.40602369247162, 120.33402097647256],
        [144.22349064697698, 133.52735932668264],
        [145.92347699643665, 138.98304343178427],
        [167.42391653525783, 127.86806019419267],
    ]
    second = [
        [139.5942460540615, 142.2550368114695],
        [168.09520942050838, 127.5210250020236],
        [171.69811209005877, 147.81655852228621],
        [148.23140145725512, 151.98241473395385],
    ]
    bare = shapely.union(shapely.Polygon(first), shapely.Polygon(second))
    beside = guards.Guards(guards.edges_of([Shape([Polygon(first)]), Shape([Polygon(second)])]))
    joined = beside.guard(booleans.from_area(bare))
    assert_valid(joined)
    assert joined.vertex_count == shapely.get_num_coordinates(bare), "one of two guards stays"


def test_what_is_taken_from_many_is_taken_as_from_each_alone():
    rng = np.random.default_rng(8)
    taken = random_shape(rng)
    shapes = [random_shape(rng).moved(*rng.uniform(-120, 120, 2)) for _ in range(60)]
    left = booleans.without(shapes, taken)
    kept = 0
    for shape, rest in zip(shapes, left, strict=True):
        if booleans.intersection(shape, taken).parts:
            alone = booleans.difference(shape, taken)
            assert booleans.overlap(rest, alone) == pytest.approx(1, abs=1e-9)
            assert rest.vertex_count == alone.vertex_count  # guards are among them
        else:
            kept += 1
            assert rest is shape
    assert 0 < kept < 60
    assert any(not rest.parts for rest in booleans.without([taken], taken))


def test_what_has_thousands_of_vertices_is_made_ready_once_for_thousands_of_shapes(monkeypatch):
    """Guards of a whole large outline were made for every shape, and sorted for every ring."""
    turn = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    large = Shape([Polygon(200 + 150 * np.stack((np.cos(turn), np.sin(turn)), axis=1))])
    small = [Shape([Polygon(square(x, y, 5))]) for x in range(0, 400, 9) for y in range(0, 400, 9)]
    made = []
    counted = guards.edges_of

    def count(shapes):
        edges = counted(shapes)
        made.append(len(edges))
        return edges

    monkeypatch.setattr(guards, "edges_of", count)
    monkeypatch.setattr(booleans, "edges_of", count)
    booleans.without(small, large)
    assert sum(made) < 2 * large.vertex_count


def test_what_a_stack_leaves_of_a_shape_is_its_mask_without_those_above():
    """Long straight edges, cut: without guards their masks turned by 5 pixels a shape."""
    rng = np.random.default_rng(3)
    wrong = count = 0
    for _ in range(50):
        stack = [pentagon(rng) for _ in range(4)]
        left = booleans.uncovered(stack)
        masks = [reference_mask(shape) for shape in stack]
        for at, rest in enumerate(left):
            assert_valid(rest)
            wanted = masks[at] & ~np.any([np.zeros_like(masks[0]), *masks[at + 1 :]], axis=0)
            if not any(part.holes for part in rest.parts):  # COCO's polygons have none
                wrong += (reference_mask(rest) != wanted).sum()
                count += 1
    assert count > 150
    assert wrong / count < 1.0


def test_the_pieces_of_a_cut_have_the_pixels_of_the_whole():
    rng = np.random.default_rng(3)
    wrong = count = 0
    for _ in range(200):
        whole = pentagon(rng)
        cut = booleans.slice_along(whole, rng.uniform(0, SIDE, (2, 2)))
        if len(cut) > 1:
            times = sum(reference_mask(one).astype(int) for one in cut)
            wrong += (times != reference_mask(whole)).sum()
            count += 1
    assert count > 40
    assert wrong / count < 2.0, "without guards 8"


def test_a_union_leaves_parts_that_meet_no_other_shape_as_they_are():
    squares = [Polygon([(x, 0), (x + 4, 0), (x + 4, 4), (x, 4)]) for x in (0, 10, 20, 30)]
    joined = booleans.union(Shape(squares), Shape([Polygon([(9, 1), (25, 1), (25, 3), (9, 3)])]))
    assert joined.parts[:2] == (squares[0], squares[3])
    assert len(joined.parts) == 3
    assert booleans.area_of(joined) == pytest.approx(4 * 16 + 16 * 2 - 2 * 8)


def test_parts_of_one_shape_that_touch_at_a_corner_stay_two():
    squares = [Polygon([(x, x), (x + 4, x), (x + 4, x + 4), (x, x + 4)]) for x in (0, 4)]
    assert booleans.union(Shape(squares)).parts == tuple(squares)
    assert booleans.area_of(booleans.union(Shape(squares), Shape([squares[0]]))) == 32
    assert booleans.union().parts == ()
