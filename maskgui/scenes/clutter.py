"""Things that lie about on a bench and belong to no category."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskgui.scenes import outlines as o
from maskgui.scenes.materials import Material, paint
from maskgui.scenes.parts import Layer, Part


@dataclass(frozen=True)
class Piece:
    """One thing to lay on the bench: a stack of (part, material), and its longer side in px."""

    stack: tuple[tuple[Part, Material], ...]
    size: float


def _colour(rng: np.random.Generator, low: float = 0.1, high: float = 0.85) -> Material:
    return paint(rng.uniform(low, high, 3))


_STEEL = Material((0.66, 0.67, 0.7), 0.7, 28.0, 0.12, 0.25)
_WOOD = paint(np.array([0.82, 0.66, 0.44]), gloss=0.05)
_GRAPHITE = paint(np.array([0.16, 0.16, 0.17]), gloss=0.3)


def _pencil(rng: np.random.Generator) -> Piece:
    half = rng.uniform(0.022, 0.028)
    lines = tuple(o.box(-0.47, y - 0.003, 0.36, y + 0.003) for y in (-half * 0.4, half * 0.4))
    body = Part(
        (Layer((o.box(-0.47, -half, 0.36, half),), 0.05, None), Layer(lines, 0.01, groove=True))
    )
    cone = np.array([[0.36, -half], [0.36, half], [0.47, half * 0.25], [0.47, -half * 0.25]])
    lead = np.array([[0.465, -half * 0.3], [0.465, half * 0.3], [0.5, 0.0]])
    rubber = o.rounded(o.box(-0.5, -half, -0.465, half), 0.01)
    stack = (
        (body, _colour(rng)),
        (Part((Layer((cone,), 0.05, None),)), _WOOD),
        (Part((Layer((lead,), 0.03, None),)), _GRAPHITE),
        (Part((Layer((rubber,), 0.05, None),)), paint(np.array([0.85, 0.5, 0.5]))),
    )
    return Piece(stack, rng.uniform(170, 260))


def _screwdriver(rng: np.random.Generator) -> Piece:
    half = rng.uniform(0.06, 0.075)
    grip = o.rounded(o.box(-0.5, -half, -0.06, half), 0.06)
    ridges = tuple(o.box(-0.44, y - 0.007, -0.13, y + 0.007) for y in (-half / 2, 0.0, half / 2))
    handle = Part((Layer((grip,), 0.12, None), Layer(ridges, 0.02, tone=0.7, groove=True)))
    blade = Part((Layer((o.box(-0.08, -0.02, 0.46, 0.02),), 0.06, None),))
    flat = np.array([[0.44, -0.02], [0.5, -0.032], [0.5, 0.032], [0.44, 0.02]])
    stack = ((blade, _STEEL), (Part((Layer((flat,), 0.05),)), _STEEL), (handle, _colour(rng)))
    return Piece(stack, rng.uniform(150, 230))


def _cable(rng: np.random.Generator) -> Piece:
    t = np.linspace(-0.5, 0.5, 40)
    bend = rng.uniform(0.05, 0.16) * np.sin(t * rng.uniform(4.0, 9.0) + rng.uniform(0.0, 6.0))
    path = np.stack([t, bend], axis=1)
    rope = Layer((o.ribbon(path, rng.uniform(0.025, 0.04)),), 0.05, None)
    return Piece(((Part((rope,)), _colour(rng, 0.05, 0.7)),), rng.uniform(180, 280))


def _paper(rng: np.random.Generator) -> Piece:
    half = rng.uniform(0.12, 0.32)
    sheet = o.box(-0.5, -half, 0.5, half)
    sheet = sheet + rng.uniform(-0.02, 0.02, sheet.shape)
    rows = np.arange(-half + 0.08, half - 0.06, 0.075)
    ink = tuple(
        o.box(-0.42, y, rng.uniform(0.0, 0.42), y + rng.uniform(0.012, 0.025)) for y in rows
    )
    white = paint(rng.uniform(0.72, 0.92, 3) * (1.0, 0.98, 0.9), gloss=0.0)
    layers = (Layer((sheet,), 0.008, 0.002), Layer(ink, 0.0, tone=0.4, groove=True))
    return Piece(((Part(layers), white),), rng.uniform(80, 190))


def _coin(rng: np.random.Generator) -> Piece:
    rim = Layer((o.circle(0.5), o.circle(0.44)), 0.07, 0.02)
    face = Layer((o.circle(0.46),), 0.055, 0.01)
    mark = o.rounded(rng.uniform(-0.25, 0.25, (5, 2)), 0.1)
    relief = Layer((mark,), 0.07, 0.05)
    metal = Material((0.72, 0.5, 0.32), 0.5, 20.0, 0.1, 0.15) if rng.random() < 0.5 else _STEEL
    return Piece(((Part((face, rim, relief), turned=True), metal),), rng.uniform(40, 66))


def _hex_key(rng: np.random.Generator) -> Piece:
    turn = np.linspace(0.0, np.pi / 2, 12)
    corner = np.stack([0.4 + 0.08 * np.sin(turn), 0.08 - 0.08 * np.cos(turn)], axis=1)
    path = np.concatenate([[(-0.5, 0.0), (-0.1, 0.0)], corner, [(0.48, 0.3)]])
    rod = Layer((o.ribbon(path - (0.0, 0.15), rng.uniform(0.045, 0.06)),), 0.06, None)
    return Piece(
        ((Part((rod,)), paint(np.array([0.17, 0.17, 0.19]), gloss=0.5)),), rng.uniform(100, 170)
    )


def _crumbs(rng: np.random.Generator) -> Piece:
    rings = []
    for spot in rng.normal(0.0, 0.2, (int(rng.integers(6, 16)), 2)):
        bit = rng.uniform(-1.0, 1.0, (5, 2)) * rng.uniform(0.015, 0.04) + spot
        rings.append(bit[np.argsort(np.arctan2(*(bit - bit.mean(0)).T))])
    layers = tuple(Layer((ring,), 0.02, 0.01) for ring in rings)
    return Piece(((Part(layers), _colour(rng, 0.2, 0.9)),), rng.uniform(70, 140))


PIECES: tuple[Callable[[np.random.Generator], Piece], ...] = (
    _pencil,
    _screwdriver,
    _cable,
    _paper,
    _coin,
    _hex_key,
    _crumbs,
)
