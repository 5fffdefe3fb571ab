"""What is painted live above the tiles: selection, hover, vertices, drafts, bands."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from maskgui.core.shape import Shape
from maskgui.tools.base import Draft, EdgeRef, Overlay, VertexRef
from maskgui.ui.canvas.colors import CanvasColors
from maskgui.ui.canvas.dots import SHADOW, VERTEX, WHITE
from maskgui.ui.canvas.drafts import draw_drafts, lined
from maskgui.ui.canvas.outlines import Outline, line_of, polygon_of
from maskgui.ui.canvas.still import Stroke
from maskgui.ui.canvas.style import (
    FILL,
    FILL_HOVER,
    HALO_COLOR,
    Look,
    brushes_for,
)
from maskgui.ui.canvas.viewport import Viewport

VERTEX_HOVERED = 10.0
VERTEX_MARKED = 9.0
GRID_FROM = 16.0


@dataclass(frozen=True)
class Brush:
    """The painter of one frame, in logical coordinates, with what everything here needs."""

    painter: QPainter
    view: Viewport
    colors: CanvasColors


def draw_pixel_grid(brush: Brush) -> None:
    """Draw lines between image pixels, from 1600 % on."""
    view = brush.view
    if view.scale < GRID_FROM:
        return
    x0, y0, x1, y1 = view.visible_box()
    columns = np.arange(np.floor(x0), np.ceil(x1) + 1)
    rows = np.arange(np.floor(y0), np.ceil(y1) + 1)
    lines = [QLineF(view.to_screen(x, y0), view.to_screen(x, y1)) for x in columns]
    lines += [QLineF(view.to_screen(x0, y), view.to_screen(x1, y)) for y in rows]
    brush.painter.setPen(QPen(QColor(128, 128, 128, 70), 1 / view.ratio))
    brush.painter.drawLines(lines)


def whole_stroke(
    brush: Brush, outline: Outline, look: Look, *, hovered: bool, selected: bool, halo: bool
) -> Stroke:
    """Return a whole instance, over tiles that leave it out."""
    accent = brush.colors.accent if selected else None
    share = FILL_HOVER if hovered else FILL
    ratio = brush.view.ratio
    return Stroke(
        outline, brushes_for(look, ratio, halo=halo, hovered=hovered, accent=accent, share=share)
    )


def hover_stroke(brush: Brush, outline: Outline, look: Look) -> Stroke:
    """Return what hovering adds to an instance that the tiles show: together they fill 35 %."""
    share = 1 - (1 - FILL_HOVER) / (1 - FILL)
    return Stroke(
        outline, brushes_for(look, brush.view.ratio, halo=True, hovered=True, share=share)
    )


def draw_overlay(brush: Brush, overlay: Overlay, shapes: dict[int, Shape]) -> None:
    """Draw what the tool asks for; `shapes` has the outlines of the instances it names."""
    marked = [ref for ref in overlay.marked if ref.instance in shapes]
    points = np.array([_vertex(shapes, ref) for ref in marked]).reshape(-1, 2)
    _squares(brush, points, VERTEX_MARKED, WHITE, brush.colors.accent)
    if overlay.vertex is not None and overlay.vertex.instance in shapes:
        color = brush.colors.danger if overlay.doomed else brush.colors.accent
        at = _vertex(shapes, overlay.vertex)
        _squares(brush, np.array([at]), VERTEX_HOVERED, color, WHITE)
    elif overlay.edge is not None and overlay.edge.instance in shapes:
        _draw_edge(brush, overlay.edge, shapes)
    if overlay.draft is not None:
        draw_draft(brush, overlay.draft)
    draw_drafts(brush, overlay)
    if overlay.band is not None:
        box = brush.view.box_to_screen(overlay.band)
        fill = QColor(brush.colors.accent)
        fill.setAlphaF(0.12)
        brush.painter.fillRect(box, fill)
        lined(brush, lambda painter: painter.drawRect(box), brush.colors.accent, 1)


def draw_draft(brush: Brush, draft: Draft) -> None:
    """Draw an outline in the making, with the line to the pointer and the way it would close."""
    view, painter, accent = brush.view, brush.painter, brush.colors.accent
    points = draft.points
    ghost = points
    if draft.cursor is not None and not draft.closes:
        ghost = np.vstack([points, draft.cursor])
    area = view.transform().map(line_of(ghost, closed=True))
    fill = QColor(accent)
    fill.setAlphaF(0.14)
    painter.fillPath(area, fill)
    line = view.transform().map(line_of(ghost, closed=draft.closed or draft.closes))
    painter.strokePath(line, QPen(HALO_COLOR, 4))
    painter.strokePath(line, QPen(accent, 2))
    if not draft.closed and not draft.closes and len(ghost) > 2:
        back = QPen(accent, 1, Qt.PenStyle.DashLine)
        painter.setPen(back)
        painter.drawLine(view.to_screen(*ghost[-1]), view.to_screen(*ghost[0]))
    if draft.marked is not None:
        _squares(brush, draft.marked, VERTEX, accent, WHITE)
        return
    _squares(brush, points[1:], VERTEX, accent, WHITE)
    if len(points):
        first = VERTEX_HOVERED + 2 if draft.closes else VERTEX_HOVERED
        closable = len(points) >= 3 and not draft.closed
        _squares(brush, points[:1], first if closable else VERTEX, accent, WHITE)


def _draw_edge(brush: Brush, edge: EdgeRef, shapes: dict[int, Shape]) -> None:
    """Show the edge under the pointer, and the vertex that would be added to it."""
    ring = shapes[edge.instance].parts[edge.part].rings[edge.ring]
    start, end = ring[edge.at], ring[(edge.at + 1) % len(ring)]
    line = QLineF(brush.view.to_screen(*start), brush.view.to_screen(*end))
    brush.painter.setPen(QPen(HALO_COLOR, 5))
    brush.painter.drawLine(line)
    brush.painter.setPen(QPen(brush.colors.accent, 3))
    brush.painter.drawLine(line)
    _squares(brush, np.array([start, end]), VERTEX, brush.colors.accent, WHITE)
    at = brush.view.to_screen(edge.x, edge.y)
    brush.painter.setPen(QPen(brush.colors.accent, 1.5))
    brush.painter.setBrush(WHITE)
    brush.painter.drawEllipse(at, 5.5, 5.5)
    arms = [
        QLineF(at.x() - 2.5, at.y(), at.x() + 2.5, at.y()),
        QLineF(at.x(), at.y() - 2.5, at.x(), at.y() + 2.5),
    ]
    brush.painter.drawLines(arms)


def _squares(
    brush: Brush, points: NDArray[np.float64], side: float, fill: QColor, edge: QColor
) -> None:
    """Draw squares of a logical side, edge included, on whole pixels so that they are crisp."""
    if not len(points):
        return
    painter = brush.painter
    origin, scale = brush.view.to_screen(0, 0), brush.view.logical_scale
    # Halves go one way: rounded to even numbers they would jump as the view is scrolled.
    corners = np.floor(points * scale + (origin.x() - side / 2 + 0.5, origin.y() - side / 2 + 0.5))
    middles = polygon_of(corners + side / 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    for width, color in ((side + 2, SHADOW), (side, edge), (side - 2, fill)):
        pen = QPen(color, width)
        pen.setCapStyle(Qt.PenCapStyle.SquareCap)
        painter.setPen(pen)
        painter.drawPoints(middles)  # thousands in one call
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _vertex(shapes: dict[int, Shape], ref: VertexRef) -> tuple[float, float]:
    x, y = shapes[ref.instance].parts[ref.part].rings[ref.ring][ref.at]
    return (float(x), float(y))


def vertices_on_screen(view: Viewport, shapes: Iterable[Shape]) -> NDArray[np.float64]:
    """Return all vertices (N x 2) in logical coordinates: what labels must not cover."""
    rings = [ring for shape in shapes for _, _, ring in shape.rings()]
    if not rings:
        return np.empty((0, 2))
    origin = view.to_screen(0, 0)
    return np.concatenate(rings) * view.logical_scale + (origin.x(), origin.y())
