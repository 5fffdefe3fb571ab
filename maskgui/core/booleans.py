"""Union, difference and intersection of shapes, in continuous image coordinates.

The work is shapely's; here stands what goes in and what may come out. A ring covers what even-odd
filling covers, a part its exterior minus its holes, a shape the union of its parts, whether or not
they cross. What comes out is valid: parts that do not overlap, simple rings, and no crumbs (see
`is_crumb`), which are what is left between two outlines that were meant to be the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.geometry.polygon import orient

from maskgui.core.guards import Guards, edges_of
from maskgui.core.overlay import as_numbers, joined, overlaid
from maskgui.core.shape import Polygon, Shape

LEAST_AREA = 0.01
"""Square pixels; smaller pieces and holes are crumbs that nobody drew."""
LEAST_WIDTH = 0.01
"""Pixels; a piece or hole that is thinner on average is a sliver between two outlines."""
FROM_EDGE = 1e-6
"""Pixels; a point nearer to an edge may be on either side of it."""


def union(*shapes: Shape) -> Shape:
    """Return what any of the shapes covers; parts that meet no other shape keep their vertices."""
    pieces, owners = shapely.get_parts([to_area(shape) for shape in shapes], return_index=True)
    one, other = shapely.STRtree(pieces).query(pieces, predicate="intersects")
    meeting = np.unique(one[owners[one] != owners[other]])
    met = Guards(edges_of(shapes)).guard(from_area(joined(pieces[meeting])))
    return Shape((*from_area(np.delete(pieces, meeting)).parts, *met.parts))


def difference(shape: Shape, *others: Shape) -> Shape:
    """Return what `shape` covers and none of the others does."""
    rest = overlaid(shapely.difference, to_area(shape), joined([to_area(one) for one in others]))
    return Guards(edges_of((shape, *others))).guard(from_area(rest))


def without(shapes: Sequence[Shape], taken: Shape) -> list[Shape]:
    """Return what `taken` leaves of each shape, as `difference` does.

    A shape of which it covers nothing (or crumbs) comes back as it is. The shapes may be thousands
    and `taken` have as many vertices: what it takes to ask it is made ready once.
    """
    area, guards = to_area(taken), Guards(edges_of([taken]))
    shapely.prepare(area)
    left = []
    for shape in shapes:
        own = to_area(shape)
        if shapely.contains(area, own):
            common, rest = own, shapely.Polygon()
        elif shapely.intersects(area, own):
            common = overlaid(shapely.intersection, own, area)
            rest = overlaid(shapely.difference, own, area)
        else:
            common = rest = shapely.Polygon()
        if any(polygons_of(common)):
            left.append(guards.beside(shape).guard(from_area(rest)))
        else:
            left.append(shape)
    return left


def intersection(first: Shape, *others: Shape) -> Shape:
    """Return what all shapes cover."""
    found = tidy(first)
    for other in others:
        found = _overlay(shapely.intersection, found, other)
    return found


def symmetric_difference(first: Shape, second: Shape) -> Shape:
    """Return what exactly one of two shapes covers."""
    return _overlay(shapely.symmetric_difference, first, second)


def tidy(shape: Shape) -> Shape:
    """Return the same area as valid parts that do not overlap."""
    return from_area(to_area(shape))


def fill_holes(shape: Shape) -> Shape:
    """Return the shape without its holes; a part that lay in a hole becomes one with the rest."""
    area = shapely.get_parts(to_area(shape))
    return from_area(shapely.union_all(shapely.polygons(shapely.get_exterior_ring(area))))


def pieces(shape: Shape) -> list[Shape]:
    """Return the connected pieces of a shape, the largest first."""
    found = [Shape([part]) for part in tidy(shape).parts]
    return sorted(found, key=area_of, reverse=True)


def area_of(shape: Shape) -> float:
    """Return the square pixels that a shape covers, overlaps counted once."""
    return float(to_area(shape).area)


def overlap(first: Shape, second: Shape) -> float:
    """Return the IoU of two shapes by area, 1 for two empty ones."""
    one, other = to_area(first), to_area(second)
    both = float(shapely.intersection(one, other).area)
    either = float(one.area + other.area) - both
    return both / either if either > 0 else 1.0


def meet(first: Shape, second: Shape) -> bool:
    """Whether the boxes of two shapes overlap, so that the shapes may."""
    a, b = first.bounds, second.bounds
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def uncovered(stack: Sequence[Shape]) -> list[Shape]:
    """Return what the shapes above leave of each shape of a stack, the lowest first.

    A shape of which they cover nothing (or a crumb) comes back as it is.
    """
    areas, guards = [to_area(shape) for shape in stack], Guards(edges_of(stack))
    above: list[list[shapely.Geometry]] = [[] for _ in stack]
    lower, upper = shapely.STRtree(areas).query(areas, predicate="intersects")
    for at, other in zip(lower.tolist(), upper.tolist(), strict=True):
        if other > at:
            above[at].append(areas[other])
    left = []
    for shape, area, others in zip(stack, areas, above, strict=True):
        rest = overlaid(shapely.difference, area, joined(others)) if others else area
        same = area.area - rest.area < LEAST_AREA
        left.append(shape if same else guards.beside(shape).guard(from_area(rest)))
    return left


def slice_along(shape: Shape, line: ArrayLike) -> list[Shape]:
    """Return the two sides into which a line (N x 2, N >= 2) cuts a shape, the larger first.

    All pieces left of the line are one side, all right of it the other: a ring falls in two, with
    what lies in it. A part that the line does not cut goes with the nearer of them, with the larger
    where both are as near. One shape (or none) means that the line nowhere runs from border to
    border.
    """
    area, way = to_area(shape), shapely.LineString(np.asarray(line, dtype=np.float64))
    cut: list[shapely.Polygon] = []
    whole: list[shapely.Polygon] = []
    parts = shapely.get_parts(area)
    for part, met in zip(parts, shapely.intersects(way, parts), strict=True):
        made = _cut(part, way) if met else [part]
        (cut if len(made) > 1 else whole).extend(made)
    shapely.prepare(way)  # each edge of each piece is held to it
    on_left = np.array([_is_left(piece, way) for piece in cut], dtype=bool)
    if not (on_left.any() and not on_left.all()):
        return [from_area(area)] if not area.is_empty else []
    both = np.array(cut, dtype=object)
    sides = [shapely.union_all(both[chosen]) for chosen in (on_left, ~on_left)]
    sides.sort(key=shapely.area, reverse=True)
    rest: tuple[list[shapely.Polygon], ...] = ([], [])
    for part in whole:
        to_large, to_small = shapely.distance(part, sides)
        rest[int(to_small < to_large - FROM_EDGE)].append(part)
    guards = Guards(edges_of([shape]))  # the line needs none: both sides have all of its edges
    found = [shapely.union_all([side, *more]) for side, more in zip(sides, rest, strict=True)]
    found.sort(key=shapely.area, reverse=True)
    return [guards.guard(from_area(side)) for side in found]


def stroke(points: ArrayLike, radius: float, tolerance: float = 0.05) -> Shape:
    """Return what a disk of `radius` pixels covers on its way along points (N x 2, N >= 1).

    The arcs are drawn with chords that leave the circle by at most `tolerance` pixels.
    """
    return from_area(stroke_area(points, radius, tolerance))


def stroke_area(points: ArrayLike, radius: float, tolerance: float = 0.05) -> shapely.Geometry:
    """Return `stroke` as shapely has it, to be joined piece by piece while it grows."""
    way = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    spine = shapely.LineString(way) if len(way) > 1 else shapely.Point(way[0])
    leaves = min(1.0, tolerance / radius)
    quarter = max(2, int(np.ceil(np.pi / (4 * np.arccos(1 - leaves)))))
    return shapely.buffer(spine, radius, quad_segs=quarter)


def to_area(shape: Shape) -> shapely.Geometry:
    """Return a shape as one valid shapely geometry, repaired where rings cross."""
    if len(shape.parts) == 1:
        return part_area(shape.parts[0])
    plain = shapely.multipolygons(np.array([part.plain() for part in shape.parts], dtype=object))
    if plain.is_valid:  # of hundreds of parts the union takes five times as long
        return plain
    return shapely.union_all([part_area(part) for part in shape.parts])


def part_area(part: Polygon) -> shapely.Geometry:
    """Return what a part covers as a valid shapely geometry."""
    if part.is_valid:
        return part.plain()
    area = _areal(part.exterior)
    for hole in part.holes:
        area = shapely.difference(area, _areal(hole))
    return area


def _areal(ring: NDArray[np.float64]) -> shapely.Geometry:
    """Return what a ring of any course encloses, even-odd.

    These are the faces between its edges that a ray from inside leaves by an odd number of edges.
    `make_valid` takes ten times as long where a ring crosses itself thousands of times, and counts
    edges that lie on one another once.
    """
    edges = shapely.union_all([shapely.LinearRing(ring)])  # cut where they cross
    faces = shapely.get_parts(shapely.polygonize([edges]))
    whole = shapely.Polygon(ring)
    shapely.prepare(whole)
    odd = shapely.contains_xy(whole, shapely.get_coordinates(_points_inside(faces)))
    return _joined(faces[odd])


def _joined(faces: NDArray[np.object_]) -> shapely.Geometry:
    """Return faces of one linework as one geometry; those that share an edge become one."""
    points, owners = shapely.get_coordinates(shapely.get_rings(faces), return_index=True)
    ends = as_numbers(points)
    middles = np.sort((ends[1:] + ends[:-1])[owners[1:] == owners[:-1]])  # doubled
    if (middles[1:] == middles[:-1]).any():
        return shapely.coverage_union_all(faces)
    return shapely.multipolygons(faces)


def _points_inside(faces: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return a point of each face that rounding leaves inside; of slivers, which are crumbs, any.

    GEOS's own is the middle of one row through the face: in a spike that row may have no width.
    """
    points: NDArray[np.object_] = shapely.point_on_surface(faces)
    at_edge = shapely.distance(points, shapely.boundary(faces)) < FROM_EDGE
    at_edge &= shapely.area(faces) >= LEAST_AREA
    middles = shapely.maximum_inscribed_circle(faces[at_edge])  # lines from there to the edge
    points[at_edge] = shapely.get_point(middles, 0)
    return points


