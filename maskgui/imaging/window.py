"""From samples of any depth to 8 bits, by percentiles."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLES = 1_000_000  # percentiles of more are the same to the eye
_BLOCK = 4_000_000  # samples turned at a time, so that float64 needs no copy of the whole


@dataclass(frozen=True)
class Window:
    """The percentiles of an image's samples that become black and white."""

    low: float = 0.1
    high: float = 99.9

    def __post_init__(self) -> None:
        """Refuse percentiles that are not 0 <= low < high <= 100 (ValueError)."""
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"a window needs 0 <= low < high <= 100, not {self.low}, {self.high}")

    def levels(self, samples: NDArray[Any]) -> tuple[float, float]:
        """Return the sample values of black and white; equal only for a constant image.

        Percentiles that coincide (a few bright pixels on black) give way to the extremes.
        """
        flat = samples.reshape(-1)
        picked = flat[:: max(1, flat.size // _SAMPLES)].astype(np.float64)
        picked = picked[np.isfinite(picked)]
        if picked.size:
            low, high = np.percentile(picked, (self.low, self.high))
            if low < high:
                return float(low), float(high)
        finite = flat[np.isfinite(flat)]
        if not finite.size:
            return 0.0, 0.0
        return float(finite.min()), float(finite.max())


def to_8_bit(samples: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    """Return `samples` (any shape, integer or float) as uint8, never falling where they rise.

    One pair of levels for all bands keeps colours. NaN becomes black, infinities the ends. A
    constant image keeps its place in the range of its type (0..1 for floats).
    """
    low, high = window.levels(samples)
    if not high * 0.5 - low * 0.5 > 0:
        top = np.iinfo(samples.dtype).max if samples.dtype.kind in "iu" else 1.0
        low, high = 0.0, float(top)
    if samples.dtype == np.uint16:
        table = _scale(np.arange(65536, dtype=np.float64), low, high)
        return np.take(table, samples)
    short = samples.dtype in (np.float16, np.float32) and (
        np.float32(high * 0.5) > np.float32(low * 0.5)
    )
    exact = np.float32 if short else np.float64  # half the time, where it tells the levels apart
    result = np.empty(samples.shape, np.uint8)
    rows = max(1, _BLOCK // max(1, samples[:1].size))
    for start in range(0, len(samples), rows):
        block = samples[start : start + rows].astype(exact)
        result[start : start + rows] = _scale(block, low, high)
    return result


def _scale(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Map low..high to 0..255, rounded; uses up `values`. NaN gives way to `low`."""
    np.fmax(values, low, out=values)
    np.fmin(values, high, out=values)
    values *= 0.5  # halves, as high - low may pass the range of floats
    values -= values.dtype.type(low * 0.5)
    values /= values.dtype.type(high * 0.5) - values.dtype.type(low * 0.5)
    values *= 255
    values += 0.5
    np.clip(values, 0, 255, out=values)
    return values.astype(np.uint8)
