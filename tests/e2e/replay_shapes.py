"""Outlines as the replay understands them: valid polygons of shapely, and what gestures do to them.

Nothing here is the application's. Every outline carries how far it may differ from what the
application has: square pixels where curves are drawn by other chords, and pixels of the mask, two
for each crossing of outlines and one for each part that a boolean made.
"""

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pycocotools.mask
import shapely
import shapely.affinity
import shapely.ops

Point = Sequence[float]
Part = shapely.Polygon
Owner = tuple[int, int]
"""Part and ring, 0 for the exterior."""

CRUMB, THIN = 0.01, 0.01
"""Square pixels, and pixels of mean width: pieces of less are dropped, as the application says."""
CHORDS = 0.16
"""Pixels by which the application's curves and strokes may leave the true ones."""


@dataclass(frozen=True)
class Outline:
    """Parts, which may overlap after one was moved over another, and what they may differ by."""

    parts: tuple[Part, ...]
    blur: float = 0.0  # square pixels
    slack: float = 0.0  # pixels of the mask
    plain: "Outline | None" = field(default=None, compare=False)  # before it was simplified

    @property
    def area(self) -> shapely.Geometry:
        return shapely.union_all(self.parts)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = shapely.total_bounds(self.parts).tolist()
        return x0, y0, x1, y1

    @property
    def length(self) -> float:
        return float(shapely.length(self.parts).sum())


def outline(area: shapely.Geometry, *others: Outline, more: float = 0.0) -> Outline:
    """Return an area as parts; it may differ by what those it came from do, and `more` pixels."""
    found = tuple(polygons(area))
    blur = sum(one.blur for one in others)
    slack = sum(one.slack for one in others) + more + len(found)
    return Outline(found, blur, slack)


def polygons(area: shapely.Geometry) -> Iterable[Part]:
    for piece in shapely.get_parts(area):
        if piece.geom_type == "Polygon" and piece.area >= max(CRUMB, THIN * piece.length / 2):
            yield piece
        elif piece.geom_type in ("MultiPolygon", "GeometryCollection"):
            yield from polygons(piece)


def crossings(one: shapely.Geometry, other: shapely.Geometry) -> int:
    """Return how often two outlines cross or begin to run together."""
    met = shapely.intersection(one.boundary, other.boundary)
    return sum(1 if piece.geom_type == "Point" else 2 for piece in shapely.get_parts(met))


def even_odd(ring: Sequence[Point]) -> shapely.Geometry:
    """Return what a ring of any course encloses an odd number of times."""
    plain = shapely.Polygon(ring)
    if plain.is_valid:
        return plain
    closed = np.array([*ring, ring[0]], dtype=float)
    faces = shapely.get_parts(shapely.polygonize([shapely.node(shapely.LineString(closed))]))
    inside = [face for face in faces if _odd(closed, face.representative_point())]
    return shapely.union_all(inside)


def _odd(closed: np.ndarray, at: shapely.Point) -> bool:
    (x0, y0), (x1, y1) = closed[:-1].T, closed[1:].T
    spans = (y0 > at.y) != (y1 > at.y)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = at.x < x0 + (at.y - y0) * (x1 - x0) / (y1 - y0)
    return bool((spans & right).sum() % 2)


def settled(parts: Iterable[shapely.Geometry], size: Point) -> tuple[Part, ...]:
    """Return what of each part lies on the image."""
    frame = shapely.box(0, 0, *size)
    kept = [one if frame.covers(one) else shapely.intersection(one, frame) for one in parts]
    return tuple(piece for one in kept for piece in polygons(one))


def drawn(ring: Sequence[Point], size: Point) -> Outline:
    return Outline(settled([even_odd(ring)], size))


def ellipse(x0: float, y0: float, x1: float, y1: float, size: Point) -> Outline:
    angle = np.linspace(0, 2 * math.pi, 240, endpoint=False)
    x = (x0 + x1) / 2 + (x1 - x0) / 2 * np.cos(angle)
    y = (y0 + y1) / 2 + (y1 - y0) / 2 * np.sin(angle)
    return blurred(drawn(np.column_stack([x, y]), size))


