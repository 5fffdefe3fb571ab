"""Large images before the network: a part of one at a fitting size, and its detections back.

The network sees no more than its own input size, so a part is read from the level of the pyramid
that comes just above it, never at full size.
"""

import dataclasses
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgui.core.detections import Detections
from maskgui.core.shape import Box, Shape
from maskgui.imaging import read_header, read_image
from maskgui.imaging.tiled import is_large, open_tiled

VIEW_SIDE = 2048
"""Pixels of the longer side of what is given to the network, at most."""
MOST_TOGETHER = 20_000
"""Detections of an image that runs on its parts leave together; the best stay."""


@dataclass(frozen=True)
class View:
    """What the network is given of an image of `width` x `height` pixels.

    rgb: uint8 H x W x 3. Its corner lies at (x, y) of the image, and one of its pixels covers
    `scale` x `scale` of the image's.
    """

    rgb: NDArray[np.uint8]
    note: str
    width: int
    height: int
    x: int = 0
    y: int = 0
    scale: int = 1

    def to_image(self, found: Detections) -> Detections:
        """Return detections in the view's coordinates in those of the image."""
        corner = np.array([self.x, self.y, self.x, self.y], np.float32)
        boxes = found.boxes * np.float32(self.scale) + corner
        limits = np.array([self.width, self.height] * 2, np.float32)
        return dataclasses.replace(found, boxes=np.clip(boxes, 0, limits).astype(np.float32))


def read_view(path: Path, region: Box | None, cancel: threading.Event | None = None) -> View:
    """Read what the network shall see: `region` (x0, y0, x1, y1) of a large image, or the whole.

    Raises ImageError when it cannot be read, Cancelled when `cancel` is set while the pyramid
    that it needs is made.
    """
    header = read_header(path)
    if region is None and not is_large(header):
        decoded = read_image(path)
        height, width = decoded.rgb.shape[:2]  # the header may be of a file that was there before
        return View(decoded.rgb, decoded.note, width, height)
    pixels = open_tiled(path, header).rgb
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = region or (0, 0, width, height)
    x0, y0 = max(0, math.floor(x0)), max(0, math.floor(y0))
    x1, y1 = min(width, math.ceil(x1)), min(height, math.ceil(y1))
    level = max(0, math.ceil(math.log2(max(x1 - x0, y1 - y0, 1) / VIEW_SIDE)))
    left, top = x0 >> level, y0 >> level
    right, bottom = max(left + 1, -(-x1 >> level)), max(top + 1, -(-y1 >> level))
    wide, high = pixels.grid.size(level)
    rgb = pixels.read((left, top, min(right, wide), min(bottom, high)), level, cancel)
    return View(rgb, pixels.note, width, height, left << level, top << level, 1 << level)


def with_earlier(
    found: Detections, shapes: dict[int, Shape], region: Box, earlier: Detections | None
) -> tuple[Detections, dict[int, Shape]]:
    """Return a run on a part of an image together with what an earlier one said of the rest.

    `shapes` are outlines by index of `found`; they come back under their new indices. Earlier
    detections of another model, or with half of their box or more in the region, are left out.
    """
    if earlier is None or earlier.model != found.model or not len(earlier):
        return found, shapes
    if not earlier.has_masks or earlier.masks.shape[1:] != found.masks.shape[1:]:
        return found, shapes
    rest = np.flatnonzero(_share_inside(earlier.boxes, region) < 0.5)
    scores = np.concatenate([found.scores, earlier.scores[rest]])
    order = np.argsort(-scores, kind="stable")[:MOST_TOGETHER]

    def joined(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([one, other[rest]])[order]

    together = dataclasses.replace(
        found,
        boxes=joined(found.boxes, earlier.boxes),
        scores=scores[order],
        labels=joined(found.labels, earlier.labels),
        masks=joined(found.masks, earlier.masks),
        floor=max(found.floor, earlier.floor),
    )
    place = {int(old): new for new, old in enumerate(order)}
    return together, {place[old]: shape for old, shape in shapes.items() if old in place}


def _share_inside(boxes: NDArray[np.float32], region: Box) -> NDArray[np.float64]:
    """Return which share of each box lies in the region."""
    x0, y0, x1, y1 = boxes.astype(np.float64).T
    across = np.clip(np.minimum(x1, region[2]) - np.maximum(x0, region[0]), 0, None)
    down = np.clip(np.minimum(y1, region[3]) - np.maximum(y0, region[1]), 0, None)
    share: NDArray[np.float64] = across * down / np.maximum((x1 - x0) * (y1 - y0), 1e-6)
    return share
