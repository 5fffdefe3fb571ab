"""Vertices that keep a cut edge on the same pixels as the whole one.

COCO's rasteriser rounds every vertex to a fifth of a pixel. Where a boolean cuts a long edge, the
rounded cut turns the rest of that edge by up to 0.1 px, and pixels flip all along it. A vertex more
on the very same line, near the cut, at a place that rounds to the line of the whole edge, confines
that to the few pixels between the two. The outline itself does not change.
"""

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray

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


class Guards:
    """The edges of the shapes that go into a boolean, to guard those of what comes out."""

    def __init__(self, shapes: Iterable[Shape]) -> None:
        rings = [ring for shape in shapes for _, _, ring in shape.rings()]
        starts = np.concatenate([np.empty((0, 2)), *rings])
        ends = np.concatenate([np.empty((0, 2)), *(np.roll(ring, -1, axis=0) for ring in rings)])
        self._edges = np.stack([starts, ends], axis=1)
        self._known = starts[:, 0] + 1j * starts[:, 1]
        self._tree: shapely.STRtree | None = None

    def guard(self, shape: Shape) -> Shape:
        """Return the shape with guards on the long edges that a boolean cut."""
        return Shape(
            Polygon(self._ring(part.exterior), [self._ring(hole) for hole in part.holes])
            for part in shape.parts
        )

    def _ring(self, ring: Ring) -> Points:
        after = np.roll(ring, -1, axis=0)
        cut = ~np.isin(ring[:, 0] + 1j * ring[:, 1], self._known)
        long = np.hypot(*(after - ring).T) > LONG
        wanted = np.flatnonzero(long & (cut | np.roll(cut, -1)))
        if not len(wanted):
            return ring
        if self._tree is None:
            self._tree = shapely.STRtree(shapely.linestrings(self._edges))
        middles = shapely.points((ring[wanted] + after[wanted]) / 2)
        asked, found = self._tree.query_nearest(middles, max_distance=ON_LINE, all_matches=False)
        before_vertex, added = [], []
        for at, edge in zip(wanted[asked].tolist(), found.tolist(), strict=True):
            following = (at + 1) % len(ring)
            ends = ((at, following), (following, at))
            for start, stop in (pair for pair in ends if cut[pair[0]]):
                first, last = self._edges[edge]
                place = _place(first, last, ring[start], ring[stop])
                if place is not None:
                    before_vertex.append(at + 1)
                    added.append(place)
        return np.insert(ring, before_vertex, added, axis=0) if added else ring


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
