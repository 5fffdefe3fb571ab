"""What the model said about one image: evidence, kept beside the labels and never edited."""

import zlib
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from maskgui.core.packing import unpack

DETECTION_RADIX = 1 << 16
"""A detection's id is its run's id times this, plus its index."""

SCORE_FLOOR = 0.01
MAX_DETECTIONS = 300

MAX_UNPACKED = 1 << 26
"""Bytes that one run's detections on an image may unpack to; 300 masks of 112 x 112 take 8 MB."""

CERTAIN = 4095
"""A soft mask's value for probability 1. With 255 steps the outlines of objects below 150 square
pixels came out a pixel off the network's own; with 4095 they do not, for 1.6 times the bytes."""

UNUSED_CATEGORY = "N/A"
"""The name of a model's category that stands for nothing, such as COCO's ten unused ids."""


@dataclass(frozen=True, eq=False)
class Detections:
    """All detections of one run on one image, the best score first; parallel arrays.

    boxes: N x 4 float32, x0 y0 x1 y1 in image coordinates. scores: N float32.
    labels: N int32, indices into `categories`. masks: N x m x m uint16, probability times CERTAIN,
    over the detection's box; m is 0 where they were given up, as those of old runs are.
    """

    model: str  # the model's name and the first 12 digits of its weights' sha256
    categories: tuple[str, ...]  # the model's own names
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int32]
    masks: NDArray[np.uint16]
    floor: float = SCORE_FLOOR
    run: int = 0  # given by the project when stored

    def __len__(self) -> int:
        return len(self.scores)

    def id_of(self, index: int) -> int:
        """Return the project-wide id of the detection at `index`."""
        return self.run * DETECTION_RADIX + index

    def category_of(self, index: int) -> str:
        """Return the model's name for the detection at `index`."""
        return self.categories[int(self.labels[index])]

    @property
    def has_masks(self) -> bool:
        """Whether outlines can be made of it."""
        return not len(self) or bool(self.masks.shape[-1])

    @property
    def boxes_only(self) -> bool:
        """Whether the model gives boxes alone: the mask of each fills its box."""
        if not self.masks.size or int(self.masks[:, 0, 0].min()) < CERTAIN:
            return False
        return int(self.masks.min()) == CERTAIN

    def without_masks(self) -> "Detections":
        """Return the same detections with the large part given up; full boxes are none."""
        if self.boxes_only:
            return self
        return replace(self, masks=np.zeros((len(self), 0, 0), np.uint16))

    def to_bytes(self) -> bytes:
        """Return everything but `run` as compressed MessagePack."""
        fields = {
            "model": self.model,
            "categories": self.categories,
            "floor": self.floor,
            "side": int(self.masks.shape[-1]) if self.masks.ndim == 3 else 0,
            "boxes": self.boxes.astype("<f4").tobytes(),
            "scores": self.scores.astype("<f4").tobytes(),
            "labels": self.labels.astype("<i4").tobytes(),
            "masks": _planes(self.masks),
        }
        return zlib.compress(msgspec.msgpack.encode(fields), level=1)

    @classmethod
    def from_bytes(cls, data: bytes, run: int) -> "Detections":
        """Return what `to_bytes` wrote. Raises ValueError for what it cannot have written."""
        fields = msgspec.msgpack.decode(unpack(data, MAX_UNPACKED))
        side, count = fields["side"], len(fields["scores"]) // 4
        found = cls(
            model=fields["model"],
            categories=tuple(fields["categories"]),
            floor=fields["floor"],
            boxes=np.frombuffer(fields["boxes"], "<f4").reshape(count, 4),
            scores=np.frombuffer(fields["scores"], "<f4"),
            labels=np.frombuffer(fields["labels"], "<i4").reshape(count),
            masks=_unpacked_masks(fields["masks"], count * side * side).reshape(count, side, side),
            run=run,
        )
        if count and not 0 <= found.labels.min() <= found.labels.max() < len(found.categories):
            raise ValueError("a detection's category is none of its model's")
        return found


def _planes(masks: NDArray[np.uint16]) -> bytes:
    """Return the high bytes, then the low ones: the high ones are few values and pack well."""
    return masks.astype("<u2").reshape(-1).view(np.uint8).reshape(-1, 2).T.tobytes()


def _unpacked_masks(data: bytes, size: int) -> NDArray[np.uint16]:
    values = np.frombuffer(data, np.uint8)
    if len(values) == size:  # of 255 steps, as the first projects have them
        return np.round(values * (CERTAIN / 255)).astype(np.uint16)
    pairs = np.ascontiguousarray(values.reshape(2, -1).T)
    return pairs.view("<u2").reshape(-1).astype(np.uint16, copy=False)
