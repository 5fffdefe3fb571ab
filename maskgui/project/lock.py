"""Keeping a second window out: an OS file lock that dies with its process."""

import os
import sys
from pathlib import Path

from maskgui.project.errors import ProjectInUse, ReadOnlyProject

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_path(project: Path) -> Path:
    """Return the file whose lock stands for the project."""
    return project.with_name(project.name + ".lock")


class ProjectLock:
    """Held from construction until `release`, or until the process ends in whatever way.

    Raises ProjectInUse when another one holds it, ReadOnlyProject where it cannot be made.
    """

    def __init__(self, project: Path) -> None:
        self._path = lock_path(project)
        self._handle = self._take(project)

    def _take(self, project: Path) -> int:
        while True:
            try:
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            except OSError as error:
                raise ReadOnlyProject(
                    f"{project.parent} cannot be written ({error.strerror}), so {project.name} can "
                    "only be read there; copy it to a folder of yours to edit it."
                ) from error
            try:
                _lock(handle)
            except OSError as error:
                os.close(handle)
                raise ProjectInUse(
                    f"{project} is open in another window or command; close it there, then try "
                    "again."
                ) from error
            if self._still_named(handle):
                return handle
            os.close(handle)

    def _still_named(self, handle: int) -> bool:
        """Whether the locked file is the one of that name: its last holder may have removed it."""
        try:
            return os.path.samestat(os.fstat(handle), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let the next one in and remove the file."""
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(self._handle)
            self._path.unlink(missing_ok=True)
        else:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
