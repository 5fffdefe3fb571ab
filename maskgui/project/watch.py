"""Whether the files of an open project are still those that lie at its path."""

import enum
import os
from pathlib import Path

Identity = tuple[int, int]
"""Device and file number; no other file can have them while this one is open."""

ENDS = ("", "-wal", "-shm")
"""The project itself, and what SQLite keeps beside it while it is open."""


class Fate(enum.Enum):
    """What has become of the files."""

    KEPT = "they are there, or were moved with their folder"
    GONE = "some were deleted or moved away"
    TAKEN = "other files have their names"
    LOST = "they were deleted with their folder"


def beside(path: Path, end: str) -> Path:
    """Return the name of one of a project's files."""
    return path.with_name(path.name + end)


class Watch:
    """Knows a project's files from when they were opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        found = {end: _identity(beside(path, end)) for end in ENDS}
        self._known = {end: identity for end, identity in found.items() if identity}

    def fate(self) -> Fate:
        """Return what has become of the files. Where the system does not say, they are kept."""
        try:
            if not self._path.parent.is_dir():
                return Fate.LOST if self._is_unlinked() else Fate.KEPT
            found = {end: _identity(beside(self._path, end)) for end in self._known}
        except OSError:
            return Fate.KEPT
        if found == self._known:
            return Fate.KEPT
        others = any(one not in (None, self._known[end]) for end, one in found.items())
        return Fate.TAKEN if others else Fate.GONE

    def own(self) -> list[Path]:
        """Return the names that still lead to the project's files."""
        names = {beside(self._path, end): known for end, known in self._known.items()}
        return [name for name, known in names.items() if _identity(name) == known]

    def _is_unlinked(self) -> bool:
        """Whether the open file has no name left, so that it ends with the process.

        SQLite's own handle is asked: opening and closing one of ours would drop SQLite's locks.
        """
        handles = Path("/dev/fd")
        if not handles.is_dir():  # Windows, where no open file can be deleted
            return False
        for handle in handles.iterdir():
            try:
                state = os.fstat(int(handle.name))
            except (OSError, ValueError):
                continue
            if (state.st_dev, state.st_ino) == self._known.get(""):
                return state.st_nlink == 0
        return False


def _identity(path: Path) -> Identity | None:
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return state.st_dev, state.st_ino
