"""Writing a file so that the old one survives any failure."""

import contextlib
import os
import uuid
from pathlib import Path

from maskgui.core.errors import Failure


def write_atomic(path: Path, data: bytes) -> None:
    """Write to a temporary name in the same folder, flush to disk, then replace `path`.

    Raises Failure with one sentence when the disk is full or the folder cannot be written;
    what stood at `path` before is untouched then.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        reason = error.strerror or type(error).__name__
        raise Failure(f"“{path}” could not be written ({reason}); choose another place.") from error
