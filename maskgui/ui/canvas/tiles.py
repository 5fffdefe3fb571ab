"""The overlay in tiles: painted by one thread, kept, and stood in for by earlier ones.

A tile is a square of device pixels of the image at one scale, counted from the image's corner.
While the tiles of a new scale are painted, those of an earlier one are shown in their place,
stretched; a tile whose content changed is shown as it was until its successor is there.
"""

import math
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QImage, QPainter, QRegion

from maskgui.core.shape import Box
from maskgui.ui.canvas.viewport import Viewport

TILE = 512
"""Side of a tile in device pixels."""
SWITCH_SECONDS = 0.001
KEPT_TILES = 96
"""Tiles in memory, of 1 MiB each."""
EVERYWHERE: Box = (-math.inf, -math.inf, math.inf, math.inf)
Area = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of a tile."""


class TileKey(NamedTuple):
    """Which square of the image at which scale (device pixels per image pixel)."""

    scale: float
    column: int
    row: int


@dataclass(eq=False)
class Tile:
    """A painted tile."""

    image: QImage
    without: frozenset[int]
    spoiled: list[Box]  # parts of the image that changed since it was painted
    chips: dict[int, QRectF]  # by instance, in device pixels from the image's corner

    @property
    def fresh(self) -> bool:
        """Whether it is as it should be."""
        return not self.spoiled


@dataclass(eq=False)
class TileJob:
    """A tile to paint, all of it or an area. `image` is null where nothing is to be seen."""

    key: TileKey
    paint: Callable[["TileJob"], None]
    under: QImage = field(default_factory=QImage)  # what the tile shows around the area
    area: Area = (0, 0, TILE, TILE)
    image: QImage | None = None
    without: frozenset[int] = frozenset()  # instances left out because they are drawn live
    cancelled: bool = False
    spoiled: list[Box] = field(default_factory=list)  # what changed since it was asked for
    chips: dict[int, QRectF] = field(default_factory=dict)  # of the tile as it was, then as it is


class TilePainter(QObject):
    """One thread that paints the jobs of a queue which can be replaced at any time."""

    painted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wake = threading.Condition()
        self._queue: deque[TileJob] = deque()
        self._running: TileJob | None = None
        self._done: deque[TileJob] = deque()
        self._closing = False
        self._thread: threading.Thread | None = None

    def replace(self, jobs: Iterable[TileJob]) -> None:
        """Paint these, in this order, instead of what still waits."""
        with self._wake:
            self._queue = deque(jobs)
            if self._queue and self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="overlay-painter")
                self._thread.start()
            self._wake.notify()

    def cancel_running(self) -> None:
        """Let the thread go on to what waits; what it paints now is of no use any more."""
        with self._wake:
            if self._running is not None:
                self._running.cancelled = True

    @property
    def open_jobs(self) -> list[TileJob]:
        """The job under way, and those done that were not taken yet."""
        with self._wake:
            running = [self._running] if self._running is not None else []
            return running + list(self._done)

    def spoil(self, box: Box, bleed: float) -> None:
        """Say what changed to the jobs that were asked for before."""
        with self._wake:
            running = [self._running] if self._running is not None else []
            for job in [*running, *self._queue, *self._done]:
                if touches(job.key, box, bleed):
                    job.spoiled.append(grown(box, bleed / job.key.scale))

    def take(self) -> list[TileJob]:
        """Return the jobs that were painted since the last call."""
        with self._wake:
            done, self._done = list(self._done), deque()
        return done

    def close(self) -> None:
        """Stop and wait for the thread."""
        with self._wake:
            self._closing = True
            self._queue.clear()
            if self._running is not None:
                self._running.cancelled = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        # The window's thread waits for the interpreter lock for at most this long, not for 5 ms.
        sys.setswitchinterval(SWITCH_SECONDS)
        while True:
            with self._wake:
                self._running = None
                while not self._queue and not self._closing:
                    self._wake.wait()
                if self._closing:
                    return
                job = self._running = self._queue.popleft()
            job.paint(job)
            with self._wake:
                self._running = None
                if job.image is not None and not job.cancelled:
                    self._done.append(job)
            if not self._closing:
                self.painted.emit()


@dataclass
class TileStore:
    """The painted tiles of one image, by key; asked and changed by the window's thread only."""

    tiles: dict[TileKey, Tile] = field(default_factory=dict)
    earlier: float | None = None  # the scale whose tiles stand in for missing ones
    overview: float | None = None  # the first scale that was whole: usually all of the image

    def clear(self) -> None:
        """Forget everything."""
        self.tiles.clear()
        self.earlier = self.overview = None

    def put(self, job: TileJob) -> None:
        """Keep what was painted."""
        assert job.image is not None  # the painter hands out only those that have one
        self.tiles.pop(job.key, None)
        self.tiles[job.key] = Tile(job.image, job.without, job.spoiled, job.chips)

    def job(self, key: TileKey, paint: Callable[[TileJob], None]) -> TileJob:
        """Return what is to be done for a tile: what changed in it is painted, or all of it."""
        tile = self.tiles.get(key)
        if tile is None:
            return TileJob(key, paint)
        area = area_of(key, tile.spoiled)
        return TileJob(key, paint, tile.image, area, chips=tile.chips)

    def spoil(self, box: Box, scale: float, bleed: float) -> None:
        """Say that what lies in an image box changed; `bleed` in device pixels.

        Tiles of the present scale are still shown until they are painted anew; those of others,
        which only stand in, go.
        """
        for key in list(self.tiles):
            if touches(key, box, bleed):
                if key.scale == scale:
                    self.tiles[key].spoiled.append(grown(box, bleed / scale))
                else:
                    del self.tiles[key]

    def whole(self, keys: Iterable[TileKey]) -> bool:
        """Whether all these tiles are there and as they should be."""
        return all((tile := self.tiles.get(key)) is not None and tile.fresh for key in keys)

    def settle(self, scale: float) -> None:
        """The picture at a scale is whole: from now on it is what stands in."""
        if self.overview is None:
            self.overview = scale
        self.earlier = scale

    def trim(self, scale: float, visible: Iterable[TileKey]) -> None:
        """Drop tiles of scales that nothing needs, and the oldest beyond the limit."""
        useful = {scale, self.earlier, self.overview}
        for key in [key for key in self.tiles if key.scale not in useful]:
            del self.tiles[key]
        shown = set(visible)
        for key in list(self.tiles):
            if len(self.tiles) <= KEPT_TILES:
                break
            if key not in shown and key.scale != self.overview:
                del self.tiles[key]

    def draw(self, painter: QPainter, view: Viewport, keys: Iterable[TileKey]) -> None:
        """Draw the tiles; where some are missing, the earlier picture stretched."""
        missing = []
        for key in keys:
            tile = self.tiles.get(key)
            if tile is None:
                missing.append(key)
            elif not tile.image.isNull():
                painter.drawImage(tile_rect(view, key), tile.image)
        if missing:
            self._draw_stand_in(painter, view, missing)

    def _draw_stand_in(self, painter: QPainter, view: Viewport, missing: list[TileKey]) -> None:
        """Draw each tile of an earlier picture once, within the missing ones."""
        standing: dict[float, tuple[QRegion, set[TileKey]]] = {}
        for key in missing:
            for scale in (self.earlier, self.overview):
                if scale is None or scale == key.scale:
                    continue
                found = [one for one in keys_over(tile_area(key), scale) if one in self.tiles]
                if found:
                    clip, tiles = standing.get(scale, (QRegion(), set()))
                    clip += tile_rect(view, key).toAlignedRect()
                    standing[scale] = (clip, tiles.union(found))
                    break
        for clip, tiles in standing.values():
            painter.save()
            painter.setClipRegion(clip)
            for key in tiles:
                image = self.tiles[key].image
                if not image.isNull():
                    painter.drawImage(tile_rect(view, key), image)
            painter.restore()


