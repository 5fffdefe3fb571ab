"""A ground truth and its results, checked and in one form before anything is counted.

Images and categories are numbered 1.. in the ascending order of their ids (COCO's own order, which
decides ties), annotations in the order of the file: 0 means "unmatched" inside COCO's evaluation,
and ids in the wild are repeated, begin at 0 or are text.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from faster_coco_eval import mask as coco_mask

from maskgui.core.errors import UserError
from maskgui.core.rle import Rle, RleError

Id = int | str
Row = dict[str, Any]
"""id, image_id, category_id (all numbered 1..), bbox (x, y, width, height), area, iscrowd, and
segmentation (compressed RLE) and from_box (whether that is the box's rectangle) where there are
masks; results have a score."""

FAR = float(1 << 20)
"""COCO's rasteriser walks every pixel of an edge: a stray vertex must not be far away."""


class Image(msgspec.Struct, gc=False):
    """An image as COCO lists it; sizes in pixels, upright."""

    id: Id
    width: int
    height: int
    file_name: str = ""


class Category(msgspec.Struct, gc=False):
    """A category as COCO lists it."""

    id: Id
    name: str | int


class Annotation(msgspec.Struct, gc=False):
    """An object of a data set, or one entry of a result list."""

    image_id: Id
    category_id: Id
    id: Any = None
    segmentation: list[list[float]] | dict[str, Any] | None = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: int | bool | None = 0
    score: float | None = None


class DataSet(msgspec.Struct, gc=False):
    """A COCO data set."""

    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category]


@dataclass(frozen=True)
class Truth:
    """A ground truth in the engine's numbers: number n is images[n - 1], categories[n - 1]."""

    images: list[Image]
    categories: list[Category]
    names: list[str]
    """The categories' names as shown, told apart by id where two are the same."""
    rows: list[Row]
    has_masks: bool
    """Whether masks can be scored: some object has one, or there are no objects."""

    def image_numbers(self) -> dict[Id, int]:
        """Return id -> number."""
        return {plain(image.id): number for number, image in enumerate(self.images, 1)}

    def category_numbers(self) -> dict[Id, int]:
        """Return id -> number."""
        return {plain(entry.id): number for number, entry in enumerate(self.categories, 1)}


