"""Pictures of mistakes: the piece of the image, with what is there and what was found."""

import base64
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maskgui.assist.locating import ImageFinder
from maskgui.core.raster import rle_to_shape
from maskgui.core.rle import Rle
from maskgui.imaging import ImageError, read_rgb
from maskgui.maskrcnn.evaluate import Mistake, Row, Truth

SHOWN = 12
OF_ONE_IMAGE = 3
"""So that one bad image does not fill a row of pictures by itself."""

_SIDE = 300  # pixels of a picture's longer side, at most
_QUALITY = 82
_MARGIN, _LEAST = 0.35, 48.0

View = tuple[int, int, int, int]
"""x, y, width, height of a crop in image pixels."""


def chosen(mistakes: Sequence[Mistake]) -> list[Mistake]:
    """Return the gravest that are shown; more than a few of one image only to fill the row."""
    seen: Counter[int] = Counter()
    first: list[Mistake] = []
    later: list[Mistake] = []
    for mistake in mistakes:
        image = (mistake.truth or mistake.found or {})["image_id"]
        seen[image] += 1
        (first if seen[image] <= OF_ONE_IMAGE else later).append(mistake)
    return [*first, *later][:SHOWN]


class Crops:
    """Draws mistakes of one ground truth; without its images, on plain grey.

    Counts the pictures that were asked for, and those without an image.
    """

    def __init__(self, truth: Truth, gt: Path, images: Path | None) -> None:
        self._truth = truth
        self._finder = ImageFinder(gt, images)
        self._read = lru_cache(maxsize=8)(self._read_image)
        self.asked = self.without = 0

    def picture(self, mistake: Mistake) -> str:
        """Return an SVG of the crop with both outlines."""
        rows = [row for row in (mistake.truth, mistake.found) if row is not None]
        number = rows[0]["image_id"]
        self.asked += 1
        image = self._truth.images[number - 1]
        x, y, width, height = view = _view(rows, image.width, image.height)
        pixels = self._read(number)
        self.without += pixels is None
        parts = [f'<rect class="blank" x="{x}" y="{y}" width="{width}" height="{height}"/>']
        if pixels is not None:
            parts.append(
                f'<image x="{x}" y="{y}" width="{width}" height="{height}" '
                f'preserveAspectRatio="none" href="{_data_uri(pixels, view)}"/>'
            )
        for row, style in ((mistake.truth, "truth"), (mistake.found, "found")):
            if row is not None:
                path = _outline(row)
                halo = "" if pixels is None else f'<path class="halo" d="{path}"/>'
                parts += [halo, f'<path class="{style}" d="{path}"/>']
        return (
            f'<svg class="crop" viewBox="{x} {y} {width} {height}" '
            f'preserveAspectRatio="xMidYMid meet" aria-hidden="true">{"".join(parts)}</svg>'
        )

    def _read_image(self, number: int) -> NDArray[np.uint8] | None:
        """Return an image's pixels, none where it is not found, not readable or another size."""
        image = self._truth.images[number - 1]
        path = self._finder.find(image.file_name) if image.file_name else None
        if path is None:
            return None
        try:
            pixels = np.asarray(read_rgb(path), np.uint8)
        except ImageError:
            return None
        return pixels if pixels.shape[:2] == (image.height, image.width) else None


def _view(rows: Sequence[Row], width: int, height: int) -> View:
    """Return a square around the boxes with a margin, moved and cut into the image."""
    x0 = min(row["bbox"][0] for row in rows)
    y0 = min(row["bbox"][1] for row in rows)
    x1 = max(row["bbox"][0] + row["bbox"][2] for row in rows)
    y1 = max(row["bbox"][1] + row["bbox"][3] for row in rows)
    side = max((1 + 2 * _MARGIN) * max(x1 - x0, y1 - y0), _LEAST)
    across, down = (max(int(min(side, extent)), 1) for extent in (width, height))
    left = int(np.clip((x0 + x1 - across) / 2, 0, max(width - across, 0)))
    top = int(np.clip((y0 + y1 - down) / 2, 0, max(height - down, 0)))
    return left, top, across, down


def _data_uri(pixels: NDArray[np.uint8], view: View) -> str:
    x, y, width, height = view
    crop: NDArray[Any] = pixels[y : y + height, x : x + width, ::-1]
    scale = _SIDE / max(width, height)
    if scale < 1:
        size = (max(round(width * scale), 1), max(round(height * scale), 1))
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(crop), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _outline(row: Row) -> str:
    """Return the mask's outline, or the box's, as SVG path data in image pixels."""
    if "segmentation" not in row:
        x, y, width, height = row["bbox"]
        return f"M{x:g},{y:g}h{width:g}v{height:g}h{-width:g}z"
    shape = rle_to_shape(Rle.from_coco(row["segmentation"]))
    return "".join(
        "M" + "L".join(f"{x:g},{y:g}" for x, y in ring.tolist()) + "z"
        for _, _, ring in shape.rings()
    )
