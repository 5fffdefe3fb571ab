"""The folder of pyramids in the user's cache: bounded in bytes, safe to delete at any time."""

import contextlib
import hashlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from maskgui.core.stamp import Stamp, stamp_of
from maskgui.imaging.tiled.archive import PART, Archive
from maskgui.imaging.tiled.grid import Grid

_VERSION = 1  # of what a pyramid holds; a new one leaves the old files to be pruned
_ABANDONED_S = 6 * 3600.0
_SPARE_BYTES = 1 << 30  # of the disk, left to others
LIMIT_BYTES = 12_000_000_000


class NoRoom(OSError):
    """The disk has not the bytes that a pyramid may need; `missing` says how many."""

    def __init__(self, folder: Path, missing: int) -> None:
        super().__init__(f"{folder} has {missing / 1e9:.1f} GB too little room")
        self.missing = missing


@dataclass(frozen=True)
class Key:
    """What a pyramid is of: a file as it was when it was opened, and what decides on its pixels.

    Never as it is later: who has opened a file goes on reading the one that it opened.
    """

    path: Path
    stamp: Stamp
    kind: object

    @property
    def replaced(self) -> bool:
        """Whether another file is there now."""
        try:
            return stamp_of(self.path) != self.stamp
        except OSError:
            return False

    @property
    def name(self) -> str:
        """The archive's name."""
        facts = (os.fspath(self.path.absolute()), *self.stamp, repr(self.kind), _VERSION)
        digest = hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{digest[:40]}.tiles"


class PyramidStore:
    """Archives named after their image's path, time, size and window."""

    def __init__(self, folder: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        """Use `folder`, or the user's cache; hold at most about `limit_bytes` there."""
        self.folder = folder or platformdirs.user_cache_path("maskgui") / "pyramids"
        self.limit_bytes = limit_bytes

    def find(self, key: Key, grid: Grid) -> Archive | None:
        """Return a whole pyramid, None where there is none."""
        place = self.folder / key.name
        try:
            archive = Archive(place, grid, new=False)
        except (OSError, ValueError):
            return None
        with contextlib.suppress(OSError):
            os.utime(place)  # the longest unused go first
        return archive

    def begin(self, key: Key, grid: Grid, most_bytes: int) -> Archive:
        """Begin a pyramid that may take `most_bytes`. Raises OSError, NoRoom among it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prune(self.limit_bytes - min(most_bytes, self.limit_bytes))
        missing = most_bytes + _SPARE_BYTES - shutil.disk_usage(self.folder).free
        if missing > 0:
            raise NoRoom(self.folder, missing)
        return Archive(self.folder / key.name, grid, new=True)

    def prune(self, limit_bytes: int) -> None:
        """Delete what was left unfinished, and the longest unused until `limit_bytes` are left."""
        files = []
        for path in self.folder.glob("*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                if path.suffix == PART:
                    if time.time() - status.st_mtime > _ABANDONED_S:
                        path.unlink()
                    continue
                files.append((status.st_mtime_ns, status.st_size, path))
        held = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if held <= limit_bytes:
                break
            with contextlib.suppress(OSError):  # in use on a system that keeps such files
                path.unlink()
                held -= size
