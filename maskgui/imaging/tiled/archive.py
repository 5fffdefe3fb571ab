"""The pyramid's file: tiles one after the other, and where each lies at the end.

Layout: magic, the tiles (horizontal differences of the samples, then zstd: exact, and quicker
than any picture format here), for each level a table of (offset, bytes) as little-endian int64
rows x columns x 2, and a footer with the tables' own place. Tiles are read while others are still
being written; only `finish` gives the file its name.
"""

import contextlib
import os
import threading
import uuid
import weakref
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from maskgui.imaging.pixels import Rgb
from maskgui.imaging.tiled.grid import Grid

_MAGIC = b"MGTILES1"
_FOOTER_BYTES = 16
PART = ".part"


class Archive:
    """Tiles of one image by level, column and row. Safe from several threads."""

    def __init__(self, path: Path, grid: Grid, *, new: bool) -> None:
        """Open a whole archive, or begin a new one beside it under a passing name.

        Raises OSError, and ValueError where the file is no archive of this grid.
        """
        self._grid = grid
        self._path = path
        self._lock = threading.Lock()
        self._tables = [
            np.zeros((*grid.shape(level)[::-1], 2), np.int64) for level in range(grid.depth + 1)
        ]
        self._place = path.with_name(f"{path.stem}.{uuid.uuid4().hex}{PART}") if new else path
        self._file = self._place.open("x+b" if new else "rb")
        weakref.finalize(self, self._file.close)
        self.whole = not new
        try:
            if new:
                self._end = self._file.write(_MAGIC)
            else:
                self._read_tables()
        except BaseException:
            self._file.close()
            raise

    def _read_tables(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        size = sum(table.nbytes for table in self._tables)
        self._file.seek(max(0, end - _FOOTER_BYTES))
        footer = self._file.read()
        start = int.from_bytes(footer[:8], "little")
        if footer[8:] != _MAGIC or end != start + size + _FOOTER_BYTES:
            raise ValueError(f"{self._path} is no archive of this image's tiles")
        self._file.seek(start)
        for level, table in enumerate(self._tables):
            data = np.frombuffer(self._file.read(table.nbytes), "<i8")
            self._tables[level] = data.reshape(table.shape)

    def has(self, level: int, column: int, row: int) -> bool:
        """Whether a tile was written."""
        return bool(self._tables[level][row, column, 1])

    def put(self, level: int, column: int, row: int, rgb: Rgb) -> None:
        """Add a tile. Raises OSError, as when the disk is full."""
        data = imagecodecs.zstd_encode(imagecodecs.delta_encode(rgb, axis=1).tobytes(), level=1)
        with self._lock:
            self._file.seek(self._end)
            self._file.write(data)
            self._tables[level][row, column] = self._end, len(data)
            self._end += len(data)

    def get(self, level: int, column: int, row: int) -> Rgb | None:
        """Return a tile, None where it was not written. Raises OSError or a codec's error."""
        offset, size = (int(figure) for figure in self._tables[level][row, column])
        if not size:
            return None
        with self._lock:
            self._file.seek(offset)
            data = self._file.read(size)
        x0, y0, x1, y1 = self._grid.tile_box(level, column, row)
        shape = y1 - y0, x1 - x0, 3
        flat = np.frombuffer(imagecodecs.zstd_decode(data, out=int(np.prod(shape))), np.uint8)
        tile: NDArray[np.uint8] = imagecodecs.delta_decode(flat.reshape(shape), axis=1)
        return tile

    def finish(self) -> None:
        """Write the tables, flush to disk and give the file its name. Raises OSError."""
        with self._lock:
            self._file.seek(self._end)
            for table in self._tables:
                self._file.write(table.astype("<i8").tobytes())
            self._file.write(self._end.to_bytes(8, "little") + _MAGIC)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()  # an open file cannot be renamed everywhere
            try:
                self._place.replace(self._path)
                self._place = self._path
            finally:
                self._file = self._place.open("rb")
                weakref.finalize(self, self._file.close)
            self.whole = True

    def close(self) -> None:
        """Close the file; one that is not whole is deleted."""
        with self._lock:
            self._file.close()
            if not self.whole:
                with contextlib.suppress(OSError):
                    self._place.unlink()
