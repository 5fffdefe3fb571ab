"""A COCO data set as training needs it: checked before the first step, kept compact in memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from maskgui.core.errors import UserError
from maskgui.core.rle import Rle, RleError, union
from maskgui.imaging import read_rgb

CACHE_BYTES = 4 << 30


@dataclass(frozen=True)
class Target:
    """One object: its category 1..K and its mask, cropped to the box at (x, y)."""

    category: int
    x: int
    y: int
    mask: NDArray[np.uint8]
    """h x w, 0 or 1."""


@dataclass(frozen=True)
class Sample:
    """One image of the set; `targets` may be empty (a negative)."""

    image_id: int
    path: Path
    width: int
    height: int
    targets: tuple[Target, ...]


class DataSet:
    """Images with objects, categories numbered 1..K in the order of their COCO ids."""

    def __init__(
        self, samples: list[Sample], categories: tuple[str, ...], category_ids: tuple[int, ...]
    ) -> None:
        self.samples = samples
        self.categories = categories
        self.category_ids = category_ids
        self._cache: dict[int, NDArray[np.uint8]] = {}
        self._room = CACHE_BYTES

    def __len__(self) -> int:
        return len(self.samples)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return the upright RGB image, H x W x 3, from memory while the cache has room."""
        if index in self._cache:
            return self._cache[index]
        sample = self.samples[index]
        pixels = np.asarray(read_rgb(sample.path), dtype=np.uint8)
        if pixels.shape[:2] != (sample.height, sample.width):
            raise UserError(
                f"{sample.path} is {pixels.shape[1]} x {pixels.shape[0]} pixels upright, but the "
                f"data set says {sample.width} x {sample.height}; correct the file or the entry."
            )
        if pixels.nbytes <= self._room:
            self._room -= pixels.nbytes
            self._cache[index] = pixels
        return pixels

    def split(self, held_out: int, seed: int) -> tuple["DataSet", "DataSet"]:
        """Return (rest, `held_out` images) by a seeded draw over the sorted image ids."""
        order = sorted(range(len(self)), key=lambda index: self.samples[index].image_id)
        drawn = set(np.random.default_rng(seed).permutation(order)[:held_out].tolist())
        rest = [self.samples[index] for index in order if index not in drawn]
        held = [self.samples[index] for index in order if index in drawn]
        if not rest:
            raise UserError(
                f"{held_out} of {len(self)} images held out leave none to train on; hold out fewer."
            )
        return (
            DataSet(rest, self.categories, self.category_ids),
            DataSet(held, self.categories, self.category_ids),
        )


def read_dataset(json_path: Path, images: Path) -> DataSet:
    """Read a COCO instances file; crowd regions are left out, images without objects are kept.

    Raises:
        UserError: the file is no COCO data set, or an image or annotation in it cannot be used
            (no images, missing files, unknown category, box without area, empty mask); the
            sentence names the first such annotation's id and how many there are.
    """
    table = _read_json(json_path)
    categories = sorted(table["categories"], key=lambda entry: entry["id"])
    numbers = {entry["id"]: number for number, entry in enumerate(categories, 1)}
    if not table["images"]:
        raise UserError(f"{json_path} lists no images; choose a data set with images.")
    if not categories:
        raise UserError(f"{json_path} has no categories; add at least one.")
    _check_files(json_path, table["images"], images)
    sizes = {entry["id"]: (entry["height"], entry["width"]) for entry in table["images"]}
    targets: dict[int, list[Target]] = {image_id: [] for image_id in sizes}
    faults: list[tuple[object, str]] = []
    for annotation in table["annotations"]:
        if annotation.get("iscrowd"):
            continue
        try:
            targets[_image_of(annotation, targets)].append(_target(annotation, sizes, numbers))
        except ValueError as error:
            faults.append((annotation.get("id"), str(error)))
    _refuse(json_path, faults)
    samples = [
        Sample(
            entry["id"],
            images / entry["file_name"],
            entry["width"],
            entry["height"],
            tuple(targets[entry["id"]]),
        )
        for entry in table["images"]
    ]
    names = tuple(str(entry["name"]) for entry in categories)
    return DataSet(samples, names, tuple(numbers))


def _read_json(path: Path) -> dict[str, list[dict[str, Any]]]:
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


def _check_files(json_path: Path, entries: list[dict[str, Any]], images: Path) -> None:
    missing = [e["file_name"] for e in entries if not (images / e["file_name"]).is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(entries)} images of {json_path} are not in {images}, the "
            f"first is {missing[0]}; give the folder that file_name is relative to."
        )


def _refuse(json_path: Path, faults: list[tuple[object, str]]) -> None:
    if not faults:
        return
    annotation, reason = faults[0]
    more = f" ({len(faults)} annotations cannot be used in all)" if len(faults) > 1 else ""
    raise UserError(
        f"{json_path}: annotation {annotation} {reason}{more}; correct or remove it, then train."
    )


def _image_of(annotation: dict[str, Any], targets: dict[int, list[Target]]) -> int:
    image_id = annotation.get("image_id")
    if image_id not in targets:
        raise ValueError(f"belongs to image {image_id}, which the file does not list")
    assert isinstance(image_id, int)
    return image_id


def _target(
    annotation: dict[str, Any], sizes: dict[int, tuple[int, int]], numbers: dict[int, int]
) -> Target:
    category = annotation.get("category_id")
    if category not in numbers:
        raise ValueError(f"has the unknown category {category}")
    box = annotation.get("bbox")
    if box is not None and (len(box) != 4 or box[2] <= 0 or box[3] <= 0):
        raise ValueError("has a box without area")
    rle = _read_rle(annotation.get("segmentation"), *sizes[annotation["image_id"]])
    first, last = rle.columns
    if first == last:
        raise ValueError("has an empty mask")
    columns = Rle.from_toggles(rle.toggles - first * rle.height, rle.height, last - first)
    mask = columns.to_mask()
    rows = np.flatnonzero(mask.any(axis=1))
    crop = np.ascontiguousarray(mask[rows[0] : rows[-1] + 1], dtype=np.uint8)
    return Target(numbers[category], first, int(rows[0]), crop)


def _read_rle(segmentation: object, height: int, width: int) -> Rle:
    """Return COCO polygons (rings are unioned) or either form of RLE as runs."""
    if not segmentation or not isinstance(segmentation, (list, dict)):
        raise ValueError("has no segmentation")
    try:
        if isinstance(segmentation, list):
            filled = coco_mask.frPyObjects(segmentation, height, width)
            return union([Rle.from_coco(one) for one in filled])
        rle = Rle.from_coco(segmentation)
    except RleError as error:
        raise ValueError(f"has a segmentation that cannot be read: {error}") from error
    except (TypeError, IndexError, KeyError) as error:
        raise ValueError("has a segmentation that is neither polygons nor RLE") from error
    if (rle.height, rle.width) != (height, width):
        raise ValueError(f"has an RLE of {rle.width} x {rle.height} pixels, not the image's size")
    return rle
