"""One frame of the canvas, from the surround to the labels."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, Qt

from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import Draft, Overlay
from maskgui.ui.canvas.chips import top_of
from maskgui.ui.canvas.decorations import (
    Brush,
    draw_draft,
    draw_overlay,
    hover_stroke,
    vertices_on_screen,
    whole_stroke,
)
from maskgui.ui.canvas.dots import dots_of
from maskgui.ui.canvas.labels import GAP, Surroundings, draw_label
from maskgui.ui.canvas.overlay import InstanceLayer
from maskgui.ui.canvas.scene import CanvasScene
from maskgui.ui.canvas.still import Content, paint_passing
from maskgui.ui.canvas.style import Look
from maskgui.ui.canvas.viewport import Viewport
from maskgui.ui.theme import TEXT_PX, text_font

BUSY_HEIGHT = 3.0
AROUND = 12.0
"""Logical pixels that pens and vertices reach beyond an instance's box, and more."""
LABELLED_SELECTION = 6
"""Selections of more instances are not labelled: it would be a wall of text."""


def draw_live(
    brush: Brush, layer: InstanceLayer, scene: CanvasScene, overlay: Overlay, *, vertices: bool
) -> None:
    """Draw the instances that the tiles leave out, then hover, vertices and the tool's overlay.

    `vertices` shows those of selected instances however crowded they are.
    """
    _draw_left_out(brush, layer, scene, overlay)
    lifted = sorted(
        _found(scene, layer.lifted | overlay.live.keys()), key=lambda one: (one.order, one.id)
    )
    shapes = {one.id: overlay.live.get(one.id, one.shape) for one in lifted}
    shown = [_Live(one, shapes[one.id], scene.look(one, labelled=False)) for one in lifted]
    for one in _found(scene, {overlay.hovered} - shapes.keys() - {None}):
        shown.append(_Live(one, one.shape, scene.look(one, labelled=False), chosen=False))
    _draw_still(brush, layer, shown, overlay.hovered, vertices=vertices)
    aimed = {ref.instance for ref in (overlay.vertex, overlay.edge) if ref is not None}
    shapes |= {one.id: one.shape for one in _found(scene, aimed - shapes.keys())}
    draw_overlay(brush, overlay, shapes)


class _Live(NamedTuple):
    """One instance that is drawn live, with the outline that is shown."""

    instance: Instance
    shape: Shape
    look: Look
    chosen: bool = True  # else it is under the pointer, and the tiles show it


def _draw_left_out(
    brush: Brush, layer: InstanceLayer, scene: CanvasScene, overlay: Overlay
) -> None:
    """Draw what was chosen a moment ago, and the tiles do not show yet."""
    for key, missing in layer.left_out():
        strokes, box = [], QRectF()
        for one in _found(scene, missing - overlay.live.keys()):
            look = scene.look(one, labelled=False)
            outline = layer.outline(one.id, one.shape)
            strokes.append(
                whole_stroke(brush, outline, look, hovered=False, selected=False, halo=layer.halo)
            )
            box |= _around(brush.view, one.shape)
        paint_passing(brush.painter, brush.view, box & layer.rect_of(key), Content(strokes))


def _draw_still(
    brush: Brush,
    layer: InstanceLayer,
    shown: Sequence[_Live],
    hovered: int | None,
    *,
    vertices: bool,
) -> None:
    """Draw instances, the first lowest, and vertices: a picture serves while all stays as it is."""
    box = QRectF()
    for one in shown:
        box |= _around(brush.view, one.shape)
    key = (brush.colors, shown, hovered, vertices)
    content = partial(_content, brush, layer, shown, hovered, vertices=vertices)
    layer.still.paint(brush.painter, brush.view, box, key, content)


