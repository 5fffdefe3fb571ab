"""What the canvases are measured on, as plain arrays: needs numpy alone, so any process has it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 8000, 6000
VIEW = (1600, 1000)
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
MARGIN = 260


@dataclass(frozen=True)
class Scene:
    """Wobbly outlines all over the image: how many, of how many vertices and which radii (px)."""

    instances: int
    vertices: int
    radii: tuple[float, float] = (40, 180)

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.instances:,} x {self.vertices:,}"

    def rings(self) -> list[NDArray[np.float64]]:
        """Return the outlines, float64 V x 2 in image pixels; the same at every call."""
        rng = np.random.default_rng(0)
        turn = np.linspace(0, 2 * np.pi, self.vertices, endpoint=False)
        rings = []
        for _ in range(self.instances):
            radius = rng.uniform(*self.radii)
            wobble = radius * (1 + 0.25 * np.sin(3 * turn + rng.uniform(0, 6)))
            wobble += rng.normal(0, 0.03 * radius, self.vertices)
            middle = rng.uniform((MARGIN, MARGIN), (WIDTH - MARGIN, HEIGHT - MARGIN))
            rings.append(middle + np.stack([np.cos(turn) * wobble, np.sin(turn) * wobble], axis=1))
        return rings


USUAL = Scene(1000, 100)
DENSE = Scene(300, 2000)
MANY = Scene(10_000, 100, (12, 50))


def photo() -> NDArray[np.uint8]:
    """Return an image with detail at all scales, uint8 HEIGHT x WIDTH x 3."""
    rng = np.random.default_rng(1)
    coarse: NDArray[Any] = rng.integers(0, 255, (60, 80, 3), np.uint8)
    image = np.repeat(np.repeat(coarse, 100, axis=0), 100, axis=1)
    image[::7, :, 0] //= 2
    image[:, ::5, 1] //= 2
    return np.ascontiguousarray(image)
