"""The picture of a training run: its losses and its AP over the steps."""

import io
import math
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from maskgui.core.files import write_atomic
from maskgui.maskrcnn.train.record import FIGURES, PARTS, Row, read_rows

FINE = 2
"""Drawn this much larger and reduced, for smooth lines."""
SIZE = (960, 720)
MARGIN, GAP, LEGEND = 56, 88, 26
INK, FAINT, PAPER = "#2b2f36", "#e3e6ea", "#ffffff"
# Okabe and Ito's colours, which colour-blind people tell apart.
COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#cc79a7", "#e69f00", "#2b2f36")
TICKS = 5

Box = tuple[float, float, float, float]
Line = list[tuple[float, float]]


def draw_curves(log: Path, picture: Path) -> None:
    """Draw the CSV log as a PNG: losses above, smoothed where there are many; AP below."""
    rows = read_rows(log)
    image = Image.new("RGB", (SIZE[0] * FINE, SIZE[1] * FINE), PAPER)
    pen = ImageDraw.Draw(image)
    half = (SIZE[1] - 2 * MARGIN - GAP) // 2
    right = SIZE[0] - MARGIN // 2
    _chart(pen, (MARGIN, MARGIN, right, MARGIN + half), "loss", _lines(rows, PARTS, smooth=True))
    low = SIZE[1] - MARGIN
    _chart(pen, (MARGIN, low - half, right, low), "AP", _lines(rows, FIGURES, smooth=False))
    buffer = io.BytesIO()
    image.resize(SIZE, Image.Resampling.LANCZOS).save(buffer, "PNG")
    write_atomic(picture, buffer.getvalue())


def _lines(rows: list[Row], names: tuple[str, ...], smooth: bool) -> dict[str, Line]:
    lines = {name: [(row["step"], row[name]) for row in rows if name in row] for name in names}
    return {name: _smoothed(line) if smooth else line for name, line in lines.items() if line}


def _smoothed(line: Line) -> Line:
    """Average over about a fiftieth of the run, so that trends show."""
    width = max(len(line) // 50, 1)
    parts = [line[max(end - width, 0) : end] for end in range(1, len(line) + 1)]
    return [(part[-1][0], sum(y for _, y in part) / len(part)) for part in parts]


def _chart(pen: ImageDraw.ImageDraw, box: Box, title: str, lines: dict[str, Line]) -> None:
    points = [point for line in lines.values() for point in line if math.isfinite(point[1])]
    last = max((x for x, _ in points), default=1.0)
    top = _round_up(max((y for _, y in points), default=1.0))
    left, upper, right, lower = box
    _text(pen, left, upper - LEGEND - 14, title, anchor="lm", size=15)
    for tick in range(TICKS + 1):
        y = lower - (lower - upper) * tick / TICKS
        pen.line(_fine([(left, y), (right, y)]), fill=FAINT, width=FINE)
        _text(pen, left - 8, y, f"{top * tick / TICKS:.3g}", anchor="rm")
        x = left + (right - left) * tick / TICKS
        _text(pen, x, lower + 14, f"{last * tick / TICKS:.0f}", anchor="mm")
    if not points:
        _text(pen, (left + right) / 2, (upper + lower) / 2, "not measured yet", anchor="mm")
    place = left
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        shown = [(x, y) for x, y in line if math.isfinite(y)]
        path = [
            (left + (right - left) * x / last, lower - (lower - upper) * max(y, 0) / top)
            for x, y in shown
        ]
        _curve(pen, path, colour)
        label = f"{name.replace('_', ' ')} {shown[-1][1]:.3f}" if shown else name
        pen.line(
            _fine([(place, upper - 14), (place + 16, upper - 14)]), fill=colour, width=3 * FINE
        )
        _text(pen, place + 22, upper - 14, label, anchor="lm")
        place += 40 + 7.4 * len(label)


def _curve(pen: ImageDraw.ImageDraw, path: Line, colour: str) -> None:
    if len(path) > 1:
        pen.line(_fine(path), fill=colour, width=2 * FINE, joint="curve")
    for x, y in path if len(path) < 40 else []:
        spot = _fine([(x - 2.5, y - 2.5), (x + 2.5, y + 2.5)])
        pen.ellipse(spot, fill=colour)


def _round_up(value: float) -> float:
    """Return the next 1, 1.5, 2, 3, 5 or 7.5 times a power of ten."""
    if value <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(value))
    return next(f * scale for f in (1, 1.5, 2, 3, 5, 7.5, 10) if f * scale >= value * 0.999)


def _fine(line: Line) -> Line:
    return [(x * FINE, y * FINE) for x, y in line]


def _text(
    pen: ImageDraw.ImageDraw, x: float, y: float, text: str, anchor: str, size: int = 12
) -> None:
    font = ImageFont.load_default(size * FINE)
    pen.text((x * FINE, y * FINE), text, fill=INK, font=font, anchor=anchor)