def stroke(way: Sequence[Point], radius: float, size: Point) -> Outline:
    """Return what a disk covers on its way: a hull of two disks for each step."""
    angle = np.linspace(0, 2 * math.pi, 64, endpoint=False)
    disk = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    steps = [way[max(at - 1, 0) : at + 1] for at in range(len(way))]
    hulls = [shapely.MultiPoint(np.vstack([disk + end for end in step])) for step in steps]
    area = shapely.union_all([one.convex_hull for one in hulls])
    return blurred(Outline(settled([area], size)))


def blurred(one: Outline) -> Outline:
    """Return an outline that may differ by chords all along it."""
    by = CHORDS * one.length
    return replace(one, blur=one.blur + by, slack=one.slack + math.ceil(by) + 1)


# ---- rings


def changed(one: Outline, rings: Mapping[Owner, Sequence[Point] | None], size: Point) -> Outline:
    """Return the outline with rings replaced, or gone: a hole alone, an exterior with its part."""
    parts: list[shapely.Geometry] = []
    for at, part in enumerate(one.parts):
        own = [rings.get((at, number), ring) for number, ring in enumerate(rings_of(part))]
        if own[0] is not None:
            holes = shapely.union_all([even_odd(hole) for hole in own[1:] if hole is not None])
            parts.append(shapely.difference(even_odd(own[0]), holes))
    return Outline(settled(parts, size), one.blur, one.slack + 2)


def rings_of(part: Part) -> list[Sequence[Point]]:
    found = [part.exterior, *part.interiors]
    return [shapely.get_coordinates(ring)[:-1] for ring in found]


def ring_at(one: Outline, points: Sequence[Point]) -> Owner:
    """Return which part and ring some points lie on; they must."""
    places = shapely.points(np.array(points, dtype=float))
    away = {}
    for at, part in enumerate(one.parts):
        for number, ring in enumerate([part.exterior, *part.interiors]):
            away[at, number] = float(shapely.distance(ring, places).max())
    found = min(away, key=lambda key: away[key])
    limit = 2 * CHORDS if one.blur else 1e-6
    assert away[found] <= limit, f"no ring within {away[found]:.3g} px of what was pointed at"
    return found


