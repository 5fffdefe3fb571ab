"""Outlines without jags."""

import numpy as np

from maskgui.core.shape import Polygon, Ring, Shape
from maskgui.core.simplify import thinned

STEP = 0.5
"""Pixels between the samples of a ring; coarser for long rings, see MOST_SAMPLES."""
MOST_SAMPLES = 8192
DETAIL = 0.1
"""Pixels that the result may leave the smooth curve."""


def smoothed(shape: Shape, sigma: float) -> Shape:
    """Return the shape with every ring smoothed along its length.

    A Gaussian of `sigma` pixels is applied twice, to the ring and to what the first pass took
    away (2G - G^2), so that circles much larger than sigma keep their size. Waves much shorter
    than sigma go. The result may cross itself where an outline is thin. Sigma 0 changes nothing.
    """
    if sigma <= 0:
        return shape
    parts = (
        Polygon(_smooth(part.exterior, sigma), [_smooth(hole, sigma) for hole in part.holes])
        for part in shape.parts
    )
    return thinned(Shape(parts), DETAIL)


def _smooth(ring: Ring, sigma: float) -> Ring:
    closed = np.vstack([ring, ring[:1]])
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    around = float(lengths.sum())
    if around == 0:
        return ring
    count = int(np.clip(around / STEP, 16, MOST_SAMPLES))
    place = np.concatenate(([0.0], np.cumsum(lengths)))
    at = np.linspace(0, around, count, endpoint=False)
    curve = np.interp(at, place, closed[:, 0]) + 1j * np.interp(at, place, closed[:, 1])
    frequency = 2 * np.pi * np.fft.fftfreq(count, around / count)
    passed = np.exp(-((frequency * sigma) ** 2) / 2)
    smooth = np.fft.ifft(np.fft.fft(curve) * (2 * passed - passed**2))
    return np.stack((smooth.real, smooth.imag), axis=1)
