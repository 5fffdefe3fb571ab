"""Putting a backup in the place of a damaged project, which is kept beside it."""

import contextlib
import datetime
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from maskgui.project import connect
from maskgui.project.backup import find_fault
from maskgui.project.errors import ProjectError
from maskgui.project.lock import ProjectLock

STAMP = "%Y%m%dT%H%M%S%f"
COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file; it must not be played into another one of that name."""


def time_of(backup: Path) -> datetime.datetime:
    """Return when a backup was made, in local time; its file's time where its name was changed."""
    try:
        made = datetime.datetime.strptime(backup.name.split("-")[0], STAMP)
    except ValueError:
        return datetime.datetime.fromtimestamp(backup.stat().st_mtime).astimezone()
    return made.replace(tzinfo=datetime.UTC).astimezone()


def image_count(backup: Path) -> int:
    """Return how many images a backup has. Raises sqlite3.Error."""
    with closing(connect.connect(backup, read_only=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM images").fetchone()[0])


def restore(project: Path, backup: Path) -> Path:
    """Put a copy of a backup in a damaged project's place; return where that one is kept.

    Both names are whole at any moment. Raises ProjectInUse when a window has the project, and
    ProjectError, with everything as it was, when the backup is damaged too or nothing can be
    written.
    """
    lock = ProjectLock(project)
    copy = project.with_name(f"{project.name}.{os.getpid()}.part")
    try:
        shutil.copyfile(backup, copy)
        if fault := find_fault(copy):
            raise ProjectError(f"The backup {backup} is damaged too ({fault}); choose another one.")
        aside = _free_name(project)
        _put_aside(project, aside)
        copy.replace(project)
    except (OSError, sqlite3.Error) as error:
        raise ProjectError(
            f"The backup could not be put in the place of {project} ({error}); nothing was "
            f"changed, and the backup is {backup}."
        ) from error
    finally:
        copy.unlink(missing_ok=True)
        lock.release()
    return aside


def _free_name(project: Path) -> Path:
    """Return a name that says what it is, and that is not taken for a project of the folder."""
    now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    name = project.with_name(f"{project.name}.damaged-{now}")
    number = 1
    while name.exists():
        number += 1
        name = project.with_name(f"{project.name}.damaged-{now}-{number}")
    return name


def _put_aside(project: Path, aside: Path) -> None:
    for end in COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            project.with_name(project.name + end).replace(aside.with_name(aside.name + end))
    try:
        os.link(project, aside)
    except OSError:  # a file system without second names
        project.replace(aside)
