"""Cursors that say what a click will do."""

from functools import cache

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QCursor, QPainter, QPen, QPixmap, QPolygonF

_PLAIN = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "point": Qt.CursorShape.PointingHandCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "pan": Qt.CursorShape.OpenHandCursor,
    "panning": Qt.CursorShape.ClosedHandCursor,
}
_ARROW = ((1, 1), (1, 15), (4.6, 11.8), (7, 17), (9.4, 16), (7, 10.9), (12, 10.9))


@cache
def cursor_named(name: str) -> QCursor:
    """Return the cursor for a tool's word: a shape of the system, or an arrow with a badge."""
    if name in _PLAIN:
        return QCursor(_PLAIN[name])
    return QCursor(_badged(name), 1, 1)


def _badged(badge: str) -> QPixmap:
    """Draw an arrow with a square (vertex), a plus (add) or a minus (remove) beside it."""
    pixmap = QPixmap(24, 24)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#ffffff"), 1))
    painter.setBrush(QColor("#111214"))
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in _ARROW]))
    lines = [QLineF(13, 18.5, 22, 18.5)]
    if badge == "add":
        lines.append(QLineF(17.5, 14, 17.5, 23))
    if badge == "vertex":
        painter.drawRect(14, 15, 7, 7)
    else:
        for color, width in (("#ffffff", 4), ("#111214", 2)):
            painter.setPen(QPen(QColor(color), width))
            painter.drawLines(lines)
    painter.end()
    return pixmap
