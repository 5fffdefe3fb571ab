"""Vertices that keep a cut edge on the same pixels as the whole one.

COCO's rasteriser rounds every vertex to a fifth of a pixel. Where a boolean cuts a long edge, the
rounded cut turns the rest of that edge by up to 0.1 px, and pixels flip all along it. A vertex more
on the very same line, near the cut, at a place that rounds to the line of the whole edge, confines
that to the few pixels between the two. The outline itself does not change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.core.overlay import as_numbers
from maskgui.core.shape import Polygon, Ring, Shape

GRID = 5
"""The rasteriser's steps a pixel."""
LONG = 12.0
"""Pixels; shorter pieces of a cut edge flip no pixel to speak of."""
NEAREST, FARTHEST = 2, 24
"""Grid steps from the cut within which the place is looked for."""
ON_LINE = 1e-6
"""Pixels from an edge within which a piece counts as cut from it."""

Points = NDArray[np.float64]
Edges = NDArray[np.float64]
"""E x 2 x 2: the two ends of each edge."""


@dataclass(frozen=True)
class _Guard:
    """A vertex more: in which ring of a part, before which of its vertices, and where."""

    ring: int
    before: int
    point: Points


def edges_of(shapes: Iterable[Shape]) -> Edges:
    """Return the edges of all rings of shapes."""
    rings = [ring for shape in shapes for _, _, ring in shape.rings()]
    starts = np.concatenate([np.empty((0, 2)), *rings])
    ends = np.concatenate([np.empty((0, 2)), *(np.roll(ring, -1, axis=0) for ring in rings)])
    return np.stack([starts, ends], axis=1)


class Guards:
    """The edges of the shapes that go into a boolean, to guard those of what comes out."""

    def __init__(self, edges: Edges) -> None:
        self._edges = edges

    @cached_property
    def _known(self) -> NDArray[np.complex128]:
        """The vertices of all edges, sorted once: what comes out may have thousands of rings."""
        return np.sort(as_numbers(self._edges[:, 0]))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.linestrings(self._edges))

    def beside(self, shape: Shape) -> "Guards":
        """Return guards for what is left of one of many shapes: its own edges, and those near it.

        Edges beyond its box cannot cut it.
        """
        x0, y0, x1, y1 = shape.bounds
        box = shapely.box(x0 - ON_LINE, y0 - ON_LINE, x1 + ON_LINE, y1 + ON_LINE)
        return Guards(np.concatenate([edges_of([shape]), self._edges[self._tree.query(box)]]))

    def guard(self, shape: Shape) -> Shape:
        """Return the shape with guards on the long edges that a boolean cut.

        Valid parts stay valid.
        """
        return Shape(self._guarded(part) for part in shape.parts)

    def _guarded(self, part: Polygon) -> Polygon:
        """Leave out what guards make the part invalid.

        They lie on their edge but for rounding, which is enough to cross what touches it there.
        """
        found = [one for at, ring in enumerate(part.rings) for one in self._of_ring(at, ring)]
        if not found:
            return part
        made = _with(part, found)
        if made.is_valid:
            return made
        kept: list[_Guard] = []
        for one in found:
            if _with(part, [*kept, one]).is_valid:
                kept.append(one)
        return _with(part, kept)

    def _of_ring(self, number: int, ring: Ring) -> list[_Guard]:
        after = np.roll(ring, -1, axis=0)
        corners = as_numbers(ring)
        cut = self._known.take(self._known.searchsorted(corners), mode="clip") != corners
        long = np.hypot(*(after - ring).T) > LONG
        wanted = np.flatnonzero(long & (cut | np.roll(cut, -1)))
        if not len(wanted):
            return []
        middles = shapely.points((ring[wanted] + after[wanted]) / 2)
        asked, found = self._tree.query_nearest(middles, max_distance=ON_LINE, all_matches=False)
        guards = []
        for at, edge in zip(wanted[asked].tolist(), found.tolist(), strict=True):
            following = (at + 1) % len(ring)
            ends = ((at, following), (following, at))
            for start, stop in (pair for pair in ends if cut[pair[0]]):
                first, last = self._edges[edge]
                place = _place(first, last, ring[start], ring[stop])
                if place is not None:
                    guards.append(_Guard(number, at + 1, place))
        return guards


def _with(part: Polygon, guards: Sequence[_Guard]) -> Polygon:
    rings: list[Points] = []
    by_ring: dict[int, list[_Guard]] = {}
    for one in guards:
        by_ring.setdefault(one.ring, []).append(one)
    for number, ring in enumerate(part.rings):
        own = by_ring.get(number, [])
        before, points = [one.before for one in own], [one.point for one in own]
        rings.append(np.insert(ring, before, points, axis=0) if own else ring)
    return Polygon(rings[0], rings[1:])


def _place(first: Points, last: Points, cut: Points, end: Points) -> Points | None:
    """Return a point between `cut` and `end` that rounds to the rounded edge `first`-`last`."""
    low, high = np.floor(GRID * first + 0.5), np.floor(GRID * last + 0.5)
    along = high - low
    major = int(np.argmax(np.abs(along)))
    start, way = GRID * cut, GRID * (end - cut)
    if along[major] == 0 or way[major] == 0:
        return None
    steps = np.arange(NEAREST, FARTHEST + 1) * np.sign(way[major])
    share = (np.round(start[major]) + steps - start[major]) / way[major]
    share = share[(share > 0) & (share < 0.45)]
    if not len(share):
        return None
    points = start + share[:, None] * way
    rounded = np.floor(points + 0.5)
    off = (rounded - low) @ np.array([-along[1], along[0]])
    best: Points = points[int(np.argmin(np.abs(off)))] / GRID
    return best
