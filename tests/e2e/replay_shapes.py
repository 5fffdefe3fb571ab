"""Outlines as the replay understands them: valid polygons of shapely, and what gestures do to them.

Nothing here is the application's. What a gesture makes of outlines carries how far the application
may differ in it: not at all where no outlines cross; else by pixels of the mask, two for each
crossing and one for each part; and by square pixels where curves are drawn by other chords.
"""

import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import shapely
import shapely.affinity
import shapely.ops

from tests.e2e.replay_masks import mask_of

Point = Sequence[float]
Part = shapely.Polygon
Owner = tuple[int, int]
"""Part and ring, 0 for the exterior."""

CRUMB, THIN = 0.01, 0.01
"""Square pixels, and pixels of mean width: pieces of less are dropped, as the application says."""
SIDE = 0.05
"""Pixels beside a line that tell which of its sides a piece is on."""
CHORDS = 0.16
"""Pixels by which the application's curves and strokes may leave the true ones."""


@dataclass(frozen=True)
class Outline:
    """Parts, which may overlap after one was moved over another, and what they may differ by."""

    parts: tuple[Part, ...]
    blur: float = 0.0  # square pixels
    slack: int = 0  # pixels of the mask
    pixels: Callable[[Point], np.ndarray] | None = field(default=None, compare=False)
    """What the same boolean makes of masks, H x W for a (width, height); None for no boolean."""

    @cached_property
    def area(self) -> shapely.Geometry:
        return self.parts[0] if len(self.parts) == 1 else shapely.union_all(self.parts)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = shapely.total_bounds(self.parts).tolist()
        return x0, y0, x1, y1

    def mask(self, size: Point) -> np.ndarray:
        """Return the pixels covered, H x W bool; where a boolean made it, its masks' own."""
        if self.pixels is not None:
            return self.pixels(size)
        return mask_of([rings_of(part) for part in self.parts], size)

    @cached_property
    def print(self) -> int:
        """A number that every bit of every vertex changes."""
        return print_of([rings_of(part) for part in self.parts])


def print_of(parts: Iterable[Iterable[np.ndarray]]) -> int:
    """Return a checksum of the rings (N x 2 float64) of parts."""
    found = 0
    for part in parts:
        for ring in part:
            found = zlib.crc32(ring.tobytes(), zlib.crc32(b"ring", found))
        found = zlib.crc32(b"part", found)
    return found


def outline(area: shapely.Geometry, more: float = 0) -> Outline:
    """Return an area as parts, in which a pixel each and `more` pixels may differ."""
    found = tuple(polygons(area))
    return Outline(found, slack=math.ceil(more) + len(found))


def polygons(area: shapely.Geometry) -> Iterable[Part]:
    for piece in shapely.get_parts(area):
        if piece.geom_type == "Polygon" and not is_crumb(piece):
            yield piece
        elif piece.geom_type in ("MultiPolygon", "GeometryCollection"):
            yield from polygons(piece)


def is_crumb(piece: Part) -> bool:
    return piece.area < max(CRUMB, THIN * piece.length / 2)


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
    return shapely.union_all([face for face in faces if _odd(closed, face)])


def _odd(closed: np.ndarray, face: Part) -> bool:
    """Whether a ring goes round a face an odd number of times, told well away from its edges."""
    at = shapely.get_point(shapely.maximum_inscribed_circle(face), 0)
    (x0, y0), (x1, y1) = closed[:-1].T, closed[1:].T
    spans = (y0 > at.y) != (y1 > at.y)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = at.x < x0 + (at.y - y0) * (x1 - x0) / (y1 - y0)
    return bool((spans & right).sum() % 2)


