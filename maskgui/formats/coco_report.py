"""What an import did: counts, each repair, skip and note with its id, and old -> new ids."""

import enum
from typing import Any

import msgspec

from maskgui.core.words import counted


class Kind(enum.StrEnum):
    """How much an entry of the report says."""

    REPAIR = "repair"  # it came in, changed
    SKIP = "skip"  # it did not come in
    NOTE = "note"  # it came in as it is, and is odd


class Item(enum.StrEnum):
    """What of a data set an entry speaks of."""

    ANNOTATION = "annotation"
    IMAGE = "image"
    CATEGORY = "category"


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One sentence on one item, named by the id that the file gives it (any JSON value)."""

    kind: Kind
    item: Item
    id: Any
    text: str
    new_id: int | None = None

    def line(self) -> str:
        """Return the sentence with its id, for people."""
        return f"{self.kind.value}: {self.item.value} {self.id}: {self.text}"


class MissingImage(msgspec.Struct, frozen=True):
    """An image of the file that was not found or cannot be opened, and why."""

    file_name: str
    reason: str


class How(enum.StrEnum):
    """By what an image of the project was recognised."""

    FILE = "file"  # the very same
    NAME = "name"  # and its size or its content


class MatchedImage(msgspec.Struct, frozen=True):
    """An image of the file that the project had already, by the path it has there."""

    file_name: str
    path: str
    how: How


class ImportReport(msgspec.Struct):
    """The outcome of one import; filled while it runs."""

    file: str
    job: str = ""  # the author of its edits, to undo the batch by
    images: int = 0
    annotations: int = 0
    categories: int = 0
    known: int = 0  # annotations that were in the project already, word for word
    outside: int = 0  # annotations that reach beyond their image, kept as they came
    matched: list[MatchedImage] = []
    missing: list[MissingImage] = []
    entries: list[Entry] = []

    def add(
        self, kind: Kind, item: Item, item_id: Any, text: str, new_id: int | None = None
    ) -> None:
        """Add one entry."""
        self.entries.append(Entry(kind, item, item_id, text, new_id))

    def renumbered(self, item: Item, old: Any, new: int, why: str) -> None:
        """Say that an item got a new id."""
        self.add(Kind.REPAIR, item, old, f"{why}; its new id is {new}", new)

    def count(self, kind: Kind) -> int:
        """Return how many entries of a kind there are."""
        return sum(entry.kind is kind for entry in self.entries)

    def new_ids(self, item: Item) -> list[tuple[Any, int]]:
        """Return the (old, new) ids of one kind of item, in the order of the file."""
        return [
            (entry.id, entry.new_id)
            for entry in self.entries
            if entry.item is item and entry.new_id is not None
        ]

    def to_json(self) -> bytes:
        """Return everything as JSON, for scripts."""
        value = {
            "file": self.file,
            "job": self.job,
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories,
            "already_in_project": self.known,
            "beyond_their_image": self.outside,
            "counts": {f"{kind.value}s": self.count(kind) for kind in Kind},
            "new_ids": {item.value: self.new_ids(item) for item in Item},
            "matched_images": self.matched,
            "missing_images": self.missing,
            "entries": self.entries,
        }
        return msgspec.json.format(msgspec.json.encode(value), indent=1)

    def summary(self) -> str:
        """Return one sentence with the counts."""
        text = (
            f"Imported {counted(self.annotations, 'annotation')} on "
            f"{counted(self.images, 'image')} in "
            f"{counted(self.categories, 'category', 'categories')}; "
            f"{counted(self.count(Kind.REPAIR), 'repair')}, "
            f"{counted(self.count(Kind.SKIP), 'skip')}, {counted(self.count(Kind.NOTE), 'note')}."
        )
        if self.known:
            text += f" Already in the project: {counted(self.known, 'annotation')}."
        if self.matched:
            named = sum(one.how is How.NAME for one in self.matched)
            text += (
                f" Images that the project had: {len(self.matched) - named:,} known by their file, "
                f"{named:,} by name and size."
            )
        if self.outside:
            text += f" Reaching beyond their image: {counted(self.outside, 'annotation')}."
        if self.missing:
            text += f" Missing or not readable: {counted(len(self.missing), 'image file')}."
        return text

    def lines(self, limit: int = 20) -> list[str]:
        """Return the entries for people, at most `limit` of each kind."""
        lines = []
        for kind in (Kind.SKIP, Kind.REPAIR, Kind.NOTE):
            own = [entry for entry in self.entries if entry.kind is kind]
            lines += [entry.line() for entry in own[:limit]]
            if len(own) > limit:
                lines.append(f"{kind.value}: and {len(own) - limit} more; see the report file")
        lines += [f"missing: {gone.file_name}: {gone.reason}" for gone in self.missing[:limit]]
        if len(self.missing) > limit:
            lines.append(f"missing: and {len(self.missing) - limit} more; see the report file")
        return lines
