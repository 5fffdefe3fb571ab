"""Where a project and its backups lie: beside the images, or in the user's data folder."""

import glob
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

SUFFIX = ".maskgui"
BACKUP_FOLDER = ".maskgui-backups"
RECOVERED = " (recovered "
"""In the name of a project that was kept beside the file that took its place."""


@dataclass(frozen=True)
class Place:
    """A project's path, and a sentence for the person when it is not the usual one."""

    path: Path
    notice: str | None = None


def is_writable(folder: Path) -> bool:
    """Whether a file can be made in a folder; asked by making one, as permissions may lie."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _user_folder(kind: str) -> Path:
    return Path(platformdirs.user_data_path("maskgui", appauthor=False)) / kind


def _unique_name(path: Path) -> str:
    """Return a name that no other path shares: two folders may both be called `train`."""
    digest = hashlib.sha256(str(path.absolute()).encode(errors="surrogateescape")).hexdigest()
    return f"{path.name}-{digest[:8]}"


def place_for(folder: Path) -> Place:
    """Return the project of an image folder: the one there is, or where a new one belongs.

    A project beside the images comes first, then one in the user's data folder; a new one goes
    beside the images unless that folder is read-only. The data folder is made when needed.
    """
    folder = folder.absolute()
    beside = folder / f"{folder.name or 'project'}{SUFFIX}"
    if beside.exists():
        return Place(beside, _notice_of_recovered(beside))
    others = [path for path in sorted(folder.glob(f"*{SUFFIX}")) if path.is_file()]
    others.sort(key=lambda path: RECOVERED in path.stem)  # what was there before comes first
    if others:
        return Place(others[0], _notice_of_recovered(others[0]))
    away = _user_folder("projects") / f"{_unique_name(folder)}{SUFFIX}"
    notice = f"{folder} is read-only, so the project is kept in {away}."
    if away.exists():
        return Place(away, notice)
    if is_writable(folder):
        return Place(beside)
    away.parent.mkdir(parents=True, exist_ok=True)
    return Place(away, notice)


def _notice_of_recovered(project: Path) -> str | None:
    found = sorted(project.parent.glob(f"{glob.escape(project.stem)}{RECOVERED}*){SUFFIX}"))
    if not found:
        return None
    return (
        f"“{project.name}” was replaced by another program while it was open; the work of then is "
        f"in “{found[-1].name}” beside it."
    )


def backup_folders(project: Path) -> tuple[Path, Path]:
    """Return where a project's backups lie: beside it, or in the user's data folder."""
    return (
        project.parent / BACKUP_FOLDER / project.stem,
        _user_folder("backups") / _unique_name(project.with_suffix("")),
    )