def rerun(ring: Sequence[Point], run: Sequence[Point], new: Sequence[Point]) -> list[Point]:
    """Return a ring whose piece along `run` (its ends and what lies between) is `new` instead."""
    line = shapely.LinearRing(ring)
    first, between, last = (line.project(shapely.Point(run[at])) for at in (0, len(run) // 2, -1))
    ahead = (between - first) % line.length <= (last - first) % line.length
    start, end = (last, first) if ahead else (first, last)
    kept = _strictly_between(line, ring, start, end)
    return [*new, *(kept if ahead else kept[::-1])]


def _strictly_between(
    line: shapely.LinearRing, ring: Sequence[Point], start: float, end: float
) -> list[Point]:
    """Return the vertices from one place of a ring to another, in its own direction."""
    way = (end - start) % line.length
    along = (shapely.line_locate_point(line, shapely.points(np.array(ring))) - start) % line.length
    inner = (along > 1e-6) & (along < way - 1e-6)
    return [tuple(ring[at]) for at in np.argsort(along) if inner[at]]


def rerouted(one: Outline, way: Sequence[Point], size: Point) -> Outline:
    """Return the outline with the piece that a way runs beside replaced by it."""
    places = shapely.points(way[0])
    rings = {
        (at, number): shapely.LinearRing(ring)
        for at, part in enumerate(one.parts)
        for number, ring in enumerate(rings_of(part))
    }
    owner = min(rings, key=lambda key: shapely.distance(rings[key], places))
    line, ring = rings[owner], rings_of(one.parts[owner[0]])[owner[1]]
    ends = [line.project(shapely.Point(end)) for end in (way[0], way[-1])]
    course = [line.interpolate(ends[0]).coords[0], *way[1:-1], line.interpolate(ends[1]).coords[0]]
    sides = [
        [course[0], *_strictly_between(line, ring, *ends), course[-1]],
        [course[-1], *_strictly_between(line, ring, *ends[::-1]), course[0]],
    ]
    there, back = (_apart(side, course) for side in sides)
    new = [*course, *sides[1][1:-1]] if there <= back else [*course[::-1], *sides[0][1:-1]]
    new = [point for at, point in enumerate(new) if tuple(point) != tuple(new[at - 1])]
    return one if len(new) < 3 else changed(one, {owner: new}, size)


def _apart(one: Sequence[Point], other: Sequence[Point]) -> float:
    total = 0.0
    for a, b in ((one, other), (other, one)):
        line, beside = shapely.LineString(a), shapely.LineString(b)
        share = np.linspace(0, 1, 64)
        samples = shapely.line_interpolate_point(line, share, normalized=True)
        total += float(np.mean(shapely.distance(samples, beside)))
    return total


# ---- areas


def union(*shapes: Outline) -> Outline:
    areas = [one.area for one in shapes]
    more = sum(2 * crossings(areas[0], other) for other in areas[1:])
    return outline(shapely.union_all(areas), *shapes, more=more)


def minus(one: Outline, *others: Outline) -> Outline:
    taken = shapely.union_all([other.area for other in others])
    more = 2 * crossings(one.area, taken)
    return outline(shapely.difference(one.area, taken), one, *others, more=more)


def common(*shapes: Outline) -> Outline:
    area = shapes[0].area
    more = sum(2 * crossings(area, other.area) for other in shapes[1:])
    for other in shapes[1:]:
        area = shapely.intersection(area, other.area)
    return outline(area, *shapes, more=more)


def without_holes(one: Outline) -> Outline:
    shells = [shapely.Polygon(part.exterior) for part in polygons(one.area)]
    return outline(shapely.union_all(shells), one)


def pieces(one: Outline) -> list[Outline]:
    found = sorted(polygons(one.area), key=lambda part: -part.area)
    return [outline(part, one) for part in found]


def sliced(one: Outline, way: Sequence[Point]) -> list[Outline]:
    """Return what a line cuts an outline into, the largest with all that it does not cut."""
    line = shapely.LineString(way)
    split = [list(polygons(shapely.ops.split(part, line))) for part in polygons(one.area)]
    whole = [part for made in split if len(made) == 1 for part in made]
    cut = sorted((part for made in split if len(made) > 1 for part in made), key=lambda p: -p.area)
    if not cut:
        return [one]
    more = 2 * crossings(one.area, line.buffer(1e-9))
    found = [shapely.union_all([cut[0], *whole]), *cut[1:]]
    return [outline(area, one, more=more) for area in found]


def moved(one: Outline, dx: float, dy: float) -> Outline:
    parts = tuple(shapely.affinity.translate(part, dx, dy) for part in one.parts)
    return replace(one, parts=parts, slack=one.slack + 1, plain=None)


def mapped(one: Outline, matrix: Sequence[float], size: Point) -> Outline:
    """Return the outline under a matrix (a, b, d, e, x, y of shapely), clipped to the image."""
    parts = [shapely.affinity.affine_transform(part, matrix) for part in one.parts]
    grown = max(1.0, abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]))
    slack = one.slack * math.sqrt(grown) + 1
    return Outline(settled(parts, size), one.blur * grown, slack)


# ---- comparing


def apart(one: Outline, other: Outline) -> float:
    """Return the square pixels in which two outlines differ."""
    return float(shapely.symmetric_difference(one.area, other.area).area)


def from_rings(rings: Sequence[Sequence[Sequence[Point]]]) -> Outline:
    return Outline(tuple(shapely.Polygon(part[0], part[1:]) for part in rings))


def mask(one: Outline, size: Point) -> np.ndarray:
    """Return the pixels of an outline by COCO's rasteriser, H x W."""
    width, height = (int(side) for side in size)
    found = np.zeros((height, width), bool)
    for part in one.parts:
        exterior, *holes = (_filled(ring, height, width) for ring in rings_of(part))
        for hole in holes:
            exterior = exterior & ~hole
        found |= exterior
    return found


def _filled(ring: Sequence[Point], height: int, width: int) -> np.ndarray:
    flat = [np.asarray(ring, dtype=float).ravel()]
    runs = pycocotools.mask.frPyObjects(flat, height, width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own array, of an older numpy
        return pycocotools.mask.decode(runs)[:, :, 0].astype(bool)
