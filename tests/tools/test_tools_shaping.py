"""Outlines that are settled together come out as each would alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskgui.core.shape import Polygon, Shape
from maskgui.tools.shaping import settle, settle_all

SIDE = 20
corner = st.tuples(st.integers(-4, SIDE + 4), st.integers(-4, SIDE + 4))
parts = st.lists(corner, min_size=3, max_size=6).map(Polygon)
shapes = st.lists(parts, max_size=2).map(Shape)


@given(st.lists(shapes, max_size=6))
def test_many_are_settled_as_each_alone(outlines):
    fresh = [Shape(Polygon(part.exterior) for part in one.parts) for one in outlines]
    assert settle_all(outlines, SIDE, SIDE) == [settle(one, SIDE, SIDE) for one in fresh]


def test_what_is_fine_comes_back_itself_and_a_hole_is_kept():
    ring = [(1, 1), (9, 1), (9, 9), (1, 9)]
    hole = [(3, 3), (3, 6), (6, 6), (6, 3)]
    fine, holed, outside = Shape([Polygon(ring)]), Shape([Polygon(ring, [hole])]), Shape()
    settled = settle_all([fine, holed, outside], SIDE, SIDE)
    assert settled[0] is fine
    assert settled[1:] == [holed, outside]


@given(parts, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_box_moves_exactly_with_its_vertices(part, dx, dy):
    moved = Shape([part]).moved(dx, dy)
    points = moved.parts[0].exterior
    assert moved.bounds == (*np.min(points, axis=0).tolist(), *np.max(points, axis=0).tolist())
