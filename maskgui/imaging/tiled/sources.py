"""What a large image is read from, and which files can be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from maskgui.imaging.errors import ImageError, reasons
from maskgui.imaging.header import Header
from maskgui.imaging.pixels import Rgb
from maskgui.imaging.tiled.grid import Box
from maskgui.imaging.window import Window


class Source(Protocol):
    """A file that is read in pieces, RGB as stored (`orientation` is still to be applied)."""

    width: int
    height: int
    orientation: int
    note: str
    kind: object  # what decides on the pixels besides the file

    def preview(self, size: tuple[int, int]) -> Iterator[tuple[int, Rgb]]:
        """Yield first pictures of the whole, width x height, from the row that each begins at."""

    def bands(self, rows: int) -> Iterator[Rgb]:
        """Yield the image from top to bottom, `rows` at a time."""

    def close(self) -> None:
        """Let go of the file."""


@runtime_checkable
class Regions(Source, Protocol):
    """A file any piece of which can be read by itself; others go from top to bottom only."""

    def region(self, box: Box) -> Rgb:
        """Return the pixels of a box. Raises what codecs raise."""


def open_source(path: Path, header: Header, window: Window) -> Source:
    """Open a file to be read in pieces. Raises ImageError where that cannot be done."""
    with reasons(path):
        if header.format in ("JPEG", "PNG"):
            from maskgui.imaging.tiled.rows import VipsRows  # noqa: PLC0415

            return VipsRows(path, header, window)
        if header.format == "TIFF":
            return _open_tiff(path, window)
    raise ImageError(
        path,
        f"a {header.format} of {header.width} x {header.height} pixels is not read in pieces; "
        "save it as a tiled TIFF",
    )


def _open_tiff(path: Path, window: Window) -> Source:
    from maskgui.imaging import tiff  # noqa: PLC0415
    from maskgui.imaging.tiled.tiff_tiles import TiffStrips, TiffTiles  # noqa: PLC0415

    return TiffTiles(path, window) if tiff.is_tiled(path) else TiffStrips(path, window)
