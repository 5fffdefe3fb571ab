"""Masks and shapes: pycocotools and shapely are the judges."""

import numpy as np
import pycocotools.mask
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskgui.core.raster import (
    Rle,
    RleError,
    iou,
    mask_to_shape,
    pixel_count,
    rle_to_shape,
    shape_to_mask,
    shape_to_rle,
)
from maskgui.core.rle import difference, intersection_area, union
from maskgui.core.shape import Polygon, Shape
from maskgui.core.simplify import simplify

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""pycocotools 2.0 has not followed numpy 2 there."""

masks = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14))


def decoded(shape: Shape, height: int, width: int) -> np.ndarray:
    """What pycocotools makes of the shape, ring by ring, with nothing of ours in between."""

    def fill(ring):
        rles = pycocotools.mask.frPyObjects([ring.ravel().tolist()], height, width)
        return pycocotools.mask.decode(rles)[..., 0].astype(bool)

    result = np.zeros((height, width), bool)
    for part in shape.parts:
        covered = fill(part.exterior)
        for hole in part.holes:
            covered &= ~fill(hole)
        result |= covered
    return result


def assert_exact(mask: np.ndarray) -> None:
    shape = mask_to_shape(mask)
    assert np.array_equal(decoded(shape, *mask.shape), mask)
    assert np.array_equal(shape_to_mask(shape, *mask.shape), mask)
    for part in shape.parts:
        polygon = shapely.Polygon(part.exterior, part.holes)
        assert polygon.is_valid, shapely.is_valid_reason(polygon)
    assert sum(shapely.Polygon(p.exterior, p.holes).area for p in shape.parts) == mask.sum()


@settings(max_examples=400)
@given(masks)
def test_any_mask_survives_the_trip_through_polygons(mask):
    assert_exact(mask)


@pytest.mark.parametrize("density", [0.05, 0.3, 0.5, 0.6, 0.8, 0.97])
def test_noise_survives_the_trip_through_polygons(density):
    assert_exact(np.random.default_rng(7).random((90, 120)) < density)


@pytest.mark.parametrize(
    "rows",
    [
        ["#"],
        ["#.", ".#"],
        [".#", "#."],
        [".#.", "#.#", ".#."],  # four touching pixels round a hole
        ["####", "#..#", "#.##", "####"],
        ["#####", "#.#.#", "##.##", "#.#.#", "#####"],  # holes that touch by corners
        ["#####", "#...#", "#.#.#", "#...#", "#####"],  # an island in a hole
        ["###", "#.#", "##."],  # a hole that touches the outside
    ],
)
def test_drawn_cases(rows):
    assert_exact(np.array([[c == "#" for c in row] for row in rows]))


def test_an_exterior_and_its_hole_stay_together():
    mask = np.ones((9, 9), bool)
    mask[3:6, 3:6] = False
    mask[4, 4] = True
    shape = mask_to_shape(mask)
    assert sorted((len(part.exterior), len(part.holes)) for part in shape.parts) == [(4, 0), (4, 1)]


def test_a_square_of_coco_covers_nine_pixels():
    shape = Shape([Polygon([[2, 2], [5, 2], [5, 5], [2, 5]])])
    assert shape_to_rle(shape, 10, 10).area == 9
    assert shape_to_rle(shape, 10, 10).bounds == (2, 2, 5, 5)


rings = st.lists(
    st.tuples(st.floats(-5, 25, width=32), st.floats(-5, 25, width=32)), min_size=3, max_size=8
)


@settings(max_examples=200)
@given(st.lists(st.tuples(rings, st.lists(rings, max_size=2)), min_size=1, max_size=3))
def test_any_shape_is_filled_as_pycocotools_does(parts):
    shape = Shape(Polygon(exterior, holes) for exterior, holes in parts)
    expected = decoded(shape, 18, 20)
    assert np.array_equal(shape_to_mask(shape, 18, 20), expected)
    assert pixel_count(shape, 18, 20) == expected.sum()


def test_a_stray_vertex_does_not_exhaust_the_memory():
    shape = Shape([Polygon([[0, 0], [1e12, 0], [0, 5]])])
    assert shape_to_mask(shape, 8, 8)[:4, :4].all()


@settings(max_examples=200)
@given(masks)
def test_rle_equals_pycocotools_in_both_forms(mask):
    theirs = pycocotools.mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = Rle.from_mask(mask)
    assert ours.to_coco(True)["counts"].encode() == theirs["counts"]
    for value in (theirs, ours.to_coco(True), ours.to_coco(False)):
        read = Rle.from_coco(value)
        assert read == ours
        assert read.area == mask.sum()
        assert np.array_equal(read.to_mask(), mask)
    assert rle_to_shape(ours) == mask_to_shape(mask)


def test_runs_of_no_length_say_the_same():
    plain = Rle.from_coco({"size": [2, 3], "counts": [1, 2, 3]})
    for counts in ([1, 1, 0, 1, 3], [1, 2, 3, 0], [1, 2, 1, 0, 2, 0, 0]):
        other = Rle.from_coco({"size": [2, 3], "counts": counts})
        assert other == plain
        assert np.array_equal(other.to_mask(), plain.to_mask())
        assert rle_to_shape(other) == rle_to_shape(plain)


def test_long_runs_survive_compression():
    toggles = np.array([5, 40, 41, 900_000, 900_031, 39_999_990])
    rle = Rle.from_toggles(toggles, 8000, 5000)
    assert np.array_equal(Rle.from_coco(rle.to_coco(True)).counts, rle.counts)


@settings(max_examples=100)
@given(st.data())
def test_set_operations_equal_those_of_the_pixels(data):
    shape = data.draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    one, two, three = (data.draw(hnp.arrays(np.bool_, shape)) for _ in range(3))
    a, b, c = (Rle.from_mask(mask) for mask in (one, two, three))
    assert np.array_equal(union([a, b, c]).to_mask(), one | two | three)
    assert np.array_equal(difference(a, b).to_mask(), one & ~two)
    assert intersection_area(a, b) == (one & two).sum()
    either = (one | two).sum()
    assert iou(a, b) == ((one & two).sum() / either if either else 1.0)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"size": [2, 2], "counts": [1, 2]}, "add up to 3"),
        ({"size": [2, 2], "counts": [1, 4]}, "add up to 5"),
        ({"size": [2, 2], "counts": [5, -1]}, "negative"),
        ({"size": [2, 2], "counts": [1.5, 2.5]}, "no integer"),
        ({"size": [2], "counts": [4]}, "size"),
        ({"counts": [4]}, "size"),
        ({"size": [2, 2]}, "neither text nor a list"),
        ({"size": [2, 2], "counts": "é"}, "not ASCII"),
        ({"size": [2, 2], "counts": "\n\n"}, "damaged"),
        ({"size": [2, 2], "counts": "PPPPPPPPPPPPPPPPP4"}, "damaged"),
        ({"size": [2, 2], "counts": "P"}, "damaged"),
        ({"size": [2, 2], "counts": [10**30, 1]}, "too large"),
    ],
)
def test_damaged_rle_is_refused_with_its_reason(value, reason):
    with pytest.raises(RleError, match=reason):
        Rle.from_coco(value)


def blob(size: int) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    angle = np.arctan2(y - size / 2, x - size / 2)
    return np.hypot(x - size / 2, y - size / 2) < size * (0.32 + 0.1 * np.sin(3 * angle))


@pytest.mark.parametrize("size", [3, 8, 16, 64, 200])
@pytest.mark.parametrize("min_iou", [0.9, 0.985])
def test_simplified_outlines_keep_their_mask(size, min_iou):
    mask = blob(size)
    mask[size // 2, size // 2] = False
    shape = mask_to_shape(mask)
    simple = simplify(shape, size, size, min_iou)
    covered = decoded(simple, size, size)
    assert (covered & mask).sum() / (covered | mask).sum() >= min_iou
    assert all(shapely.Polygon(part.exterior, part.holes).is_valid for part in simple.parts)
    if size >= 64:
        assert simple.vertex_count <= shape.vertex_count / 3


def test_a_crossing_outline_becomes_valid():
    bow = Shape([Polygon([[2, 2], [20, 20], [20, 2], [2, 20]])])
    simple = simplify(bow, 24, 24, 0.9)
    assert all(shapely.Polygon(part.exterior, part.holes).is_valid for part in simple.parts)
    assert iou(shape_to_rle(simple, 24, 24), shape_to_rle(bow, 24, 24)) >= 0.9