def settled(parts: Iterable[Sequence[Sequence[Point]]], size: Point) -> Outline:
    """Return what parts, given by their rings, cover of the image; a good part stays as it is."""
    frame = shapely.box(0, 0, *size)
    kept: list[Part] = []
    slack = 0
    for rings in parts:
        plain = shapely.Polygon(rings[0], rings[1:])
        if plain.is_valid and frame.covers(plain):
            kept += [] if is_crumb(plain) else [plain]
            continue
        holes = shapely.union_all([even_odd(hole) for hole in rings[1:]])
        area = shapely.difference(even_odd(rings[0]), holes)
        lines = shapely.union_all([shapely.LinearRing(ring) for ring in rings])
        found = list(polygons(shapely.intersection(area, frame)))
        slack += shapely.get_num_geometries(lines) + 2 * crossings(area, frame) + len(found)
        kept += found
    return Outline(tuple(kept), slack=slack)


def drawn(ring: Sequence[Point], size: Point) -> Outline:
    return settled([[ring]], size)


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
    return blurred(settled([rings_of(part) for part in polygons(area)], size))


def blurred(one: Outline) -> Outline:
    """Return an outline that may differ by chords all along it.

    Pixels as square pixels on the average, and by chance more: of an ellipse whose axes fall on
    the grid they differ by fours and eights.
    """
    by = CHORDS * float(shapely.length(one.parts).sum())
    return replace(one, blur=by, slack=one.slack + math.ceil(by + 2 * math.sqrt(by)) + 1)


# ---- rings


def changed(one: Outline, rings: Mapping[Owner, Sequence[Point] | None], size: Point) -> Outline:
    """Return the outline with rings replaced, or gone: a hole alone, an exterior with its part."""
    parts: list[list[Sequence[Point]]] = []
    for at, part in enumerate(one.parts):
        own = [rings.get((at, number), ring) for number, ring in enumerate(rings_of(part))]
        if own[0] is not None:
            parts.append([ring for ring in own if ring is not None])
    return settled(parts, size)


def rings_of(part: Part) -> list[np.ndarray]:
    found = [part.exterior, *part.interiors]
    return [shapely.get_coordinates(ring)[:-1] for ring in found]


def run_at(one: Outline, run: Sequence[Point]) -> tuple[Owner, np.ndarray]:
    """Return which ring some vertices follow each other on, and it, begun with the first.

    They must be there to the last bit.
    """
    wanted = np.array(run, dtype=float)
    for at, part in enumerate(one.parts):
        for number, ring in enumerate(rings_of(part)):
            for start in np.flatnonzero((ring == wanted[0]).all(axis=1)).tolist():
                turned = np.roll(ring, -start, axis=0)
                following = turned[np.arange(len(wanted)) % len(ring)]
                if np.array_equal(following, wanted):
                    return (at, number), turned
    raise AssertionError(f"no ring has the vertices {run}")


def _strictly_between(ring: np.ndarray, start: float, end: float) -> list[Point]:
    """Return the vertices from one place of a ring to another, in its own direction."""
    steps = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T)
    length = float(steps.sum())
    along = (np.cumsum(steps) - steps - start) % length
    inner = (along > 1e-6) & (along < (end - start) % length - 1e-6)
    return [tuple(ring[at]) for at in np.argsort(along) if inner[at]]


