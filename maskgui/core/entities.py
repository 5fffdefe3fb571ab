"""What a document is made of: frozen values that only an edit replaces.

None of them can be part of a reference cycle, so the cyclic collector need not look at them
(`gc=False`): with 100,000 images in memory a pass over them would stall the window for 200 ms.
"""

import enum
from typing import Any

import msgspec

from maskgui.core.shape import Box, Shape


class Review(enum.StrEnum):
    """How far a person is with an image."""

    NEW = "new"
    IN_PROGRESS = "in progress"
    REVIEWED = "reviewed"


class MarkKind(enum.StrEnum):
    """What a person did with the instance that a detection proposed."""

    TAKEN = "taken"  # edited, recategorised or accepted: it lives on as the person's
    DELETED = "deleted"  # neither the slider nor a new run brings it back


class Mark(msgspec.Struct, frozen=True, gc=False):
    """A person's word on one detection, with what finds the same object in a later run."""

    detection: int
    kind: MarkKind
    box: Box
    category: str  # the model's name for it


class Category(msgspec.Struct, frozen=True, gc=False, tag="category"):
    """A kind of object. Ids are stable; COCO's own are kept, sparse or not."""

    id: int
    name: str
    color: str  # "#rrggbb"
    order: int = 0  # place in the list and digit key
    source: int | None = None  # the stored COCO record that it came from


class ImageRecord(msgspec.Struct, frozen=True, gc=False, tag="image"):
    """One image file of the project and what the person decided for it."""

    id: int
    path: str  # relative to the project's image root, POSIX
    width: int  # of the upright image; 0 while the header has not been read
    height: int
    review: Review = Review.NEW
    threshold: float = 0.5  # detections at or above it are proposed
    mask_threshold: float = 0.5  # probability at which soft masks are cut
    marks: tuple[Mark, ...] = ()
    source: int | None = None  # the stored COCO record that it came from
    file_size: int = 0  # bytes; finds the file again when it was renamed


class Instance(msgspec.Struct, frozen=True, gc=False, tag="instance"):
    """One labelled object: a category and an outline with parts and holes."""

    id: int
    image_id: int
    category_id: int
    shape: Shape
    order: int = 0  # larger is painted later and lies on top
    iscrowd: bool = False
    touched: bool = True  # a person, or an imported file, stands behind it
    detection: int | None = None  # the detection that it was made from
    score: float | None = None
    source: int | None = None  # the stored COCO annotation that it came from
    verbatim: bool = False  # nobody changed it since import: export writes `source` as it came

    @property
    def is_proposal(self) -> bool:
        """Whether the model made it and no person has touched it."""
        return self.detection is not None and not self.touched


Entity = Category | ImageRecord | Instance


def _encode(value: Any) -> bytes:
    if isinstance(value, Shape):
        return value.to_bytes()
    raise TypeError(f"cannot store {type(value).__name__}")


def _encode_bare(value: Any) -> None:
    if not isinstance(value, Shape):
        _encode(value)


def _decode(kind: type, value: Any) -> Any:
    if kind is Shape:
        return Shape.from_bytes(value)
    raise TypeError(f"cannot read {kind.__name__}")


def encode_value(value: Any) -> bytes:
    """Return any entity, edit or container of them as MessagePack."""
    return msgspec.msgpack.encode(value, enc_hook=_encode)


def check_storable(value: Any) -> None:
    """Raise what `encode_value` would, without the time that outlines take: any can be stored."""
    msgspec.msgpack.encode(value, enc_hook=_encode_bare)


def decode_value(data: bytes, kind: Any) -> Any:
    """Return what `encode_value` wrote as `kind`. Raises msgspec.ValidationError otherwise."""
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_decode)
