"""Find the images of a folder, in the order that a person expects."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

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


def scan_folder(folder: Path | str, recursive: bool = True) -> list[str]:
    """Return the images in `folder` as POSIX paths relative to it, sorted naturally.

    By suffix only; nothing is opened. Hidden files and folders and the application's own are
    left out, and names that are not valid text (no project or data set could hold them). A
    folder reached a second time through a link is not entered again; one that may not be read
    is passed over. Raises ImageError when `folder` itself cannot be read.
    """
    folder = Path(folder)
    found: list[str] = []
    seen = set[tuple[int, int]]()
    pending = [(str(folder), "")]
    with reasons(folder):
        os.scandir(folder).close()
    while pending:
        place, prefix = pending.pop()
        try:
            folders, links = _scan_one(place, prefix, found, seen)
        except PermissionError:
            continue
        if recursive:
            pending[:0] = links  # after every real folder, which then lends its name
            pending.extend(folders)
    return [found[place] for place in natural_order(found)]


_Places = list[tuple[str, str]]


def _scan_one(
    place: str, prefix: str, found: list[str], seen: set[tuple[int, int]]
) -> tuple[_Places, _Places]:
    """Add the images of one folder to `found`; return its folders, and its links to folders."""
    status = Path(place).stat()
    if (status.st_dev, status.st_ino) in seen:
        return [], []
    seen.add((status.st_dev, status.st_ino))
    folders: _Places = []
    links: _Places = []
    with os.scandir(place) as entries:
        for entry in entries:
            name = entry.name
            if name[0] == "." or not (name.isascii() or _is_text(name)):
                continue
            if name[name.rfind(".") :].lower() in IMAGE_SUFFIXES and entry.is_file():
                found.append(prefix + name)
            elif entry.is_dir() and _OWN_FOLDER not in name:
                (links if entry.is_symlink() else folders).append((entry.path, f"{prefix}{name}/"))
    return folders, links


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
