"""Reading back what was written, with pycocotools, before it takes the old file's place."""

import hashlib
import mmap
from array import array
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pycocotools.mask

from maskgui.core.errors import Failure
from maskgui.core.rle import Rle

UNCHECKED = 0
"""Stands for a segmentation that is written as it came and that no reader understands."""


class _Annotation(msgspec.Struct, gc=False):
    id: int
    image_id: Any
    segmentation: Any = None


class _Image(msgspec.Struct, gc=False):
    id: int
    width: Any = None
    height: Any = None


class _File(msgspec.Struct, gc=False):
    images: list[_Image]
    annotations: list[msgspec.Raw]


def fingerprint(rle: Rle) -> int:
    """Return 64 bits that stand for a mask, never UNCHECKED: what the check compares."""
    size = np.array([rle.height, rle.width], "<i8").tobytes()
    digest = hashlib.blake2b(size + rle.toggles.astype("<i8").tobytes(), digest_size=8)
    return int.from_bytes(digest.digest(), "little") | 1


def check_file(path: Path, images: int, expected: "array[int]") -> None:
    """Decode a COCO file with pycocotools and compare every mask with what it shall be.

    expected: one fingerprint for each annotation in the file's order. The file is mapped, not
    read: one annotation at a time is decoded. Raises Failure at the first difference.
    """
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    _check(data, images, expected)
    data.close()  # not after a fault: its traceback still looks into the map


def _check(data: mmap.mmap, images: int, expected: "array[int]") -> None:
    found = msgspec.json.decode(data, type=_File)
    sizes = {image.id: (image.height, image.width) for image in found.images}
    if len(found.images) != images or len(sizes) != images:
        raise _failed(f"{len(found.images)} of {images} images are in it")
    if len(found.annotations) != len(expected):
        raise _failed(f"{len(found.annotations)} of {len(expected)} annotations are in it")
    ids: set[int] = set()
    decoder = msgspec.json.Decoder(_Annotation)
    for raw, wanted in zip(found.annotations, expected, strict=True):
        annotation = decoder.decode(raw)
        if annotation.id < 1 or annotation.id in ids or annotation.image_id not in sizes:
            raise _failed(f"annotation {annotation.id} has no id or no image of its own")
        ids.add(annotation.id)
        if wanted == UNCHECKED:
            continue
        if fingerprint(_decoded(annotation.segmentation, *sizes[annotation.image_id])) != wanted:
            raise _failed(f"annotation {annotation.id} decodes to another mask")


def _decoded(segmentation: Any, height: int, width: int) -> Rle:
    """Return the mask as pycocotools reads it (annToRLE in coco.py)."""
    if isinstance(segmentation, list):
        parts = pycocotools.mask.frPyObjects(segmentation, height, width)
        return Rle.from_coco(pycocotools.mask.merge(parts))
    if isinstance(segmentation["counts"], list):
        return Rle.from_coco(pycocotools.mask.frPyObjects(segmentation, height, width))
    return Rle.from_coco(pycocotools.mask.merge([segmentation]))


def _failed(what: str) -> Failure:
    return Failure(
        f"The export was not kept, because reading it back showed a fault: {what}; "
        "the earlier file is as it was, please report this."
    )
