"""Records of a COCO file: as they came, or written anew by COCO's own conventions."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
import shapely

from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.raster import Rle, shape_to_rle
from maskgui.core.shape import Polygon, Ring, Shape
from maskgui.formats import coco_json
from maskgui.formats.coco_json import RawObject

Form = Literal["polygons", "keyhole", "rle"]
"""How masks that are not written as they came are written; RLE wherever polygons are not exact."""


def segmentation_of(shape: Shape, rle: Rle, form: Form, compressed: bool) -> Any:
    """Return the `segmentation` whose mask is exactly `rle`, in the form asked for if it can be.

    Rings are unioned by every reader of COCO: a hole is either cut in through a keyhole, or the
    mask goes out as RLE.
    """
    if form != "rle":
        rings = _rings(shape, rle.height, rle.width, keyhole=form == "keyhole")
        if rings and shape_to_rle(Shape(Polygon(ring) for ring in rings), *_size(rle)) == rle:
            return [ring.ravel().tolist() for ring in rings]
    return rle.to_coco(compressed)


def new_annotation(instance: Instance, rle: Rle, form: Form, compressed: bool) -> dict[str, Any]:
    """Return the members of an annotation that follow from the instance and its mask.

    Area and box are those of the decoded mask, as pycocotools gives them.
    """
    x0, y0, x1, y1 = rle.bounds
    return {
        "id": instance.id,
        "image_id": instance.image_id,
        "category_id": instance.category_id,
        "segmentation": segmentation_of(instance.shape, rle, form, compressed),
        "area": rle.area,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": int(instance.iscrowd),
    }


def untouched_annotation(instance: Instance, raw: bytes) -> bytes:
    """Return an imported annotation as it came, but for ids that had to change."""
    ids = {
        "id": instance.id,
        "image_id": instance.image_id,
        "category_id": instance.category_id,
    }
    return coco_json.with_values(raw, ids)


def category_record(category: Category, raw: bytes | None) -> bytes:
    """Return a category, as it came but for an id or a name that was changed."""
    if raw is None:
        return bytes(coco_json.encode({"id": category.id, "name": category.name}))
    name = msgspec.json.decode(coco_json.split(raw).get("name", msgspec.Raw(b"null")))
    values: dict[str, Any] = {"id": category.id}
    if category.name not in (name, f"{name} ({category.id})"):
        values["name"] = category.name
    return coco_json.with_values(raw, values)


def image_record(record: ImageRecord, raw: bytes | None, values: Mapping[str, Any]) -> bytes:
    """Return an image, as it came but for `values`; a new one in full."""
    if raw is not None:
        return coco_json.with_values(raw, {"id": record.id, **values})
    full = {
        "id": record.id,
        "file_name": record.path,
        "width": record.width,
        "height": record.height,
        **values,
    }
    return bytes(coco_json.encode(full))


def merged_members(datasets: Sequence[bytes]) -> RawObject:
    """Return the other top-level members (`info`, `licenses` ...) of all imported files as one.

    Of one file they stay as they came. Of several, lists are joined without repeats, and what
    contradicts an earlier file is kept under the member's name with a number.
    """
    merged: RawObject = {}
    for number, raw in enumerate(datasets, 1):
        for key, value in coco_json.split(raw).items():
            mine, theirs = msgspec.json.decode(merged.get(key, value)), msgspec.json.decode(value)
            if key not in merged or mine is None:
                merged[key] = msgspec.Raw(bytes(value))
            elif isinstance(mine, list) and isinstance(theirs, list):
                more = [one for one in theirs if one not in mine]
                if more:
                    merged[key] = coco_json.encode(mine + more)
            elif mine != theirs and theirs is not None:
                merged[f"{key}_{number}"] = msgspec.Raw(bytes(value))
    return merged


def _size(rle: Rle) -> tuple[int, int]:
    return rle.height, rle.width


def _rings(shape: Shape, height: int, width: int, *, keyhole: bool) -> list[Ring]:
    """Return one ring for each part, clipped to the image; none where holes are in the way."""
    rings = []
    for part in shape.parts:
        if part.holes and not keyhole:
            return []
        ring = part.exterior
        for hole in part.holes:
            ring = _cut_in(ring, hole)
        rings.append(np.clip(ring, 0.0, (width, height)))
    return rings


def _cut_in(ring: Ring, hole: Ring) -> Ring:
    """Splice a hole into a ring by a cut of no width between their nearest vertices."""
    pairs, distances = shapely.STRtree(shapely.points(ring)).query_nearest(
        shapely.points(hole), return_distance=True, all_matches=False
    )
    start, at = (int(index) for index in pairs[:, int(np.argmin(distances))])
    round_trip = np.roll(hole, -start, axis=0)
    pieces = (ring[: at + 1], round_trip, round_trip[:1], ring[at:])
    spliced: Ring = np.concatenate(pieces)
    return spliced
