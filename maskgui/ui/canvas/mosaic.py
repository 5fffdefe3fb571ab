"""A large image on the canvas: pieces put together of the tiles that are in memory."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from maskgui.core.shape import Box
from maskgui.imaging.opencv import cv2
from maskgui.imaging.tiled import TiledPixels

Place = tuple[int, int, int]


class Mosaic(QObject):
    """Wants the tiles in view and gives what is there, the enlarged overview in place of the rest.

    `tile_came` and `overview_came` arrive in the main thread.
    """

    tile_came = Signal(object)  # Place
    overview_came = Signal()

    def __init__(self, pixels: TiledPixels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pixels = pixels
        self._overview = pixels.overview()
        pixels.begin(self._tell)

    def close(self) -> None:
        """The image is not shown any more."""
        self.pixels.leave()

    def overview(self) -> NDArray[np.uint8]:
        """Return the whole image at `depth`, as it is known now."""
        self._overview = self.pixels.overview()
        return self._overview

    def level_for(self, scale: float) -> int | None:
        """Return the level whose tiles the scale needs; None where the overview is enough."""
        level = max(0, math.floor(-math.log2(scale) + 1e-9))
        return level if level < self.pixels.depth else None

    def box_of(self, place: Place) -> Box:
        """Return the part of the image that a tile covers."""
        level, column, row = place
        side = self.pixels.grid.tile << level
        return column * side, row * side, (column + 1) * side, (row + 1) * side

    def want(self, level: int | None, box: Box) -> None:
        """Ask for the tiles of an image box, the middle ones first."""
        if level is None:
            self.pixels.ask(())
            return
        grid = self.pixels.grid
        x0, y0, x1, y1 = self._level_box(level, box)
        middle = (x0 + x1) / 2 / grid.tile - 0.5, (y0 + y1) / 2 / grid.tile - 0.5
        places = [(level, *place) for place in grid.tiles((x0, y0, x1, y1))]
        places.sort(key=lambda one: math.dist(one[1:], middle))
        self.pixels.ask(places)

    def piece(self, level: int, box: Box) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """Return the pixels (RGB) of a level that an image box needs, and where they begin."""
        x0, y0, x1, y1 = self._level_box(level, box)
        made = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        grid = self.pixels.grid
        for column, row in grid.tiles((x0, y0, x1, y1)):
            left, top, right, bottom = grid.tile_box(level, column, row)
            a0, b0, a1, b1 = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
            tile = self.pixels.tile((level, column, row))
            if tile is None:
                part = self._stand_in(level, (a0, b0, a1, b1))
            else:
                part = tile[b0 - top : b1 - top, a0 - left : a1 - left]
            made[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0] = part
        return made, (x0, y0)

    def _stand_in(self, level: int, box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        """Return a box of a level from the overview, enlarged."""
        x0, y0, x1, y1 = box
        shift = self.pixels.depth - level
        left, top = x0 >> shift, y0 >> shift
        small = self._overview[top : ((y1 - 1) >> shift) + 1, left : ((x1 - 1) >> shift) + 1]
        large = cv2.resize(small, None, fx=1 << shift, fy=1 << shift)
        dx, dy = x0 - (left << shift), y0 - (top << shift)
        return np.asarray(large[dy : dy + y1 - y0, dx : dx + x1 - x0], np.uint8)

    def _level_box(self, level: int, box: Box) -> tuple[int, int, int, int]:
        """Return an image box in whole pixels of a level, one more on each side."""
        width, height = self.pixels.grid.size(level)
        x0, y0, x1, y1 = (edge / (1 << level) for edge in box)
        return (
            min(max(0, math.floor(x0) - 1), width - 1),
            min(max(0, math.floor(y0) - 1), height - 1),
            max(1, min(width, math.ceil(x1) + 1)),
            max(1, min(height, math.ceil(y1) + 1)),
        )

    def _tell(self, place: Place | None) -> None:
        """From any thread."""
        if place is None:
            self.overview_came.emit()
        else:
            self.tile_came.emit(place)
