"""Reading a COCO data set for training, with everything that is wrong in it named beforehand.

What would teach the wrong thing stops the run: no images, missing or unreadable files, images of
another size than said, unknown categories, annotations of unlisted images. Single annotations that
hold nothing to learn (no box area, no or an empty mask) are left out and listed by id.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from pycocotools import mask as coco_mask

from maskgui.core.errors import UserError
from maskgui.core.jsonfile import decode_json, read_bytes
from maskgui.core.rle import Rle, RleError, union
from maskgui.imaging import ImageError, read_header
from maskgui.maskrcnn.evaluate.rows import FAR
from maskgui.maskrcnn.train.dataset import DataSet, Sample, Target

SHOWN = 20
"""Ids that a sentence lists before it only counts."""


class Image(msgspec.Struct):
    """An image as COCO lists it; its size in pixels, upright (some write 64.0)."""

    id: int
    file_name: str
    width: float
    height: float


class Category(msgspec.Struct):
    """A category as COCO lists it."""

    id: int
    name: str | int


class Annotation(msgspec.Struct):
    """An annotation; what is wrong with the values of one is found when it is used."""

    image_id: int | str | None = None
    category_id: int | str | None = None
    id: Any = None
    bbox: Any = None
    segmentation: Any = None
    iscrowd: Any = 0


class Table(msgspec.Struct):
    """A COCO data set."""

    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category]


def read_dataset(json_path: Path, images: Path) -> DataSet:
    """Read a COCO instances file; images without objects are kept, crowd regions kept apart.

    Categories that share a name become one. The data set's `notes` say what was merged and which
    annotations were left out.

    Raises:
        UserError: the file is no COCO data set, or cannot be trained on as it is (see above); the
            sentence names every reason with the ids of its annotations.
    """
    table = _read_table(json_path)
    if not table.images:
        raise UserError(f"{json_path} lists no images; choose a data set with images.")
    if not table.categories:
        raise UserError(f"{json_path} has no categories; add at least one.")
    _check_images(json_path, table.images, images)
    numbers, names, ids, merged = _number(table)
    sizes = {entry.id: (int(entry.height), int(entry.width)) for entry in table.images}
    found: dict[int, tuple[list[Target], list[Target]]] = {key: ([], []) for key in sizes}
    faults: dict[str, list[object]] = {}
    for entry, image, number in _referring(json_path, table.annotations, sizes, numbers):
        try:
            target = _target(entry, sizes[image], number)
        except ValueError as error:
            faults.setdefault(str(error), []).append(entry.id)
        else:
            found[image][1 if entry.iscrowd else 0].append(target)
    samples = [_sample(entry, images, *found[entry.id]) for entry in table.images]
    return DataSet(samples, names, ids, (*merged, *_left_out(json_path, faults)))


def read_validation(json_path: Path, images: Path, data: DataSet, data_path: Path) -> DataSet:
    """Read what weights are measured on, its categories numbered as those of the training data.

    Raises:
        UserError: as `read_dataset`, or the two have not the same names of categories.
    """
    found = read_dataset(json_path, images)
    if set(found.categories) != set(data.categories):
        raise UserError(
            f"{json_path} has other categories than {data_path}; give both the same list."
        )
    return found.numbered_as(data)


def _sample(entry: Image, images: Path, targets: list[Target], crowds: list[Target]) -> Sample:
    path = images / entry.file_name
    size = int(entry.width), int(entry.height)
    return Sample(entry.id, path, *size, tuple(targets), tuple(crowds))


def _read_table(path: Path) -> Table:
    table = decode_json(
        read_bytes(path), Table, path, "a COCO data set", "choose one, or correct that"
    )
    _check_ids(path, "image", [entry.id for entry in table.images])
    _check_ids(path, "category", [entry.id for entry in table.categories])
    return table


def _check_ids(path: Path, what: str, ids: list[int]) -> None:
    key, count = next(iter(Counter(ids).most_common(1)), (0, 0))
    if count > 1:
        times = "twice" if count == 2 else f"{count} times"
        raise UserError(f"{path}: {what} id {key} is listed {times}; give each its own id.")


def _check_images(json_path: Path, entries: list[Image], folder: Path) -> None:
    """Raise unless every file is there, can be read, and has the size that the data set says."""
    missing = [
        f"“{entry.file_name}”" for entry in entries if not _is_there(folder / entry.file_name)
    ]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(entries)} images of {json_path} are not in {folder}: "
            f"{_listed(missing)}; give the folder that file_name is relative to."
        )
    with ThreadPoolExecutor(4) as pool:
        faults = [fault for fault in pool.map(_image_fault(folder), entries) if fault]
    if faults:
        raise UserError(
            f"{len(faults)} of {len(entries)} images of {json_path} cannot be used: "
            f"{_listed(faults, '; ')}. Correct the files or their entries, then train."
        )


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for any file
        return False


def _image_fault(folder: Path) -> Callable[[Image], str | None]:
    def check(entry: Image) -> str | None:
        try:
            header = read_header(folder / entry.file_name)
        except ImageError as error:
            return str(error).rstrip(".")
        if (header.width, header.height) == (entry.width, entry.height):
            return None
        return (
            f"{entry.file_name} is {header.width} x {header.height} pixels upright, but its "
            f"entry says {entry.width:g} x {entry.height:g}"
        )

    return check


def _number(table: Table) -> tuple[dict[int, int], tuple[str, ...], tuple[int, ...], list[str]]:
    """Return category id -> 1..K, the K names, the id kept for each, and what was merged.

    Of the ids that share a name the one with the most annotations is kept: exporters write a
    supercategory of the same name as a category of its own.
    """
    used = Counter(entry.category_id for entry in table.annotations)
    by_name: dict[str, list[int]] = {}
    for entry in sorted(table.categories, key=lambda entry: entry.id):
        by_name.setdefault(str(entry.name), []).append(entry.id)
    kept = {name: max(ids, key=lambda key: used[key]) for name, ids in by_name.items()}
    names = tuple(sorted(by_name, key=lambda name: kept[name]))
    numbers = {key: n for n, name in enumerate(names, 1) for key in by_name[name]}
    merged = [
        f"The categories {' and '.join(map(str, ids))} are both named “{name}” and count as one, "
        f"under the id {kept[name]}."
        for name, ids in by_name.items()
        if len(ids) > 1
    ]
    return numbers, names, tuple(kept[name] for name in names), merged


def _referring(
    json_path: Path, entries: list[Annotation], images: Iterable[int], numbers: dict[int, int]
) -> list[tuple[Annotation, int, int]]:
    """Return the annotations with their image's id and category's number; all must have both."""
    wrong: dict[str, list[object]] = {}
    right = []
    listed = set(images)
    for entry in entries:
        category, image = entry.category_id, entry.image_id
        if not isinstance(category, int) or category not in numbers:
            wrong.setdefault(f"the unknown category {category}", []).append(entry.id)
        elif not isinstance(image, int) or image not in listed:
            wrong.setdefault(f"the unlisted image {image}", []).append(entry.id)
        else:
            right.append((entry, image, numbers[category]))
    if wrong:
        raise UserError(f"{json_path}: {_by_reason(wrong)}; correct or remove them, then train.")
    return right


def _left_out(json_path: Path, faults: dict[str, list[object]]) -> list[str]:
    if not faults:
        return []
    count = sum(map(len, faults.values()))
    return [f"{json_path.name}: {count} left out of training: {_by_reason(faults)}."]


def _by_reason(faults: dict[str, list[object]]) -> str:
    return "; ".join(
        f"annotation{'s' if len(ids) > 1 else ''} {_listed(ids)} with {reason}"
        for reason, ids in faults.items()
    )


def _listed(things: Iterable[object], separator: str = ", ") -> str:
    words = [str(thing) for thing in things]
    more = f" and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return separator.join(words[:SHOWN]) + more


def _target(annotation: Annotation, size: tuple[int, int], number: int) -> Target:
    """Return the annotation's object. Raises ValueError, what it has, when there is none."""
    box = annotation.bbox
    if box is not None:
        if not isinstance(box, list) or [type(v) in (int, float) for v in box] != [True] * 4:
            raise ValueError("a box that is not four numbers")
        if not (box[2] > 0 and box[3] > 0):
            raise ValueError("a box without area")
    rle = _read_rle(annotation.segmentation, *size)
    first, last = rle.columns
    if first == last:
        raise ValueError("an empty mask")
    columns = Rle.from_toggles(rle.toggles - first * rle.height, rle.height, last - first)
    mask = columns.to_mask()
    rows = np.flatnonzero(mask.any(axis=1))
    crop = np.ascontiguousarray(mask[rows[0] : rows[-1] + 1], dtype=np.uint8)
    return Target(number, first, int(rows[0]), crop)


