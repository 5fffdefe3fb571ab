"""Shapes to masks and back, by COCO's own rasteriser, without loss.

The union over parts of (exterior minus the part's own holes), each ring filled even-odd by
pycocotools (rleFrPoly in maskApi.c): its snapping to a fifth of a pixel is the convention that
every reader of COCO follows. All work grows with the outline, none with the image.
"""

from collections.abc import Iterable

import numpy as np
import pycocotools.mask
from numpy.typing import NDArray

from maskgui.core.rle import Mask, Rle, RleError, difference, iou, union
from maskgui.core.shape import Polygon, Ring, Shape
from maskgui.core.trace import trace

__all__ = [
    "Mask",
    "Rle",
    "RleError",
    "iou",
    "mask_to_shape",
    "pixel_count",
    "rle_to_shape",
    "shape_to_mask",
    "shape_to_rle",
]

_FAR = float(1 << 20)  # the rasteriser walks every pixel of an edge: keep a stray vertex near


def mask_to_shape(mask: Mask) -> Shape:
    """Return the exact outline of a bool mask (H x W); every part is valid for shapely.

    `shape_to_mask` of the result is the mask again, for any mask. An empty mask has no parts.
    """
    return trace(np.asarray(mask, np.bool_))


def shape_to_rle(shape: Shape, height: int, width: int) -> Rle:
    """Return the pixels that a shape covers in an image of height x width as runs."""
    plain = [part.exterior for part in shape.parts if not part.holes]
    pierced = [_part_rle(part, height, width) for part in shape.parts if part.holes]
    return union([_fill(plain, height, width), *pierced])


def pixel_count(shape: Shape, height: int, width: int) -> int:
    """Return how many pixels a shape covers in an image of height x width."""
    if not shape.parts or any(part.holes for part in shape.parts):
        return shape_to_rle(shape, height, width).area
    rings = pycocotools.mask.frPyObjects(
        _flat(part.exterior for part in shape.parts), height, width
    )
    return int(pycocotools.mask.area(pycocotools.mask.merge(rings)))


def shape_to_mask(shape: Shape, height: int, width: int) -> Mask:
    """Return the pixels that a shape covers as a bool mask, H x W."""
    return shape_to_rle(shape, height, width).to_mask()


def rle_to_shape(rle: Rle) -> Shape:
    """Return the exact outline of a run-length encoded mask."""
    first, last = rle.columns
    if first == last:
        return Shape()
    columns = Rle.from_toggles(rle.toggles - first * rle.height, rle.height, last - first)
    return mask_to_shape(columns.to_mask()).moved(first, 0)


def _part_rle(part: Polygon, height: int, width: int) -> Rle:
    exterior = _fill([part.exterior], height, width)
    return difference(exterior, _fill(list(part.holes), height, width))


def _fill(rings: list[Ring], height: int, width: int) -> Rle:
    """Return the union of rings, filled by pycocotools."""
    if not rings or not height or not width:
        return Rle.from_toggles(np.empty(0, np.int64), height, width)
    filled = pycocotools.mask.frPyObjects(_flat(rings), height, width)
    return union([Rle.from_coco(one) for one in filled])


def _flat(rings: Iterable[Ring]) -> list[NDArray[np.float64]]:
    return [np.clip(ring, -_FAR, _FAR).ravel() for ring in rings]
