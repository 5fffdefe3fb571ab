"""JPEG and PNG from top to bottom, through libvips: a band of rows in memory at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskgui.imaging.errors import ImageError
from maskgui.imaging.header import Header
from maskgui.imaging.pixels import Raw, Rgb, finish
from maskgui.imaging.tiled.grid import fitted
from maskgui.imaging.window import Window

_ROWS_AT_ONCE = 128
_SMALLEST = 8  # libjpeg's strongest shrinking while decoding


class VipsRows:
    """A JPEG or PNG file as a source. Raises ImageError where it cannot be read in bands."""

    def __init__(self, path: Path, header: Header, window: Window) -> None:
        self._path, self._format, self._window = path, header.format, window
        first = self._open(1)
        self.width, self.height = int(first.width), int(first.height)
        self.orientation, self.note = header.orientation, header.note
        self.kind: object = (header.format, window)
        if str(first.interpretation) == "cmyk":
            raise ImageError(
                path,
                f"at {self.width} x {self.height} pixels its ink colours (CMYK) are not read in "
                "pieces; save it as RGB",
            )
        if first.format != "uchar":
            raise ImageError(
                path,
                f"at {self.width} x {self.height} pixels its 16-bit samples are not read in "
                "pieces; save it as a tiled TIFF",
            )

    def _open(self, shrink: int) -> Any:
        import pyvips  # noqa: PLC0415 - half a second, and only for the largest files

        if self._format == "PNG":
            return pyvips.Image.pngload(str(self._path), access="sequential", fail_on="truncated")
        return pyvips.Image.jpegload(
            str(self._path), shrink=shrink, access="sequential", fail_on="truncated"
        )

    def bands(self, rows: int) -> Iterator[Rgb]:
        """Return the image from top to bottom, `rows` at a time, as stored."""
        yield from self._bands(self._open(1), rows)

    def preview(self, size: tuple[int, int]) -> Iterator[tuple[int, Rgb]]:
        """Return bands of the image at an eighth and the row each begins at; JPEG only."""
        if self._format == "PNG":
            return
        image = self._open(_SMALLEST)
        scale = size[1] / image.height
        row = 0
        for band in self._bands(image, _ROWS_AT_ONCE):
            top, bottom = round(row * scale), round((row + len(band)) * scale)
            row += len(band)
            if bottom > top:
                yield top, fitted(band, (size[0], bottom - top))

    def _bands(self, image: Any, rows: int) -> Iterator[Rgb]:
        import pyvips  # noqa: PLC0415

        region = pyvips.Region.new(image)
        shape = image.width, image.bands
        for top in range(0, image.height, rows):
            bottom = min(image.height, top + rows)
            band = np.empty((bottom - top, *shape), np.uint8)
            for y in range(top, bottom, _ROWS_AT_ONCE):
                high = min(_ROWS_AT_ONCE, bottom - y)
                data = region.fetch(0, y, image.width, high)
                band[y - top : y - top + high] = np.frombuffer(data, np.uint8).reshape(high, *shape)
            yield self._rgb(band)

    def _rgb(self, band: NDArray[np.uint8]) -> Rgb:
        alpha = band.shape[2] in (2, 4)
        if band.shape[2] == 1:
            return finish(Raw(band[..., 0]), self._window)
        return band if not alpha else finish(Raw(band, True), self._window)

    def close(self) -> None:
        """Nothing stays open between bands."""