def _content(
    brush: Brush,
    layer: InstanceLayer,
    shown: Sequence[_Live],
    hovered: int | None,
    *,
    vertices: bool,
) -> Content:
    strokes, dots = [], []
    for one in shown:
        outline = layer.outline(one.instance.id, one.shape)
        aimed = hovered == one.instance.id
        if not one.chosen:
            strokes.append(hover_stroke(brush, outline, one.look))
            continue
        strokes.append(
            whole_stroke(brush, outline, one.look, hovered=aimed, selected=True, halo=True)
        )
        if not one.look.locked:
            scale, accent = brush.view.logical_scale, brush.colors.accent
            dots.append(dots_of(one.shape, scale, accent, always=vertices))
    return Content(strokes, [one for one in dots if one is not None])


def _around(view: Viewport, shape: Shape) -> QRectF:
    """Return what an outline and its lines cover on the canvas."""
    return view.box_to_screen(shape.bounds).adjusted(-AROUND, -AROUND, AROUND, AROUND)


def draw_labels(
    brush: Brush, layer: InstanceLayer, scene: CanvasScene, overlay: Overlay, covered: QRectF
) -> None:
    """Draw the labels of the hovered and the selected instances; not while one is dragged.

    None goes where the canvas is `covered`, or over another; over chips only for want of room.
    """
    if overlay.live or overlay.band is not None or overlay.draft is not None:
        return
    chosen = sorted(scene.selection) if len(scene.selection) <= LABELLED_SELECTION else []
    hovered = overlay.hovered
    if hovered is not None and hovered not in chosen:
        chosen.append(hovered)
    instances = _found(scene, chosen)
    avoid = vertices_on_screen(
        brush.view, [one.shape for one in instances if one.id in scene.selection]
    )
    chips = layer.chips()
    others = [box for one, box in chips.items() if one not in chosen]
    around = Surroundings(avoid, covered, others)
    for instance in instances:
        if layer.labelled and instance.id not in scene.selection and instance.id in chips:
            continue  # its tile says it already
        box = brush.view.box_to_screen(instance.shape.bounds)
        if instance.id in chips:  # the label says more than its chip, and hides it
            box.setTop(np.ceil(chips[instance.id].bottom()) + GAP)
        color = scene.color(instance.category_id)
        top = brush.view.to_screen(*top_of(instance.shape))
        place = draw_label(brush, scene.label(instance), color, box, top, around)
        if place is not None:
            around.labels.append(place)


def draw_pending(brush: Brush, shape: Shape) -> None:
    """Draw a finished outline that waits for its category."""
    for part in shape.parts:
        draw_draft(brush, Draft(part.exterior, closed=True, marked=np.empty((0, 2))))


def draw_busy(brush: Brush, fraction: float) -> None:
    """Draw the bar of work under way at the canvas' top."""
    width = brush.view.width
    painter = brush.painter
    painter.fillRect(QRectF(0, 0, width, BUSY_HEIGHT), brush.colors.track)
    done = min(max(fraction, 0.0), 1.0) * width
    painter.fillRect(QRectF(0, 0, done, BUSY_HEIGHT), brush.colors.accent)


def draw_message(brush: Brush, text: str) -> None:
    """Draw why there is no image, in its place."""
    painter = brush.painter
    painter.setFont(text_font(TEXT_PX + 1))
    painter.setPen(brush.colors.text)
    side = min(520.0, brush.view.width - 48)
    box = QRectF((brush.view.width - side) / 2, 24, side, brush.view.height - 48)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)


def draw_note(brush: Brush, text: str) -> None:
    """Draw a short word on the image at the bottom, as "no objects above 0.50"."""
    painter = brush.painter
    painter.setFont(text_font())
    box = painter.fontMetrics().boundingRect(text)
    pill = QRectF(0, 0, box.width() + 32, 32)
    pill.moveCenter(QRectF(0, 0, brush.view.width, brush.view.height).center())
    pill.moveBottom(brush.view.height - 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush.colors.label)
    painter.drawRoundedRect(pill, 6, 6)
    painter.setPen(brush.colors.on_label)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)


def _found(scene: CanvasScene, ids: Iterable[int | None]) -> list[Instance]:
    found = (scene.instance(one) for one in ids if one is not None)
    return [one for one in found if one is not None]
