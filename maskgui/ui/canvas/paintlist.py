"""What the painting thread paints from: a snapshot of the instances that never changes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from maskgui.core.shape import Box, Shape
from maskgui.ui.canvas.chips import Chip, chip_bleed, chips_of
from maskgui.ui.canvas.ink import Sheet, pixels_of
from maskgui.ui.canvas.linework import Linework
from maskgui.ui.canvas.outlines import Outlines
from maskgui.ui.canvas.style import (
    Look,
    brushes_for,
    chip_font,
    paint_chip,
)
from maskgui.ui.canvas.tiles import TILE, Area, TileJob, TileKey, grown

LINE_BLEED = 6.0
"""Logical pixels that lines and halos reach beyond an instance's box at most."""


class PaintItem(msgspec.Struct, frozen=True, gc=False):
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
        self.tagged = any(item.look.tag for item in self.items)  # or one that went was

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
        made.tagged = self.tagged
        for item in after.values():
            if item is not None and item.shape.parts:
                at = bisect_left(made.items, item.place, key=lambda one: one.place)
                made.items.insert(at, item)
                made.boxes = np.insert(made.boxes, at, item.shape.bounds, axis=0)
                made.tagged |= bool(item.look.tag)
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


def area_box(key: TileKey, area: Area, bleed: float) -> Box:
    """Return the box of an area of a tile in image coordinates, `bleed` device pixels larger."""
    x0, y0, x1, y1 = area
    left, top = key.column * TILE, key.row * TILE
    return (
        (left + x0 - bleed) / key.scale,
        (top + y0 - bleed) / key.scale,
        (left + x1 + bleed) / key.scale,
        (top + y1 + bleed) / key.scale,
    )


def paint_tile(job: TileJob, plan: PaintPlan, outlines: Outlines) -> None:
    """Paint one tile, or an area of it, into the job; without an image when it was cancelled."""
    reach = chip_bleed(labelled=plan.labelled)
    around = plan.content.within(area_box(job.key, (0, 0, TILE, TILE), reach * plan.ratio))
    job.without = frozenset(item.instance_id for item in around) & plan.lifted
    if len(around) == len(job.without):
        job.image, job.chips = QImage(), {}
        return
    fresh = _blank()
    if not paint_items(fresh, plan, outlines, job):
        return
    chips = chips_of(_shown(job, plan, reach), job.key.scale, plan.ratio, labelled=plan.labelled)
    _paint_chips(fresh, job.key, chips, plan.ratio)
    job.chips = _chips_after(job, chips)
    if job.area == (0, 0, TILE, TILE):
        job.image = fresh
        return
    x0, y0, x1, y1 = job.area
    image = _blank() if job.under.isNull() else job.under.copy()
    pixels_of(image)[y0:y1, x0:x1] = pixels_of(fresh)[y0:y1, x0:x1]
    job.image = image


def _blank() -> QImage:
    image = QImage(TILE, TILE, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    return image


def _shown(job: TileJob, plan: PaintPlan, bleed: float) -> list[PaintItem]:
    """Return the items that reach into the job's area when they bleed so far (logical pixels)."""
    box = area_box(job.key, job.area, bleed * plan.ratio)
    return [item for item in plan.content.within(box) if item.instance_id not in plan.lifted]


def paint_items(image: QImage, plan: PaintPlan, outlines: Outlines, job: TileJob) -> bool:
    """Paint instances into a tile's image. Return whether it was not cancelled on the way.

    Each is painted whole: cut at the area's edges, lines would end up a shade different.
    """
    key = job.key
    items = _shown(job, plan, LINE_BLEED)
    found = outlines.at_scale([(item.instance_id, item.shape) for item in items], key.scale)
    window = grown(job.area, LINE_BLEED * plan.ratio)
    corner = (key.column * TILE, key.row * TILE)
    work = Linework(found, key.scale, corner, window=window)
    sheet = Sheet(pixels_of(image), corner)
    for at, item in enumerate(items):
        if job.cancelled:
            return False
        accent = plan.accent if item.instance_id in plan.selected else None
        sheet.paint(work, at, brushes_for(item.look, plan.ratio, halo=plan.halo, accent=accent))
    return True


def _chips_after(job: TileJob, chips: Sequence[Chip]) -> dict[int, QRectF]:
    """Return where the tile's chips are once those that reach into the job's area are these."""
    x0, y0, x1, y1 = job.area
    area = QRectF(x0, y0, x1 - x0, y1 - y0)
    area.translate(job.key.column * TILE, job.key.row * TILE)
    kept = {one: box for one, box in job.chips.items() if not box.intersects(area)}
    new = {chip.item.instance_id: chip.box for chip in chips if chip.box.intersects(area)}
    return kept | new


def _paint_chips(image: QImage, key: TileKey, chips: Sequence[Chip], ratio: float) -> None:
    if not chips:
        return
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(chip_font(ratio))
    painter.translate(-key.column * TILE, -key.row * TILE)
    for chip in chips:
        paint_chip(painter, chip.box, chip.text, chip.item.look.color, ratio)
    painter.end()
