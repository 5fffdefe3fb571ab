"""Find the images of a folder, in the order that a person expects."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from maskgui.core.files import file_identity, is_text
from maskgui.imaging.errors import reasons

_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif", ".jp2"}
_OTHERS = {".png", ".tif", ".tiff", ".webp", ".bmp", ".dib", ".gif", ".avif"}
_PORTABLE = {".pgm", ".ppm", ".pbm", ".pnm"}
IMAGE_SUFFIXES = frozenset(_JPEG | _OTHERS | _PORTABLE)
_OWN_FOLDER = ".maskgui"  # in the name of a folder that the application keeps beside a project
_NUMBER = re.compile(r"\d+")
_FOLDER_END, _NUMBER_FOLLOWS = "\0", "\1"


def natural_key(path: str) -> str:
    """Return a sort key of a POSIX path under which img2 comes before img10, case aside.

    One string, as a hundred thousand are compared: the end of a folder's name sorts before a
    number in it, a number by its length before its digits, and both before any text.
    """
    folded = path.casefold().replace("/", _FOLDER_END)
    return f"{_NUMBER.sub(_sortable, folded)}{_FOLDER_END}{_FOLDER_END}{path}"


def natural_order(paths: Sequence[str]) -> list[int]:
    """Return the places of POSIX paths in the order of `natural_key`.

    Bare strings are sorted: the interpreter lock, and with it the window, is held meanwhile, three
    times as long for pairs.
    """
    keys = [f"{natural_key(path)}{_FOLDER_END}{place}" for place, path in enumerate(paths)]
    keys.sort()
    return [int(key.rpartition(_FOLDER_END)[2]) for key in keys]


def _sortable(number: re.Match[str]) -> str:
    digits = str(int(number[0]))
    return f"{_NUMBER_FOLLOWS}{chr(len(digits))}{digits}"


def scan_folder(
    folder: Path | str, recursive: bool = True, on_refused: Callable[[str], object] = lambda _: None
) -> list[str]:
    """Return the images in `folder` as POSIX paths relative to it, sorted naturally.

    By suffix only; nothing is opened. Hidden files and folders and the application's own are
    left out. Linked folders are entered, each folder once; a link to a file that is found anyway
    is left out. A folder that may not be read is passed over. Names that are not valid text, of
    images and of folders, go to `on_refused`: no project or data set could hold them. Raises
    ImageError when `folder` itself cannot be read.
    """
    with reasons(Path(folder)):
        os.scandir(folder).close()
    found: list[str] = []
    links: list[str] = []

    def enters(name: str) -> bool:
        if name[0] == "." or _OWN_FOLDER in name:
            return False
        if not is_text(name):
            on_refused(name)
            return False
        return True

    for prefix, entry in _files_below(folder, enters, recursive):
        name = entry.name
        if name[name.rfind(".") :].lower() not in IMAGE_SUFFIXES or name[0] == ".":
            continue
        if not _is(entry.is_file):
            continue
        if not is_text(name):
            on_refused(name)
        else:
            (links if entry.is_symlink() else found).append(prefix + name)
    found += _elsewhere(Path(folder), found, links)
    return [found[place] for place in natural_order(found)]


def files_by_name(folder: Path) -> dict[str, list[Path]]:
    """Return all files below a folder by base name, those of linked folders too."""
    found: dict[str, list[Path]] = defaultdict(list)
    for prefix, entry in _files_below(folder, lambda _: True):
        if _is(entry.is_file):
            found[entry.name].append(folder / (prefix + entry.name))
    return found


def one_file(paths: Sequence[Path]) -> Path | None:
    """Return the one file that all of some paths lead to, by the path that is no link, or None."""
    if len({path.resolve() for path in paths}) != 1:
        return None
    return min(paths, key=Path.is_symlink)


def _files_below(
    folder: Path | str, enters: Callable[[str], bool], recursive: bool = True
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what is no folder, each with the POSIX path of its folder.

    A folder is entered once, so links make no loops: after all real ones, which then lend their
    names. One that cannot be read is passed over.
    """
    seen = set[tuple[int, int] | None]()
    pending = [(str(folder), "")]
    while pending:
        place, prefix = pending.pop()
        try:
            identity = file_identity(Path(place))
            with os.scandir(place) as listed:
                entries = [] if identity in seen else list(listed)
        except OSError:
            continue
        seen.add(identity)
        folders: list[tuple[str, str]] = []
        links: list[tuple[str, str]] = []
        for entry in entries:
            if not _is(entry.is_dir):
                yield prefix, entry
            elif recursive and enters(entry.name):
                below = (entry.path, f"{prefix}{entry.name}/")
                (links if entry.is_symlink() else folders).append(below)
        pending[:0] = sorted(links, reverse=True)
        pending += sorted(folders, reverse=True)


def _elsewhere(folder: Path, found: Iterable[str], links: Iterable[str]) -> list[str]:
    """Return the linked files that are not among those found, each under one name."""
    names: dict[tuple[int, int] | None, str] = {}
    for name in links:
        identity = file_identity(folder / name)
        names[identity] = min(name, names.get(identity, name))
    for name in found if names else ():
        names.pop(file_identity(folder / name), None)
    return list(names.values())


def _is(kind: Callable[[], bool]) -> bool:
    """Ask an entry what it is; a link that leads to itself is nothing."""
    try:
        return kind()
    except OSError:
        return False
