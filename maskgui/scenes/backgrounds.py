"""Six benches to lay parts on, each drawn anew from a seed: RGB float32 [480, 640, 3], 0..1."""

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from maskgui.scenes.sprites import Float, sample

HEIGHT, WIDTH = 480, 640
Generator = np.random.Generator


def _flat(colour: NDArray[np.float64]) -> Float:
    canvas = np.empty((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = colour
    return canvas


def _fine(rng: Generator, kind: str = "grain", angle: float = 0.0) -> Float:
    return sample(kind, (HEIGHT, WIDTH), rng, angle)


def _wood(rng: Generator) -> Float:
    """Planks of one timber, with grain, rings and dark joints."""
    base = np.array([[0.62, 0.44, 0.27], [0.72, 0.56, 0.38], [0.44, 0.29, 0.18]])[rng.integers(3)]
    upright = rng.random() < 0.3
    long, across = (HEIGHT, WIDTH) if upright else (WIDTH, HEIGHT)
    canvas = np.empty((across, long, 3), np.float32)
    x = np.arange(long, dtype=np.float32)[None]
    y = np.arange(across, dtype=np.float32)[:, None]
    edges = [0]
    while edges[-1] < across:
        edges.append(min(across, edges[-1] + int(rng.integers(80, 170))))
    grain = sample("streak", (across, long), rng, 0.0)
    cloud = sample("cloud", (across, long), rng, 0.0)
    for start, end in pairwise(edges):
        rows = slice(start, end)
        middle, swing = rng.uniform(start, end), rng.uniform(8, 30)
        wave = np.sin(x / rng.uniform(90, 200) + rng.uniform(0, 6)) * swing
        bend = np.abs(y[rows] - middle + wave + cloud[rows] * 3)
        rings = np.sin(bend * rng.uniform(0.25, 0.6)) * 0.05
        level = rng.uniform(0.88, 1.1) + rings + grain[rows] * 0.05 + cloud[rows] * 0.02
        canvas[rows] = base * level[..., None]
        canvas[max(start - 1, 0) : start + 2] *= 0.5
    return np.ascontiguousarray(canvas.transpose(1, 0, 2)) if upright else canvas


def _steel(rng: Generator) -> Float:
    """A brushed sheet, lit unevenly, with a few scratches."""
    angle = rng.uniform(-0.25, 0.25)
    cloud = cv2.resize(
        rng.standard_normal((4, 5)).astype(np.float32),
        (WIDTH, HEIGHT),
        interpolation=cv2.INTER_CUBIC,
    )
    level = rng.uniform(0.42, 0.66) + 0.045 * _fine(rng, "streak", angle) + 0.04 * cloud
    canvas = level[..., None] * np.array([0.97, 0.99, 1.03], np.float32)
    for _ in range(int(rng.integers(3, 12))):
        start = rng.uniform(0, 1, 2) * (WIDTH, HEIGHT)
        end = start + rng.normal(0, 70, 2)
        tint = float(rng.uniform(0.6, 0.85))
        _stroke(canvas, start, end, (tint, tint, tint), 1)
    return canvas.astype(np.float32)


def _stroke(
    canvas: Float,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    colour: tuple[float, ...],
    width: int,
) -> None:
    a, b = (int(start[0]), int(start[1])), (int(end[0]), int(end[1]))
    cv2.line(canvas, a, b, colour, width, cv2.LINE_8)


def _mat(rng: Generator) -> Float:
    """A cutting mat with its printed grid and old cuts."""
    base = np.array([[0.10, 0.30, 0.24], [0.13, 0.22, 0.38], [0.20, 0.21, 0.22]])[rng.integers(3)]
    canvas = _flat(base * rng.uniform(0.85, 1.2))
    step = float(rng.uniform(26, 44))
    ink = tuple(float(v) for v in np.clip(base * 1.3 + rng.uniform(0.14, 0.3), 0, 1))
    faint = tuple(float(v) for v in np.clip(base * 1.15 + 0.05, 0, 1))
    shift = rng.uniform(0, step * 5, 2)
    for axis, length in ((0, WIDTH), (1, HEIGHT)):
        for k in range(-5, int(length / step) + 2):
            place = k * step + shift[axis]
            bold = k % 5 == 0
            start = np.array([place, 0.0]) if axis == 0 else np.array([0.0, place])
            end = np.array([place, HEIGHT]) if axis == 0 else np.array([WIDTH, place])
            _stroke(canvas, start, end, ink if bold else faint, 2 if bold else 1)
    for _ in range(int(rng.integers(2, 9))):
        start = rng.uniform(0, 1, 2) * (WIDTH, HEIGHT)
        shade = tuple(float(v) for v in base * rng.choice([0.6, 1.5]))
        _stroke(canvas, start, start + rng.normal(0, 120, 2), shade, 1)
    return canvas * (1.0 + 0.05 * _fine(rng) + 0.02 * _fine(rng, "cloud"))[..., None]


def _laminate(rng: Generator) -> Float:
    """A pale worktop with specks of several colours."""
    base = rng.uniform(0.62, 0.86) * np.array([1.0, rng.uniform(0.96, 1.0), rng.uniform(0.88, 1.0)])
    canvas = _flat(base)
    for _ in range(3):
        speck = base * rng.uniform(0.35, 1.12) + rng.normal(0, 0.05, 3)
        coarse = rng.uniform(0.35, 0.9)
        small = sample("grain", (int(HEIGHT * coarse), int(WIDTH * coarse)), rng, 0.6)
        field = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        weight = np.clip((field - rng.uniform(1.3, 1.9)) * 3.0, 0, 0.8)[..., None]
        canvas += (speck.astype(np.float32) - canvas) * weight.astype(np.float32)
    return canvas * (1.0 + 0.02 * _fine(rng, "cloud"))[..., None]


def _card(rng: Generator) -> Float:
    """Brown cardboard: flutes showing through, fibres, a fold."""
    base = np.array([0.66, 0.51, 0.35]) * rng.uniform(0.85, 1.12)
    angle = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.08)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    along = x * np.float32(np.sin(angle)) + y * np.float32(np.cos(angle))
    flutes = np.sin(along * (2 * np.pi / rng.uniform(9, 15))) * rng.uniform(0.008, 0.022)
    level = (
        1.0
        + flutes
        + 0.035 * _fine(rng)
        + 0.03 * _fine(rng, "streak", -angle)
        + 0.03 * _fine(rng, "cloud")
    )
    if rng.random() < 0.5:
        fold = np.abs(along - rng.uniform(80, 400))
        level = level - 0.2 * np.exp(-((fold / 2.5) ** 2)) + 0.05 * np.exp(-(((fold - 5) / 4) ** 2))
    return np.asarray(_flat(base) * level[..., None].astype(np.float32), np.float32)


def _rubber(rng: Generator) -> Float:
    """A dark bench mat with ribs, studs or a plain matt face."""
    base = np.array([0.15, 0.155, 0.165]) * rng.uniform(0.8, 1.5) + rng.normal(0, 0.008, 3)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    pitch = rng.uniform(14, 30)
    kind = rng.integers(3)
    if kind == 0:
        bumps = np.sin(y * (2 * np.pi / pitch)) * 0.12
    elif kind == 1:
        wave = np.sin(x * (2 * np.pi / pitch)) * np.sin(y * (2 * np.pi / pitch))
        stud = np.clip(wave * 3 - 1.2, 0, 1)
        bumps = (np.roll(stud, 1, axis=0) - np.roll(stud, -1, axis=0)) * -0.35 + stud * 0.1
    else:
        bumps = np.zeros_like(x)
    level = 1.0 + bumps + 0.12 * _fine(rng) + 0.06 * _fine(rng, "cloud")
    return np.asarray(_flat(base) * level[..., None].astype(np.float32), np.float32)


BACKGROUNDS: dict[str, Callable[[Generator], Float]] = {
    "wood": _wood,
    "steel": _steel,
    "cutting mat": _mat,
    "laminate": _laminate,
    "cardboard": _card,
    "rubber": _rubber,
}


def stain(canvas: Float, rng: Generator) -> None:
    """Darken a soft, irregular patch of the bench, as oil does."""
    radius = rng.uniform(15, 60)
    side = int(radius * 4)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - side / 2
    field = (
        np.hypot(x, y * rng.uniform(0.7, 1.4)) / radius
        + sample("cloud", (side, side), rng, 0) * 0.14
    )
    weight = np.clip((1.15 - field) * 1.6, 0, 1) * rng.uniform(0.12, 0.42)
    left, top = (
        int(rng.integers(-side // 2, WIDTH - side // 2)),
        int(rng.integers(-side // 2, HEIGHT - side // 2)),
    )
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, WIDTH), min(top + side, HEIGHT)
    canvas[y0:y1, x0:x1] *= (1.0 - weight[y0 - top : y1 - top, x0 - left : x1 - left])[..., None]
