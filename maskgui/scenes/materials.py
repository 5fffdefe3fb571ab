"""What parts are made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Material:
    """A surface: `colour` is RGB 0..1.

    `gloss` and `shine` are the highlight's strength and tightness, `sheen` is the change of
    brightness across a face, `mirror` the reflection of the room, `rust` how far stains may go.
    """

    colour: tuple[float, float, float]
    gloss: float
    shine: float
    sheen: float
    mirror: float
    rust: float = 0.0


METALS: dict[str, Material] = {
    "steel": Material((0.63, 0.64, 0.67), 0.7, 26.0, 0.16, 0.26, rust=0.25),
    "bright steel": Material((0.78, 0.79, 0.81), 0.9, 40.0, 0.2, 0.34),
    "zinc": Material((0.58, 0.66, 0.76), 0.6, 22.0, 0.14, 0.22),
    "yellow zinc": Material((0.74, 0.68, 0.42), 0.6, 22.0, 0.15, 0.24),
    "brass": Material((0.80, 0.62, 0.27), 0.7, 26.0, 0.15, 0.26),
    "copper": Material((0.76, 0.43, 0.29), 0.6, 24.0, 0.15, 0.24),
    "black oxide": Material((0.15, 0.15, 0.17), 0.42, 18.0, 0.16, 0.12),
    "worn iron": Material((0.42, 0.40, 0.38), 0.3, 12.0, 0.1, 0.1, rust=0.7),
}
_METAL_WEIGHTS = np.array([0.24, 0.16, 0.15, 0.1, 0.13, 0.08, 0.09, 0.05])
_PLASTICS = np.array(
    [
        [0.88, 0.87, 0.82],
        [0.72, 0.14, 0.12],
        [0.12, 0.28, 0.62],
        [0.14, 0.46, 0.26],
        [0.9, 0.55, 0.1],
    ]
)


def paint(colour: NDArray[np.float64], gloss: float = 0.35) -> Material:
    """A painted, plastic, wooden or paper surface of the given colour."""
    red, green, blue = (float(value) for value in colour)
    return Material((red, green, blue), gloss, 30.0, 0.03, 0.0)


def choose(rng: np.random.Generator, plastic: float) -> Material:
    """A metal, or with probability `plastic` a plastic, its colour varied a little."""
    if rng.random() < plastic:
        return paint(
            np.clip(_PLASTICS[rng.integers(len(_PLASTICS))] + rng.normal(0, 0.03, 3), 0, 1)
        )
    metal = tuple(METALS.values())[rng.choice(len(METALS), p=_METAL_WEIGHTS)]
    tint = np.clip(np.array(metal.colour) * rng.uniform(0.88, 1.1) + rng.normal(0, 0.012, 3), 0, 1)
    red, green, blue = (float(value) for value in tint)
    rust = metal.rust if rng.random() < 0.35 else 0.0
    return Material((red, green, blue), metal.gloss, metal.shine, metal.sheen, metal.mirror, rust)
