"""A new course for a piece of a ring."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.core.hit import nearest_on_ring
from maskgui.core.shape import Ring

Points = NDArray[np.float64]
_SAMPLES = 64
_SAME = 1e-6
"""Pixels within which two vertices are one: a place on a ring is its vertex but for rounding."""


@dataclass(frozen=True)
class Place:
    """A point on a ring: on the edge from vertex `edge` on, `along` pixels from it."""

    edge: int
    along: float
    point: tuple[float, float]

    @classmethod
    def nearest(cls, ring: Ring, x: float, y: float) -> "Place":
        """Return the place of a ring that is nearest to (x, y)."""
        edge, px, py = nearest_on_ring(ring, x, y)
        return cls(edge, float(np.hypot(px - ring[edge, 0], py - ring[edge, 1])), (px, py))


def rerouted(ring: Ring, way: Points) -> Points:
    """Return the ring with one of its two pieces between the ends of a way replaced by the way.

    The ends of `way` (N x 2, N >= 2) are brought to the nearest points of the ring. The piece
    that goes is the one that the way runs beside: nearer on average, both ways. The result may
    cross itself.
    """
    first, last = Place.nearest(ring, *way[0]), Place.nearest(ring, *way[-1])
    course = np.vstack([first.point, way[1:-1], last.point])
    there, back = _from_to(ring, first, last), _from_to(ring, last, first)
    if _apart(there, course) <= _apart(back, course):
        made = np.vstack([course, back[1:-1]])
    else:
        made = np.vstack([course[::-1], there[1:-1]])
    steps = np.linalg.norm(made - np.roll(made, 1, axis=0), axis=1)
    kept: Points = made[steps > _SAME]
    return kept


def _from_to(ring: Ring, first: Place, last: Place) -> Points:
    """Return the piece of a ring from one place to another in the ring's own direction."""
    steps = (last.edge - first.edge) % len(ring)
    if steps == 0 and last.along < first.along:
        steps = len(ring)
    between = ring[(first.edge + 1 + np.arange(steps)) % len(ring)]
    return np.vstack([first.point, between, last.point])


def _apart(one: Points, other: Points) -> float:
    """Return the mean distance between two lines, from each to the other."""
    lines = [shapely.LineString(one), shapely.LineString(other)]
    share = np.linspace(0, 1, _SAMPLES)
    total = 0.0
    for a, b in (lines, lines[::-1]):
        samples = shapely.line_interpolate_point(a, share, normalized=True)
        total += float(np.mean(shapely.distance(samples, b)))
    return total
