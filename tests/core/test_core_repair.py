"""Outlines that cross themselves or have many parts cover what even-odd filling covers."""

import numpy as np
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maskgui.core.booleans import area_of, part_area, slice_along, tidy, to_area
from maskgui.core.hit import covers
from maskgui.core.shape import Polygon, Shape

on_grid = st.tuples(st.integers(0, 8), st.integers(0, 8))
thirds = on_grid.map(lambda point: (point[0] / 3, point[1] / 3))
seeds = st.integers(0, 2**32 - 1)


def areas(geometry):
    """The polygons of a geometry, lines and points left out."""
    pieces = shapely.get_parts(shapely.get_parts(geometry))
    return pieces[shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON]


@settings(max_examples=200)
@given(seeds, st.integers(3, 60))
@example(3802, 6)
def test_where_edges_only_cross_it_is_what_make_valid_returns(seed, count):
    ring = np.random.default_rng(seed).uniform(0, 100, (count, 2))
    plain = shapely.union_all(areas(shapely.make_valid(shapely.Polygon(ring))))
    one, other = (
        shapely.normalize(shapely.multipolygons(shapely.get_parts(area)))  # of one part, too
        for area in (part_area(Polygon(ring)), plain)
    )
    assert shapely.equals_exact(one, other, 1e-9)


@settings(max_examples=200)
@given(
    st.lists(on_grid, min_size=3, max_size=30) | st.lists(thirds, min_size=3, max_size=30), seeds
)
def test_what_runs_over_itself_is_filled_even_odd(points, seed):
    part = Polygon(points)
    area = part_area(part)
    assert area.is_valid
    spots = np.random.default_rng(seed).uniform(0, 8, (50, 2))
    edge = shapely.LinearRing(part.exterior)
    for x, y in spots[shapely.distance(shapely.points(spots), edge) > 1e-6].tolist():
        assert shapely.intersects_xy(area, x, y) == (covers(Shape([part]), x, y) is not None)


def test_a_face_with_a_spike_is_judged_by_a_point_well_inside_it():
    columns = [4, 5, 2, 5, 2, 11, 6, 7, 0, 10, 5, 6, 9, 7, 8, 2, 1, 3, 10, 4, 5, 1, 6, 5, 0, 3, 0]
    rows = [3, 4, 8, 2, 11, 10, 6, 7, 6, 2, 11, 1, 7, 4, 6, 4, 3, 5, 1, 1, 4, 9, 11, 11, 6, 7, 2]
    points = np.stack([[*columns, 7, 11], [*rows, 10, 6]], axis=1) / 3
    assert shapely.intersects_xy(part_area(Polygon(points)), 1.139, 1.53)


@settings(max_examples=100)
@given(st.lists(st.tuples(on_grid, st.integers(1, 3)), min_size=2, max_size=6))
def test_several_parts_cover_their_union_whether_or_not_they_touch(squares):
    boxes = [shapely.box(x, y, x + side, y + side) for (x, y), side in squares]
    shape = Shape(Polygon(np.asarray(box.exterior.coords)[:-1]) for box in boxes)
    area = to_area(shape)
    assert area.is_valid
    assert shapely.equals(area, shapely.union_all(boxes))


def test_what_a_boolean_leaves_is_known_to_be_valid():
    bow = Shape([Polygon([(0, 0), (8, 8), (8, 0), (0, 8)])])
    assert not bow.parts[0].is_valid
    for part in tidy(bow).parts:
        assert part.is_valid
        assert part.plain().is_valid


def test_a_part_that_the_line_does_not_meet_goes_with_the_nearer_side():
    parts = [[(0, 0), (20, 0), (20, 10), (0, 10)], [(30, 0), (34, 0), (34, 4), (30, 4)]]
    first, second = slice_along(Shape(map(Polygon, parts)), [(12, -5), (12, 15)])
    assert (area_of(first), area_of(second)) == (120, 80 + 16)
