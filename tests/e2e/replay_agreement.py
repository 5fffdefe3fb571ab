"""Whether the outline that the application has is the one that the replay expects."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from tests.e2e.replay_shapes import CRUMB, Outline, Point, rings_of

ROUNDING = 1e-6
"""Pixels that vertices may differ by where no outlines cross: sums in another order."""
LARGE, LEAST_IOU = 2500, 0.995


@dataclass
class Agreement:
    """How well expected and found outlines agreed, over all that were compared."""

    exact: int = 0
    booleans: int = 0
    same: int = 0  # of these, masks without a differing pixel
    worst: float = 0.0  # differing pixels as a share of what is allowed
    least: float = 1.0  # IoU above 2,500 px

    def judge(self, wanted: Outline, found: Outline, size: Point) -> None:
        """Assert that an outline found is what was wanted, as far as that leaves no doubt.

        Vertex for vertex where no outlines crossed, in any order round a ring. Else the same
        area; and the mask may differ from what the same operation makes of masks by 2 pixels for
        each crossing and 1 for each part, IoU >= 0.995 above 2,500 px.
        """
        assert all(part.is_valid for part in found.parts)
        if found.parts == wanted.parts:
            self.exact += 1
        elif not wanted.slack:
            self.exact += 1
            if not same_vertices(wanted, found):  # but for some that lie on one another
                away = apart(wanted, found)
                assert away <= ROUNDING, f"{away:.3g} px² apart"
        else:
            self.booleans += 1
            away, limit = apart(wanted, found), wanted.blur + 5 * CRUMB
            assert away <= limit, f"{away:.3g} px² apart, {limit:.3g} allowed"
            self._judge_masks(wanted.mask(size), found.mask(size), wanted)

    def _judge_masks(self, one: np.ndarray, other: np.ndarray, wanted: Outline) -> None:
        differing, either = int((one ^ other).sum()), int((one | other).sum())
        self.same += differing == 0
        self.worst = max(self.worst, differing / wanted.slack)
        assert differing <= wanted.slack, f"{differing} pixels, {wanted.slack} allowed"
        if either > LARGE and not wanted.blur:
            self.least = min(self.least, 1 - differing / either)
            assert self.least >= LEAST_IOU, f"{differing} of {either} pixels"


def same_vertices(one: Outline, other: Outline) -> bool:
    """Whether two outlines have the same parts, each ring begun and walked as it may be."""
    return len(one.parts) == len(other.parts) and all(
        _same_part(rings_of(mine), rings_of(theirs))
        for mine, theirs in zip(one.parts, other.parts, strict=True)
    )


def _same_part(mine: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return (
        len(mine) == len(theirs)
        and _same_ring(mine[0], theirs[0])
        and all(any(_same_ring(hole, other) for other in theirs[1:]) for hole in mine[1:])
    )


def _same_ring(mine: np.ndarray, theirs: np.ndarray) -> bool:
    if len(mine) != len(theirs):
        return False
    return any(
        np.allclose(mine, np.roll(way, -start, axis=0), rtol=0, atol=ROUNDING)
        for way in (theirs, theirs[::-1])
        for start in np.flatnonzero((np.abs(way - mine[0]) <= ROUNDING).all(axis=1))
    )


def apart(one: Outline, other: Outline) -> float:
    """Return the square pixels in which two outlines differ."""
    return float(shapely.symmetric_difference(one.area, other.area).area)


def from_rings(parts: Sequence[Sequence[Sequence[Point]]]) -> Outline:
    """Return an outline with these vertices: all of them, also one that lies on the first."""
    closed = [[[*ring, ring[0]] for ring in rings] for rings in parts]
    return Outline(tuple(shapely.Polygon(rings[0], rings[1:]) for rings in closed))
