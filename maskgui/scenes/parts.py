"""The parts that carry a category: each is a stack of layers in its own unit frame.

`hex nut`, `square nut` and `flange nut` differ only in shape detail: they share materials, hole
and size.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskgui.scenes import outlines as o


@dataclass(frozen=True)
class Layer:
    """One slab of a part, lengths in units of the part's longer side.

    `rings` are filled even-odd, so an inner ring is a hole. `height` is that of the top face,
    `bevel` the width of its rounded edge (None: round all over, as a rod or a ball). `tone`
    multiplies the colour. A groove adds nothing to the silhouette: it lowers what it crosses.
    """

    rings: tuple[o.Ring, ...]
    height: float
    bevel: float | None = 0.02
    tone: float = 1.0
    groove: bool = False


@dataclass(frozen=True)
class Part:
    """A shape to draw; `turned` parts have the sheen of a lathe, the others a brushed one."""

    layers: tuple[Layer, ...]
    turned: bool = False


def _washer(rng: np.random.Generator, size: float) -> Part:
    hole = rng.uniform(0.2, 0.25 if size < 32 else 0.33)
    return Part((Layer((o.circle(0.5), o.circle(hole)), 0.06, 0.025),), turned=True)


def _nut_bore(hole: float) -> Layer:
    return Layer((o.circle(hole * 1.22), o.circle(hole * 0.98)), 0.05, tone=0.8, groove=True)


def _hex_nut(rng: np.random.Generator, _size: float) -> Part:
    hole = rng.uniform(0.21, 0.26)
    body = Layer((o.regular(6, 0.5), o.circle(hole)), 0.19, 0.03)
    face = Layer((o.circle(0.405), o.circle(hole)), 0.22, 0.03)
    return Part((body, face, _nut_bore(hole)))


def _square_nut(rng: np.random.Generator, _size: float) -> Part:
    hole = rng.uniform(0.18, 0.23)
    body = Layer((o.rounded(o.regular(4, 0.52), 0.06), o.circle(hole)), 0.2, 0.035)
    face = Layer((o.circle(0.36), o.circle(hole)), 0.22, 0.03)
    return Part((body, face, _nut_bore(hole)))


def _flange_nut(rng: np.random.Generator, _size: float) -> Part:
    hole = rng.uniform(0.16, 0.2)
    flange = Layer((o.circle(0.5), o.circle(hole)), 0.06, 0.05)
    body = Layer((o.regular(6, rng.uniform(0.36, 0.4)), o.circle(hole)), 0.25, 0.035)
    return Part((flange, body, _nut_bore(hole)))


def _thread_lines(x0: float, x1: float, half: float, pitch: float) -> Layer:
    xs = np.linspace(x0, x1, max(2, round((x1 - x0) / pitch)), endpoint=False)
    lean = pitch * 0.5
    bars = tuple(o.capsule((x, -half), (x + lean, half), pitch * 0.36) for x in xs[1:])
    return Layer(bars, pitch * 0.5, tone=0.62, groove=True)


def _hex_bolt(rng: np.random.Generator, size: float) -> Part:
    half = rng.uniform(0.07, 0.105)
    neck = -0.5 + half * rng.uniform(1.25, 1.6)
    wide = half * rng.uniform(1.75, 1.95)
    plain = neck + rng.uniform(0.05, 0.5) * (0.5 - neck)
    pitch = max(rng.uniform(0.035, 0.05), 4.0 / size)
    thread = o.threaded((plain, 0.5), (half, half * 0.92), pitch, half * 0.16)
    edges = tuple(o.box(-0.5, y - 0.012, neck, y + 0.012) for y in (-wide * 0.5, wide * 0.5))
    return Part(
        (
            Layer((o.box(neck - 0.02, -half, plain + 0.01, half),), half * 2, None),
            Layer((thread,), half * 2, None),
            _thread_lines(plain, 0.49, half, pitch),
            Layer((o.rounded(o.box(-0.5, -wide, neck, wide), 0.025),), wide * 1.6, 0.03),
            Layer(edges, 0.03, tone=0.75, groove=True),
        )
    )


def _wood_screw(rng: np.random.Generator, size: float) -> Part:
    half = rng.uniform(0.06, 0.085)
    wide = half * rng.uniform(1.9, 2.3)
    neck = -0.5 + wide * rng.uniform(0.8, 1.0)
    plain = neck + rng.uniform(0.02, 0.35) * (0.5 - neck)
    taper = rng.uniform(0.25, 0.34)
    pitch = max(rng.uniform(0.045, 0.06), 4.5 / size)
    head = np.array(
        [[-0.5, -wide], [-0.47, -wide], [neck, -half], [neck, half], [-0.47, wide], [-0.5, wide]]
    )
    thread = o.threaded((plain, taper), (half * 1.1, half), pitch, half * 0.3)
    tip = np.array([[taper - 0.01, -half * 0.95], [0.5, 0.0], [taper - 0.01, half * 0.95]])
    return Part(
        (
            Layer((o.box(neck - 0.02, -half * 0.9, plain + 0.02, half * 0.9),), half * 2, None),
            Layer((thread,), half * 2, None),
            Layer((o.rounded(tip, 0.02),), half * 1.9, None),
            _thread_lines(plain, taper + 0.08, half, pitch),
            Layer((head,), wide * 2, None),
        )
    )


def _gear(rng: np.random.Generator, size: float) -> Part:
    teeth = int(min(float(rng.integers(10, 23)), max(9.0, size / 4)))
    root = rng.uniform(0.4, 0.43)
    bore, hub = rng.uniform(0.08, 0.12), rng.uniform(0.17, 0.2)
    holes: tuple[o.Ring, ...] = ()
    if size > 70 and rng.random() < 0.5:
        spots = o.regular(int(rng.integers(4, 7)), 0.285)
        holes = tuple(o.circle(0.05, (x, y), 24) for x, y in spots)
    web = Layer((o.circle(root - 0.05), *holes), 0.08, 0.015, tone=0.85)
    rim = Layer((o.toothed(teeth, 0.5, root), o.circle(root - 0.06)), 0.16, 0.02)
    bored_web = Layer((*web.rings, o.circle(bore)), web.height, web.bevel, web.tone)
    return Part((bored_web, rim, Layer((o.circle(hub), o.circle(bore)), 0.18, 0.02)), turned=True)


def _circlip(rng: np.random.Generator, size: float) -> Part:
    thick = rng.uniform(0.12, 0.16)
    gap = rng.uniform(0.7, 1.15)
    band = o.arc_band(0.5, 0.5 - thick, 0.025, gap)
    reach = 0.5 - thick
    spot = np.array([np.cos(gap / 2 + 0.08), np.sin(gap / 2 + 0.08)]) * (reach - 0.03)
    lugs = []
    for sign in (-1.0, 1.0):
        centre = (float(spot[0]) + 0.02, sign * float(spot[1]))
        rings = [o.circle(0.095, centre, 32)]
        if size > 80:
            rings.append(o.circle(0.038, centre, 16))
        lugs.append(Layer(tuple(rings), 0.055, 0.02))
    return Part((Layer((band,), 0.05, 0.02), *lugs))


def _spring(rng: np.random.Generator, size: float) -> Part:
    coils = int(min(float(rng.integers(7, 13)), max(6.0, size / 6)))
    half = rng.uniform(0.13, 0.19)
    pitch = 1.0 / coils
    wire = pitch * rng.uniform(0.66, 0.8)
    lean = pitch * 0.5
    xs = -0.5 + wire / 2 + (np.arange(coils) * (1.0 - wire - lean) / (coils - 1))
    bars = tuple(o.capsule((x, half - wire / 2), (x + lean, wire / 2 - half), wire) for x in xs)
    core = o.box(-0.5 + wire * 0.6, -half + wire * 0.45, 0.5 - wire * 0.6, half - wire * 0.45)
    return Part((Layer((core,), wire * 0.35, 0.02, tone=0.35), Layer(bars, wire, None)))


def _bracket(rng: np.random.Generator, _size: float) -> Part:
    wide = rng.uniform(0.27, 0.34)
    arm = rng.uniform(0.65, 1.0)
    outline = np.array([[0, 0], [1, 0], [1, wide], [wide, wide], [wide, arm], [0, arm]])
    shift = (0.5, arm / 2)
    hole = rng.uniform(0.062, 0.08)
    spots = [(1 - wide / 2, wide / 2), (wide / 2, arm - wide / 2)]
    if rng.random() < 0.6:
        spots.append((wide / 2 + 0.01, wide / 2 + 0.01))
    if rng.random() < 0.5:
        spots.append((0.5 + wide * 0.1, wide / 2))
    holes = (o.circle(hole, (x - shift[0], y - shift[1]), 32) for x, y in spots)
    plate = o.rounded(outline - shift, rng.uniform(0.04, 0.12))
    return Part((Layer((plate, *holes), 0.06, 0.025),))


def _bearing(rng: np.random.Generator, _size: float) -> Part:
    bore = rng.uniform(0.16, 0.2)
    floor = Layer((o.circle(0.45), o.circle(bore + 0.03)), 0.05, 0.01, tone=0.4)
    rims = (
        Layer((o.circle(0.5), o.circle(0.4)), 0.17, 0.03),
        Layer((o.circle(bore + 0.085), o.circle(bore)), 0.17, 0.03),
    )
    if rng.random() < 0.4:
        shield = Layer((o.circle(0.395), o.circle(bore + 0.1)), 0.13, 0.015, tone=0.75)
        return Part((floor, shield, *rims), turned=True)
    middle = (0.4 + bore + 0.085) / 2
    spots = o.regular(int(rng.integers(7, 10)), middle)
    balls = Layer(tuple(o.circle(0.068, (x, y), 24) for x, y in spots), 0.17, None, tone=1.15)
    return Part((floor, balls, *rims), turned=True)


@dataclass(frozen=True)
class Category:
    """How a category is drawn, from which longer side (px) up, and whether plastic suits it."""

    draw: Callable[[np.random.Generator, float], Part]
    smallest: float
    plastic: float


CATALOGUE: dict[str, Category] = {
    "washer": Category(_washer, 16, 0.12),
    "hex nut": Category(_hex_nut, 18, 0.05),
    "square nut": Category(_square_nut, 18, 0.05),
    "flange nut": Category(_flange_nut, 22, 0.05),
    "hex bolt": Category(_hex_bolt, 40, 0.0),
    "wood screw": Category(_wood_screw, 44, 0.0),
    "gear": Category(_gear, 30, 0.3),
    "circlip": Category(_circlip, 34, 0.0),
    "spring": Category(_spring, 40, 0.0),
    "bracket": Category(_bracket, 40, 0.15),
    "bearing": Category(_bearing, 26, 0.0),
}
