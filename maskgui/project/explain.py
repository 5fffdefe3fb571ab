"""SQLite's and the system's reasons in words that say what to do."""

import errno
import sqlite3
from pathlib import Path

from maskgui.project.backup import newest_good_backup
from maskgui.project.errors import DamagedProject

_ADVICE = {
    "SQLITE_FULL": "the disk of {path} is full, free some space",
    "SQLITE_READONLY": "{path} has become read-only, make it writable again",
    "SQLITE_BUSY": "another program keeps {path} locked, close that one",
    "SQLITE_LOCKED": "another program keeps {path} locked, close that one",
    "SQLITE_IOERR": "the disk of {path} reports an error, check that it is connected and not full",
    "SQLITE_CANTOPEN": "{path} cannot be opened, check that its folder is there and writable",
    "SQLITE_CORRUPT": "{path} is damaged, keep this window open and save a copy of the folder",
    "SQLITE_NOTADB": "{path} is damaged, keep this window open and save a copy of the folder",
}


def why_not_written(error: Exception, path: Path) -> str:
    """Return why a write failed and what to do, as the end of a sentence."""
    if isinstance(error, OSError):
        if error.errno == errno.ENOSPC:
            return _ADVICE["SQLITE_FULL"].format(path=path)
        return f"{path.parent} cannot be written ({error.strerror}), choose another folder"
    name = getattr(error, "sqlite_errorname", "")
    for prefix, advice in _ADVICE.items():
        if name.startswith(prefix):
            return advice.format(path=path)
    return f"{path} does not take it ({error}), the log has the details"


def damaged(path: Path, error: Exception | str) -> DamagedProject:
    """Return the error that says a project is damaged and names its newest good backup."""
    backup = newest_good_backup(path)
    advice = (
        f"open it in the window to restore its newest good backup, or open that instead: {backup}"
        if backup
        else "no backup of it was found, so keep the file and ask for help"
    )
    return DamagedProject(f"{path} is damaged ({error}); {advice}.", path, backup)


def not_opened(path: Path, error: sqlite3.Error) -> DamagedProject:
    """Return the error for a file that SQLite cannot open or read."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_BUSY", "SQLITE_PROTOCOL")):
        return DamagedProject(
            f"{path} cannot be read where it lies ({error}); copy it, with the files beside it "
            "whose names begin the same, to a folder that you can write, and open the copy."
        )
    return damaged(path, error)
