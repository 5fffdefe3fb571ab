"""Thumbnails kept on disk between sessions: small, bounded, and safe to delete at any time."""

import contextlib
import hashlib
import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import platformdirs

from maskgui.core.stamp import stamp_of
from maskgui.imaging.decode import thumbnail
from maskgui.imaging.errors import ImageError, reasons
from maskgui.imaging.header import MAX_MEGAPIXELS
from maskgui.imaging.opencv import cv2
from maskgui.imaging.pixels import Rgb

_VERSION = 1  # of what a thumbnail looks like; a new one leaves the old files to be pruned
_QUALITY = 92
_KEPT_SHARE = 0.8  # of the limit, after pruning


class ThumbnailStore:
    """A folder of thumbnails, each named after its image's path, time, size and its own side.

    Safe from several threads and processes. A folder that cannot be written to costs speed only.
    """

    def __init__(self, folder: Path | None = None, limit_bytes: int = 200_000_000) -> None:
        """Use `folder`, or the user's cache; hold at most about `limit_bytes` there."""
        self.folder = folder or platformdirs.user_cache_path("maskgui") / "thumbnails"
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._stored: int | None = None  # bytes, once the folder has been looked through

    def load(self, path: Path, side: int, max_megapixels: float | None = MAX_MEGAPIXELS) -> Rgb:
        """Return the thumbnail of `path` as imaging.thumbnail does, from disk when it is there.

        Raises ImageError with the reason when the image itself cannot be opened.
        """
        place = self._place(path, side)
        kept = _read(place)
        if kept is not None:
            return kept
        made = thumbnail(path, side, max_megapixels)
        with contextlib.suppress(OSError, ImageError):
            if self._place(path, side) == place:  # else it may be of a file that came meanwhile
                self._write(place, made)
        return made

    def _place(self, path: Path, side: int) -> Path:
        with reasons(path):
            facts = (os.fspath(path.absolute()), *stamp_of(path), side, _VERSION)
        name = hashlib.sha256(repr(facts).encode("utf-8", "surrogatepass")).hexdigest()[:40]
        return self.folder / name[:2] / f"{name}.jpg"

    def _write(self, place: Path, rgb: Rgb) -> None:
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, suffix=".part", delete=False) as file:
            file.write(data)
        Path(file.name).replace(place)
        with self._lock:
            if self._stored is None:
                self._stored = sum(size for _, size, _ in self._files())
            else:
                self._stored += len(data)
            if self._stored > self.limit_bytes:
                self._stored = self._prune()

    def _files(self) -> list[tuple[int, int, Path]]:
        """Return (time, bytes, path) of each stored file, half-written ones included."""
        files = []
        for path in self.folder.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):  # another process prunes too
                status = path.stat()
                files.append((status.st_mtime_ns, status.st_size, path))
        return files

    def _prune(self) -> int:
        """Delete the oldest files until a share of the limit is left; return what is left."""
        files = sorted(self._files())
        left = sum(size for _, size, _ in files)
        for _, size, path in files:
            if left <= self.limit_bytes * _KEPT_SHARE:
                break
            path.unlink(missing_ok=True)
            left -= size
        return left


def _read(place: Path) -> Rgb | None:
    """Return a stored thumbnail; None where there is none, or one that was damaged."""
    try:
        data = np.frombuffer(place.read_bytes(), np.uint8)
    except OSError:
        return None
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    return None if decoded is None else np.asarray(decoded, np.uint8)
