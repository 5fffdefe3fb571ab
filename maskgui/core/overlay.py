"""GEOS's set operations on a grid far finer than anything drawn.

Without one its overlay may take the wrong side of an edge that a vertex of the other area lies off
by no more than a rounding error, as where an outline that crosses itself was cut: a difference then
covered more than what it was taken from. On a grid that cannot happen.
"""

from collections.abc import Callable, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

STEP = 2.0**-30
"""Pixels; a power of two, so that whole pixels and their halves lie on the grid."""


def overlaid(
    operation: Callable[..., shapely.Geometry], one: shapely.Geometry, other: shapely.Geometry
) -> shapely.Geometry:
    """Return `shapely.difference` and its like of two areas. See `joined`."""
    return _with_old_vertices(operation(one, other, grid_size=STEP), [one, other])


def joined(areas: Sequence[shapely.Geometry] | NDArray[np.object_]) -> shapely.Geometry:
    """Return what any of the areas covers. Vertices that they had keep all their bits."""
    return _with_old_vertices(shapely.union_all(areas, grid_size=STEP), areas)


def as_numbers(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return points (N x 2) as x + iy, which numpy sorts by x, then y."""
    return points[:, 0] + 1j * points[:, 1]


def _with_old_vertices(
    made: shapely.Geometry, areas: Sequence[shapely.Geometry] | NDArray[np.object_]
) -> shapely.Geometry:
    points = shapely.get_coordinates(areas)
    on_grid = as_numbers(np.floor(points / STEP + 0.5) * STEP)
    order = np.argsort(on_grid)
    on_grid, points = on_grid[order], points[order]
    if not len(points) or made.is_empty:
        return made

    def restored(found: NDArray[np.float64]) -> NDArray[np.float64]:
        numbers = as_numbers(found)
        at = np.minimum(on_grid.searchsorted(numbers), len(on_grid) - 1)
        return np.where((on_grid[at] == numbers)[:, None], points[at], found)

    return shapely.transform(made, restored)
