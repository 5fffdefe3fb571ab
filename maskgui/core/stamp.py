"""What tells whether a file is still the one that was read."""

from pathlib import Path

Stamp = tuple[int, int]
"""A file's time in ns and its bytes; another one is another content."""


def stamp_of(path: Path) -> Stamp:
    """Return the stamp of a file as it is now. Raises OSError where there is none."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def file_stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file as it is now, None where there is none."""
    try:
        return stamp_of(path)
    except (OSError, ValueError):
        return None
