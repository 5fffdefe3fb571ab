"""Labels beside instances: placed where they cover no vertex, inside the view."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF

from maskgui.ui.canvas.decorations import Brush
from maskgui.ui.canvas.style import LABEL_HEIGHT, label_font

GAP = 8.0
"""Logical pixels between an instance's box and its label."""
STACK = 2.0
"""Logical pixels between labels of instances that lie over one another."""
LONGEST = 260.0


@dataclass
class Surroundings:
    """What labels keep clear of, in logical coordinates."""

    vertices: NDArray[np.float64]  # N x 2
    covered: QRectF  # by a bar that lies over the canvas
    chips: Sequence[QRectF] = ()  # of other instances
    labels: list[QRectF] = field(default_factory=list)  # there already


def draw_label(
    brush: Brush,
    text: str,
    color: str,
    box: QRectF,
    top: QPointF,
    around: Surroundings,
) -> QRectF | None:
    """Draw a label for an instance with its box and topmost point on screen.

    Return where it went; None, and nothing drawn, when there is no place for it.
    """
    painter = brush.painter
    painter.setFont(label_font())
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, LONGEST)
    size = QSizeF(np.ceil(metrics.horizontalAdvance(text)) + 27, LABEL_HEIGHT)
    view = QRectF(0, 0, brush.view.width, brush.view.height).adjusted(4, 8, -4, -4)
    place = place_label(size, box, top, view, around)
    if place is None:
        return None
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush.colors.label)
    painter.drawRoundedRect(place, 5, 5)
    painter.setBrush(QColor(color))
    painter.drawEllipse(QPointF(place.left() + 11, place.center().y()), 4, 4)
    painter.setPen(brush.colors.on_label)
    room = place.adjusted(20, 0, -4, 0)
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    return place


def place_label(
    size: QSizeF,
    box: QRectF,
    top: QPointF,
    view: QRectF,
    around: Surroundings,
) -> QRectF | None:
    """Return the first place for a label inside the view, free of others, that hides no vertex.

    Above the topmost point comes first, then below, beside, inside, and at last above or below a
    label that has taken its place. Chips are covered only where all of these places have some.
    There is none for what is not in view.
    """
    shown = box.intersected(view)
    if shown.isEmpty():
        return None
    second_best = None
    for corner in chain(_corners(size, box, top, shown), _stacked(size, around.labels)):
        place = QRectF(corner, size)
        place.moveLeft(round(min(max(place.left(), view.left()), view.right() - size.width())))
        place.moveTop(round(min(max(place.top(), view.top()), view.bottom() - size.height())))
        if place.intersects(around.covered):
            place.moveTop(round(around.covered.bottom()) + GAP / 2)
        if not view.contains(place) or any(place.intersects(one) for one in around.labels):
            continue
        if _covers(place.adjusted(-4, -4, 4, 4), around.vertices):
            continue
        if not any(place.intersects(one) for one in around.chips):
            return place
        second_best = second_best or place
    return second_best


def _corners(size: QSizeF, box: QRectF, top: QPointF, shown: QRectF) -> Iterator[QPointF]:
    wide, high = size.width(), size.height()
    middle = shown.center()
    above, below = box.top() - GAP - high, box.bottom() + GAP
    yield QPointF(top.x() - wide / 2, above)
    for left in (shown.left(), middle.x() - wide / 2, shown.right() - wide):
        yield QPointF(left, above)
    for left in (shown.left(), middle.x() - wide / 2, shown.right() - wide):
        yield QPointF(left, below)
    yield QPointF(box.right() + GAP, shown.top())
    yield QPointF(box.left() - GAP - wide, shown.top())
    yield QPointF(middle.x() - wide / 2, middle.y() - high / 2)
    for step in range(1, 8):
        yield QPointF(shown.left() + step * 12, shown.top() + step * 12)


def _stacked(size: QSizeF, taken: Sequence[QRectF]) -> Iterator[QPointF]:
    for one in taken:
        yield QPointF(one.left(), one.top() - STACK - size.height())
        yield QPointF(one.left(), one.bottom() + STACK)


def _covers(place: QRectF, vertices: NDArray[np.float64]) -> bool:
    if not len(vertices):
        return False
    low, high = (place.left(), place.top()), (place.right(), place.bottom())
    return bool(np.any(np.all((vertices >= low) & (vertices <= high), axis=1)))
