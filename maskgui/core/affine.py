"""Shapes scaled and turned."""

import numpy as np
from numpy.typing import NDArray

from maskgui.core.shape import Polygon, Shape

Matrix = NDArray[np.float64]
"""2 x 3: new x, y from x, y, 1."""


def scaling(pivot: tuple[float, float], sx: float, sy: float) -> Matrix:
    """Return the matrix that scales about a pivot."""
    return np.array([[sx, 0, pivot[0] * (1 - sx)], [0, sy, pivot[1] * (1 - sy)]], np.float64)


def rotation(pivot: tuple[float, float], angle: float) -> Matrix:
    """Return the matrix that turns about a pivot by radians, clockwise on the screen."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    x, y = pivot
    return np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]], np.float64)


def apply(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (N x 2) under a matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def transformed(shape: Shape, matrix: Matrix) -> Shape:
    """Return a shape under a matrix."""

    def mapped(part: Polygon) -> Polygon:
        return Polygon(apply(matrix, part.exterior), [apply(matrix, hole) for hole in part.holes])

    return Shape(mapped(part) for part in shape.parts)
