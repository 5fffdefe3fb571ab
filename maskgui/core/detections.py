"""What the model said about one image: evidence, kept beside the labels and never edited."""

import zlib
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

DETECTION_RADIX = 1 << 16
"""A detection's id is its run's id times this, plus its index."""

SCORE_FLOOR = 0.01
MAX_DETECTIONS = 300

UNUSED_CATEGORY = "N/A"
"""The name of a model's category that stands for nothing, such as COCO's ten unused ids."""


@dataclass(frozen=True, eq=False)
class Detections:
    """All detections of one run on one image, the best score first; parallel arrays.

    boxes: N x 4 float32, x0 y0 x1 y1 in image coordinates. scores: N float32.
    labels: N int32, indices into `categories`. masks: N x m x m uint8, probability times 255,
    over the detection's box.
    """

    model: str  # the model's name and the first 12 digits of its weights' sha256
    categories: tuple[str, ...]  # the model's own names
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int32]
    masks: NDArray[np.uint8]
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
            "masks": self.masks.tobytes(),
        }
        return zlib.compress(msgspec.msgpack.encode(fields), level=1)

    @classmethod
    def from_bytes(cls, data: bytes, run: int) -> "Detections":
        """Return what `to_bytes` wrote."""
        fields = msgspec.msgpack.decode(zlib.decompress(data))
        side = fields["side"]
        return cls(
            model=fields["model"],
            categories=tuple(fields["categories"]),
            floor=fields["floor"],
            boxes=np.frombuffer(fields["boxes"], "<f4").reshape(-1, 4),
            scores=np.frombuffer(fields["scores"], "<f4"),
            labels=np.frombuffer(fields["labels"], "<i4"),
            masks=np.frombuffer(fields["masks"], np.uint8).reshape(-1, side, side),
            run=run,
        )
