"""Windows of whole pixels for image work."""

import math

from maskgui.core.shape import Box

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole image pixels, exclusive on the right and at the bottom."""


def window_around(point: tuple[float, float], reach: float, size: tuple[int, int]) -> Window:
    """Return the window `reach` pixels about a point that lies in an image of size (W, H).

    A point outside the image counts as the nearest inside; the window has a pixel at least.
    """
    x, y = (min(max(value, 0.0), side - 1.0) for value, side in zip(point, size, strict=True))
    return window_over((x - reach, y - reach, x + reach, y + reach), size)


def window_over(box: Box, size: tuple[int, int]) -> Window:
    """Return the smallest window that covers a box, cut to an image of size (W, H)."""
    width, height = size
    x0 = min(max(math.floor(box[0]), 0), width - 1)
    y0 = min(max(math.floor(box[1]), 0), height - 1)
    x1 = min(max(math.ceil(box[2]), x0 + 1), width)
    y1 = min(max(math.ceil(box[3]), y0 + 1), height)
    return (x0, y0, x1, y1)