def _read_rle(segmentation: object, height: int, width: int) -> Rle:
    """Return COCO polygons (rings are unioned) or either form of RLE as runs."""
    if not segmentation or not isinstance(segmentation, (list, dict)):
        raise ValueError("no segmentation")
    try:
        if isinstance(segmentation, list):
            _check_rings(segmentation)
            filled = coco_mask.frPyObjects(segmentation, height, width)
            return union([Rle.from_coco(one) for one in filled])
        rle = Rle.from_coco(segmentation)
    except RleError as error:
        raise ValueError(f"a segmentation that cannot be read ({error})") from error
    except (TypeError, IndexError, KeyError) as error:
        raise ValueError("a segmentation that is neither polygons nor RLE") from error
    if (rle.height, rle.width) != (height, width):
        raise ValueError("an RLE that has not the image's size")
    return rle


def _check_rings(rings: list[Any]) -> None:
    """Raise ValueError for rings that COCO's rasteriser would misread, or never finish."""
    for ring in rings:
        if not isinstance(ring, list) or any(type(value) not in (int, float) for value in ring):
            raise ValueError("a segmentation that is neither polygons nor RLE")
        if len(ring) < 6 or len(ring) % 2:
            raise ValueError(f"a ring of {len(ring)} numbers")
        if any(not -FAR < value < FAR for value in ring):
            raise ValueError("a vertex far outside its image")
