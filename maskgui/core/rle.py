"""COCO's run-length encoding, checked when it comes in and worked on without its pixels.

Pixels are counted column by column; the first run is background. Internally a mask is also seen
as its toggles: the sorted pixel positions at which it changes between background and object.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pycocotools.mask
from numpy.typing import NDArray

from maskgui.core.shape import Box

MAX_PIXELS = (1 << 32) - 1
"""Pixels of an image whose masks pycocotools can tell: it counts in 32 bits."""

Toggles = NDArray[np.int64]
Mask = NDArray[np.bool_]


class RleError(ValueError):
    """A run-length encoding that cannot be understood; the text says why."""


@dataclass(frozen=True, eq=False)
class Rle:
    """A binary mask of height x width as run lengths (int64, summing to height * width)."""

    height: int
    width: int
    counts: NDArray[np.int64]

    @classmethod
    def from_coco(cls, value: Mapping[str, Any]) -> "Rle":
        """Read either form of COCO's RLE dict. Raises RleError where it is not consistent."""
        height, width = _read_size(value.get("size"))
        counts = _read_counts(value.get("counts"))
        if len(counts) and counts.min() < 0:
            raise RleError("a run length is negative")
        total = int(counts.sum())
        if total != height * width:
            raise RleError(f"its runs add up to {total} pixels, not {width} x {height}")
        return cls(height, width, counts)

    @classmethod
    def from_toggles(cls, toggles: Toggles, height: int, width: int) -> "Rle":
        """Build from sorted positions of change; equal neighbours cancel."""
        inner = without_pairs(toggles)
        inner = inner[inner < height * width]
        return cls(height, width, np.diff(inner, prepend=0, append=height * width))

    @classmethod
    def from_mask(cls, mask: Mask) -> "Rle":
        """Encode a bool mask (H x W); the work is that of the mask's box."""
        height, width = mask.shape
        rows = np.flatnonzero(mask.any(axis=1))
        if not len(rows):
            return cls.from_toggles(np.empty(0, np.int64), height, width)
        columns = np.flatnonzero(mask.any(axis=0))
        top, left = int(rows[0]), int(columns[0])
        crop = mask[top : rows[-1] + 1, left : columns[-1] + 1]
        padded = np.zeros((crop.shape[1], crop.shape[0] + 2), np.bool_)
        padded[:, 1:-1] = crop.T
        column, row = np.nonzero(padded[:, 1:] != padded[:, :-1])
        return cls.from_toggles((column + left) * height + row + top, height, width)

    def to_coco(self, compressed: bool) -> dict[str, Any]:
        """Return COCO's dict: ASCII text when compressed, a list of ints otherwise."""
        size = [self.height, self.width]
        if not compressed:
            return {"size": size, "counts": self.counts.tolist()}
        return {"size": size, "counts": self._packed()["counts"].decode("ascii")}

    @cached_property
    def toggles(self) -> Toggles:
        """Where the mask changes, in column-major pixel positions, ascending."""
        positions = np.cumsum(self.counts)
        if len(positions) < 2 or self.counts[1:].min() > 0:
            return positions[:-1]
        inner = without_pairs(positions[:-1])
        return inner[inner < self.height * self.width]

    @property
    def area(self) -> int:
        """How many pixels are set."""
        return int(self.counts[1::2].sum())

    @property
    def bounds(self) -> Box:
        """The box around the set pixels as pycocotools finds it; zeros when there are none."""
        x, y, width, height = (float(v) for v in pycocotools.mask.toBbox(self._packed()))
        return (x, y, x + width, y + height)

    @property
    def columns(self) -> tuple[int, int]:
        """The first column that holds a set pixel and the one after the last; (0, 0) if none."""
        toggles = self.toggles
        if not len(toggles):
            return (0, 0)
        open_end = len(toggles) % 2 == 1  # set up to the image's last pixel
        last = self.width if open_end else -(-int(toggles[-1]) // self.height)
        return (int(toggles[0]) // self.height, last)

    def to_mask(self) -> Mask:
        """Return the bool mask, H x W; only the columns that hold something are worked on."""
        mask = np.zeros((self.height, self.width), np.bool_)
        first, last = self.columns
        if first < last:
            edges = np.concatenate(([first * self.height], self.toggles, [last * self.height]))
            values = np.zeros(len(edges) - 1, np.bool_)
            values[1::2] = True
            columns = np.repeat(values, np.diff(edges)).reshape(last - first, self.height)
            mask[:, first:last] = columns.T
        return mask

    def _packed(self) -> dict[str, Any]:
        plain = {"size": [self.height, self.width], "counts": self.counts.tolist()}
        packed: dict[str, Any] = pycocotools.mask.frPyObjects(plain, self.height, self.width)
        return packed

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rle):
            return NotImplemented
        sizes = (self.height, self.width) == (other.height, other.width)
        return sizes and np.array_equal(self.toggles, other.toggles)

    def __hash__(self) -> int:
        return hash((self.height, self.width, self.toggles.tobytes()))


def union(masks: Sequence[Rle]) -> Rle:
    """Return the pixels of any of the masks, at least one and all of one size."""
    if len(masks) == 1:
        return masks[0]
    toggles = [mask.toggles for mask in masks]
    steps = [np.resize(np.array([1, -1], np.int64), len(one)) for one in toggles]
    positions, place = np.unique(np.concatenate(toggles), return_inverse=True)
    depth = np.zeros(len(positions), np.int64)
    np.add.at(depth, place, np.concatenate(steps))
    covered = np.cumsum(depth) > 0
    changed = np.diff(covered, prepend=False)
    return Rle.from_toggles(positions[changed], masks[0].height, masks[0].width)


def difference(first: Rle, second: Rle) -> Rle:
    """Return the pixels of the first mask that are not in the second; both have one size."""
    return _combine(first, second, np.greater)


def intersection_area(first: Rle, second: Rle) -> int:
    """Return how many pixels both masks share."""
    return _combine(first, second, np.logical_and).area


def iou(first: Rle, second: Rle) -> float:
    """Return intersection over union; 1.0 for two empty masks."""
    shared = intersection_area(first, second)
    together = first.area + second.area - shared
    return shared / together if together else 1.0


def _combine(first: Rle, second: Rle, rule: Callable[[Any, Any], Any]) -> Rle:
    edges = np.union1d(first.toggles, second.toggles)
    inside = [np.searchsorted(one.toggles, edges, "right") % 2 == 1 for one in (first, second)]
    state = np.asarray(rule(*inside), np.bool_)
    changed = np.diff(state, prepend=False)
    return Rle.from_toggles(edges[changed], first.height, first.width)


def without_pairs(toggles: Toggles) -> Toggles:
    """Drop positions that occur an even number of times: there nothing changes."""
    positions, times = np.unique(toggles, return_counts=True)
    odd: Toggles = positions[times % 2 == 1].astype(np.int64)
    return odd


def _read_size(size: Any) -> tuple[int, int]:
    whole = isinstance(size, list | tuple) and len(size) == 2
    if not whole or not all(isinstance(v, int) and v >= 0 for v in size):
        raise RleError("its `size` is not [height, width]")
    return size[0], size[1]


def _read_counts(counts: Any) -> NDArray[np.int64]:
    if isinstance(counts, str):
        try:
            counts = counts.encode("ascii")
        except UnicodeEncodeError as error:
            raise RleError("its compressed counts hold a character that is not ASCII") from error
    if isinstance(counts, bytes):
        return _unpack(counts)
    if isinstance(counts, list):
        if not all(isinstance(v, int) and not isinstance(v, bool) for v in counts):
            raise RleError("its `counts` hold something that is no integer")
        try:
            return np.array(counts, np.int64)
        except OverflowError as error:
            raise RleError("a run length is too large") from error
    raise RleError("its `counts` are neither text nor a list")


def _unpack(data: bytes) -> NDArray[np.int64]:
    """Decode COCO's compressed counts (rleFrString in maskApi.c): 5 bits a character, signed."""
    codes = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if not len(codes):
        return np.empty(0, np.int64)
    if codes.min() < 0 or codes.max() > 63 or codes[-1] & 0x20:
        raise RleError("its compressed counts are damaged")
    last = np.flatnonzero((codes & 0x20) == 0)
    first = np.concatenate(([0], last[:-1] + 1))
    lengths = last - first + 1
    if lengths.max() > 12:
        raise RleError("its compressed counts are damaged")
    place = np.arange(len(codes)) - np.repeat(first, lengths)
    values = np.add.reduceat((codes & 0x1F) << (5 * place), first)
    values -= np.where(codes[last] & 0x10, np.int64(1) << (5 * lengths), 0)
    values[1::2] = np.cumsum(values[1::2])  # each run but the first three is a difference
    values[2::2] = np.cumsum(values[2::2])  # from the run two before it
    return values