def plain(value: Id) -> Id:
    """Return an id as the number it spells, so that "7" and 7 are one image."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def truth_of(data: DataSet, where: object) -> Truth:
    """Check and number a ground truth; `where` names it in errors.

    An area, a box or a crowd flag that the file lacks is taken from the mask, or is none.

    Raises:
        UserError: no images, repeated ids, or an annotation that cannot be counted.
    """
    if not data.images:
        raise UserError(f"{where} is no COCO data set with images; choose the ground truth.")
    images = _ordered(data.images, where, "image")
    categories = _ordered(data.categories, where, "category")
    has_masks = not data.annotations or any(entry.segmentation for entry in data.annotations)
    if has_masks:
        _check_sizes(images, where)
    truth = Truth(images, categories, _shown_names(categories), [], has_masks)
    numbers = truth.image_numbers(), truth.category_numbers()
    for entry in data.annotations:
        label = f"{where}: annotation {entry.id}"
        row = _row(entry, truth, _numbered(entry, numbers, label), label, has_masks)
        row["iscrowd"] = int(bool(entry.iscrowd))
        if entry.area is not None:
            row["area"] = entry.area
        truth.rows.append({"id": len(truth.rows) + 1, **row})
    return truth


def results_of(
    entries: Sequence[Annotation],
    truth: Truth,
    numbers: tuple[Mapping[Id, int], Mapping[Id, int]],
    where: object,
) -> list[Row]:
    """Check and number results; `numbers` maps their image and category ids.

    As in COCO's own loader a result's size is its box's area, or its mask's where it has no box;
    a result without a mask counts as its rectangle, one without a box as its mask's box.

    Raises:
        UserError: a result without a finite score, outside the ground truth, or of another size.
    """
    rows: list[Row] = []
    for place, entry in enumerate(entries):
        label = f"{where}: result {place if entry.id is None else entry.id}"
        if entry.score is None or not math.isfinite(entry.score):
            raise UserError(
                f"{label} has no finite score; evaluation ranks results by their scores, so give "
                "each one."
            )
        row = _row(entry, truth, _numbered(entry, numbers, label), label, truth.has_masks)
        if entry.bbox:
            row["area"] = entry.bbox[2] * entry.bbox[3]
        rows.append({"id": len(rows) + 1, **row, "iscrowd": 0, "score": entry.score})
    return rows


def _numbered(
    entry: Annotation, numbers: tuple[Mapping[Id, int], Mapping[Id, int]], label: str
) -> tuple[int, int]:
    found = numbers[0].get(plain(entry.image_id)), numbers[1].get(plain(entry.category_id))
    if found[0] is None or found[1] is None:
        key, value = (
            ("image_id", entry.image_id) if found[0] is None else ("category_id", entry.category_id)
        )
        raise UserError(
            f"{label} has the {key} {value}, which the ground truth does not have; score results "
            "of the same data set."
        )
    return found[0], found[1]


def _row(entry: Annotation, truth: Truth, numbers: tuple[int, int], label: str, masks: bool) -> Row:
    """Return everything of a row but what sets objects and results apart."""
    box = entry.bbox or None
    if box is not None:
        _check_box(box, label)
    image = truth.images[numbers[0] - 1]
    row: Row = {"image_id": numbers[0], "category_id": numbers[1]}
    if masks or (box is None and entry.segmentation):
        rle, pixels = _rle(entry.segmentation or (box and [_rectangle(box)]), image, label)
        row["segmentation"] = rle
        row["from_box"] = not entry.segmentation
        box = box or [float(value) for value in coco_mask.toBbox(rle)]
        row["area"] = float(pixels)
    elif box is None:
        raise UserError(f"{label} has no box; draw it or leave the annotation out.")
    else:
        row["area"] = box[2] * box[3]
    row["bbox"] = box
    return row


def _rle(segmentation: Any, image: Image, label: str) -> tuple[Row, int]:
    """Return a segmentation as compressed RLE of the image's size, and its pixels."""
    if not segmentation:
        raise UserError(f"{label} has neither mask nor box; draw it or leave it out.")
    if isinstance(segmentation, list):
        for ring in segmentation:
            if len(ring) < 6 or len(ring) % 2:
                raise UserError(
                    f"{label} has a ring of {len(ring)} numbers; a polygon takes an even number "
                    "of 6 or more."
                )
            if max(ring) >= FAR or min(ring) <= -FAR:
                raise UserError(f"{label} has a vertex far outside its image; correct it.")
        rings = coco_mask.frPyObjects(segmentation, image.height, image.width)
        merged: Row = rings[0] if len(rings) == 1 else coco_mask.merge(rings)
        return merged, coco_mask.area(merged)
    try:
        rle = Rle.from_coco(segmentation)
    except RleError as error:
        raise UserError(f"{label} has a mask that cannot be read: {error}; export it anew.") from (
            error
        )
    if (rle.height, rle.width) != (image.height, image.width):
        raise UserError(
            f"{label} has a mask of {rle.width} x {rle.height} pixels, but its image is "
            f"{image.width} x {image.height}; predict at the image's own size."
        )
    packed: Row = segmentation
    if isinstance(packed["counts"], list):
        packed = rle.to_coco(compressed=True)
    return packed, rle.area


def _rectangle(box: Sequence[float]) -> list[float]:
    """Return the ring that COCO's loader makes of a box."""
    x0, y0, width, height = box
    x1, y1 = x0 + width, y0 + height
    return [x0, y0, x0, y1, x1, y1, x1, y0]


def _check_box(box: Sequence[float], label: str) -> None:
    sound = len(box) == 4 and all(-FAR < value < FAR for value in box)
    if not sound or box[2] < 0 or box[3] < 0:
        raise UserError(f"{label} has the bbox {list(box)}; it is [x, y, width, height] in pixels.")


def _check_sizes(images: Iterable[Image], where: object) -> None:
    for image in images:
        if image.width < 1 or image.height < 1:
            raise UserError(
                f"{where}: image {image.id} is {image.width} x {image.height} pixels; "
                "give its width and height."
            )


def _ordered(entries: Sequence[Any], where: object, what: str) -> list[Any]:
    """Return images or categories in the ascending order of their ids, which must be unique."""
    ids = [plain(entry.id) for entry in entries]
    twice = next((value for value, count in Counter(ids).items() if count > 1), None)
    if twice is not None:
        raise UserError(f"{where} has the {what} id {twice} more than once; give each its own.")
    return sorted(entries, key=lambda e: (isinstance(plain(e.id), str), plain(e.id)))


def _shown_names(categories: Sequence[Category]) -> list[str]:
    """Return names; of categories with the same one, all but the first also show their id."""
    shown: list[str] = []
    for entry in categories:
        name = str(entry.name)
        shown.append(name if name not in shown else f"{name} ({entry.id})")
    return shown
