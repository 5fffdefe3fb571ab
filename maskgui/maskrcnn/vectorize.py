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

from maskgui.core.detections import CERTAIN, Detections
from maskgui.core.shape import Polygon, Shape

SMALLEST_AREA = 0.75
"""Square pixels of the image; a part or a hole below it would hardly fill one pixel."""

TOLERANCE, TOLERANCE_SHARE = 0.05, 0.002
"""How far an outline may move when needless vertices are left out: image pixels, and share of the
box's shorter side; the smaller holds."""

Array = NDArray[np.float64]
Geometries = NDArray[np.object_]
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
        detections: soft masks N x m x m uint16 over boxes N x 4 in image coordinates.
        indices: which detections.
        mask_threshold: a point belongs to the object where its probability is at least this.
        image_size: (height, width) in pixels; outlines are clipped to it.

    Every polygon is valid for shapely, holes included.
    """
    level = cut_level(mask_threshold)
    rings: list[Array] = []
    owners: list[int] = []  # of each ring, its part
    places: list[int] = []  # of each part, its place in `indices`
    tolerances: list[float] = []
    for place_in_result, index in enumerate(indices):
        box = detections.boxes[index]
        found, parts = _rings(detections.masks[index], box, level)
        numbers = {part: len(places) + order for order, part in enumerate(dict.fromkeys(parts))}
        rings += found
        owners += [numbers[part] for part in parts]
        places += [place_in_result] * len(numbers)
        shorter = float(np.min(box[2:] - box[:2]))
        tolerances += [min(TOLERANCE, TOLERANCE_SHARE * shorter)] * len(numbers)
    outlines: list[list[Polygon]] = [[] for _ in indices]
    if rings:
        polygons, numbered = _polygons(rings, np.array(owners), np.array(tolerances), image_size)
        for polygon, number in zip(polygons, numbered, strict=True):
            outlines[places[number]].append(_part(polygon))
    return [Shape(parts) for parts in outlines]


def cut_level(mask_threshold: float) -> float:
    """Return the level between two stored values that parts p >= threshold from the rest.

    No stored value lies on it, so contours never run through a grid point.
    """
    return float(np.ceil(np.clip(mask_threshold, 1 / CERTAIN, 1.0) * CERTAIN)) - 0.5


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


def _rings(
    mask: NDArray[np.uint16], box: NDArray[np.float32], level: float
) -> tuple[list[Array], list[int]]:
    """Return closed rings in image coordinates, and for each the part it belongs to.

    The first ring of a part is its exterior. Parts and holes below SMALLEST_AREA are left out.
    """
    side = mask.shape[-1]
    padded = np.zeros((side + 2, side + 2), np.float32)
    padded[1:-1, 1:-1] = mask
    contours = contourpy.contour_generator(z=padded, fill_type=contourpy.FillType.OuterOffset)
    points, offsets = cast(Outlines, contours.filled(level, np.inf))
    scale, offset = place(box, side)
    rings: list[Array] = []
    owners: list[int] = []
    for number, (part, starts) in enumerate(zip(points, offsets, strict=True)):
        placed = part * scale + offset
        for start, end in pairwise(starts.tolist()):
            ring = placed[start:end]
            if _area(ring) >= SMALLEST_AREA:
                rings.append(ring)
                owners.append(number)
            elif start == 0:
                break  # an exterior too small, and with it its holes
    return rings, owners


def _area(ring: Array) -> float:
    x, y = ring[:, 0], ring[:, 1]
    return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2


def _polygons(
    rings: list[Array], owners: NDArray[np.int64], tolerances: Array, image_size: tuple[int, int]
) -> tuple[Geometries, NDArray[np.int64]]:
    """Return valid polygons inside the image, and for each the number of its part.

    All parts of all detections at once: a call of shapely's for each would take most of the time.

    Args:
        rings: closed rings, those of a part together, the exterior first.
        owners: for each ring the number of its part, 0, 1, 2 ...
        tolerances: for each part how far simplifying may move its outline.
    """
    points = np.concatenate(rings)
    of_ring = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    full = shapely.polygons(shapely.linearrings(points, indices=of_ring), indices=owners)
    simple = shapely.simplify(full, tolerances, preserve_topology=True)
    polygons: Geometries = np.where(shapely.is_valid(simple), simple, full)
    height, width = image_size
    x0, y0, x1, y1 = shapely.bounds(polygons).T
    inside = (x0 >= 0) & (y0 >= 0) & (x1 <= width) & (y1 <= height)
    whole = inside & shapely.is_valid(polygons)
    frame = shapely.box(0, 0, width, height)
    cut = shapely.intersection(shapely.make_valid(polygons[~whole]), frame)
    pieces, of_cut = shapely.get_parts(cut, return_index=True)
    kept = (shapely.area(pieces) >= SMALLEST_AREA) & (
        shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON
    )
    numbers = np.concatenate([np.flatnonzero(whole), np.flatnonzero(~whole)[of_cut[kept]]])
    return np.concatenate([polygons[whole], pieces[kept]]), numbers


def _part(polygon: shapely.Polygon) -> Polygon:
    exterior, *holes = (shapely.get_coordinates(ring)[:-1] for ring in shapely.get_rings(polygon))
    return Polygon(exterior, holes)
