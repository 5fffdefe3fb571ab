"""Outlines from soft masks, judged against torchvision's own paste, pixel by pixel."""

import numpy as np
import pytest
import shapely
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchvision.models.detection.roi_heads import paste_masks_in_image

from maskgui.core.detections import CERTAIN, Detections
from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Shape
from maskgui.maskrcnn.vectorize import cut_level, shapes

SIDE = 28
HEIGHT, WIDTH = 240, 320


def detections(masks: NDArray[np.uint16], boxes: list[list[float]]) -> Detections:
    count = len(boxes)
    return Detections(
        "model 0",
        ("thing",),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.ones(count, np.float32),
        np.zeros(count, np.int32),
        masks,
    )


def blob(rng: np.random.Generator, hole: bool = False) -> NDArray[np.uint16]:
    """A soft star, with a soft hole in it where asked for: SIDE x SIDE uint16."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE - 0.5
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    waves = sum(
        rng.normal() * 0.05 / k * np.cos(k * angle + rng.uniform(0, 6)) for k in range(1, 6)
    )
    depth = 0.38 + waves - radius
    if hole:
        depth = np.minimum(depth, radius - 0.15)
    return np.round(CERTAIN / (1 + np.exp(-depth * rng.uniform(20, 120)))).astype(np.uint16)


def pasted(found: Detections, threshold: float = 0.5) -> NDArray[np.bool_]:
    masks = torch.from_numpy(found.masks.astype(np.float32))[:, None] / CERTAIN
    full = paste_masks_in_image(masks, torch.from_numpy(found.boxes), (HEIGHT, WIDTH))
    return full[:, 0].numpy() >= threshold


def pixel_centres(shape: Shape) -> NDArray[np.bool_]:
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    parts = [shapely.Polygon(part.exterior, part.holes) for part in shape.parts]
    return np.asarray(shapely.contains_xy(shapely.MultiPolygon(parts), x, y))


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("hole", [False, True])
@pytest.mark.parametrize(
    ("size", "least", "by_coco"), [(16, 0.98, 0.96), (40, 0.99, 0.98), (120, 0.995, 0.99)]
)
def test_outlines_cover_the_pixels_that_torchvision_pastes(
    size: int, least: float, by_coco: float, hole: bool
) -> None:
    rng = np.random.default_rng(size)
    masks = np.stack([blob(rng, hole) for _ in range(12)])
    corners = rng.uniform(0, [WIDTH - 1.4 * size, HEIGHT - 1.4 * size], (12, 2))
    sides = rng.uniform(0.7, 1.4, (12, 2)) * size
    found = detections(masks, np.hstack([corners, corners + sides]).tolist())
    outlines = shapes(found, range(12), image_size=(HEIGHT, WIDTH))
    truth = pasted(found)
    assert (
        np.mean([iou(pixel_centres(s), t) for s, t in zip(outlines, truth, strict=True)]) >= least
    )
    # COCO's rasteriser snaps to fifths of a pixel; that is all it may add.
    decoded = [shape_to_mask(outline, HEIGHT, WIDTH) for outline in outlines]
    assert np.mean([iou(d, t) for d, t in zip(decoded, truth, strict=True)]) >= by_coco


def test_a_ring_keeps_its_hole() -> None:
    found = detections(blob(np.random.default_rng(3), hole=True)[None], [[20, 20, 180, 170]])
    (outline,) = shapes(found, [0], image_size=(HEIGHT, WIDTH))
    assert [len(part.holes) for part in outline.parts] == [1]


@pytest.mark.parametrize(
    "box", [[-3.7, -2.2, 60, 50], [280, 200, 325.5, 243.1], [0, 0, WIDTH, HEIGHT], [5, -9, 9, 400]]
)
def test_outlines_end_at_the_image_and_stay_valid(box: list[float]) -> None:
    found = detections(np.full((1, SIDE, SIDE), CERTAIN, np.uint16), [box])
    (outline,) = shapes(found, [0], image_size=(HEIGHT, WIDTH))
    x0, y0, x1, y1 = outline.bounds
    assert x0 >= 0
    assert y0 >= 0
    assert x1 <= WIDTH
    assert y1 <= HEIGHT
    assert iou(pixel_centres(outline), pasted(found)[0]) > 0.97


def test_nothing_above_the_threshold_or_outside_the_image_is_an_empty_shape() -> None:
    masks = np.stack(
        [np.full((SIDE, SIDE), value, np.uint16) for value in (0, CERTAIN // 2, CERTAIN)]
    )
    found = detections(masks, [[10, 10, 50, 50], [10, 10, 50, 50], [400, 10, 450, 50]])
    assert shapes(found, range(3), image_size=(HEIGHT, WIDTH)) == [Shape(), Shape(), Shape()]


def test_the_threshold_moves_the_outline_and_follows_torchvision() -> None:
    found = detections(blob(np.random.default_rng(5))[None], [[30.3, 40.8, 170.1, 150.9]])
    areas = []
    for threshold in (0.2, 0.5, 0.8):
        (outline,) = shapes(found, [0], threshold, image_size=(HEIGHT, WIDTH))
        assert iou(pixel_centres(outline), pasted(found, threshold)[0]) > 0.99
        areas.append(pixel_centres(outline).sum())
    assert areas[0] > areas[1] > areas[2]


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 1.0])
def test_no_stored_probability_lies_on_the_level(threshold: float) -> None:
    values = np.arange(CERTAIN + 1)
    above = values > cut_level(threshold)
    assert not (values == cut_level(threshold)).any()
    assert (above[1:] == (values[1:] / CERTAIN >= threshold))[1:].all()
    assert not above[0]


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 200), st.floats(0.5, 200))
def test_any_mask_gives_valid_polygons_inside_the_image(seed: int, w: float, h: float) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, CERTAIN + 1, (1, SIDE, SIDE), np.uint16)
    x, y = rng.uniform(-20, WIDTH), rng.uniform(-20, HEIGHT)
    found = detections(mask, [[x, y, x + w, y + h]])
    (outline,) = shapes(found, [0], image_size=(HEIGHT, WIDTH))
    for part in outline.parts:
        polygon = shapely.Polygon(part.exterior, part.holes)
        assert polygon.is_valid
        assert polygon.within(shapely.box(0, 0, WIDTH, HEIGHT))
