"""How a large image is cut: square tiles at its own size and at halves of it, and an overview.

All sizes are those of the stored picture, before it is turned upright. Level 0 is the image
itself, each next level half of the one before, rounded up. The overview is the first level whose
sides are both at most `OVERVIEW_SIDE`; coarser ones are made from it in memory. A unit is the
square that one tile of the level before the overview covers: with it every tile that lies in it
can be made, at all levels, whatever the order of the units.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from maskgui.imaging.opencv import cv2
from maskgui.imaging.pixels import Rgb

TILE = 256
OVERVIEW_SIDE = 4096

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels, exclusive on the right and at the bottom."""
Place = tuple[int, int, int]
"""level, column, row of a tile."""


@dataclass(frozen=True)
class Grid:
    """The cut of an image of width x height pixels; `depth` is the overview's level, at least 1."""

    width: int
    height: int
    tile: int = TILE
    overview_side: int = OVERVIEW_SIDE

    @property
    def depth(self) -> int:
        """The overview's level."""
        level = 1
        while max(self.size(level)) > self.overview_side:
            level += 1
        return level

    @property
    def unit(self) -> int:
        """Side of a unit in pixels of the image."""
        return self.tile << (self.depth - 1)

    def size(self, level: int) -> tuple[int, int]:
        """Return a level's width and height."""
        return -(-self.width >> level), -(-self.height >> level)

    def shape(self, level: int) -> tuple[int, int]:
        """Return a level's columns and rows of tiles."""
        width, height = self.size(level)
        return -(-width // self.tile), -(-height // self.tile)

    def units(self) -> tuple[int, int]:
        """Return the columns and rows of units."""
        return -(-self.width // self.unit), -(-self.height // self.unit)

    def unit_box(self, column: int, row: int) -> Box:
        """Return the pixels of a unit."""
        side = self.unit
        return (
            column * side,
            row * side,
            min(self.width, (column + 1) * side),
            min(self.height, (row + 1) * side),
        )

    def tiles(self, box: Box) -> Iterator[tuple[int, int]]:
        """Return (column, row) of the tiles that hold pixels of a box of their level."""
        x0, y0, x1, y1 = box
        for row in range(y0 // self.tile, -(-y1 // self.tile)):
            for column in range(x0 // self.tile, -(-x1 // self.tile)):
                yield column, row

    def tile_box(self, level: int, column: int, row: int) -> Box:
        """Return the pixels of a tile, in its level."""
        width, height = self.size(level)
        x0, y0 = column * self.tile, row * self.tile
        return x0, y0, min(width, x0 + self.tile), min(height, y0 + self.tile)


def halved(rgb: Rgb) -> Rgb:
    """Return the mean of each 2 x 2 pixels; a last odd row or column counts twice."""
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        rgb = np.asarray(cv2.copyMakeBorder(rgb, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))
    size = (width + 1) // 2, (height + 1) // 2
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def fitted(rgb: Rgb, size: tuple[int, int]) -> Rgb:
    """Return an image as width x height pixels, by area where it shrinks."""
    if rgb.shape[1::-1] == size:
        return rgb
    shrinks = rgb.shape[1] >= size[0] and rgb.shape[0] >= size[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=way), np.uint8)
