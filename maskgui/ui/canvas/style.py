"""How one instance is painted: the figures of the look, in one place."""

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from maskgui.ui.theme import CAPTION_PX, text_font

OUTLINE = 2.0
OUTLINE_PROPOSAL = 1.25
OUTLINE_HOVER = 3.0
HALO = 1.0  # on either side of the outline
FINE = 300
"""Vertices on the screen from which an outline's edges are too short for round joins."""
FILL = 0.22
FILL_HOVER = 0.35
HALO_COLOR = QColor(0, 0, 0, 150)
CHIP_LEAST = 30.0
"""Logical pixels: a narrower instance has no room for its score chip."""
CHIP_HEIGHT = 14.0
CHIP_EDGES = 15.0
"""Logical pixels of a chip's length that are not its words."""
LABEL_HEIGHT = 20.0


@dataclass(frozen=True)
class Look:
    """What decides how an instance is painted, besides its outline and its state."""

    color: str  # "#rrggbb"
    proposal: bool = False
    locked: bool = False
    crowd: bool = False
    tag: str = ""  # what its chip says, if it has one


@dataclass(frozen=True)
class Brushes:
    """Pens and brushes of one look, in physical pixels."""

    halo: QPen | None
    fill: QBrush
    outline: QPen


def _pen(color: QColor, width: float, *, live: bool, dashed: bool) -> QPen:
    pen = QPen(color, width)
    pen.setCosmetic(not live)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin if width > 2 else Qt.PenJoinStyle.BevelJoin)
    if dashed:
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setDashPattern([8.0 / width, 5.0 / width])
    return pen


def brushes_for(
    look: Look,
    ratio: float | None,
    *,
    halo: bool,
    hovered: bool = False,
    accent: QColor | None = None,
) -> Brushes:
    """Return what an instance is painted with; `accent` is given when it is selected.

    With `ratio` (physical pixels per logical one) the pens keep their width whatever the
    painter's scale, as tiles need it; without, they are for outlines in logical coordinates.
    """
    width = OUTLINE_PROPOSAL if look.proposal and accent is None else OUTLINE
    width = (OUTLINE_HOVER if hovered else width) * (ratio or 1.0)
    pen = partial(_pen, live=ratio is None, dashed=look.locked)
    color = QColor(look.color)
    fill = QColor(color)
    fill.setAlphaF(FILL_HOVER if hovered else FILL)
    pattern = Qt.BrushStyle.Dense4Pattern if look.crowd else Qt.BrushStyle.SolidPattern
    dark = pen(HALO_COLOR, width + 2 * HALO * (ratio or 1.0)) if halo else None
    return Brushes(dark, QBrush(fill, pattern), pen(color if accent is None else accent, width))


def paint_outline(painter: QPainter, path: QPainterPath, brushes: Brushes) -> None:
    """Paint fill, halo and outline of one instance."""
    painter.fillPath(path, brushes.fill)
    for pen in (brushes.halo, brushes.outline):
        if pen is not None:
            painter.strokePath(path, pen if path.elementCount() < FINE else _plain_joins(pen))


def sketch_outline(painter: QPainter, path: QPainterPath, brushes: Brushes, ratio: float) -> None:
    """Paint nearly what `paint_outline` does, some twenty times as fast: thin, without halo.

    Lines of one device pixel are what Qt draws without making an area of them first.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillPath(path, brushes.fill)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line = QPen(brushes.outline.color(), 1)
    line.setCosmetic(True)
    for shift in (0.5 / ratio, -1.0 / ratio):
        painter.translate(shift, shift)
        painter.strokePath(path, line)
    painter.translate(0.5 / ratio, 0.5 / ratio)


def _plain_joins(pen: QPen) -> QPen:
    """Return the pen with the joins that cost a third; between short edges none sees them."""
    plain = QPen(pen)
    plain.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    return plain


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
