"""What the painting thread paints from: a snapshot of the instances that never changes."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter

from maskgui.core.shape import Box, Shape
from maskgui.ui.canvas.outlines import Outlines
from maskgui.ui.canvas.style import (
    CHIP_HEIGHT,
    CHIP_LEAST,
    Brushes,
    Look,
    brushes_for,
    chip_box,
    chip_font,
    paint_chip,
    paint_outline,
)
from maskgui.ui.canvas.tiles import TILE, TileJob, TileKey

CHIP_SHORT = 60.0
"""Logical pixels: score chips are shorter; what is longer names a category as well."""
CHIP_BLEED = 90.0
"""Logical pixels that a chip may reach beyond an instance's box; outlines reach far less."""


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
    items = plan.content.within(tile_box(key, CHIP_BLEED * plan.ratio))
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
    _paint_chips(painter, key, items, plan.ratio)
    painter.end()
    return True


def _paint_chips(painter: QPainter, key: TileKey, items: Sequence[PaintItem], ratio: float) -> None:
    """Paint the chips; of those that would overlap the ones of less sure proposals are left out."""
    painter.setFont(chip_font(ratio))
    metrics = QFontMetricsF(painter.font())
    tagged = [
        item
        for item in items
        if item.look.tag
        and (item.shape.bounds[2] - item.shape.bounds[0]) * key.scale >= CHIP_LEAST * ratio
    ]
    tagged.sort(key=_surest)
    boxes = [_chip_box(item, key, metrics, ratio) for item in tagged]
    covered = overlapped(boxes, CHIP_SHORT * ratio)
    painter.translate(-key.column * TILE, -key.row * TILE)
    for item, box, less in zip(tagged, boxes, covered, strict=True):
        if not less:
            paint_chip(painter, box, item.look, ratio)


def _surest(item: PaintItem) -> tuple[float, int, int]:
    """What a person drew comes first, then by score."""
    return (-np.inf if item.score is None else -item.score, *item.place)


def _chip_box(item: PaintItem, key: TileKey, metrics: QFontMetricsF, ratio: float) -> QRectF:
    """Return where an instance's chip lies in the whole overlay at the tile's scale."""
    x, y = top_of(item.shape)
    least = (CHIP_HEIGHT + 6) * ratio  # a chip at the image's edge stays whole
    at = QPointF(x * key.scale, max(y * key.scale, least))
    return chip_box(metrics, at, item.look.tag, ratio)


def overlapped(boxes: Sequence[QRectF], longest: float) -> list[bool]:
    """Return which boxes, all of one height, overlap one that comes before them.

    Also one that is left out itself counts: so the answer depends on nothing but the nearest
    neighbours, and tiles side by side agree on it. Boxes wider than `longest` neither count nor
    are left out: they reach farther than a tile looks beyond its border.
    """
    if not boxes:
        return []
    x0, y0, x1, y1 = np.array([box.getCoords() for box in boxes]).T
    short = x1 - x0 <= longest
    order = np.argsort(y0, kind="stable")
    first = np.searchsorted(y0[order], 2 * y0 - y1, "right")
    last = np.searchsorted(y0[order], y1, "left")
    found = []
    for at in range(len(boxes)):
        near = order[first[at] : last[at]]
        near = near[(near < at) & short[near]]
        found.append(bool(short[at] and ((x0[near] < x1[at]) & (x1[near] > x0[at])).any()))
    return found


def top_of(shape: Shape) -> tuple[float, float]:
    """Return the topmost vertex: what a chip or label is put above."""
    rings = [part.exterior for part in shape.parts]
    tops = [ring[ring[:, 1].argmin()] for ring in rings]
    x, y = min(tops, key=lambda point: float(point[1]))
    return (float(x), float(y))
