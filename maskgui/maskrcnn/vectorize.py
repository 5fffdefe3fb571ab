"""From soft masks to outlines: each RoI is contoured on its own, never through a full-size mask.

The placement is that of torchvision's `paste_masks_in_image`, so cutting there and here gives the
same pixels: the mask is padded by one cell of zeros, its box grown by as much and truncated to
whole pixels (right and bottom plus one), and values lie at the centres of their cells.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import contourpy
import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.core.detections import Detections
from maskgui.core.shape import Polygon, Shape

SMALLEST_AREA = 0.75
"""Square pixels of the image; a part or a hole below it would hardly fill one pixel."""

TOLERANCE, TOLERANCE_SHARE = 0.05, 0.002
"""How far an outline may move when needless vertices are left out: image pixels, and share of the
box's shorter side; the smaller holds."""

Array = NDArray[np.float64]
Outlines = tuple[list[Array], list[NDArray[np.uint32]]]


def shapes(
    detections: Detections,
    indices: Sequence[int],
    mask_threshold: float = 0.5,
    *,
    image_size: tuple[int, int],
) -> list[Shape]:
    """Return the outline of each detection in `indices`, empty where nothing reaches the threshold.

    Args:
        detections: soft masks N x m x m uint8 over boxes N x 4 in image coordinates.
        indices: which detections.
        mask_threshold: a point belongs to the object where its probability is at least this.
        image_size: (height, width) in pixels; outlines are clipped to it.

    Every polygon is valid for shapely, holes included.
    """
    level = cut_level(mask_threshold)
    return [
        _outline(detections.masks[index], detections.boxes[index], level, image_size)
        for index in indices
    ]


def cut_level(mask_threshold: float) -> float:
    """Return the level between two uint8 values that parts p >= threshold from the rest.

    No stored value lies on it, so contours never run through a grid point.
    """
    return float(np.ceil(np.clip(mask_threshold, 1 / 255, 1.0) * 255)) - 0.5


def place(box: NDArray[np.float32], side: int) -> tuple[Array, Array]:
    """Return (scale, offset), each (x, y), from indices of the padded mask to image coordinates.

    Args:
        box: x0, y0, x1, y1 in image coordinates.
        side: m of the m x m mask, without padding.
    """
    # In float32 and in torchvision's order of operations: a rounding apart moves a whole pixel.
    box = np.asarray(box, np.float32)
    half = (box[2:] - box[:2]) * np.float32(0.5) * np.float32((side + 2) / side)
    centre = (box[2:] + box[:2]) * np.float32(0.5)
    low = np.trunc(centre - half).astype(np.float64)
    extent = np.maximum(np.trunc(centre + half) - low + 1.0, 1.0)
    scale = extent / (side + 2)
    return scale, low + 0.5 * scale


def _outline(
    mask: NDArray[np.uint8],
    box: NDArray[np.float32],
    level: float,
    image_size: tuple[int, int],
) -> Shape:
    side = mask.shape[-1]
    padded = np.zeros((side + 2, side + 2), np.float32)
    padded[1:-1, 1:-1] = mask
    contours = contourpy.contour_generator(z=padded, fill_type=contourpy.FillType.OuterOffset)
    points, offsets = cast(Outlines, contours.filled(level, np.inf))
    scale, offset = place(box, side)
    tolerance = min(TOLERANCE, TOLERANCE_SHARE * side * float(scale.min()))
    polygons = [
        _polygon(part * scale + offset, starts, tolerance)
        for part, starts in zip(points, offsets, strict=True)
    ]
    return _to_shape(_clipped([p for p in polygons if p is not None], image_size))


def _polygon(points: Array, starts: NDArray[np.uint32], tolerance: float) -> shapely.Polygon | None:
    rings = [points[a:b] for a, b in pairwise(starts)]
    kept = [ring for ring in rings if _area(ring) >= SMALLEST_AREA]
    if not kept or kept[0] is not rings[0]:
        return None
    polygon = shapely.Polygon(kept[0], kept[1:])
    simpler = shapely.simplify(polygon, tolerance, preserve_topology=True)
    return simpler if simpler.is_valid else polygon


def _area(ring: Array) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2


def _clipped(polygons: list[shapely.Polygon], image_size: tuple[int, int]) -> list[shapely.Polygon]:
    height, width = image_size
    frame = shapely.box(0, 0, width, height)
    result: list[shapely.Polygon] = []
    for polygon in polygons:
        x0, y0, x1, y1 = polygon.bounds
        inside = x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height
        if inside and polygon.is_valid:
            result.append(polygon)
            continue
        cut = shapely.intersection(shapely.make_valid(polygon), frame)
        result.extend(
            part
            for part in shapely.get_parts(cut)
            if isinstance(part, shapely.Polygon) and part.area >= SMALLEST_AREA
        )
    return result


def _to_shape(polygons: list[shapely.Polygon]) -> Shape:
    return Shape(
        Polygon(
            shapely.get_coordinates(polygon.exterior)[:-1],
            [shapely.get_coordinates(ring)[:-1] for ring in polygon.interiors],
        )
        for polygon in polygons
    )
