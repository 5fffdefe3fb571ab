"""What the painting thread paints from: a snapshot of the instances that never changes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter

from maskgui.core.shape import Box, Shape
from maskgui.ui.canvas.chips import chip_bleed, chips_of
from maskgui.ui.canvas.outlines import Outlines
from maskgui.ui.canvas.style import (
    Brushes,
    Look,
    brushes_for,
    chip_font,
    paint_chip,
    paint_outline,
)
from maskgui.ui.canvas.tiles import TILE, TileJob, TileKey


@dataclass(frozen=True)
class PaintItem:
    """One instance to paint."""

    instance_id: int
    shape: Shape
    look: Look
    order: int = 0
    score: float | None = None

    @property
    def place(self) -> tuple[int, int]:
        """By what items are sorted, the lowest first."""
        return (self.order, self.instance_id)


class PaintList:
    """The instances in painting order with their boxes; immutable."""

    def __init__(self, items: Iterable[PaintItem] = ()) -> None:
        self.items = [item for item in items if item.shape.parts]
        boxes = [item.shape.bounds for item in self.items]
        self.boxes: NDArray[np.float64] = np.array(boxes, np.float64).reshape(-1, 4)

    def within(self, box: Box) -> list[PaintItem]:
        """Return the items whose box meets a box, in painting order."""
        x0, y0, x1, y1 = box
        met = (
            (self.boxes[:, 0] <= x1)
            & (self.boxes[:, 1] <= y1)
            & (self.boxes[:, 2] >= x0)
            & (self.boxes[:, 3] >= y0)
        )
        return [self.items[index] for index in np.flatnonzero(met).tolist()]

    def changed(self, after: Mapping[int, PaintItem | None]) -> "PaintList":
        """Return the list with these instead of what it has of their ids; None: without them.

        What is not named costs next to nothing: a stroke of the brush changes one of 10,000.
        """
        made = PaintList()
        stays = [item.instance_id not in after for item in self.items]
        made.items = [item for item, stay in zip(self.items, stays, strict=True) if stay]
        made.boxes = self.boxes[stays]
        for item in after.values():
            if item is not None and item.shape.parts:
                at = bisect_left(made.items, item.place, key=lambda one: one.place)
                made.items.insert(at, item)
                made.boxes = np.insert(made.boxes, at, item.shape.bounds, axis=0)
        return made


@dataclass(frozen=True)
class PaintPlan:
    """All that decides what an overlay tile looks like."""

    content: PaintList
    lifted: frozenset[int]  # drawn live above the tiles
    selected: frozenset[int]  # painted as selected in the tiles
    halo: bool
    accent: QColor
    ratio: float
    labelled: bool = False  # every instance's chip names its category


def tile_box(key: TileKey, bleed: float) -> Box:
    """Return a tile's box in image coordinates, `bleed` device pixels larger."""
    return (
        (key.column * TILE - bleed) / key.scale,
        (key.row * TILE - bleed) / key.scale,
        ((key.column + 1) * TILE + bleed) / key.scale,
        ((key.row + 1) * TILE + bleed) / key.scale,
    )


def paint_tile(job: TileJob, plan: PaintPlan, outlines: Outlines) -> None:
    """Paint one tile into the job; leaves it without an image when it was cancelled."""
    key = job.key
    items = plan.content.within(tile_box(key, chip_bleed(labelled=plan.labelled) * plan.ratio))
    job.without = frozenset(item.instance_id for item in items) & plan.lifted
    items = [item for item in items if item.instance_id not in plan.lifted]
    if not items:
        job.image = QImage()
        return
    image = QImage(TILE, TILE, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    if paint_items(image, key, items, plan, outlines, job):
        job.image = image


def paint_items(
    image: QImage,
    key: TileKey,
    items: Sequence[PaintItem],
    plan: PaintPlan,
    outlines: Outlines,
    job: TileJob,
) -> bool:
    """Paint instances, then score chips. Return whether it was not cancelled on the way."""
    paths = outlines.paths([(item.instance_id, item.shape) for item in items], key.scale)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(-key.column * TILE, -key.row * TILE)
    painter.scale(key.scale, key.scale)
    made: dict[tuple[Look, bool], Brushes] = {}
    for item, path in zip(items, paths, strict=True):
        if job.cancelled:
            painter.end()
            return False
        chosen = item.instance_id in plan.selected
        style = (replace(item.look, tag=""), chosen)
        if style not in made:
            accent = plan.accent if chosen else None
            made[style] = brushes_for(item.look, plan.ratio, halo=plan.halo, accent=accent)
        paint_outline(painter, path, made[style])
    painter.resetTransform()
    _paint_chips(painter, key, items, plan)
    painter.end()
    return True


def _paint_chips(
    painter: QPainter, key: TileKey, items: Sequence[PaintItem], plan: PaintPlan
) -> None:
    painter.setFont(chip_font(plan.ratio))
    painter.translate(-key.column * TILE, -key.row * TILE)
    for chip in chips_of(items, key.scale, plan.ratio, labelled=plan.labelled):
        paint_chip(painter, chip.box, chip.text, chip.item.look.color, plan.ratio)
