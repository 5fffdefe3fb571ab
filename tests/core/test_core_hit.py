"""Hit testing: vertex, then edge, then body; the smallest first; holes are no body."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgui.core.entities import Instance
from maskgui.core.hit import HitIndex, Part, covers, hit_test, shape_area
from maskgui.core.shape import Polygon, Shape


def box(x0, y0, x1, y1, holes=()):
    return Polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], holes)


def instance(number, *parts):
    return Instance(number, 1, 1, Shape(parts))


FRAME = instance(1, box(0, 0, 100, 100, [[[20, 20], [80, 20], [80, 80], [20, 80]]]))
SMALL = instance(2, box(5, 5, 15, 15))


def test_a_vertex_goes_before_an_edge_and_an_edge_before_a_body():
    near_vertex = hit_test([FRAME, SMALL], 6, 6, 2)
    assert (near_vertex.kind, near_vertex.instance_id, near_vertex.index) == (Part.VERTEX, 2, 0)
    near_edge = hit_test([FRAME, SMALL], 10, 6, 2)
    assert (near_edge.kind, near_edge.index, near_edge.x, near_edge.y) == (Part.EDGE, 0, 10, 5)
    inside = hit_test([FRAME, SMALL], 10, 10, 2)
    assert (inside.kind, inside.instance_id) == (Part.BODY, 2)


def test_a_larger_ones_vertex_goes_before_a_smaller_ones_body():
    vertex_below = instance(3, box(10, 10, 60, 60))
    hit = hit_test([vertex_below, SMALL], 10, 10, 2)
    assert (hit.instance_id, hit.kind) == (3, Part.VERTEX)


def test_holes_have_vertices_and_edges_and_are_no_body():
    assert hit_test([FRAME], 50, 50, 2) is None
    corner = hit_test([FRAME], 21, 21, 3)
    assert (corner.kind, corner.ring, corner.index) == (Part.VERTEX, 1, 0)
    edge = hit_test([FRAME], 50, 79, 3)
    assert (edge.kind, edge.ring, edge.index, edge.y) == (Part.EDGE, 1, 2, 80)


def test_parts_are_told_apart():
    two = instance(4, box(0, 0, 10, 10), box(50, 50, 60, 60))
    assert hit_test([two], 55, 55, 1).part == 1
    assert covers(two.shape, 5, 5) == 0
    assert covers(two.shape, 30, 30) is None


def test_what_is_hidden_or_not_asked_for_is_not_hit():
    index = HitIndex([FRAME, SMALL])
    assert index.hit(10, 10, 1, skip={2}).instance_id == 1
    assert index.hit(10, 10, 1, only={1}).instance_id == 1
    assert index.hit(6, 6, 2, kinds={Part.BODY}).kind is Part.BODY
    assert index.bodies_at(10, 10) == [2, 1]


def test_the_index_follows_changes():
    index = HitIndex([SMALL])
    index.put(Instance(2, 1, 1, SMALL.shape.moved(100, 0)))
    assert index.hit(10, 10, 1) is None
    assert index.hit(110, 10, 1).instance_id == 2
    index.remove(2)
    index.remove(2)
    assert index.hit(110, 10, 1) is None


def test_a_rubber_band_takes_what_lies_wholly_inside():
    index = HitIndex([FRAME, SMALL, Instance(7, 1, 1, Shape())])
    assert index.inside(0, 0, 50, 50) == {2}
    assert index.inside(0, 0, 100, 100) == {1, 2}


points = st.tuples(st.integers(0, 30), st.integers(0, 30))


@settings(max_examples=200)
@given(st.lists(points, min_size=3, max_size=8), st.floats(0, 30), st.floats(0, 30))
def test_bodies_and_distances_agree_with_shapely(ring, x, y):
    polygon = shapely.Polygon(ring)
    spot = shapely.Point(x, y)
    if polygon.is_valid and polygon.exterior.distance(spot) > 1e-6:
        hit = hit_test([instance(1, Polygon(ring))], x, y, 0)
        assert (hit is not None) == polygon.contains(spot)
    reach = hit_test([instance(1, Polygon(ring))], x, y, 5, kinds={Part.EDGE})
    distance = shapely.LinearRing([*ring, ring[0]]).distance(spot)
    if abs(distance - 5) > 1e-6:
        assert (reach is not None) == (distance < 5)
    if reach is not None:
        assert np.isclose(np.hypot(reach.x - x, reach.y - y), distance)


def test_area_takes_off_the_holes():
    assert shape_area(FRAME.shape) == 6400


changes = st.lists(st.tuples(st.integers(1, 6), st.integers(-1, 30)), max_size=20)


@given(changes, st.tuples(st.integers(0, 40), st.integers(0, 40)))
def test_an_index_that_followed_changes_equals_one_made_anew(steps, place):
    index, now = HitIndex([instance(1, box(0, 0, 10, 10))]), {1: instance(1, box(0, 0, 10, 10))}
    for number, at in steps:
        index.bodies_at(*place)  # what it found out so far must not stay where it is wrong
        if at < 0:
            index.remove(number)
            now.pop(number, None)
        else:
            side = 1 + (at * number) % 25
            parts = [box(at, at, at + side, at + side)] if side % 7 else []
            now[number] = instance(number, *parts)
            index.put(now[number])
    fresh = HitIndex(now.values())
    assert index.bodies_at(*place) == fresh.bodies_at(*place)
    assert index.hit(*place, 3) == fresh.hit(*place, 3)
    assert index.inside(0, 0, 30, 30) == fresh.inside(0, 0, 30, 30)
