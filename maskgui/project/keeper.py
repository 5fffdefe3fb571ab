"""Keeping an open project at its place when its files are deleted or replaced there.

SQLite would go on writing to files without a name, and everything would be gone with the process.
What is open is whole for as long as it stays open, so it is written anew from there.
"""

import contextlib
import datetime
import logging
import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from maskgui.project import connect
from maskgui.project.errors import ProjectError, ProjectInUse, Unhoused
from maskgui.project.explain import why_not_written
from maskgui.project.lock import ProjectLock
from maskgui.project.place import RECOVERED
from maskgui.project.watch import Fate, Watch

log = logging.getLogger(__name__)

Move = Callable[[Path, sqlite3.Connection], None]
"""Reads from a path from now on, and closes the connection given and all others to the old one."""


class Keeper:
    """Holds the lock of an open project and looks after its files; used by the writer's thread.

    move: called with the new path, which may be the same, and the old write connection.
    """

    def __init__(self, path: Path, lock: ProjectLock, move: Move) -> None:
        self.path = path
        self.notice = ""
        """What became of the files, in a sentence for the person; "" once that was said."""
        self._lock = lock
        self._move = move
        self._place = Path(os.path.realpath(path))  # SQLite's names lead through no links
        self._watch = Watch(self._place)

    def look(self, writing: sqlite3.Connection) -> sqlite3.Connection:
        """Return the connection to write with: a new one where the files had to be written anew.

        Raises Unhoused, with all of the project still open, while that is not possible.
        """
        fate = self._watch.fate()
        if fate is Fate.KEPT and self._lock.is_named():
            return writing
        if fate is Fate.LOST:
            raise Unhoused(
                f"{self.path.parent} was deleted with the project in it; make a folder of that "
                "name again and keep this window open, then the project is written there."
            )
        try:
            return self._settle(writing, fate)
        except (OSError, sqlite3.Error, ProjectError) as error:
            reason = str(error) if isinstance(error, ProjectError) else ""
            reason = reason.rstrip(".") or why_not_written(error, self.path)
            raise Unhoused(
                f"{self.path} was deleted or replaced by another program and cannot be written "
                f"again yet, which is tried every second: {reason}."
            ) from error

    def is_in_place(self) -> bool:
        """Whether no other file has one of the project's names: SQLite removes its log by name."""
        return self._watch.fate() is Fate.KEPT

    def release(self) -> None:
        """Let others in."""
        self._lock.release()

    def _settle(self, writing: sqlite3.Connection, fate: Fate) -> sqlite3.Connection:
        """Write what is open to the place that its fate leaves it."""
        if not self._place.parent.is_dir():
            return writing  # moved with its folder, and the lock with it
        target, lock = self._claim(fate)
        try:
            if fate is not Fate.KEPT or target != self._place:
                writing = self._write_anew(writing, target)
        except BaseException:
            if lock is not self._lock:
                lock.release()
            raise
        if lock is not self._lock:
            self._lock.release()
            self._lock = lock
        return writing

    def _claim(self, fate: Fate) -> tuple[Path, ProjectLock]:
        """Return the place where the project may be from now on, and the lock on it."""
        if fate is not Fate.TAKEN:
            if self._lock.is_named():
                return self._place, self._lock
            with contextlib.suppress(ProjectInUse):  # another window came in meanwhile
                return self._place, ProjectLock(self.path)
        target = _free_name(self._place)
        return target, ProjectLock(target)

    def _write_anew(self, old: sqlite3.Connection, target: Path) -> sqlite3.Connection:
        """Copy what is open to `target`, move there, and return its write connection."""
        unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            _copy(old, unfinished)
            self._take_log_away(old, target)
            _put(unfinished, target, over=target in self._watch.own())
        finally:
            unfinished.unlink(missing_ok=True)
        fresh = connect.connect(target)
        try:
            self._move(self.path if target == self._place else target, old)
        except BaseException:
            fresh.close()
            raise
        connect.prepare_writer(fresh)
        self._tell(target)
        self._watch = Watch(target)
        if target != self._place:
            self.path = self._place = target
        return fresh

    def _take_log_away(self, old: sqlite3.Connection, target: Path) -> None:
        """Remove our log's names, else it would be played into the other file of its name.

        They stay where another window has come in and works on the same file and log. SQLite
        itself removes nothing when a connection closes whose file is no more at its place.
        """
        connect.empty_wal(old)  # the file is whole by itself, also where it was moved to
        own = self._watch.own()
        if target != self._place and self._place in own:
            return
        for name in own:
            if name != self._place:
                name.unlink()

    def _tell(self, target: Path) -> None:
        if target == self._place:
            self.notice = (
                f"Files of the project “{target.name}” were deleted or moved away; it has been "
                "written again with everything in it."
            )
        else:
            self.notice = (
                f"Another program replaced “{self.path.name}”, so your work is kept beside it in "
                f"“{target.name}”, and you go on in that one."
            )
        log.warning("%s", self.notice)


def _copy(source: sqlite3.Connection, target: Path) -> None:
    """Write all that a connection sees to a new file, durably."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _put(unfinished: Path, target: Path, *, over: bool) -> None:
    """Give a file its name; unless `over`, never that of another. Raises OSError."""
    if over:
        unfinished.replace(target)
        return
    try:
        os.link(unfinished, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names
        if target.exists():
            raise
        unfinished.replace(target)


def _free_name(project: Path) -> Path:
    """Return a name beside a project for what was open when it was replaced."""
    stem = re.sub(rf"{re.escape(RECOVERED)}[^)]*\)$", "", project.stem)
    now = datetime.datetime.now().strftime("%Y-%m-%d %H.%M.%S")
    name, number = project.with_name(f"{stem}{RECOVERED}{now}){project.suffix}"), 1
    while name.exists():
        number += 1
        name = project.with_name(f"{stem}{RECOVERED}{now}, {number}){project.suffix}")
    return name
