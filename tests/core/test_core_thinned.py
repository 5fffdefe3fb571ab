"""Thinner outlines stay where they were promised to stay."""

import numpy as np
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from maskgui.core.shape import Polygon, Shape
from maskgui.core.simplify import thinned


@given(st.integers(0, 10_000), st.integers(4, 60), st.sampled_from([0.08, 0.75, 2.5, 6.0]))
def test_no_vertex_leaves_the_outline_by_more_than_the_tolerance(seed, count, tolerance):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    away = rng.uniform(20, 30, (count, 1))
    ring = 50 + away * np.column_stack([np.cos(angle), np.sin(angle)])
    assume(shapely.Polygon(ring).is_valid)
    (part,) = thinned(Shape([Polygon(ring)]), tolerance).parts
    outline = shapely.Polygon(part.exterior)
    assert outline.is_valid
    assert len(part.exterior) <= count
    assert shapely.distance(outline.exterior, shapely.points(ring)).max() <= tolerance + 1e-9


def test_a_sliver_is_not_thinned_to_nothing():
    sliver = [[53.85, 94.2], [50.33, 94.22], [50.22, 94.22], [53.74, 94.29]]
    shape = Shape([Polygon(sliver), Polygon([[0, 0], [9, 0], [9, 4.5], [9, 9], [0, 9]])])
    kept, thinner = thinned(shape, 1.5).parts
    assert kept == shape.parts[0], "three of its corners are a crumb, which settling drops"
    assert len(thinner.exterior) < 5
