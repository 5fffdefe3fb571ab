"""Precision-recall curves and bars as SVG text, coloured by the page's style sheet."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CURVES = (("IoU 0.50", "c50"), ("IoU 0.75", "c75"), ("mean of 0.50–0.95", "call"))
"""Name and CSS class of each curve."""

_LEFT, _TOP, _WIDTH, _HEIGHT = 40, 10, 380, 260
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def mean_curves(precision: Floats) -> list[Floats] | None:
    """Return the three curves (101 precisions each), averaged over the categories with truth.

    `precision` is 10 IoU thresholds x 101 recalls x K, -1 where there is no truth; None where no
    category has any.
    """
    known = precision[:, :, (precision[0] > -1).all(axis=0)]
    if known.shape[2] == 0:
        return None
    mean = known.mean(axis=2)
    return [mean[0], mean[5], mean.mean(axis=0)]


def curve_chart(precision: Floats, title: str) -> str:
    """Return a chart of precision over recall; `title` is trusted text."""
    curves = mean_curves(precision)
    grid = "".join(_grid_line(tick) for tick in _TICKS)
    drawn = "".join(
        f'<path class="curve {style}" d="{_path(values)}"/>'
        for values, (_, style) in zip(curves or [], CURVES, strict=False)
    )
    if curves is None:
        drawn = (
            f'<text class="none" x="{_LEFT + _WIDTH / 2}" y="{_TOP + _HEIGHT / 2}">'
            "no objects to find</text>"
        )
    else:
        first = _path(curves[0])
        close = f"L{_LEFT + _WIDTH},{_TOP + _HEIGHT} L{_LEFT},{_TOP + _HEIGHT}Z"
        drawn = f'<path class="under" d="{first} {close}"/>{drawn}'
    width, height = _LEFT + _WIDTH + 12, _TOP + _HEIGHT + 40
    return (
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Precision over recall, {title}">{grid}{drawn}'
        f'<text class="axis" x="{_LEFT + _WIDTH / 2}" y="{height - 4}">recall</text>'
        f'<text class="axis" transform="translate(10 {_TOP + _HEIGHT / 2}) rotate(-90)">'
        "precision</text></svg>"
    )


def _grid_line(tick: float) -> str:
    x, y = _place(tick, tick)
    lines = f"M{x:.1f},{_TOP}V{_TOP + _HEIGHT}M{_LEFT},{y:.1f}H{_LEFT + _WIDTH}"
    return (
        f'<path class="grid" d="{lines}"/>'
        f'<text class="tick" x="{x:.1f}" y="{_TOP + _HEIGHT + 16}" text-anchor="middle">{tick:.1f}'
        f'</text><text class="tick" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.1f}'
        "</text>"
    )


def _path(values: Floats) -> str:
    places = [_place(recall, value) for recall, value in zip(_recalls(), values, strict=True)]
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _recalls() -> list[float]:
    return [float(value) for value in np.linspace(0, 1, 101)]


def _place(recall: float, precision: float) -> tuple[float, float]:
    return _LEFT + recall * _WIDTH, _TOP + (1 - precision) * _HEIGHT
