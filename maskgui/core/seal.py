"""What a command writes at a file's end, to know its own work again as long as nobody changed it.

`"maskgui": {"written_by": "segment", "digest": "..."}`: the digest is blake2b of all bytes before
it. In JSON the seal is the last member of the object, in HTML a comment. So a command run again
replaces its earlier result, and never what a person or another program made.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from maskgui.core.errors import UserError
from maskgui.core.files import atomic_file, require_writable

MEMBER = "maskgui"
"""The seal's name; a reader of JSON leaves this member out."""
DIGEST_BYTES = 16
MOST = 1024
"""Bytes that a seal takes at the most."""
PIECE = 1 << 20

_SEAL = re.compile(
    rb'"%b": \{"written_by": ("[^"\\]*"), "digest": "([0-9a-f]{%d})"\}(?:\}| -->)\n\Z'
    % (MEMBER.encode(), 2 * DIGEST_BYTES)
)


class Sealed:
    """A file on its way to the disk that gets a seal at its end."""

    def __init__(self, file: BinaryIO, written_by: str) -> None:
        self._file = file
        self._hash = hashlib.blake2b(digest_size=DIGEST_BYTES)
        self._written_by = written_by

    def write(self, data: bytes) -> None:
        """Write a piece of the content."""
        self._hash.update(data)
        self._file.write(data)

    def end_json(self) -> None:
        """End a JSON object, of which all is written but the closing brace."""
        self._end(b", ", b"}")

    def end_html(self) -> None:
        """End a page."""
        self._end(b"<!-- ", b" -->")

    def _end(self, before: bytes, after: bytes) -> None:
        name = json.dumps(self._written_by)
        self.write(before + f'"{MEMBER}": {{"written_by": {name}, "digest": "'.encode("ascii"))
        self._file.write(self._hash.hexdigest().encode("ascii") + b'"}' + after + b"\n")


def write_sealed_json(path: Path, data: bytes, author: str, overwrite: bool = False) -> None:
    """Write a JSON object that has members, with a seal as the last of them. See `_sealed`."""
    with _sealed(path, author, overwrite) as sealed:
        sealed.write(data.rstrip().removesuffix(b"}").rstrip())
        sealed.end_json()


def write_sealed_html(path: Path, data: bytes, author: str, overwrite: bool = False) -> None:
    """Write a page with a seal behind it. See `_sealed`."""
    with _sealed(path, author, overwrite) as sealed:
        sealed.write(data)
        sealed.end_html()


@contextmanager
def _sealed(path: Path, author: str, overwrite: bool) -> Iterator[Sealed]:
    """Write a file as `atomic_file` does, and look once more whose work it would replace.

    Hours may lie between `require_place` and this. Raises Failure or Standing.
    """

    def look(_: Path) -> None:
        _keep_others(path, author, overwrite)

    with atomic_file(path, look) as file:
        yield Sealed(file, author)


def author_of(path: Path) -> str | None:
    """Return who wrote a file, None where it has no seal, or another content than at that time."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = file.seek(max(0, size - MOST))
        found = _SEAL.search(file.read())
        if found is None:
            return None
        left = start + found.start(2)
        digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
        file.seek(0)
        while left:
            piece = file.read(min(left, PIECE))
            if not piece:
                return None
            digest.update(piece)
            left -= len(piece)
    if digest.hexdigest() != found[2].decode():
        return None
    return str(json.loads(found[1]))


class Standing(UserError):
    """What stands at a place is somebody else's work, and nobody asked to replace it."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"“{path}” is there already and is not {what}, or was changed since; "
            "give another name, or add --overwrite to replace it."
        )
        self.path = path


def require_place(path: Path, author: str, overwrite: bool) -> None:
    """Refuse a place where `author` can write nothing, or would replace what it did not write.

    Called before the work; writing the result looks again. Raises Failure or Standing.
    """
    require_writable(path)
    _keep_others(path, author, overwrite)


def _keep_others(path: Path, author: str, overwrite: bool) -> None:
    if not overwrite:
        require_own(path, [author], f"an earlier result of `{author}`")


def require_own(path: Path, authors: Collection[str], what: str) -> str | None:
    """Return which of `authors` wrote a file that nobody changed since; None where none stands.

    An empty file, as scripts make to reserve a name, is as good as none.
    what: their work in words, as "an earlier result of `segment`". Raises Standing for any other.
    """
    try:
        if not path.exists() or (path.is_file() and path.stat().st_size == 0):
            return None
        author = author_of(path)
    except OSError as error:
        raise Standing(path, what) from error
    if author not in authors:
        raise Standing(path, what)
    return author
