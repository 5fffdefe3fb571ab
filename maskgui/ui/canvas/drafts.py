"""What a tool is drawing right now: lines by hand, strokes, the brush, handles, what pulls."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from maskgui.tools.base import Area, Disk, Frame, Overlay, Path
from maskgui.ui.canvas.outlines import line_of, path_of
from maskgui.ui.canvas.style import HALO_COLOR

if TYPE_CHECKING:
    from maskgui.ui.canvas.decorations import Brush

AREA_FILL = 0.4
HANDLE = 5.0
"""Logical pixels: half the side of a handle."""


def draw_drafts(brush: "Brush", overlay: Overlay) -> None:
    """Draw what the overlay has of a gesture that is under way; `brush` is that of the frame."""
    if overlay.area is not None:
        _draw_area(brush, overlay.area)
    if overlay.path is not None:
        _draw_path(brush, overlay.path)
    if overlay.disk is not None:
        _draw_disk(brush, overlay.disk)
    if overlay.frame is not None:
        _draw_frame(brush, overlay.frame)
    if overlay.snapped is not None:
        at = brush.view.to_screen(*overlay.snapped)
        lined(brush, lambda painter: painter.drawEllipse(at, 8, 8), brush.colors.accent, 2)


def _tone(brush: "Brush", adds: bool) -> QColor:
    return QColor(brush.colors.accent if adds else brush.colors.danger)


def lined(brush: "Brush", draw: Callable[[QPainter], object], color: QColor, width: float) -> None:
    """Stroke something twice: a halo first, so that it is seen on any image."""
    brush.painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(HALO_COLOR, width + 2), QPen(color, width)):
        brush.painter.setPen(pen)
        draw(brush.painter)


def _draw_area(brush: "Brush", area: Area) -> None:
    fill = _tone(brush, area.adds)
    fill.setAlphaF(AREA_FILL)
    brush.painter.fillPath(brush.view.transform().map(path_of(area.shape)), fill)


def _draw_path(brush: "Brush", path: Path) -> None:
    on_screen = brush.view.transform().map(line_of(path.points, closed=False))
    color = _tone(brush, path.sign not in ("remove", "cut"))
    if path.closed:
        fill = QColor(color)
        fill.setAlphaF(0.14)
        brush.painter.fillPath(on_screen, fill)
    lined(brush, lambda painter: painter.drawPath(on_screen), color, 2)
    brush.painter.setPen(QPen(QColor("#ffffff"), 1))
    brush.painter.setBrush(color)
    for at, point in enumerate(path.anchors.tolist()):
        half = 6.0 if path.closes and at == 0 else 4.0
        brush.painter.drawEllipse(brush.view.to_screen(*point), half, half)


def _draw_disk(brush: "Brush", disk: Disk) -> None:
    """The brush at its true size, with a plus or a minus in the middle."""
    at = brush.view.to_screen(disk.x, disk.y)
    radius = disk.radius * brush.view.logical_scale
    arms = [QLineF(at.x() - 4, at.y(), at.x() + 4, at.y())]
    if disk.adds:
        arms.append(QLineF(at.x(), at.y() - 4, at.x(), at.y() + 4))
    color = _tone(brush, disk.adds)
    lined(brush, lambda painter: painter.drawEllipse(at, radius, radius), color, 1.5)
    lined(brush, lambda painter: painter.drawLines(arms), color, 1.5)


def _draw_frame(brush: "Brush", frame: Frame) -> None:
    corners = [brush.view.to_screen(x, y) for x, y in frame.corners.tolist()]
    turner = brush.view.to_screen(*frame.turner)
    top = (corners[0] + corners[1]) / 2
    accent = brush.colors.accent
    lined(brush, lambda painter: painter.drawPolygon(corners), accent, 1)
    lined(brush, lambda painter: painter.drawLine(top, turner), accent, 1)
    brush.painter.setPen(QPen(accent, 1.5))
    for at, corner in enumerate(corners):
        brush.painter.setBrush(accent if frame.grabbed == at else QColor("#ffffff"))
        half = QPointF(HANDLE, HANDLE)
        brush.painter.drawRect(QRectF(corner - half, corner + half))
    brush.painter.setBrush(accent if frame.grabbed == len(corners) else QColor("#ffffff"))
    brush.painter.drawEllipse(turner, HANDLE + 1, HANDLE + 1)
