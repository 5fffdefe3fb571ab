"""An image's pixels at another scale, each decided by its own place alone.

So a strip that scrolling brings into view is the same as in a picture painted whole. QPainter
steps along a row and adds up the rounding of its step: there it matters where painting began.
"""

import numpy as np
from numpy.typing import NDArray

from maskgui.imaging.opencv import cv2

Pixels = NDArray[np.uint8]
"""H x W x 3 (red, green, blue), or x 4 as Qt's RGB32 lies in memory (blue, green, red, unused)."""
Positions = NDArray[np.float64]
"""Continuous coordinates along one axis, in pixels: pixel i covers [i, i + 1). They increase."""

STEPS = 32
"""Places between two pixels that are told apart; OpenCV itself tells no more."""


def nearest(pixels: Pixels, x: Positions, y: Positions) -> Pixels:
    """Return the pixels in columns `x` and rows `y`: len(y) x len(x) x 4.

    Quick for what is enlarged: all in between is made ready first.
    """
    (left, across), (top, down) = _counted(x, pixels.shape[1]), _counted(y, pixels.shape[0])
    columns, rows = across.astype(np.intp), down.astype(np.intp)
    part = rgb32(pixels[top : top + rows[-1] + 1, left : left + columns[-1] + 1])
    colors = part.view(np.uint32)[..., 0]  # numpy takes numbers many times as fast
    taken = colors.take(columns, axis=1, mode="clip").take(rows, axis=0, mode="clip")
    return taken.view(np.uint8).reshape(*taken.shape, 4)


def between(pixels: Pixels, x: Positions, y: Positions) -> Pixels:
    """Return the pixels at columns `x` and rows `y`, each blended of four: len(y) x len(x) x 4.

    They must span fewer than 32,000 pixels on either axis.
    """
    left, columns = _counted(np.rint((x - 0.5) * STEPS) / STEPS, pixels.shape[1])
    top, rows = _counted(np.rint((y - 0.5) * STEPS) / STEPS, pixels.shape[0])
    part = pixels[top : top + int(rows[-1]) + 2, left : left + int(columns[-1]) + 2]
    across, down = np.empty((2, len(rows), len(columns)), np.float32)
    across[:], down[:] = columns, rows[:, None]
    border = cv2.BORDER_REPLICATE
    made = cv2.remap(rgb32(part), across, down, cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(made, np.uint8)


def rgb32(pixels: Pixels) -> Pixels:
    """Return pixels as Qt's RGB32 has them, in rows without gaps."""
    if pixels.shape[2] == 3:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA), np.uint8)
    return np.ascontiguousarray(pixels)


def _counted(places: Positions, size: int) -> tuple[int, Positions]:
    """Return the first pixel of an axis that is needed, and the places counted from it."""
    places = np.clip(places, 0, size - 1)
    first = int(places[0])
    return first, places - first
