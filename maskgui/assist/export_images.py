"""Image files beside an exported data set: copied as they are, turned upright where EXIF asks."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from maskgui.core.files import atomic_file, write_atomic
from maskgui.imaging import ImageError, read_header, read_rgb
from maskgui.imaging.header import Header
from maskgui.imaging.tiled import is_large, open_tiled, write_upright

JPEG_QUALITY = 95


class ImageCopies:
    """Copies of images, from and to the paths given; a context manager.

    Where its block fails, those go again that took nobody's place: beside an export that was not
    kept they would stand as somebody else's files in the way of the next one.
    """

    def __init__(self, places: Sequence[tuple[Path, Path]]) -> None:
        self._places = places
        self._new: list[Path] = []
        self.count = 0
        self.problems: list[str] = []

    def make(self, look_up: Callable[[], None]) -> None:
        """Make all; `look_up` is called before each one. Raises Failure."""
        for source, target in self._places:
            look_up()
            is_new = not target.exists()
            try:
                copy_image(source, target)
            except ImageError as error:
                self.problems.append(f"Not copied: {error}")
                continue
            self.count += 1
            if is_new:
                self._new.append(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            for path in self._new:
                path.unlink(missing_ok=True)


def copy_image(source: Path, target: Path) -> None:
    """Copy an image; one that EXIF turns is written anew, upright and in 8 bit RGB.

    Raises ImageError when it cannot be read, Failure when the copy cannot be written.
    """
    header = read_header(source)
    if header.orientation > 1 and is_large(header):
        _copy_large(source, target, header)
        return
    if header.orientation > 1:
        write_atomic(target, _encoded(source, target.suffix))
        return
    with source.open("rb") as original, atomic_file(target) as copy:
        shutil.copyfileobj(original, copy)


def _copy_large(source: Path, target: Path, header: Header) -> None:
    """Write an image that does not fit in memory anew, upright."""
    pixels = open_tiled(source, header).rgb
    with atomic_file(target) as copy, tempfile.TemporaryDirectory(dir=target.parent) as folder:
        upright = Path(folder) / f"upright{target.suffix}"
        write_upright(pixels, upright)
        with upright.open("rb") as original:
            shutil.copyfileobj(original, copy)


def _encoded(source: Path, suffix: str) -> bytes:
    options = (
        [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix.lower() in (".jpg", ".jpeg") else []
    )
    bgr = np.ascontiguousarray(read_rgb(source)[..., ::-1])
    _, buffer = cv2.imencode(suffix, bgr, options)
    return bytes(buffer)
