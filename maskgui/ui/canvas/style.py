"""How one instance is painted: the figures of the look, in one place."""

from functools import lru_cache

import msgspec
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from maskgui.ui.canvas.ink import HALO_SHARE, Brushes, Color
from maskgui.ui.theme import CAPTION_PX, text_font

OUTLINE = 2.0
OUTLINE_PROPOSAL = 1.25
OUTLINE_HOVER = 3.0
HALO = 1.0  # on either side of the outline
FILL = 0.22
FILL_HOVER = 0.35
HALO_COLOR = QColor(0, 0, 0, round(255 * HALO_SHARE))
CHIP_LEAST = 30.0
"""Logical pixels: a narrower instance has no room for its score chip."""
CHIP_HEIGHT = 14.0
CHIP_EDGES = 15.0
"""Logical pixels of a chip's length that are not its words."""
LABEL_HEIGHT = 20.0


class Look(msgspec.Struct, frozen=True, gc=False):
    """What decides how an instance is painted, besides its outline and its state.

    A struct is made in a tenth of a data class's time, and 10,000 are.
    """

    color: str  # "#rrggbb"
    proposal: bool = False
    locked: bool = False
    crowd: bool = False
    tag: str = ""  # what its chip says, if it has one


def brushes_for(
    look: Look,
    ratio: float,
    *,
    halo: bool,
    hovered: bool = False,
    accent: QColor | None = None,
    share: float = FILL,
) -> Brushes:
    """Return what an instance is painted with; `accent` is given when it is selected.

    ratio: physical pixels per logical one; share: the fill's, 0-1.
    """
    line = look.color if accent is None else accent.name()
    width = OUTLINE_PROPOSAL if look.proposal and accent is None else OUTLINE
    return _brushes(
        look.color,
        share,
        line,
        (OUTLINE_HOVER if hovered else width) * ratio,
        HALO * ratio if halo else 0.0,
        look.locked,
        look.crowd,
    )


@lru_cache(maxsize=256)
def _brushes(
    fill: str, share: float, line: str, width: float, halo: float, dashed: bool, dotted: bool
) -> Brushes:
    return Brushes(_color(fill), share, _color(line), width, halo, dashed, dotted)


def _color(name: str) -> Color:
    color = QColor(name)
    return (color.blue(), color.green(), color.red())


def chip_font(ratio: float) -> QFont:
    """Return the font of score chips, for painting in physical pixels."""
    return text_font(round(10 * ratio))


def label_font() -> QFont:
    """Return the font of labels."""
    return text_font(CAPTION_PX)


def chip_box(metrics: QFontMetricsF, at: QPointF, tag: str, ratio: float) -> QRectF:
    """Return where the chip of a tag lies above a point, in physical pixels."""
    width = metrics.horizontalAdvance(tag) + CHIP_EDGES * ratio
    height = CHIP_HEIGHT * ratio
    return QRectF(at.x() - width / 2, at.y() - height - 4 * ratio, width, height)


def chip_room(length: float, ratio: float) -> float:
    """Return the physical pixels that a chip of a length in logical pixels has for its words."""
    return (length - CHIP_EDGES) * ratio


def paint_chip(painter: QPainter, box: QRectF, text: str, color: str, ratio: float) -> None:
    """Paint the score of a proposal, or a category, as a small pill, in physical pixels.

    The pill is dark with a dot of the category's colour, so that it reads on any image.
    """
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(22, 23, 26, 200))
    painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
    painter.setBrush(QColor(color))
    middle = box.center().y()
    painter.drawEllipse(QPointF(box.left() + 6.5 * ratio, middle), 2.5 * ratio, 2.5 * ratio)
    painter.setPen(QColor("#f4f5f7"))
    room = box.adjusted(11 * ratio, 0, 0, 0)
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
