"""An OS file lock: it keeps a second process out and dies with its own, in whatever way."""

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


class Held(Exception):
    """Another one holds the lock."""


class FileLock:
    """Held from construction until `release`, or until the process ends.

    The file itself says nothing: one that a dead process left is taken over.

    Raises Held when another one holds it, OSError where the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = self._take()

    def _take(self) -> int:
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                _lock(handle)
            except OSError as error:
                os.close(handle)
                raise Held(str(self._path)) from error
            if self._still_named(handle):
                return handle
            os.close(handle)

    def _still_named(self, handle: int) -> bool:
        """Whether the locked file is the one of that name: its last holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return False

    def is_named(self) -> bool:
        """Whether others still meet this lock: without its name it keeps nobody out."""
        return self._still_named(self._handle)

    def release(self) -> None:
        """Let the next one in and remove the file, unless its name is another's by now."""
        if not self.is_named():
            os.close(self._handle)
        elif sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._handle)
            self._path.unlink(missing_ok=True)
        else:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
