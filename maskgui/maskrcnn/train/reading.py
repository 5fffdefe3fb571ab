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
from maskgui.core.rle import Rle, RleError, union
from maskgui.imaging import ImageError, read_header
from maskgui.maskrcnn.train.dataset import DataSet, Sample, Target

SHOWN = 20
"""Ids that a sentence lists before it only counts."""

Entry = dict[str, Any]


def read_dataset(json_path: Path, images: Path) -> DataSet:
    """Read a COCO instances file; images without objects are kept, crowd regions kept apart.

    Categories that share a name become one. The data set's `notes` say what was merged and which
    annotations were left out.

    Raises:
        UserError: the file is no COCO data set, or cannot be trained on as it is (see above); the
            sentence names every reason with the ids of its annotations.
    """
    table = _read_json(json_path)
    if not table["images"]:
        raise UserError(f"{json_path} lists no images; choose a data set with images.")
    if not table["categories"]:
        raise UserError(f"{json_path} has no categories; add at least one.")
    _check_images(json_path, table["images"], images)
    numbers, names, ids, merged = _number(table)
    sizes = {entry["id"]: (entry["height"], entry["width"]) for entry in table["images"]}
    _check_references(json_path, table["annotations"], sizes, numbers)
    found: dict[int, tuple[list[Target], list[Target]]] = {key: ([], []) for key in sizes}
    faults: dict[str, list[object]] = {}
    for annotation in table["annotations"]:
        image = annotation["image_id"]
        try:
            target = _target(annotation, sizes[image], numbers[annotation["category_id"]])
        except ValueError as error:
            faults.setdefault(str(error), []).append(annotation.get("id"))
        else:
            found[image][1 if annotation.get("iscrowd") else 0].append(target)
    samples = [_sample(entry, images, *found[entry["id"]]) for entry in table["images"]]
    return DataSet(samples, names, ids, (*merged, *_left_out(json_path, faults)))


def _sample(entry: Entry, images: Path, targets: list[Target], crowds: list[Target]) -> Sample:
    path = images / entry["file_name"]
    return Sample(entry["id"], path, entry["width"], entry["height"], tuple(targets), tuple(crowds))


def _read_json(path: Path) -> dict[str, list[Entry]]:
    try:
        table = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{path} is not JSON ({error}); choose a COCO file.") from error
    keys = ("images", "annotations", "categories")
    if not isinstance(table, dict) or not all(isinstance(table.get(key), list) for key in keys):
        raise UserError(
            f"{path} is no COCO data set: it needs the lists images, annotations and categories."
        )
    return {key: table[key] for key in keys}


def _check_images(json_path: Path, entries: list[Entry], folder: Path) -> None:
    """Raise unless every file is there, can be read, and has the size that the data set says."""
    missing = [e["file_name"] for e in entries if not (folder / e["file_name"]).is_file()]
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


def _image_fault(folder: Path) -> Callable[[Entry], str | None]:
    def check(entry: Entry) -> str | None:
        try:
            header = read_header(folder / entry["file_name"])
        except ImageError as error:
            return str(error)
        said = (entry.get("width"), entry.get("height"))
        if (header.width, header.height) == said:
            return None
        return (
            f"{entry['file_name']} is {header.width} x {header.height} pixels upright, but its "
            f"entry says {said[0]} x {said[1]}"
        )

    return check


def _number(
    table: dict[str, list[Entry]],
) -> tuple[dict[int, int], tuple[str, ...], tuple[int, ...], list[str]]:
    """Return category id -> 1..K, the K names, the id kept for each, and what was merged.

    Of the ids that share a name the one with the most annotations is kept: exporters write a
    supercategory of the same name as a category of its own.
    """
    used = Counter(annotation.get("category_id") for annotation in table["annotations"])
    by_name: dict[str, list[int]] = {}
    for entry in sorted(table["categories"], key=lambda entry: entry["id"]):
        by_name.setdefault(str(entry["name"]), []).append(entry["id"])
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


def _check_references(
    json_path: Path, annotations: list[Entry], images: dict[int, Any], numbers: dict[int, int]
) -> None:
    wrong: dict[str, list[object]] = {}
    for annotation in annotations:
        category, image = annotation.get("category_id"), annotation.get("image_id")
        if category not in numbers:
            wrong.setdefault(f"the unknown category {category}", []).append(annotation.get("id"))
        elif image not in images:
            wrong.setdefault(f"the unlisted image {image}", []).append(annotation.get("id"))
    if wrong:
        raise UserError(f"{json_path}: {_by_reason(wrong)}; correct or remove them, then train.")


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


def _target(annotation: Entry, size: tuple[int, int], number: int) -> Target:
    """Return the annotation's object. Raises ValueError, what it has, when there is none."""
    box = annotation.get("bbox")
    if box is not None and (len(box) != 4 or box[2] <= 0 or box[3] <= 0):
        raise ValueError("a box without area")
    rle = _read_rle(annotation.get("segmentation"), *size)
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
