"""The vertices of chosen instances, as small squares in the pixels of a raster.

Thousands of them: QPainter takes three calls of a millisecond each, and would in every frame.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from maskgui.core.shape import Shape

VERTEX = 7.0
"""Side of a square in logical pixels, its edge included."""
VERTEX_SMALL = 5.0
CROWDED = 6.0
"""Logical pixels between neighbours below which vertices are shown small, or not at all."""
CELL = 3.0
"""Logical pixels: of crowded vertices one in each square of this side is shown."""
WHITE = QColor("#ffffff")
SHADOW = QColor(0, 0, 0, 90)


@dataclass(frozen=True, eq=False)
class Dots:
    """Vertices that look alike."""

    points: NDArray[np.float64]  # N x 2, image coordinates
    side: float  # logical pixels
    fill: QColor
    edge: QColor


def dots_of(shape: Shape, scale: float, fill: QColor, *, always: bool) -> Dots | None:
    """Return an instance's vertices; where they are crowded small ones if `always`, else None.

    scale: logical pixels per image pixel.
    """
    rings = [ring for _, _, ring in shape.rings()]
    if not rings:
        return None
    points = np.concatenate(rings)
    gaps = [np.hypot(*(ring - np.roll(ring, 1, axis=0)).T) for ring in rings]
    if _middle(np.concatenate(gaps)) * scale >= CROWDED:
        return Dots(points, VERTEX, fill, WHITE)
    return Dots(_apart(points, CELL / scale), VERTEX_SMALL, fill, WHITE) if always else None


def paint_dots(
    pixels: NDArray[np.uint8], dots: Dots, scale: float, corner: tuple[int, int], ratio: float
) -> None:
    """Paint squares on whole pixels, so that they are crisp; those of one call as one layer.

    `pixels`: H x W x 4 uint8, premultiplied, C-contiguous. `scale`: pixels per image pixel;
    `corner`: the raster's, in pixels of the whole image; `ratio`: pixels per logical one.
    """
    height, width = pixels.shape[:2]
    side, rim = round(dots.side * ratio), max(round(ratio), 1)
    # Not rint: halves go to the even pixel there, another one wherever the corner is odd.
    x = np.floor(dots.points[:, 0] * scale - side / 2 + 0.5) - corner[0]
    y = np.floor(dots.points[:, 1] * scale - side / 2 + 0.5) - corner[1]
    seen = (x > -side - rim) & (y > -side - rim) & (x < width + rim) & (y < height + rim)
    x, y = x[seen].astype(np.intp), y[seen].astype(np.intp)
    within = (x >= rim) & (y >= rim) & (x < width - side - rim) & (y < height - side - rim)
    flat = pixels.view(np.uint32).reshape(-1)
    # The lower layer needs no more than what the next one leaves of it.
    for first, hole, color in ((-rim, 0, None), (0, rim, dots.edge), (rim, side, dots.fill)):
        down, across = _frame(first, hole, side)
        inner = (y[within] * width + x[within])[:, None] + (down * width + across)
        at_edge_y, at_edge_x = y[~within, None] + down, x[~within, None] + across
        fits = (at_edge_y >= 0) & (at_edge_y < height) & (at_edge_x >= 0) & (at_edge_x < width)
        edge = (at_edge_y * width + at_edge_x)[fits]
        for where in (inner, edge):
            flat[where] = _shaded(flat[where]) if color is None else color.rgba()


@lru_cache(maxsize=32)
def _frame(first: int, hole: int, side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of a square from `first` to side - first, but for one in it."""
    rows, columns = np.mgrid[first : side - first, first : side - first]
    kept = (np.minimum(rows, columns) < hole) | (np.maximum(rows, columns) >= side - hole)
    return rows[kept], columns[kept]


def _shaded(colors: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return premultiplied pixels with the shadow over them, two channels at a time."""
    stays, pairs = np.uint32(256 - SHADOW.alpha()), np.uint32(0x00FF00FF)
    low = (((colors & pairs) * stays) >> np.uint32(8)) & pairs
    high = (((colors >> np.uint32(8)) & pairs) * stays) & ~pairs
    return (low | high) + np.uint32(SHADOW.alpha() << 24)


def _apart(points: NDArray[np.float64], cell: float) -> NDArray[np.float64]:
    """Leave out points (N x 2) whose square of a grid another one has."""
    columns, rows = np.floor(points / cell).astype(np.int64).T
    _, first = np.unique((columns << 32) + rows, return_index=True)
    return points[first]


def _middle(values: NDArray[np.float64]) -> float:
    """Return the median, nearly; numpy's own loads its masked arrays first, amid a frame."""
    return float(np.partition(values, len(values) // 2)[len(values) // 2])
