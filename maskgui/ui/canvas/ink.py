"""Painting outlines into pixels with OpenCV, which lets the interpreter lock go.

QPainter keeps it for the length of a call, in a painting thread too, and takes five times as long
for an outline of 2,000 vertices.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from maskgui.imaging.opencv import cv2
from maskgui.ui.canvas.linework import FRACTION_BITS, Lines, Linework, across, around

Color = tuple[int, int, int]
"""Blue, green, red: the order of OpenCV's and Qt's pixels in memory."""
HALO_SHARE = 150 / 255
DASH, GAP = 8.0, 5.0
"""Pixels."""
BLOCK = 8
"""Pixels of a row that are looked at together: their masks are one number."""
CROWDED = 8
"""Pixels for each vertex of an outline up to which most are drawn more than once."""
MANY = 400
"""Points of an outline's lines below which drawing them costs less than finding their pixels."""
_BLACK = np.array([0, 0, 0, 1], np.float32)


@dataclass(frozen=True)
class Brushes:
    """What one instance is painted with; lengths in physical pixels."""

    fill: Color
    share: float  # of the fill in what is seen, 0-1
    line: Color
    width: float
    halo: float  # on either side of the line; 0 for none
    dashed: bool = False
    dotted: bool = False  # every other pixel of the fill is left out

    @cached_property
    def tint(self) -> tuple[int, ...]:
        """The fill as a premultiplied pixel."""
        return tuple(round(one * self.share) for one in (*self.fill, 255))

    @property
    def reach(self) -> float:
        """How far, in pixels, what is painted reaches beyond the outline."""
        return self.width / 2 + self.halo + 2.0


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """Return the pixels of a 32-bit image as H x W x 4 (blue, green, red, alpha), not copied."""
    rows = np.frombuffer(image.bits(), np.uint8)
    return rows.reshape(image.height(), image.width(), 4)


class Sheet:
    """A raster of premultiplied pixels that outlines are painted into, the lowest first."""

    def __init__(self, pixels: NDArray[np.uint8], corner: tuple[int, int]) -> None:
        """`pixels`: H x W x 4 uint8 (blue, green, red, alpha), all nought, painted in place.

        W is a multiple of `BLOCK`. `corner`: the image's pixel (x, y) that is the sheet's first.
        """
        self._pixels = pixels
        self._corner = corner
        self._blank = True

    @cached_property
    def _mask(self) -> NDArray[np.uint8]:
        """H x W, nought between two calls."""
        return np.zeros(self._pixels.shape[:2], np.uint8)

    def paint(self, work: Linework, at: int, brushes: Brushes) -> None:
        """Paint fill, halo and line of one outline."""
        part = self._part(work, at, brushes.reach)
        if part is None:
            return
        self._fill(work, at, brushes, part)
        if brushes.dashed:
            work, at = work.dashes(at, DASH, GAP), 0
        if brushes.halo:
            self._halo(work, at, brushes, part[0])
        self._line(work, at, brushes, part)

    def sketch(self, work: Linework, at: int, brushes: Brushes) -> None:
        """Paint nearly what `paint` does in a quarter of the time: one thin line, no halo."""
        part = self._part(work, at, brushes.reach)
        if part is None:
            return
        self._fill(work, at, brushes, part)
        _draw(self._pixels, work.lines(at, (0.0,)), (*brushes.line, 255), closed=work.closed)

    def _fill(self, work: Linework, at: int, brushes: Brushes, part: tuple[slice, slice]) -> None:
        rings = work.lines(at, (0.0,))
        blank, self._blank = self._blank, False
        # Its stairs lie below the line, which is drawn smoothly.
        if blank and not brushes.dotted:
            cv2.fillPoly(self._pixels, rings, brushes.tint, cv2.LINE_8, FRACTION_BITS)
            return
        cv2.fillPoly(self._mask, rings, 255, cv2.LINE_8, FRACTION_BITS)
        pixels, mask = self._pixels[part], self._mask[part]
        if brushes.dotted:
            first = self._parity(part)
            mask[0::2, first::2] = mask[1::2, 1 - first :: 2] = 0
        below = cv2.convertScaleAbs(pixels, alpha=1 - brushes.share)
        tint: Any = brushes.tint  # OpenCV's stub leaves scalars out
        cv2.add(below, tint, pixels, mask)
        mask[:] = 0

    def _parity(self, part: tuple[slice, slice]) -> int:
        """Return whether a part begins at an even or odd pixel of the image, as 0 or 1.

        Counted from the image's corner, dots go on from sheet to sheet.
        """
        rows, columns = part
        return (rows.start + columns.start + sum(self._corner)) % 2

    def _line(self, work: Linework, at: int, brushes: Brushes, part: tuple[slice, slice]) -> None:
        color, offsets = (*brushes.line, 255), across(brushes.width)
        lines = work.lines(at, offsets)
        # Decided by the whole outline: the two ways differ by a shade, a part must not.
        few = work.counts[at] * len(offsets) < MANY
        if few or not work.closed or work.room[at] > CROWDED:
            _draw(self._pixels, lines, color, closed=work.closed)
            return
        # Where lines are drawn many times over, it is quicker to do so in one channel.
        _draw(self._mask, lines, 255, closed=work.closed)
        pixels, mask = self._pixels[part], self._mask[part]
        drawn = np.nonzero(mask)
        share = mask[drawn].astype(np.float32)[:, None] / np.float32(255)
        below = pixels[drawn]
        pixels[drawn] = np.rint(below + (np.array(color, np.float32) - below) * share)
        mask[:] = 0

    def _halo(self, work: Linework, at: int, brushes: Brushes, rows: slice) -> None:
        lines = work.lines(at, around(brushes.width, brushes.halo))
        _draw(self._mask, lines, 255, closed=work.closed)
        # Only the few pixels of the lines are darkened, found in blocks of a row.
        mask = self._mask[rows].reshape(-1, BLOCK)
        pixels = self._pixels[rows].reshape(-1, BLOCK, 4)
        drawn = np.flatnonzero(mask.view(np.uint64))
        dark = mask[drawn].astype(np.float32)[..., None] * HALO_SHARE
        pixels[drawn] = np.rint(pixels[drawn] * (1 - dark / 255) + dark * _BLACK)
        mask[drawn] = 0

    def _part(self, work: Linework, at: int, reach: float) -> tuple[slice, slice] | None:
        """Return the pixels that an outline can reach, None where there are none."""
        x0, y0, x1, y1 = work.boxes[at]
        height, width = self._pixels.shape[:2]
        left, right = max(math.floor(x0 - reach), 0), min(math.ceil(x1 + reach), width)
        top, bottom = max(math.floor(y0 - reach), 0), min(math.ceil(y1 + reach), height)
        return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


def _draw(
    pixels: NDArray[np.uint8], lines: Lines, color: int | tuple[int, ...], *, closed: bool
) -> None:
    cv2.polylines(pixels, lines, closed, color, 1, cv2.LINE_AA, FRACTION_BITS)
