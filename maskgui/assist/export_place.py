"""Where an export goes, and what it may replace there: its own earlier work, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

from maskgui.core.errors import UserError
from maskgui.core.files import file_identity
from maskgui.core.seal import Standing, require_own
from maskgui.imaging import IMAGE_SUFFIXES
from maskgui.project import Snapshot

FILE_NAME = "instances.json"
IMAGE_FOLDER = "images"
FILE_ENDINGS = IMAGE_SUFFIXES | {
    *(".csv", ".gz", ".html", ".jsonl", ".maskgui", ".md", ".ndjson", ".parquet", ".pdf"),
    *(".tar", ".toml", ".txt", ".xml", ".yaml", ".yml", ".zip"),
}
"""Endings of names by which nobody means a folder; "set.v2" may well be one."""

OWN = "an earlier export of this project"

Copy = tuple[Path, Path]
"""An image file and where its copy goes."""


def file_of(target: Path) -> Path:
    """Return the file to write for a .json file or a folder, which need not be there yet.

    Raises UserError where it is a file of another kind, or is named like one.
    """
    path = target if target.suffix.lower() == ".json" else _in_folder(target)
    if path.is_dir():
        raise UserError(f"“{path}” is a folder; give another name for the file.")
    return path


def settle_place(path: Path, project: Snapshot, copies: Sequence[Copy], overwrite: bool) -> str:
    """Return what the export's seal shall name as its author.

    An earlier export of the same project that nobody changed is replaced, and the copies beside it
    when it made some. `overwrite` replaces whatever stands there.

    Raises:
        Standing: something else stands there.
        UserError: a copy would take the place of its image.
    """
    for source, target in copies:
        identity = file_identity(target)
        if identity is not None and identity == file_identity(source):
            raise UserError(
                f"“{target}” is an image of the project itself, and a copy would take its place; "
                "choose another folder."
            )
    plain, with_copies = _authors(project)
    before = require_earlier(path, project, overwrite)
    if not overwrite and before != with_copies:
        for _, target in copies:
            if target.exists():
                raise Standing(target, f"a copy by {OWN}")
    return with_copies if copies or before == with_copies else plain


def require_earlier(path: Path, project: Snapshot, overwrite: bool) -> str | None:
    """Return the author of an earlier export of the project; None where anything may be replaced.

    Asked again before the export takes the place. Raises Standing.
    """
    return None if overwrite else require_own(path, _authors(project), OWN)


def _authors(project: Snapshot) -> tuple[str, str]:
    """Return the authors of the project's exports, without copies of images and with them."""
    meta = project.meta()
    plain = f"export of {meta.get('id') or meta.get('created', '')}"
    return plain, f"{plain} with images"


def _in_folder(folder: Path) -> Path:
    """Return the file to write in a folder, which need not be there yet."""
    if folder.is_dir():
        return folder / FILE_NAME
    if folder.exists():
        raise UserError(f"“{folder}” is a file and no .json; name a folder or a .json file.")
    if folder.suffix.lower() in FILE_ENDINGS:
        raise UserError(
            f"“{folder}” looks like a file, and COCO is written as .json; end the name in .json, "
            "or make a folder of that name first."
        )
    return folder / FILE_NAME
