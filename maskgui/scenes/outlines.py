"""Rings (closed outlines) from which parts and clutter are built.

A ring is a float64 array [n, 2] of x, y in a part's own frame: the part's longer side is about 1
and its centre lies at the origin; y points down, as in the image.
"""

import numpy as np
from numpy.typing import NDArray

Ring = NDArray[np.float64]


def circle(radius: float, centre: tuple[float, float] = (0.0, 0.0), points: int = 72) -> Ring:
    """A circle as a ring of `points` vertices."""
    angle = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(unit * radius + np.asarray(centre), np.float64)


def regular(sides: int, radius: float) -> Ring:
    """A regular polygon with its corners at `radius`."""
    return circle(radius, points=sides)


def box(x0: float, y0: float, x1: float, y1: float) -> Ring:
    """An upright rectangle."""
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def rounded(ring: Ring, radius: float, steps: int = 6) -> Ring:
    """The ring with each corner replaced by a curve that begins `radius` before it."""
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    t = np.linspace(0.0, 1.0, steps)[:, None]
    pieces = []
    for left, corner, right in zip(before, ring, after, strict=True):
        start = corner + (left - corner) * min(radius / np.linalg.norm(left - corner), 0.5)
        end = corner + (right - corner) * min(radius / np.linalg.norm(right - corner), 0.5)
        pieces.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    return np.concatenate(pieces)


def capsule(start: tuple[float, float], end: tuple[float, float], width: float) -> Ring:
    """A straight bar of the given width with round ends."""
    return ribbon(np.array([start, end]), width)


def ribbon(path: Ring, width: float) -> Ring:
    """A band of the given width along an open path [n, 2], with round ends."""
    ahead = np.gradient(path, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1) * (width / 2)
    turn = np.linspace(0.0, np.pi, 9)[1:-1, None]
    tail = path[-1] + side[-1] * np.cos(turn) + ahead[-1] * (width / 2) * np.sin(turn)
    head = path[0] - side[0] * np.cos(turn) - ahead[0] * (width / 2) * np.sin(turn)
    return np.concatenate([path + side, tail, (path - side)[::-1], head])


def arc_band(outer: float, inner: float, shift: float, gap: float) -> Ring:
    """An open ring between two circles, the inner one shifted along x; `gap` radians open at +x."""
    angle = np.linspace(gap / 2, 2 * np.pi - gap / 2, 72)
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([unit * outer, (unit * inner + (shift, 0.0))[::-1]])


def toothed(teeth: int, tip: float, root: float) -> Ring:
    """The outline of a spur gear with trapezoid teeth between the root and tip radii."""
    steps = np.array([0.0, 0.24, 0.36, 0.64, 0.76, 1.0])[:-1]
    radii = np.array([root, root, tip, tip, root])
    angle = ((np.arange(teeth)[:, None] + steps) * (2 * np.pi / teeth)).ravel()
    radius = np.tile(radii, teeth)
    return np.stack([np.cos(angle) * radius, np.sin(angle) * radius], axis=1)


def threaded(
    ends: tuple[float, float], halves: tuple[float, float], pitch: float, depth: float
) -> Ring:
    """A rod along x between `ends`, half as wide there as `halves`, both edges cut in a zigzag."""
    x0, x1 = ends
    turns = max(2, round((x1 - x0) / pitch))
    x = np.linspace(x0, x1, 2 * turns + 1)
    half = np.linspace(*halves, x.size)
    top = half - depth * (np.arange(x.size) % 2)
    bottom = half - depth * ((np.arange(x.size) + 1) % 2)
    upper = np.stack([x, -np.maximum(top, 0.004)], axis=1)
    lower = np.stack([x, np.maximum(bottom, 0.004)], axis=1)
    return np.concatenate([upper, lower[::-1]])
