"""Decode one image file to upright RGB.

Which library for what, and why:
- JPEG, grey or colour: libjpeg-turbo through imagecodecs (jpeg.py), the fastest; CMYK: Pillow.
- PNG: libpng through imagecodecs (png.py): 16 bits kept, checksums checked. Interlaced PNG of 8
  bits or less is Pillow's, as libpng's wrapper complains on stderr about each.
- TIFF: Pillow up to 8 bits, else tifffile (tiff.py).
- The rest (BMP, WebP, PNM, JPEG 2000, GIF, AVIF): Pillow.
OpenCV decodes nothing here: it answers some broken files with a picture, and no reason.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from maskgui.imaging import jpeg, png
from maskgui.imaging.errors import reasons
from maskgui.imaging.header import MAX_MEGAPIXELS, PILLOW_FORMATS, Header, read_header
from maskgui.imaging.opencv import cv2
from maskgui.imaging.pixels import Raw, Rgb, finish, rgb_of, upright
from maskgui.imaging.window import Window

_INTERLACE_BYTE = 28  # of a PNG file, in its IHDR


@dataclass(frozen=True)
class Decoded:
    """An upright image: rgb uint8, H x W x 3; `note` says in a phrase what is left out, or ""."""

    rgb: Rgb
    note: str


def read_rgb(path: Path | str) -> Rgb:
    """Return the upright image as uint8, H x W x 3, RGB. Raises ImageError with the reason."""
    return read_image(path).rgb


def read_image(
    path: Path | str, window: Window | None = None, max_megapixels: float = MAX_MEGAPIXELS
) -> Decoded:
    """Decode `path`: upright, alpha over white, deep samples windowed (`window`, or its default).

    Raises ImageError with the reason when it cannot be opened or is above `max_megapixels`.
    """
    path = Path(path)
    header = read_header(path, max_megapixels)
    with reasons(path):
        return Decoded(_decode(path, header, window or Window()), header.note)


def thumbnail(
    path: Path | str, side: int = 96, max_megapixels: float | None = MAX_MEGAPIXELS
) -> Rgb:
    """Return the upright image, uint8 RGB, scaled to fit `side` x `side`; never enlarged.

    A JPEG is decoded at an eighth where that is enough. Raises ImageError with the reason.
    """
    path = Path(path)
    header = read_header(path, max_megapixels)
    with reasons(path):
        if header.format in ("JPEG", "MPO"):
            with Image.open(path, formats=PILLOW_FORMATS) as image:
                image.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=2.0)
                return upright(rgb_of(image), header.orientation)
        return _fit(_decode(path, header, Window()), side)


def _fit(rgb: Rgb, side: int) -> Rgb:
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)) if scale < 1 else rgb


def _decode(path: Path, header: Header, window: Window) -> Rgb:
    if header.format == "TIFF":
        return _decode_tiff(path, window)
    if header.format in ("JPEG", "MPO") and header.bands in (1, 3):
        return finish(jpeg.decode(path.read_bytes(), header.orientation), window)
    if header.format == "PNG":
        data = path.read_bytes()
        if header.bits == 16 or not data[_INTERLACE_BYTE]:
            return finish(png.decode(data, header.orientation), window)
    return _decode_with_pillow(path, header.orientation, window)


def _decode_tiff(path: Path, window: Window) -> Rgb:
    from maskgui.imaging import tiff  # noqa: PLC0415 - a quarter of a second, and seldom needed

    info = tiff.read_info(path)
    if info.for_pillow:
        try:
            return _decode_with_pillow(path, 1, window)  # it turns a TIFF itself
        except UnidentifiedImageError:  # a combination of bands that Pillow does not list
            pass
    return finish(tiff.decode(path, info), window)


def _decode_with_pillow(path: Path, orientation: int, window: Window) -> Rgb:
    """Decode by Pillow's own rules for colour and transparency.

    From an open file: by its path, Pillow 13 maps a plain TIFF into memory with the sides of the
    upright image, and where EXIF swaps them the picture is torn.
    """
    formats = (*PILLOW_FORMATS, "PNG")
    with path.open("rb") as file, Image.open(file, formats=formats) as image:
        image.load()
        if image.mode in ("I", "F") or image.mode.startswith("I;16"):
            raw = Raw(np.array(image), orientation=orientation)
        elif image.has_transparency_data:
            raw = Raw(np.array(image.convert("RGBA")), True, orientation)
        else:
            raw = Raw(rgb_of(image), orientation=orientation)
    return finish(raw, window)
