"""COCO's `segmentation` in all forms met in the wild, to a shape."""

import contextlib
import math
from dataclasses import dataclass, field
from typing import Any

import msgspec

from maskgui.core.raster import Rle, RleError, rle_to_shape
from maskgui.core.shape import Polygon, Shape

_rings = msgspec.json.Decoder(list[list[float]])

MAX_RLE_PIXELS = 1 << 30
"""More than any image that can be opened; a few bytes of RLE can claim the whole memory."""

FAR = 1 << 20
"""A vertex beyond this many pixels keeps COCO's rasteriser busy for hours: it walks each edge."""

BOX_INSTEAD = "is shown as its box and written back as it came while nobody changes it"


@dataclass
class Outline:
    """An annotation's shape, the pixel count where an RLE gives it, and what was odd."""

    shape: Shape
    notes: list[str] = field(default_factory=list)
    is_exact: bool = True  # the shape is what the segmentation says, not its box
    size: tuple[int, int] | None = None  # height, width of an RLE


def read_outline(segmentation: bytes, bbox: Any) -> Outline:
    """Return the shape of an annotation: from its segmentation (raw JSON), else from its box."""
    outline = _outline(segmentation)
    if outline.shape.parts or not outline.notes:
        return outline
    box = _box_shape(bbox)
    reason = "; ".join(outline.notes)
    if box is None:
        return Outline(Shape(), [f"{reason} and there is no usable bbox: it has no outline"], False)
    return Outline(box, [f"{reason}: it {BOX_INSTEAD}"], False)


def _outline(segmentation: bytes) -> Outline:
    with contextlib.suppress(msgspec.ValidationError):
        return _from_rings(_rings.decode(segmentation))
    try:
        return _from_value(msgspec.json.decode(segmentation))
    except msgspec.ValidationError:  # 1e999
        return Outline(Shape(), ["the segmentation holds a number out of range"])


def _from_rings(rings: list[list[float]]) -> Outline:
    if not rings:
        return Outline(Shape(), ["the segmentation is empty"])
    parts, notes = [], []
    for ring in rings:
        if len(ring) < 6:
            notes.append(f"a ring of {len(ring)} numbers is no polygon and was left out")
            continue
        if len(ring) % 2:
            notes.append("a ring has an odd count of numbers; the last one is not used")
        if max(map(abs, ring)) > FAR:
            notes.append("a ring has a vertex more than a million pixels away")
        parts.append(Polygon(ring[: len(ring) // 2 * 2]))
    return Outline(Shape(parts), notes)


def _from_value(value: Any) -> Outline:
    if value is None:
        return Outline(Shape(), ["there is no segmentation"])
    if isinstance(value, dict):
        return _from_rle(value)
    flat = _flattened(value)
    if flat is None:
        return Outline(Shape(), ["the segmentation cannot be understood"])
    outline = _from_rings(flat)
    outline.notes.insert(0, "the segmentation is no list of flat rings, but was understood")
    return outline


def _from_rle(value: dict[str, Any]) -> Outline:
    try:
        rle = Rle.from_coco(value)
    except RleError as error:
        return Outline(Shape(), [f"the RLE is damaged ({error})"])
    if rle.height * rle.width > MAX_RLE_PIXELS:
        return Outline(Shape(), [f"the RLE is for {rle.width} x {rle.height} pixels, too many"])
    if not rle.area:
        return Outline(Shape(), ["the RLE is empty"], size=(rle.height, rle.width))
    return Outline(rle_to_shape(rle), size=(rle.height, rle.width))


def _flattened(value: Any) -> list[list[float]] | None:
    """Understand one flat ring, and rings of points: [x, y, ...], [[[x, y], ...], ...]."""
    if not isinstance(value, list):
        return None
    rings = [value] if all(_is_number(one) for one in value) else value
    flat = []
    for ring in rings:
        points = ring if isinstance(ring, list) else []
        if all(isinstance(point, list) and len(point) == 2 for point in points):
            points = [number for point in points for number in point]
        if not points or not all(_is_number(number) for number in points):
            return None
        flat.append([float(number) for number in points])
    return flat


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _box_shape(bbox: Any) -> Shape | None:
    """Return the rectangle of a COCO box [x, y, width, height], None where it is none."""
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(_is_number(one) for one in bbox):
        return None
    x, y, width, height = (float(value) for value in bbox)
    if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
        return None
    right, bottom = x + width, y + height
    return Shape([Polygon([[x, y], [right, y], [right, bottom], [x, bottom]])])