def from_area(area: shapely.Geometry | NDArray[np.object_]) -> Shape:
    """Return a shapely geometry, or several that do not overlap, as a shape.

    These are its polygons without crumbs, nothing else.
    """
    return Shape(polygons_of(area))


def polygons_of(area: shapely.Geometry | NDArray[np.object_]) -> Iterator[Polygon]:
    """Yield the polygons of a geometry as valid parts, without crumbs."""
    for piece in _flat(area):
        if not piece.is_valid:
            yield from polygons_of(shapely.make_valid(piece))
        elif not is_crumb(piece):
            holes = [hole for hole in piece.interiors if not is_crumb(shapely.Polygon(hole))]
            yield Polygon(
                shapely.get_coordinates(piece.exterior)[:-1],
                [shapely.get_coordinates(hole)[:-1] for hole in holes],
                valid=True,
            )


def is_crumb(piece: shapely.Polygon) -> bool:
    """Whether a piece is below LEAST_AREA, or thinner on average than LEAST_WIDTH."""
    return bool(are_crumbs(piece))


def are_crumbs(pieces: shapely.Polygon | NDArray[np.object_]) -> NDArray[np.bool_]:
    """Say of each piece what `is_crumb` says."""
    area = shapely.area(pieces)
    found: NDArray[np.bool_] = (area < LEAST_AREA) | (
        2 * area < LEAST_WIDTH * shapely.length(pieces)
    )
    return found


