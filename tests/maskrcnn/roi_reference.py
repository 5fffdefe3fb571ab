"""RoI layers in plain NumPy, one loop for each word of their definition.

RoIAlign: Mask R-CNN, section 3: "we avoid any quantization of the RoI boundaries or bins ...
bilinear interpolation to compute the exact values at four regularly sampled locations in each RoI
bin, and aggregate the result (using max or average)".
RoIPool: Fast R-CNN, section 2.1, and its code: round(x / 16), corners included, bins of whole
cells, "max pooling the values in each sub-window".
RoIWarp: Mask R-CNN, section 4.2: "quantizing RoI just like RoIPool", then "bilinear resampling".
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def bilinear(level: Array, y: float, x: float) -> Array:
    """The C values at (y, x), where cell (i, j) has its value at (i, j).

    Up to one cell outside the map the border's values hold, beyond that 0, as in released code.
    """
    height, width = level.shape[1:]
    if not (-1 <= y <= height and -1 <= x <= width):
        return np.zeros(len(level))
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - top, x - left
    upper = level[:, top, left] * (1 - dx) + level[:, top, right] * dx
    lower = level[:, bottom, left] * (1 - dx) + level[:, bottom, right] * dx
    return upper * (1 - dy) + lower * dy


def resampled(
    level: Array, box: tuple[float, ...], side: int, samples: int, maximum: bool
) -> Array:
    """C x side x side of regularly placed samples in the bins of a box x0, y0, x1, y1."""
    x0, y0, x1, y1 = box
    height, width = (y1 - y0) / side, (x1 - x0) / side
    rows, columns = samples or math.ceil(height), samples or math.ceil(width)
    pooled = np.zeros((len(level), side, side))
    for row in range(side):
        for column in range(side):
            values = [
                bilinear(
                    level,
                    y0 + (row + (i + 0.5) / rows) * height,
                    x0 + (column + (j + 0.5) / columns) * width,
                )
                for i in range(rows)
                for j in range(columns)
            ]
            pooled[:, row, column] = np.max(values, 0) if maximum else np.mean(values, 0)
    return pooled


def roi_align(
    level: Array,
    box: Array,
    scale: float,
    side: int,
    samples: int,
    aligned: bool,
    maximum: bool = False,
) -> Array:
    """RoIAlign of a C x h x w map; `box` in the image, `scale` cells a pixel."""
    x0, y0, x1, y1 = box * scale
    if aligned:  # values lie at the centres of cells
        return resampled(level, (x0 - 0.5, y0 - 0.5, x1 - 0.5, y1 - 0.5), side, samples, maximum)
    x1, y1 = max(x1, x0 + 1), max(y1, y0 + 1)
    return resampled(level, (x0, y0, x1, y1), side, samples, maximum)


def whole_cells(box: Array, scale: float) -> tuple[int, int, int, int]:
    """First and last column and row of the RoI as RoIPool has it: x0, y0, x1, y1, included."""
    x0, y0, x1, y1 = (math.floor(value * scale + 0.5) for value in box)
    return x0, y0, max(x1, x0), max(y1, y0)


def roi_warp(
    level: Array, box: Array, scale: float, side: int, samples: int, maximum: bool = False
) -> Array:
    """RoIWarp: the cells x0..x1 cover [x0, x1 + 1), and cell i has its value at i + 0.5."""
    x0, y0, x1, y1 = whole_cells(box, scale)
    return resampled(level, (x0 - 0.5, y0 - 0.5, x1 + 0.5, y1 + 0.5), side, samples, maximum)


def roi_pool(level: Array, box: Array, scale: float, side: int) -> Array:
    """RoIPool: the largest value in each bin of whole cells, 0 in a bin outside the map."""
    x0, y0, x1, y1 = whole_cells(box, scale)
    pooled = np.zeros((len(level), side, side))
    for row in range(side):
        for column in range(side):
            top, bottom = _cells(y0, y1, row, side, level.shape[1])
            left, right = _cells(x0, x1, column, side, level.shape[2])
            if bottom > top and right > left:
                pooled[:, row, column] = level[:, top:bottom, left:right].max((1, 2))
    return pooled


def _cells(first: int, last: int, index: int, side: int, limit: int) -> tuple[int, int]:
    extent = (last - first + 1) / side
    start, end = math.floor(index * extent) + first, math.ceil((index + 1) * extent) + first
    return min(max(start, 0), limit), min(max(end, 0), limit)


def gradient(pool: Callable[[Array], Array], level: Array, weights: Array) -> Array:
    """The derivative of (weights * pool(level)).sum() after each cell, by central differences."""
    step = 1e-6
    found = np.zeros_like(level)
    for place in np.ndindex(level.shape):
        up, down = level.copy(), level.copy()
        up[place] += step
        down[place] -= step
        found[place] = ((pool(up) - pool(down)) * weights).sum() / (2 * step)
    return found
