"""Writing a file so that the old one survives any failure."""

import contextlib
import errno
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from maskgui.core.errors import Failure, UserError
from maskgui.core.lock import FileLock, Held
from maskgui.core.words import counted


@contextlib.contextmanager
def atomic_file(path: Path, check: Callable[[Path], None] = lambda _: None) -> Iterator[BinaryIO]:
    """Open a temporary file in the same folder; at the end flush it to disk and replace `path`.

    `check` is called with the finished temporary file and may raise to refuse it. Raises Failure
    with one sentence when the disk is full or the folder cannot be written. Whatever is raised,
    also by the caller's block, what stood at `path` before is untouched.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        check(temporary)
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_atomic(path: Path, data: bytes) -> None:
    """Write the bytes of a file at once. See `atomic_file`."""
    with atomic_file(path) as file:
        file.write(data)


def require_writable(path: Path) -> None:
    """Refuse a place where a file could not be written, before the work that would fill it.

    Makes the folder; what stands at `path` is left as it is. Raises Failure with one sentence.
    """
    probe = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise unwritable(path, error) from error


@contextlib.contextmanager
def sole_writer(path: Path, what: str) -> Iterator[None]:
    """Keep other processes from making `path` meanwhile, by a lock on PATH.lock beside it.

    Raises UserError where another one is at it: "`what` is writing PATH". Failure where the folder
    cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f"{path.name}.lock"))
    except Held as error:
        raise UserError(
            f"{what} is writing “{path}” already; wait for it, or give another place."
        ) from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def file_identity(path: Path) -> tuple[int, int] | None:
    """Return what is the same by whatever path a file or folder is reached; None where none is."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return status.st_dev, status.st_ino


def file_stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file's content: (mtime in ns, bytes); None where no file is."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size


def is_text(name: str) -> bool:
    """Whether a file's name is valid text: others come from Linux as surrogates for their bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown_name(name: str) -> str:
    """Return a file's name for people, with a sign in the place of what is no text."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


def refusal(names: Sequence[str]) -> str:
    """Return the sentence on files and folders whose names are no valid text, "" for none."""
    if not names:
        return ""
    first, more = shown_name(names[0]), len(names) - 1
    others = f" and {counted(more, 'other')}" if more else ""
    why = "their names are" if more else "its name is"
    it = "them" if more else "it"
    return f"“{first}”{others} cannot be opened, as {why} no valid text; rename {it} first."


def unwritable(path: Path, error: OSError) -> Failure:
    """Return the sentence for a place where something could not be written."""
    reason = error.strerror or type(error).__name__
    return Failure(f"“{path}” could not be written ({reason}); choose another place.")
