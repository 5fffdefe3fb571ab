"""Outlines in the pixels of a raster, as OpenCV draws them: thin lines, side by side where wide.

OpenCV's antialiased line of thickness 1 covers 1.37 px; its thicker ones come in steps of two
pixels and take ten times as long. So a wider line is drawn as thin ones a fraction of a pixel
apart, each beside the outline. What is drawn is opaque: where they overlap nothing adds up.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from maskgui.core.shape import Box
from maskgui.ui.canvas.outlines import Outline

THIN = 1.37
"""Pixels that a line of thickness 1 covers, measured across it."""
APART = 0.8
"""Pixels between two lines that look like one."""
FRACTION_BITS = 8
"""OpenCV's fixed-point coordinates: 1/256 px."""
SHARP = 0.5
"""Cosine of the turn from which a corner is cut off; the lines beside it would run far out."""
ROUND_FROM = 1.0
"""Pixels beside the outline from which a corner that is merely cut off looks bitten off."""
TINY = 1e-9
_FARTHEST = 2.0**22
"""Pixels: beyond, coordinates do not fit into 32 bits."""

Lines = list[NDArray[np.int32]]
"""Each N x 2, in 1/256 px; pixel centres lie on whole numbers, as OpenCV has it."""


class Linework:
    """The outlines of many instances, moved into a raster in a few calls for all."""

    def __init__(
        self,
        outlines: Sequence[Outline],
        scale: float,
        corner: tuple[float, float],
        *,
        window: Box | None = None,
        closed: bool = True,
    ) -> None:
        """`corner` is the raster's in pixels of the whole image at this scale.

        Of what lies outside of `window`, a box in pixels of the raster, only as much is kept as
        keeps the picture within it.
        """
        self.closed = closed
        # 2 x N: numpy takes many times as long where the innermost axis is of two.
        points = np.concatenate([np.empty((0, 2)), *(one.points for one in outlines)]).T * scale
        points = np.ascontiguousarray(points)
        points[0] -= corner[0]
        points[1] -= corner[1]
        np.clip(points, -_FARTHEST, _FARTHEST, out=points)
        lengths = np.concatenate([np.empty(0, np.intp), *(one.lengths for one in outlines)])
        self._rings = np.cumsum([0, *(len(one.lengths) for one in outlines)])
        self._whole = points, np.cumsum(lengths)
        if window is not None:
            points, lengths = cropped(points, lengths, window)
        self._points, self._lengths, self._ends = points, lengths, np.cumsum(lengths)
        self._beside: dict[float, Lines] = {}
        self._pushed: dict[bool, Pushes] = {}

    @cached_property
    def boxes(self) -> list[list[float]]:
        """x0, y0, x1, y1 of each outline in pixels of the raster."""
        firsts = (self._ends - self._lengths)[self._rings[:-1]]
        low = np.minimum.reduceat(self._points, firsts, axis=1)
        high = np.maximum.reduceat(self._points, firsts, axis=1)
        return np.vstack([low, high]).T.tolist()

    @cached_property
    def counts(self) -> list[int]:
        """How many vertices each outline has, whatever the window is."""
        return np.diff(self._firsts).tolist()

    @cached_property
    def room(self) -> list[float]:
        """Pixels of each outline's box for each of its vertices, whatever the window is."""
        starts = self._firsts[:-1]
        wide, high = (
            np.maximum.reduceat(axis, starts) - np.minimum.reduceat(axis, starts)
            for axis in self._whole[0]
        )
        return (wide * high / np.diff(self._firsts)).tolist()

    @cached_property
    def _firsts(self) -> NDArray[np.intp]:
        """The first vertex of each outline among all, and how many there are in all."""
        return np.concatenate([[0], self._whole[1]])[self._rings]

    def lines(self, at: int, offsets: Sequence[float]) -> Lines:
        """Return an outline as lines that lie so many pixels beside it, positive to one side."""
        first, last = self._rings[at], self._rings[at + 1]
        return [line for offset in offsets for line in self._moved(offset)[first:last]]

    def dashes(self, at: int, dash: float, gap: float) -> "Linework":
        """Return an outline cut into dashes, as the only one of a linework of open lines."""
        first, last = self._rings[at], self._rings[at + 1]
        points, ends = self._whole  # dashes are counted from the first vertex on
        rings = np.split(points.T, ends[:-1])[first:last]
        dashes = [one for ring in rings for one in _cut(ring, dash, gap)]
        return Linework([Outline.of(dashes)], 1.0, (0.0, 0.0), closed=False)

    def _moved(self, offset: float) -> Lines:
        if offset not in self._beside:
            points, ends = self._fixed, self._ends
            if offset:
                points, push, ends = self._pushes(rounded=abs(offset) >= ROUND_FROM)
                points = points + push * np.float32(offset * (1 << FRACTION_BITS))
            fixed = np.empty(points.shape[::-1], np.int32)
            np.rint(points, out=fixed.T, casting="unsafe")
            starts = [0, *ends.tolist()]
            self._beside[offset] = [fixed[a:b] for a, b in pairwise(starts)]
        return self._beside[offset]

    @cached_property
    def _fixed(self) -> NDArray[np.float64]:
        """The vertices (2 x N) in 1/256 px as OpenCV counts them, not rounded yet."""
        return (self._points - 0.5) * (1 << FRACTION_BITS)

    def _pushes(self, *, rounded: bool) -> "Pushes":
        """Return how lines beside the outline run, positive offsets to one side.

        A sharp corner becomes two points, one beside each of its edges, and one between them
        where it is `rounded`.
        """
        if rounded not in self._pushed:
            normal, earlier, cosine, even = self._corners
            sharp = np.flatnonzero(cosine < SHARP)
            counts = np.ones(len(cosine), np.intp)
            counts[sharp] = 3 if rounded else 2
            last = np.cumsum(counts) - 1  # of each corner's points
            at = np.repeat(np.arange(len(cosine)), counts)
            push = even[:, at]
            push[:, last[sharp] - (2 if rounded else 1)] = earlier[:, sharp]
            push[:, last[sharp]] = normal[:, sharp]
            if rounded:
                middle = normal[:, sharp] + earlier[:, sharp]
                push[:, last[sharp] - 1] = middle / np.maximum(np.hypot(*middle), TINY)
            self._pushed[rounded] = Pushes(self._fixed[:, at], push, last[self._ends - 1] + 1)
        return self._pushed[rounded]

    @cached_property
    def _corners(self) -> tuple[NDArray[np.float32], ...]:
        """At each vertex: normals of the edges after and before it (2 x N), the cosine of the
        turn between them (N), and the push that keeps even distance from both (2 x N)."""
        ends, starts = self._ends, self._ends - self._lengths
        points = self._points
        way = np.empty(points.shape, np.float32)  # of directions it is enough, and half the work
        np.subtract(points[:, 1:], points[:, :-1], out=way[:, :-1], casting="same_kind")
        way[:, ends - 1] = points[:, starts] - points[:, ends - 1]
        length = np.sqrt(way[0] * way[0] + way[1] * way[1])
        length[length == 0] = 1
        way /= length
        normal = np.stack([way[1], -way[0]])
        if not self.closed:
            normal[:, ends - 1] = normal[:, ends - 2]
        earlier = np.empty_like(normal)
        earlier[:, 1:] = normal[:, :-1]
        earlier[:, starts] = normal[:, ends - 1 if self.closed else starts]
        cosine = normal[0] * earlier[0] + normal[1] * earlier[1]
        even = (normal + earlier) / (1 + np.maximum(cosine, SHARP))
        return normal, earlier, cosine, even


