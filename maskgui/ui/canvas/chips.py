"""Chips above instances: what they say and which are shown, so that none lies over another."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF

from maskgui.core.shape import Shape
from maskgui.ui.canvas.style import CHIP_HEIGHT, CHIP_LEAST, chip_box, chip_font, chip_room

if TYPE_CHECKING:
    from maskgui.ui.canvas.paintlist import PaintItem

SCORE_LONGEST = 60.0
"""Logical pixels: what a score needs, and more."""
EDGE = 2.0
"""Logical pixels between a chip and the image's left edge."""
NAME_LONGEST = 128.0
"""Logical pixels to which a category's name is shortened."""


class Chip(NamedTuple):
    """One chip: its place in the whole overlay at one scale, in device pixels, and its words."""

    item: "PaintItem"
    box: QRectF
    text: str


def chip_length(*, labelled: bool) -> float:
    """Return how long chips are at most, in logical pixels, when they name categories or not."""
    return NAME_LONGEST if labelled else SCORE_LONGEST


def chip_bleed(*, labelled: bool) -> float:
    """Return how far from a tile an instance lies at most that decides about a chip in it.

    In logical pixels: a chip that reaches into it by half, and one that this chip overlaps.
    Outlines reach far less.
    """
    return 1.5 * chip_length(labelled=labelled)


def chips_of(
    items: Sequence["PaintItem"], scale: float, ratio: float, *, labelled: bool
) -> list[Chip]:
    """Return the chips of instances; of those that would overlap the less sure are left out.

    `scale` in device pixels per image pixel, `ratio` in device pixels per logical one.
    """
    tagged = [
        item
        for item in items
        if item.look.tag
        and (item.shape.bounds[2] - item.shape.bounds[0]) * scale >= CHIP_LEAST * ratio
    ]
    if not tagged:
        return []
    tagged.sort(key=_surest)
    metrics = QFontMetricsF(chip_font(ratio))
    room = chip_room(chip_length(labelled=labelled), ratio)
    chips = []
    for item in tagged:
        text = metrics.elidedText(item.look.tag, Qt.TextElideMode.ElideMiddle, room)
        chips.append(Chip(item, _place(item.shape, text, metrics, scale, ratio), text))
    over = overlapped([chip.box for chip in chips])
    return [chip for chip, less in zip(chips, over, strict=True) if not less]


def _surest(item: "PaintItem") -> tuple[float, int, int]:
    """What a person drew comes first, then by score."""
    return (-np.inf if item.score is None else -item.score, *item.place)


def _place(shape: Shape, text: str, metrics: QFontMetricsF, scale: float, ratio: float) -> QRectF:
    x, y = top_of(shape)
    # There are no tiles above the image and at its left: a chip at these edges stays whole.
    least = (CHIP_HEIGHT + 6) * ratio
    box = chip_box(metrics, QPointF(x * scale, max(y * scale, least)), text, ratio)
    box.moveLeft(max(box.left(), EDGE * ratio))
    return box


def overlapped(boxes: Sequence[QRectF]) -> list[bool]:
    """Return which boxes, all of one height, overlap one that comes before them.

    Also one that is left out itself counts: so the answer depends on nothing but the nearest
    neighbours, and tiles side by side agree on it.
    """
    if not boxes:
        return []
    x0, y0, x1, y1 = np.array([box.getCoords() for box in boxes]).T
    order = np.argsort(y0, kind="stable")
    first = np.searchsorted(y0[order], 2 * y0 - y1, "right")
    last = np.searchsorted(y0[order], y1, "left")
    found = []
    for at in range(len(boxes)):
        near = order[first[at] : last[at]]
        near = near[near < at]
        found.append(bool(((x0[near] < x1[at]) & (x1[near] > x0[at])).any()))
    return found


def top_of(shape: Shape) -> tuple[float, float]:
    """Return the topmost vertex: what a chip or label is put above."""
    rings = [part.exterior for part in shape.parts]
    tops = [ring[ring[:, 1].argmin()] for ring in rings]
    x, y = min(tops, key=lambda point: float(point[1]))
    return (float(x), float(y))
