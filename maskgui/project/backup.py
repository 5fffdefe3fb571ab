"""Rolling backups: copied by SQLite while the project is in use, and checked before they count."""

import datetime
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from maskgui.core.errors import Cancelled
from maskgui.project import connect
from maskgui.project.place import SUFFIX, backup_folders, is_writable

log = logging.getLogger(__name__)

PAGES_AT_ONCE = 4096
KEEP_NEWEST = 5
KEEP_DAYS = 14
INTERVAL_SECONDS = 600.0
GRACE_SECONDS = 2.0

DAMAGE = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def find_fault(path: Path) -> str | None:
    """Return what SQLite finds wrong in a file, None when it is whole."""
    try:
        with closing(connect.connect(path, read_only=True)) as connection:
            (result,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if result == "ok" else str(result)


def backups_of(project: Path) -> list[Path]:
    """Return a project's backups, the newest first. Their names begin with the time in UTC."""
    found = [path for folder in backup_folders(project) for path in folder.glob(f"*{SUFFIX}")]
    return sorted(found, key=lambda path: path.name, reverse=True)


def newest_good_backup(project: Path) -> Path | None:
    """Return the newest backup that still passes the check, None when there is none."""
    return next((path for path in backups_of(project) if find_fault(path) is None), None)


def make_backup(project: Path, stop: threading.Event | None = None) -> Path | None:
    """Copy a project beside itself, check the copy, and thin out the old ones.

    Returns the new backup; None when nothing changed since the last one, or when the project has
    no images, whose copy must not push out one that has. Raises sqlite3.Error or
    OSError, with the older backups as they were, ValueError when the copy is damaged, and
    Cancelled once `stop` is set.
    """
    older = backups_of(project)
    with closing(connect.connect(project, read_only=True)) as source:
        stamp = source.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()
        if stamp is None:
            raise ValueError("its revision is lost")
        revision = int(stamp[0])
        (images,) = source.execute("SELECT count(*) FROM images").fetchone()
        if not images or (older and older[0].stem.endswith(f"-{revision}")):
            return None
        folder = _writable_folder(project)
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%S%f")
        target = folder / f"{now}-{revision}{SUFFIX}"
        unfinished = target.with_suffix(f".{os.getpid()}.part")
        try:
            _copy(source, unfinished, stop or threading.Event())
            if fault := find_fault(unfinished):
                raise ValueError(fault)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    _thin_out(backups_of(project))
    return target


def _writable_folder(project: Path) -> Path:
    beside, away = backup_folders(project)
    folder = beside if is_writable(project.parent) else away
    folder.mkdir(parents=True, exist_ok=True)
    for leftover in folder.glob("*.part*"):  # of a process that was killed: the lock is ours
        leftover.unlink(missing_ok=True)
    return folder


def _copy(source: sqlite3.Connection, target: Path, stop: threading.Event) -> None:
    def look_up(status: int, remaining: int, total: int) -> None:
        del status, remaining, total
        if stop.is_set():
            raise Cancelled

    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.execute("BEGIN")  # one snapshot: edits made meanwhile do not start it over
        source.execute("SELECT count(*) FROM meta").fetchone()
        source.backup(copy, pages=PAGES_AT_ONCE, progress=look_up, sleep=0)
        source.execute("COMMIT")
        copy.execute("PRAGMA journal_mode = DELETE")


def _thin_out(backups: list[Path]) -> None:
    """Keep the newest few, and the last one of each of the newest days that have any."""
    last_of_day: dict[str, Path] = {}
    for path in backups:
        last_of_day.setdefault(path.name[:8], path)
    kept = {*backups[:KEEP_NEWEST], *list(last_of_day.values())[:KEEP_DAYS]}
    for path in backups:
        if path not in kept:
            path.unlink(missing_ok=True)


class BackupThread:
    """Makes a backup every ten minutes, off the main thread.

    at_once: whether the first one is made now. A project with nothing in it yet has none to make,
    and one that is just being filled is no state to go back to.
    """

    def __init__(self, project: Path, on_fault: Callable[[str], None], *, at_once: bool) -> None:
        self._project = project
        self._on_fault = on_fault
        self._at_once = at_once
        self._closing = threading.Event()
        self._give_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="project-backup", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a copy under way is given up when it takes more than a moment."""
        self._closing.set()
        self._thread.join(GRACE_SECONDS)
        self._give_up.set()
        self._thread.join()

    def _run(self) -> None:
        if not self._at_once and self._closing.wait(INTERVAL_SECONDS):
            return
        while True:
            try:
                make_backup(self._project, self._give_up)
            except Cancelled:
                return
            except ValueError as error:
                self._on_fault(str(error))
            except (sqlite3.Error, OSError) as error:
                log.warning("no backup of %s could be made", self._project, exc_info=True)
                if getattr(error, "sqlite_errorname", "").startswith(DAMAGE):
                    self._on_fault(str(error))
            if self._closing.wait(INTERVAL_SECONDS):
                return
