"""Images entering and leaving a project, and found again after a move."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from maskgui.assist.headers import size_at
from maskgui.assist.roots import stays_inside, stored_path
from maskgui.core.document import Change, Edit
from maskgui.core.entities import ImageRecord
from maskgui.core.files import file_identity

if TYPE_CHECKING:
    from maskgui.assist.session import Session

LEFT_OUT = "left_out"
"""Setting: stored paths that a person took out of the project, so that no rescan adds them."""

FOUND_AT_ONCE = 10_000
"""Files of one edit when a folder is looked through: each is encoded in one go."""


def add_images(session: "Session", paths: Iterable[Path], author: str) -> list[int]:
    """Add image files as one edit; return the ids of all of them in order, known ones included.

    Nothing is opened: sizes are filled in by `fill_sizes` or when an image is first shown.
    """
    names = [stored_path(session.root, path) for path in paths]
    ids, _ = _add_named(session, names, author)
    return [ids[name] for name in names]


def _add_named(
    session: "Session", names: Iterable[str], author: str
) -> tuple[dict[str, int], list[int]]:
    """Add image files by stored path; return the ids of all images by path, and the new ones.

    Others add some too: which are new is seen in the turn, but what can be made before it is.
    """
    made = [ImageRecord(session.new_id(), name, 0, 0) for name in dict.fromkeys(names)]
    with session.turn:
        ids = {record.path: record.id for record in session.document.images.values()}
        added = [record for record in made if record.path not in ids]
        if added:
            _leave_out(session, remove=added)
            changes = tuple(Change(None, record) for record in added)
            session.apply(Edit(_counted("Add", len(added)), added[0].id, changes), author)
    ids |= {record.path: record.id for record in added}
    return ids, [record.id for record in added]


def remove_images(session: "Session", ids: Iterable[int]) -> None:
    """Take images and their instances out of the project as one edit; the files stay."""
    changes, records = [], []
    for image_id in ids:
        changes += [Change(item, None) for item in session.instances(image_id)]
        records.append(session.document.image(image_id))
    if records:
        changes += [Change(record, None) for record in records]
        _leave_out(session, add=records)
        session.apply(Edit(_counted("Remove", len(records)), None, tuple(changes)))


class Found(NamedTuple):
    """What looking through a project's folder gave."""

    added: list[int]  # images that are new
    missing: list[int]  # images whose file is gone
    refused: list[str]  # names that are no valid text


def look_through(session: "Session", author: str) -> Found:
    """Add the image files below the root that are new; see `Session.look_through`.

    Nothing is added to a project that was opened for reading only.
    """
    from maskgui.imaging import scan_folder

    if session.project.read_only:
        return Found([], find_missing(session), [])
    refused: list[str] = []
    present = set(names := scan_folder(session.root, on_refused=refused.append))
    missing = find_missing(session, present)
    known = {record.path for record in _records(session)}
    known.update(session.setting(LEFT_OUT) or ())
    new = [name for name in names if name not in known]
    linked = _linked(session, present)
    if linked:
        new = [name for name in new if file_identity(session.root / name) not in linked]
    added: list[int] = []
    for first in range(0, len(new), FOUND_AT_ONCE):
        added += _add_named(session, new[first : first + FOUND_AT_ONCE], author)[1]
    return Found(added, missing, refused)


def _linked(session: "Session", present: Collection[str]) -> set[tuple[int, int] | None]:
    """Return the files that images have by a path of their own, which no scan gives: a link's."""
    paths = (record.path for record in _records(session))
    return {file_identity(session.root / path) for path in paths if path not in present} - {None}


def find_missing(session: "Session", present: Collection[str] = ()) -> list[int]:
    """Return the images whose file is not where the project says.

    present: paths, as stored, of files that are there. Folders of others are listed once each;
    only what is not in its folder's list is looked at by itself.
    """
    listed: dict[str, set[str]] = {}
    missing = []
    for record in _records(session):
        if record.path in present:
            continue
        folder, _, name = record.path.rpartition("/")
        if folder not in listed:
            listed[folder] = _files_in(session.root / f"{folder}/")
        if name not in listed[folder] and not (session.root / record.path).is_file():
            missing.append(record.id)
    return missing


def _files_in(folder: Path) -> set[str]:
    """Return the names of the files in a folder; none where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except OSError:
        return set()


def relink(session: "Session", folder: Path) -> int:
    """Find missing images in a folder: by relative path, then by name and size.

    When none of the project's relative paths holds any more and some do in `folder`, that becomes
    the image root; the others are changed by one edit. Returns how many were found.
    """
    from maskgui.imaging import files_by_name

    missing = find_missing(session)
    _move_root(session, folder, missing)
    still = [session.document.image(image_id) for image_id in find_missing(session)]
    taken = {record.path for record in _records(session)}
    index = files_by_name(folder) if still else {}
    changes = []
    for record in still:
        path = _match(record, folder, index, taken, session.root)
        if path is not None:
            name = stored_path(session.root, path)
            taken.add(name)
            moved = msgspec.structs.replace(record, path=name, file_size=size_at(os.fspath(path)))
            changes.append(Change(record, moved))
    if changes:
        session.apply(Edit(_counted("Locate", len(changes)), None, tuple(changes)))
    return len(missing) - len(still) + len(changes)


def _move_root(session: "Session", folder: Path, missing: Sequence[int]) -> None:
    relative = [r for r in _records(session) if stays_inside(r.path)]
    lost = set(missing)
    all_lost = all(record.id in lost for record in relative)
    if all_lost and any((folder / record.path).is_file() for record in relative):
        session.set_root(folder)


def _match(
    record: ImageRecord,
    folder: Path,
    index: Mapping[str, Sequence[Path]],
    taken: set[str],
    root: Path,
) -> Path | None:
    """Return the file in `folder` that a missing record means, None when that is not certain."""
    from maskgui.imaging import one_file

    parts = PurePosixPath(record.path).parts
    for start in range(max(1, len(parts) - 1)):
        path = folder.joinpath(*parts[start:]) if stays_inside("/".join(parts[start:])) else None
        if path is not None and path.is_file() and stored_path(root, path) not in taken:
            return path
    same = [path for path in index.get(parts[-1], ()) if stored_path(root, path) not in taken]
    if record.file_size:
        same = [path for path in same if size_at(os.fspath(path)) == record.file_size]
    return one_file(same)


def _records(session: "Session") -> tuple[ImageRecord, ...]:
    """Return the images as they are now; other threads add some while one goes through them."""
    return tuple(session.document.images.values())


def _counted(verb: str, count: int) -> str:
    return f"{verb} image" if count == 1 else f"{verb} {count} images"


def _leave_out(
    session: "Session",
    add: Sequence[ImageRecord] = (),
    remove: Sequence[ImageRecord] = (),
) -> None:
    before = set(session.setting(LEFT_OUT) or ())
    after = (before | {record.path for record in add}) - {record.path for record in remove}
    if after != before:
        session.set_setting(LEFT_OUT, sorted(after))
