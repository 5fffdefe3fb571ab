"""Fewer vertices, with the loss bounded by the mask and not by a distance."""

import numpy as np
import shapely

from maskgui.core.booleans import is_crumb
from maskgui.core.hit import ring_area
from maskgui.core.raster import Mask, iou, mask_to_shape, rle_to_shape, shape_to_rle
from maskgui.core.shape import Polygon, Ring, Shape

EPSILONS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Distances tried, in pixels; the first that loses too much ends the search."""


def simplify(shape: Shape, height: int, width: int, min_iou: float = 0.985) -> Shape:
    """Return a shape of fewer vertices whose mask has at least `min_iou` with the shape's own.

    Douglas-Peucker, also from the middles of pixel edges, which follows a staircase far better.
    Every part of the result is a valid polygon; parts that were not are redrawn from the mask.
    Returns the shape itself when nothing can be saved.
    """
    target = shape_to_rle(shape, height, width)
    best = shape if _is_valid(shape) else rle_to_shape(target)
    for base in (best, _mid_edges(best)):
        for epsilon in EPSILONS:
            candidate = Shape(_douglas_peucker(part, epsilon) for part in base.parts)
            if iou(shape_to_rle(candidate, height, width), target) < min_iou:
                break
            if candidate.vertex_count < best.vertex_count and _is_valid(candidate):
                best = candidate
    return best


def outline_of(mask: Mask, tolerance: float = 0.75, least: float = 16.0) -> Shape:
    """Return a bool mask's (H x W) outline as a person would draw it: no stairs, no pinholes.

    It stays within about `tolerance` pixels of the pixels' own edges. Holes below `least` square
    pixels are filled, parts below it keep their exact outline. Parts may need repair where they
    are one pixel thin.
    """
    parts: list[Polygon] = []
    for part in mask_to_shape(mask).parts:
        kept = Polygon(part.exterior, [hole for hole in part.holes if ring_area(hole) >= least])
        large = ring_area(part.exterior) >= least
        parts.extend(thinned(_mid_edges(Shape([kept])), tolerance).parts if large else [kept])
    return Shape(parts)


def thinned(shape: Shape, tolerance: float) -> Shape:
    """Return the shape with fewer vertices, its outline within `tolerance` pixels of the old.

    Valid parts stay valid; each ring keeps at least three vertices. A part that would become a
    crumb stays as it is, so that none is lost.
    """
    return Shape(_within(part, tolerance) for part in shape.parts)


def from_shapely(polygon: shapely.Polygon) -> Polygon:
    """Return a shapely polygon as a part; shapely's repeated last vertex is dropped."""
    rings = [np.asarray(ring.coords)[:-1, :2] for ring in (polygon.exterior, *polygon.interiors)]
    return Polygon(rings[0], rings[1:])


def _is_valid(shape: Shape) -> bool:
    return all(part.is_valid for part in shape.parts)


def _douglas_peucker(part: Polygon, epsilon: float) -> Polygon:
    simpler = part.plain().simplify(epsilon, preserve_topology=True)
    usable = isinstance(simpler, shapely.Polygon) and not simpler.is_empty
    return from_shapely(simpler) if usable else part


def _within(part: Polygon, tolerance: float) -> Polygon:
    """Return a part with fewer vertices, its outline within `tolerance` pixels of the old.

    GEOS measures whether a ring's first vertex can go from the outline that is thinner already, so
    that both together may leave the old outline by up to twice as much.
    """
    simpler = _douglas_peucker(part, tolerance)
    outline = simpler.plain().boundary
    shapely.prepare(outline)
    if not shapely.dwithin(outline, shapely.points(np.vstack(part.rings)), tolerance).all():
        simpler = _douglas_peucker(part, tolerance / 2)
    return part if is_crumb(simpler.plain()) else simpler


def _mid_edges(shape: Shape) -> Shape:
    """Move the vertices of pixel-edge rings to the middles of their unit edges."""
    return Shape(
        Polygon(_middles(part.exterior), [_middles(hole) for hole in part.holes])
        for part in shape.parts
    )


def _middles(ring: Ring) -> Ring:
    steps = np.roll(ring, -1, axis=0) - ring
    straight = (steps == 0).any(axis=1).all() and (ring == np.round(ring)).all()
    if not straight:
        return ring
    lengths = np.abs(steps).sum(axis=1).astype(np.int64)
    if lengths.sum() < 3:
        return ring
    start = np.repeat(ring, lengths, axis=0)
    unit = np.repeat(np.sign(steps), lengths, axis=0)
    place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    middles: Ring = start + unit * (place[:, None] + 0.5)
    return middles