class Pushes(NamedTuple):
    """Lines beside outlines: point n lies `push[:, n]` times the offset beside its vertex."""

    points: NDArray[np.float64]  # 2 x N, the vertices in 1/256 px
    push: NDArray[np.float32]  # 2 x N
    ends: NDArray[np.intp]  # of each ring's points


def cropped(
    points: NDArray[np.float64], lengths: NDArray[np.intp], window: Box
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Leave out vertices (2 x N) that do not matter within a window.

    lengths: vertices of each ring; the return values are alike. A run of vertices beyond one edge
    of the window may as well be straight: what is filled within stays, and so do lines, for two
    vertices on either end of the run are kept, which decide how its neighbours' corners look.
    """
    x, y = points
    x0, y0, x1, y1 = window
    side = np.zeros(len(x), np.uint8)  # the edge that each lies beyond, one for a corner
    for number, beyond in enumerate((y > y1, y < y0, x > x1, x < x0), 1):
        np.putmask(side, beyond, number)
    if not side.any():
        return points, lengths
    alike = (side[1:] == side[:-1]) & (side[1:] > 0)
    keep = np.ones(len(x), np.bool_)
    keep[2:-2] = ~(alike[:-3] & alike[1:-2] & alike[2:-1] & alike[3:])
    ends = np.cumsum(lengths)
    for first in (ends - lengths, ends - lengths + 1, ends - 2, ends - 1):
        keep[first] = True
    return points[:, keep], np.add.reduceat(keep, ends - lengths, dtype=np.intp)


@lru_cache(maxsize=64)
def across(width: float) -> tuple[float, ...]:
    """Return the offsets of the thin lines that make one of a width, in pixels."""
    span = max(width - THIN, 0.0)
    return tuple(np.linspace(-span / 2, span / 2, int(np.ceil(span / APART)) + 1).tolist())


@lru_cache(maxsize=64)
def around(width: float, halo: float) -> tuple[float, ...]:
    """Return the offsets of the thin lines that make a halo on both sides of a line."""
    side = np.arange(width / 2 + halo - THIN / 2, width / 2, -APART).tolist()
    return tuple(offset for one in side for offset in (one, -one))


def _cut(ring: NDArray[np.float64], dash: float, gap: float) -> list[NDArray[np.float64]]:
    """Cut a ring into dashes, the first from its first vertex on."""
    closed = np.vstack([ring, ring[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(closed, axis=0).T))])
    starts = np.arange(0.0, along[-1], dash + gap)
    ends = np.minimum(starts + dash, along[-1])
    marks = np.unique(np.concatenate([along, starts, ends]))
    points = np.stack([np.interp(marks, along, closed[:, k]) for k in (0, 1)], axis=1)
    first, last = np.searchsorted(marks, starts), np.searchsorted(marks, ends)
    return [points[a : b + 1] for a, b in zip(first.tolist(), last.tolist(), strict=True) if b > a]
