"""Where a project's images lie, in a form that survives moving the project with its images."""

import datetime
import os
import uuid
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import maskgui
from maskgui.project.place import BACKUP_FOLDER


def root_meta(project: Path, root: Path) -> dict[str, str]:
    """Return the facts that a new project starts with; the image root in both forms."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {
        **root_entries(project, root),
        "id": uuid.uuid4().hex,
        "created": now,
        "application": maskgui.__version__,
    }


def root_entries(project: Path, root: Path) -> dict[str, str]:
    """Return the image root relative to the project's folder, and absolute."""
    root = root.absolute()
    try:
        relative = Path(os.path.relpath(root, project.absolute().parent)).as_posix()
    except ValueError:  # another drive
        relative = root.as_posix()
    return {"root": relative, "root_absolute": root.as_posix()}


def find_root(project: Path, meta: Mapping[str, Any]) -> Path:
    """Return the image root: beside the project as it was, else where it was first.

    A backup that is opened lies elsewhere than its project did: there the second counts.
    """
    beside = Path(os.path.normpath(project.parent / str(meta.get("root", "."))))
    first = Path(str(meta.get("root_absolute", beside)))
    moved = not beside.is_dir() or BACKUP_FOLDER in project.parts
    return first if moved and first.is_dir() else beside


def stored_path(root: Path, path: Path) -> str:
    """Return how a record names a file: POSIX, relative to the root when it lies below it."""
    full = Path(os.path.normpath(path.absolute()))
    try:
        return full.relative_to(root).as_posix()
    except ValueError:
        return full.as_posix()


def stays_inside(path: str) -> bool:
    """Whether a record's path is safe to write to below some folder of ours.

    Records from a stranger's file may be absolute or climb out by `..`: those are only read.
    """
    parts = PurePosixPath(path.replace("\\", "/"))
    return bool(path) and not parts.is_absolute() and ".." not in parts.parts and ":" not in path
