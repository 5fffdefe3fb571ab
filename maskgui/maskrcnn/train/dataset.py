"""A COCO data set as training needs it: kept compact in memory."""

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskgui.core.errors import UserError
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
    """One image of the set; `targets` may be empty (a negative).

    `crowds` are regions with uncounted objects: neither objects nor background.
    """

    image_id: int
    path: Path
    width: int
    height: int
    targets: tuple[Target, ...]
    crowds: tuple[Target, ...] = ()


class DataSet:
    """Images with objects, categories numbered 1..K in the order of their COCO ids.

    `notes` are sentences on what was left out or merged when the set was read.
    """

    def __init__(
        self,
        samples: list[Sample],
        categories: tuple[str, ...],
        category_ids: tuple[int, ...],
        notes: tuple[str, ...] = (),
    ) -> None:
        self.samples = samples
        self.categories = categories
        self.category_ids = category_ids
        self.notes = notes
        self._cache: dict[int, NDArray[np.uint8]] = {}
        self._room = CACHE_BYTES
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type["DataSet"], tuple[object, ...]]:
        """Go to another process without the images in memory."""
        return DataSet, (self.samples, self.categories, self.category_ids, self.notes)

    def __len__(self) -> int:
        return len(self.samples)

    def share_cache(self, processes: int) -> None:
        """Keep at most the share of one of so many processes in memory."""
        self._room = CACHE_BYTES // processes

    @property
    def objects(self) -> int:
        """How many objects the images hold together."""
        return sum(len(sample.targets) for sample in self.samples)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return the upright RGB image, H x W x 3, from memory while the cache has room."""
        if index in self._cache:
            return self._cache[index]
        pixels = np.asarray(read_rgb(self.samples[index].path), dtype=np.uint8)
        with self._lock:
            if pixels.nbytes <= self._room and index not in self._cache:
                self._room -= pixels.nbytes
                self._cache[index] = pixels
        return pixels

    def measured_first(self) -> "DataSet":
        """Return the set with the images that have objects before the others, else in order."""
        samples = sorted(self.samples, key=lambda sample: not sample.targets)
        return DataSet(samples, self.categories, self.category_ids, self.notes)

    def numbered_as(self, other: "DataSet") -> "DataSet":
        """Return the set with the category numbers of another one that has the same names."""
        numbers = {n: other.categories.index(name) + 1 for n, name in enumerate(self.categories, 1)}

        def renumbered(targets: tuple[Target, ...]) -> tuple[Target, ...]:
            return tuple(replace(one, category=numbers[one.category]) for one in targets)

        samples = [
            replace(one, targets=renumbered(one.targets), crowds=renumbered(one.crowds))
            for one in self.samples
        ]
        return DataSet(samples, other.categories, other.category_ids, self.notes)

    def split(self, held_out: int, seed: int) -> tuple["DataSet", "DataSet"]:
        """Return (rest, `held_out` images) by a seeded draw over the sorted image ids.

        Where no image of the draw has an object, the next one that has takes the last one's place.
        """
        order = sorted(range(len(self)), key=lambda index: self.samples[index].image_id)
        row = np.random.default_rng(seed).permutation(order).tolist()
        full = [place for place, index in enumerate(row) if self.samples[index].targets]
        if held_out and len(full) > 1 and full[0] >= held_out:
            row[held_out - 1], row[full[0]] = row[full[0]], row[held_out - 1]
        drawn = set(row[:held_out])
        rest = [self.samples[index] for index in order if index not in drawn]
        held = [self.samples[index] for index in order if index in drawn]
        if not rest:
            raise UserError(
                f"{held_out} of {len(self)} images held out leave none to train on; hold out fewer."
            )
        return (
            DataSet(rest, self.categories, self.category_ids, self.notes),
            DataSet(held, self.categories, self.category_ids),
        )