def visible_keys(view: Viewport, margin: int = 0) -> list[TileKey]:
    """Return the tiles in view with `margin` device pixels around it, the middle ones first."""
    x0, y0, x1, y1 = view.device_view()
    width = math.ceil(view.image_width * view.scale)
    height = math.ceil(view.image_height * view.scale)
    columns = range(max(x0 - margin, 0) // TILE, math.ceil(min(x1 + margin, width) / TILE))
    rows = range(max(y0 - margin, 0) // TILE, math.ceil(min(y1 + margin, height) / TILE))
    middle_x, middle_y = (x0 + x1) / 2 / TILE - 0.5, (y0 + y1) / 2 / TILE - 0.5
    keys = [TileKey(view.scale, column, row) for row in rows for column in columns]
    return sorted(keys, key=lambda key: math.hypot(key.column - middle_x, key.row - middle_y))


def tile_area(key: TileKey) -> Box:
    """Return a tile's box in image coordinates."""
    side = TILE / key.scale
    return (key.column * side, key.row * side, (key.column + 1) * side, (key.row + 1) * side)


def tile_rect(view: Viewport, key: TileKey) -> QRectF:
    """Return where a tile is drawn, in logical coordinates, on whole device pixels.

    A tile of another scale is stretched; neighbours still share their edges.
    """
    left, top = view.origin
    factor = view.scale / key.scale * TILE
    x0, x1 = (left + round(key.column * factor), left + round((key.column + 1) * factor))
    y0, y1 = (top + round(key.row * factor), top + round((key.row + 1) * factor))
    return QRectF(x0 / view.ratio, y0 / view.ratio, (x1 - x0) / view.ratio, (y1 - y0) / view.ratio)


def keys_over(box: Box, scale: float) -> list[TileKey]:
    """Return the tiles of a scale that meet an image box."""
    side = TILE / scale
    return [
        TileKey(scale, column, row)
        for row in range(math.floor(box[1] / side), math.ceil(box[3] / side))
        for column in range(math.floor(box[0] / side), math.ceil(box[2] / side))
    ]


def touches(key: TileKey, box: Box, bleed: float) -> bool:
    """Whether an image box, `bleed` device pixels larger, meets a tile."""
    x0, y0, x1, y1 = tile_area(key)
    left, top, right, bottom = grown(box, bleed / key.scale)
    return left < x1 and top < y1 and right > x0 and bottom > y0


def grown(box: Box, by: float) -> Box:
    """Return a box larger on all sides."""
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)


def area_of(key: TileKey, boxes: Iterable[Box]) -> Area:
    """Return the part of a tile that image boxes meet, as one rectangle; at least one is given."""
    lows_x, lows_y, highs_x, highs_y = zip(*boxes, strict=True)
    left, top = key.column * TILE, key.row * TILE
    return (
        math.floor(min(max(min(lows_x) * key.scale - left, 0), TILE)),
        math.floor(min(max(min(lows_y) * key.scale - top, 0), TILE)),
        math.ceil(min(max(max(highs_x) * key.scale - left, 0), TILE)),
        math.ceil(min(max(max(highs_y) * key.scale - top, 0), TILE)),
    )