def _flat(area: shapely.Geometry | NDArray[np.object_]) -> Iterable[shapely.Polygon]:
    for piece in shapely.get_parts(area):
        if piece.geom_type in ("MultiPolygon", "GeometryCollection"):
            yield from _flat(piece)
        elif piece.geom_type == "Polygon" and not piece.is_empty:
            yield piece


def _overlay(
    operation: Callable[..., shapely.Geometry],
    first: Shape,
    second: Shape,
) -> Shape:
    area = overlaid(operation, to_area(first), to_area(second))
    return Guards(edges_of((first, second))).guard(from_area(area))


def _cut(part: shapely.Polygon, line: shapely.LineString) -> list[shapely.Polygon]:
    edges = shapely.union_all([part.boundary, line])
    faces = shapely.get_parts(shapely.polygonize([edges]))
    inside = shapely.contains(part, shapely.point_on_surface(faces))
    return [face for face, keep in zip(faces, inside, strict=True) if keep and not is_crumb(face)]


def _is_left(piece: shapely.Polygon, line: shapely.LineString) -> bool:
    """Whether a piece lies left of the line along most of what it has of it.

    Of a ring that runs with its inside on the left, the edges on the line run as the line does.
    """
    edges = []
    for ring in shapely.get_rings(orient(piece)):
        points = shapely.get_coordinates(ring)
        edges.append(np.stack([points[:-1], points[1:]], axis=1))
    ends = np.concatenate(edges)
    middles = shapely.points(ends.mean(axis=1))
    on = shapely.dwithin(line, middles, FROM_EDGE)
    ends, at = ends[on], shapely.line_locate_point(line, middles[on])
    before, after = (
        shapely.get_coordinates(shapely.line_interpolate_point(line, at + step))
        for step in (-FROM_EDGE, FROM_EDGE)
    )
    course = after - before
    course /= np.maximum(np.hypot(*course.T), 1e-12)[:, None]
    return float(((ends[:, 1] - ends[:, 0]) * course).sum()) > 0
