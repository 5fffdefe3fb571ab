"""Outlines in the pixels of a raster, as OpenCV draws them: thin lines, side by side where wide.

OpenCV's antialiased line of thickness 1 covers 1.37 px; its thicker ones come in steps of two
pixels and take ten times as long. So a wider line is drawn as thin ones a fraction of a pixel
apart, each beside the outline. What is drawn is opaque: where they overlap nothing adds up.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

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
        closed: bool = True,
    ) -> None:
        """`corner` is the raster's in pixels of the whole image at this scale."""
        self.closed = closed
        points = np.concatenate([np.empty((0, 2)), *(one.points for one in outlines)])
        self._points = np.clip(points * scale - corner, -_FARTHEST, _FARTHEST)
        self._lengths = np.concatenate([np.empty(0, np.intp), *(one.lengths for one in outlines)])
        self._ends = np.cumsum(self._lengths)
        self._rings = np.cumsum([0, *(len(one.lengths) for one in outlines)])
        self._beside: dict[float, Lines] = {}

    @cached_property
    def boxes(self) -> list[list[float]]:
        """x0, y0, x1, y1 of each outline in pixels of the raster."""
        firsts = (self._ends - self._lengths)[self._rings[:-1]]
        low = np.minimum.reduceat(self._points, firsts)
        high = np.maximum.reduceat(self._points, firsts)
        return np.hstack([low, high]).tolist()

    def lines(self, at: int, offsets: Sequence[float]) -> Lines:
        """Return an outline as lines that lie so many pixels beside it, positive to one side."""
        first, last = self._rings[at], self._rings[at + 1]
        return [line for offset in offsets for line in self._moved(offset)[first:last]]

    def dashes(self, at: int, dash: float, gap: float) -> "Linework":
        """Return an outline cut into dashes, as the only one of a linework of open lines."""
        first, last = self._rings[at], self._rings[at + 1]
        rings = np.split(self._points, self._ends[:-1])[first:last]
        dashes = [one for ring in rings for one in _cut(ring, dash, gap)]
        return Linework([Outline.of(dashes)], 1.0, (0.0, 0.0), closed=False)

    def _moved(self, offset: float) -> Lines:
        if offset not in self._beside:
            if offset:
                at, push, ends = self._pushes(rounded=abs(offset) >= ROUND_FROM)
                points = self._points[at] + push * offset
            else:
                points, ends = self._points, self._ends
            fixed = np.round((points - 0.5) * (1 << FRACTION_BITS)).astype(np.int32)
            starts = [0, *ends.tolist()]
            self._beside[offset] = [fixed[a:b] for a, b in pairwise(starts)]
        return self._beside[offset]

    def _pushes(
        self, *, rounded: bool
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
        """Which points a line beside the outline has, which way each goes, and where rings end.

        A sharp corner becomes two points, one beside each of its edges, and one between them
        where it is `rounded`.
        """
        count, ends = len(self._points), self._ends
        starts = ends - self._lengths
        after, before = np.arange(1, count + 1), np.arange(-1, count - 1)
        after[ends - 1], before[starts] = starts, ends - 1
        way = self._points[after] - self._points
        length = np.hypot(way[:, 0], way[:, 1])
        normal = np.stack([way[:, 1], -way[:, 0]], 1) / np.where(length > 0, length, 1)[:, None]
        if not self.closed:
            normal[ends - 1] = normal[ends - 2]
        earlier = normal[before]
        if not self.closed:
            earlier[starts] = normal[starts]
        cosine = (normal * earlier).sum(axis=1)
        sharp = cosine < SHARP
        counts = 1 + sharp * (2 if rounded else 1)
        last = np.cumsum(counts) - 1  # of each corner's points
        at = np.repeat(np.arange(count), counts)
        middle = normal + earlier
        even = middle / (1 + np.maximum(cosine, SHARP))[:, None]
        push = np.where(sharp[:, None], earlier, even)[at]
        push[last[sharp]] = normal[sharp]
        if rounded:
            size = np.hypot(middle[sharp, 0], middle[sharp, 1])
            push[last[sharp] - 1] = middle[sharp] / np.maximum(size, TINY)[:, None]
        return at, push, last[ends - 1] + 1


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
