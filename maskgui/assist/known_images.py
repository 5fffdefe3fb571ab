"""The images that a project has, recognised by what a data set says of its own."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from maskgui.assist.locating import common_end
from maskgui.assist.session import Session
from maskgui.core.entities import ImageRecord
from maskgui.core.files import file_identity
from maskgui.imaging import ImageError, read_header

SAMPLE = 1 << 16
"""Bytes compared at the beginning, in the middle and at the end of two files."""

Size = tuple[int, int]
"""Width and height."""


class KnownImages:
    """Finds a project's image by its file, or by name where that is certain.

    By name means: the data set's own file of that name is a copy of the project's, or, where it
    has none, the listed size is the image's. Of several images of one name the one whose path
    ends most like the listed one is meant.
    """

    def __init__(self, session: Session, names: Iterable[str]) -> None:
        """`names`: all that the data set lists."""
        self._root = session.root
        records = tuple(session.document.images.values())
        self._by_path = {record.path: record for record in records}
        self._by_file = {file_identity(self._root / one.path): one for one in records}
        self._by_file.pop(None, None)
        self._by_name: dict[str, list[ImageRecord]] = defaultdict(list)
        for record in records:
            self._by_name[_parts(record.path)[-1]].append(record)
        listed = Counter(_parts(name)[-1] for name in set(names))
        self._repeated = {base for base, count in listed.items() if count > 1}
        self._given: dict[int, str] = {}

    def by_file(self, stored: str, path: Path | None) -> ImageRecord | None:
        """Return the image of a stored path, or of the file at `path`."""
        found = self._by_path.get(stored)
        if found is None and path is not None:
            found = self._by_file.get(file_identity(path))
        return found

    def by_name(self, name: str, size: Size, path: Path | None) -> ImageRecord | None:
        """Return the image that `name` means, None when there is none or it is not certain.

        size: as listed, 0 where it is not. path: the data set's own file, if it has one.
        """
        parts = _parts(name)
        fitting = [
            (common_end(_parts(record.path), parts), record)
            for record in self.namesakes(name, size)
            if path is None or _is_copy(self._root / record.path, path)
        ]
        best = max((common for common, _ in fitting), default=0)
        chosen = [record for common, record in fitting if common == best]
        if len(chosen) != 1 or (best == 1 and parts[-1] in self._repeated):
            return None
        if self._given.setdefault(chosen[0].id, name) != name:
            return None
        return chosen[0]

    def namesakes(self, name: str, size: Size) -> list[ImageRecord]:
        """Return the images of this base name whose size does not contradict the listed one."""
        named = self._by_name.get(_parts(name)[-1], ())
        return [record for record in named if self._may_have(record, size)]

    def _may_have(self, record: ImageRecord, size: Size) -> bool:
        """Whether an image may be of a listed size; upright or as its file stores it."""
        own = (record.width, record.height)
        if not all(own):
            try:
                header = read_header(self._root / record.path)
            except ImageError:
                return True
            own = (header.width, header.height)
        return not all(size) or sorted(own) == sorted(size)


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts or ("",)


def _is_copy(one: Path, other: Path) -> bool:
    """Whether two files hold the same, judged by their lengths and three samples."""
    try:
        with one.open("rb") as first, other.open("rb") as second:
            length = os.fstat(first.fileno()).st_size
            if os.fstat(second.fileno()).st_size != length:
                return False
            for at in (0, length // 2, max(0, length - SAMPLE)):
                first.seek(at)
                second.seek(at)
                if first.read(SAMPLE) != second.read(SAMPLE):
                    return False
    except OSError:
        return False
    return True