def rerouted(one: Outline, way: Sequence[Point], reach: float, size: Point) -> Outline:
    """Return the outline with the piece that a way runs beside replaced by it.

    The way must end within reach of the ring on which it began.
    """
    places = shapely.points(way[0])
    rings = {
        (at, number): shapely.LinearRing(ring)
        for at, part in enumerate(one.parts)
        for number, ring in enumerate(rings_of(part))
    }
    owner = min(rings, key=lambda key: shapely.distance(rings[key], places))
    line, ring = rings[owner], rings_of(one.parts[owner[0]])[owner[1]]
    if shapely.distance(line, shapely.Point(way[-1])) > reach:
        return one
    ends = [line.project(shapely.Point(end)) for end in (way[0], way[-1])]
    course = [line.interpolate(ends[0]).coords[0], *way[1:-1], line.interpolate(ends[1]).coords[0]]
    sides = [
        [course[0], *_strictly_between(ring, *ends), course[-1]],
        [course[-1], *_strictly_between(ring, *ends[::-1]), course[0]],
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
    found = outline(shapely.union_all(areas), more)
    return _made(found, shapes, lambda size: _any(shapes, size))


def minus(one: Outline, *others: Outline) -> Outline:
    taken = shapely.union_all([other.area for other in others])
    found = outline(shapely.difference(one.area, taken), 2 * crossings(one.area, taken))
    return _made(found, others, partial(_left, one, others))


def common(*shapes: Outline) -> Outline:
    area = shapes[0].area
    more = sum(2 * crossings(area, other.area) for other in shapes[1:])
    for other in shapes[1:]:
        area = shapely.intersection(area, other.area)
    found = outline(area, more)
    return _made(found, shapes, lambda size: np.all([one.mask(size) for one in shapes], axis=0))


def _any(shapes: Sequence[Outline], size: Point) -> np.ndarray:
    return np.any([one.mask(size) for one in shapes], axis=0)


def _made(found: Outline, of: Iterable[Outline], pixels: Callable[[Point], np.ndarray]) -> Outline:
    """Return what was made of outlines with what they may differ by themselves: strokes do."""
    blur, slack = sum(one.blur for one in of), sum(one.slack for one in of)
    return replace(found, blur=blur, slack=found.slack + slack, pixels=pixels)


def without_holes(one: Outline) -> Outline:
    shells = [shapely.Polygon(part.exterior) for part in polygons(one.area)]
    return outline(shapely.union_all(shells))


def pieces(one: Outline) -> list[Outline]:
    return [outline(part) for part in sorted(polygons(one.area), key=lambda part: -part.area)]


def sliced(one: Outline, way: Sequence[Point]) -> list[Outline]:
    """Return the two sides of a line across an outline, the larger first.

    What the line does not cut goes with the nearer side. The line does not cross itself. Each
    side has the pixels of the whole that the other has not.
    """
    line = shapely.LineString(way)
    split = [list(polygons(shapely.ops.split(part, line))) for part in polygons(one.area)]
    whole = [part for made in split if len(made) == 1 for part in made]
    cut = [part for made in split if len(made) > 1 for part in made]
    if not cut:
        return [one]
    beside = line.buffer(SIDE, single_sided=True)  # on the left
    sides: list[list[shapely.Geometry]] = [[], []]
    for part in cut:
        near = part.intersection(line.buffer(SIDE, cap_style="flat"))
        sides[int(2 * near.intersection(beside).area > near.area)].append(part)
    sides.sort(key=lambda side: -sum(part.area for part in side))
    far = [shapely.union_all(side) for side in sides]
    for part in whole:
        sides[int(part.distance(far[1]) < part.distance(far[0]) - 1e-6)].append(part)
    more = 2 * crossings(one.area, line.buffer(1e-9))
    found = sorted((shapely.union_all(side) for side in sides), key=lambda area: -area.area)
    large, small = (outline(area, more) for area in found)
    return [
        replace(large, pixels=partial(_left, one, [small])),
        replace(small, pixels=partial(_left, one, [large])),
    ]


def _left(one: Outline, others: Sequence[Outline], size: Point) -> np.ndarray:
    return one.mask(size) & ~_any(others, size)


def moved(one: Outline, dx: float, dy: float) -> Outline:
    return Outline(tuple(shapely.affinity.translate(part, dx, dy) for part in one.parts))


def mapped(one: Outline, matrix: Sequence[float], size: Point) -> Outline:
    """Return the outline under a matrix (a, b, d, e, x, y of shapely), clipped to the image."""
    parts = [shapely.affinity.affine_transform(part, matrix) for part in one.parts]
    return settled([rings_of(part) for part in parts], size)
