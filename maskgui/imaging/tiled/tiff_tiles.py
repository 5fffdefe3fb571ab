"""TIFF in pieces: any region of a tiled file, or a striped file from top to bottom."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from maskgui.imaging import tiff
from maskgui.imaging.errors import ImageError
from maskgui.imaging.opencv import cv2
from maskgui.imaging.pixels import Raw, Rgb, finish
from maskgui.imaging.tiled.grid import Box, fitted
from maskgui.imaging.window import Window

_MOST_BYTES = 128 << 20  # of one decoded tile or strip
_CACHE_BYTES = 32 << 20
_PREVIEW_TILES = (60, 240, 960)  # of the first pictures of the whole
_WINDOW_PIECES, _WINDOW_STEP = 160, 7  # tiles that the window of deep samples is settled by
_PREVIEW_SIDE = 8192  # a smaller picture inside the file is read whole up to here
_KNOWN_COLORS = {0, 1, 2, 5, 6}  # grey either way, RGB, inks, YCbCr
_YCBCR, _JPEG = 6, 7


class _Segments:
    """The tiles or strips of a file's first page, each decoded by itself."""

    def __init__(self, path: Path, window: Window) -> None:
        self._path = path
        self.info = tiff.read_info(path)
        self._file = tifffile.TiffFile(path)
        try:
            self.page = tiff.first_page(self._file)
            self._check()
        except BaseException:
            self._file.close()
            raise
        self._lock = threading.Lock()
        self.width, self.height = self.info.width, self.info.height
        self.orientation, self.note = self.info.orientation, self.info.note
        self.kind: object = ("tiff", window)
        self._window = window
        if self._dtype.itemsize > 1:
            self._window = _Settled(*window.levels(self._sample()))

    def _check(self) -> None:
        """Refuse what cannot be read in pieces, each for its reason."""
        page = self.page
        side = page.chunks[:2]
        known = int(page.photometric) in _KNOWN_COLORS
        if int(page.photometric) == _YCBCR and int(page.compression) != _JPEG:
            known = False
        if int(page.planarconfig) != 1 and self.info.bands > 1:
            self._refuse("its bands are stored apart; save it with interleaved bands")
        if not known or self._dtype.kind == "c":
            self._refuse("its kind of colour is not read in pieces; save it as RGB")
        if len(page.chunks) != 3 and len(page.shape) != 2:
            self._refuse("it has depth; save one plane of it")
        if int(np.prod(side)) * self.info.bands * self._dtype.itemsize > _MOST_BYTES:
            self._refuse(
                f"it is stored in pieces of {side[1]} x {side[0]} pixels, too large to be read "
                "one by one; save it in tiles of 256 x 256"
            )

    def _refuse(self, reason: str) -> None:
        size = f"at {self.info.width} x {self.info.height} pixels "
        raise ImageError(self._path, size + reason)

    @property
    def _dtype(self) -> np.dtype[Any]:
        if self.page.dtype is None:
            raise ValueError("its samples are of an unknown type")
        return self.page.dtype

    @property
    def chunk(self) -> tuple[int, int]:
        """Height and width of a tile or strip."""
        return int(self.page.chunks[0]), int(self.page.chunks[1])

    def samples(self, index: int) -> NDArray[Any]:
        """Return a tile's or strip's samples, h x w x bands. Raises what codecs raise."""
        with self._lock:
            handle = self._file.filehandle
            handle.seek(self.page.dataoffsets[index])
            data = handle.read(self.page.databytecounts[index]) or None
        tables = self.page.jpegtables
        decoded, _, shape = self.page.decode(data, index, jpegtables=tables)
        if decoded is None:  # a sparse file leaves out what is empty
            return np.zeros((*shape[1:3], self.info.bands), self._dtype)
        high, wide = self.chunk
        row, column = divmod(index, -(-self.width // wide))
        whole = np.asarray(decoded[0])  # an edge tile is filled up with what is no image
        return whole[: self.height - row * high, : self.width - column * wide]

    def rgb(self, samples: NDArray[Any]) -> Rgb:
        """Return samples h x w x bands as RGB, not turned."""
        raw = tiff.raw_of(self.page, self.info, samples)
        return finish(Raw(raw.pixels, raw.alpha), self._window)

    def _sample(self) -> NDArray[Any]:
        """Return samples of a few tiles or strips all over the image, for its window."""
        count = len(self.page.dataoffsets)
        picked = np.unique(np.linspace(0, count - 1, _WINDOW_PIECES).astype(int))
        parts = [tiff.raw_of(self.page, self.info, self.samples(int(i))).pixels for i in picked]
        return np.concatenate([part.reshape(-1)[::_WINDOW_STEP] for part in parts])

    def smaller(self) -> Rgb | None:
        """Return the file's own smaller picture of the page, where it has one of a good size."""
        levels = self._file.series[0].levels[1:]
        fitting = [one for one in levels if max(one.shape[:2]) <= _PREVIEW_SIDE]
        if not fitting or len(fitting[0].shape) not in (2, 3):
            return None
        samples = fitting[0].asarray()
        return self.rgb(samples.reshape(*samples.shape[:2], -1))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _Settled(Window):
    """A window whose levels are known: the same in every tile."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        object.__setattr__(self, "_levels", (low, high))

    def levels(self, samples: NDArray[Any]) -> tuple[float, float]:  # noqa: ARG002
        """Return the levels, whatever the samples."""
        found: tuple[float, float] = self.__dict__["_levels"]
        return found


class TiffTiles(_Segments):
    """A tiled TIFF: any region, from several threads."""

    def __init__(self, path: Path, window: Window) -> None:
        super().__init__(path, window)
        self._held: OrderedDict[int, Rgb] = OrderedDict()
        height, width = self.chunk
        self._room = max(4, _CACHE_BYTES // (3 * width * height))

    def region(self, box: Box) -> Rgb:
        """Return the pixels of a box, as stored."""
        x0, y0, x1, y1 = box
        high, wide = self.chunk
        across = -(-self.width // wide)
        made = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        for row in range(y0 // high, -(-y1 // high)):
            for column in range(x0 // wide, -(-x1 // wide)):
                tile = self._tile(row * across + column)
                left, top = column * wide, row * high
                a0, b0 = max(x0, left), max(y0, top)
                a1 = min(x1, left + tile.shape[1])
                b1 = min(y1, top + tile.shape[0])
                made[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0] = tile[
                    b0 - top : b1 - top, a0 - left : a1 - left
                ]
        return made

    def _tile(self, index: int) -> Rgb:
        with self._lock:
            held = self._held.get(index)
        if held is not None:
            return held
        made = self.rgb(self.samples(index))
        with self._lock:
            self._held[index] = made
            while len(self._held) > self._room:
                self._held.popitem(last=False)
        return made

    def bands(self, rows: int) -> Iterator[Rgb]:
        """Return the image from top to bottom, `rows` at a time."""
        for y in range(0, self.height, rows):
            yield self.region((0, y, self.width, min(self.height, y + rows)))

    def preview(self, size: tuple[int, int]) -> Iterator[tuple[int, Rgb]]:
        """Return first pictures of the whole: its row 0, and width x height pixels.

        A file's own smaller picture serves; else the mean colours of some tiles.
        """
        own = self.smaller()
        if own is not None:
            yield 0, fitted(own, size)
            return
        for count in _PREVIEW_TILES:
            yield 0, fitted(self._means(count), size)

    def _means(self, count: int) -> Rgb:
        """Return a small picture of the mean colours of about `count` tiles."""
        high, wide = self.chunk
        down, across = -(-self.height // high), -(-self.width // wide)
        step = max(1, int(np.sqrt(down * across / count)))
        rows, columns = range(step // 2, down, step), range(step // 2, across, step)
        means = [
            [cv2.mean(self.rgb(self.samples(row * across + column)))[:3] for column in columns]
            for row in rows
        ]
        return np.clip(np.array(means) + 0.5, 0, 255).astype(np.uint8)


class TiffStrips(_Segments):
    """A striped TIFF: from top to bottom only."""

    def bands(self, rows: int) -> Iterator[Rgb]:
        """Return the image from top to bottom, `rows` at a time."""
        waiting: list[Rgb] = []
        held = 0
        for index in range(len(self.page.dataoffsets)):
            strip = self.rgb(self.samples(index))
            waiting.append(strip)
            held += len(strip)
            while held >= rows:
                whole = np.concatenate(waiting)
                yield whole[:rows]
                waiting, held = [whole[rows:]], held - rows
        if held:
            yield np.concatenate(waiting)

    def preview(self, size: tuple[int, int]) -> Iterator[tuple[int, Rgb]]:
        """Return first pictures, from rows of strips here and there."""
        own = self.smaller()
        if own is not None:
            yield 0, fitted(own, size)
            return
        count = len(self.page.dataoffsets)
        picked = np.unique(np.linspace(0, count - 1, min(count, 48)).astype(int))
        rows = [fitted(self.rgb(self.samples(int(index))), (size[0], 1)) for index in picked]
        yield 0, fitted(np.concatenate(rows), size)
