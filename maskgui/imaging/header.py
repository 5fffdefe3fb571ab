"""What an image is, read without decoding it: size, kind, orientation, and why not."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from maskgui.imaging import png
from maskgui.imaging.errors import ImageError, reasons
from maskgui.imaging.pixels import orientation_of

MAX_MEGAPIXELS = 500.0
"""What is decoded whole."""
MAX_TILED_MEGAPIXELS = 20_000.0
"""What is read in pieces."""
TILED_FORMATS = ("JPEG", "PNG", "TIFF")
_LIMIT_BYTES_PER_PIXEL = 8  # a page of many deep bands counts as more pixels

# Ours is checked before any decoding, from the header; Pillow's would warn at 89 megapixels.
Image.MAX_IMAGE_PIXELS = None

# Named, so that Pillow never starts another program (EPS) or opens what is no picture.
PILLOW_FORMATS = ("JPEG", "BMP", "DIB", "WEBP", "PPM", "JPEG2000", "GIF", "AVIF", "TIFF")
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}


@dataclass(frozen=True)
class Header:
    """What is known before decoding.

    width, height: pixels of the upright image. format: "JPEG", "PNG", "TIFF" ...
    note: what is left out of the picture, in a phrase, or "". pages: 1 for a plain image.
    bits: of one sample. bands: samples of a pixel, alpha included (3 for a palette in PNG).
    orientation: EXIF's 1-8 as stored.
    """

    width: int
    height: int
    format: str
    note: str
    pages: int
    bits: int
    bands: int
    orientation: int

    @property
    def megapixels(self) -> float:
        """Millions of pixels as decoding counts them: deep pixels of many bands count as more."""
        return _megapixels(self.width, self.height, self.bands * -(-self.bits // 8))


def read_header(path: Path | str, max_megapixels: float | None = None) -> Header:
    """Read the header of the image file `path`; milliseconds, whatever the image's size.

    Raises ImageError with the reason: missing, unreadable, empty, no image, damaged where the
    header shows it, or of more than `max_megapixels` (decoded): None for what can be shown, whole
    or in pieces.
    """
    path = Path(path)
    with reasons(path):
        if path.is_fifo():  # opening one waits for a writer, perhaps for ever
            raise ImageError(path, "it is a pipe, not a file; save the image first")
        with path.open("rb") as file:
            start = file.read(16)
            if not start:
                raise ImageError(path, "the file is empty; copy it again")
            if start.startswith(png.SIGNATURE):
                info = png.read_info(file)
                limit = _limit("PNG", max_megapixels)
                _check_limit(path, info.width, info.height, 4 * info.bits // 8, limit)
                png.check_claim(info)
                return _png_header(info)
        if start.startswith(TIFF_STARTS):
            return _tiff_header(path, _limit("TIFF", max_megapixels))
        _check_webp(path, start, _limit("WEBP", max_megapixels))
        return _pillow_header(path, max_megapixels)


def _png_header(info: png.PngInfo) -> Header:
    width, height = _upright_size(info.width, info.height, info.orientation)
    return Header(
        width=width,
        height=height,
        format="PNG",
        note="the first frame of an animation is shown" if info.frames > 1 else "",
        pages=info.frames,
        bits=info.bits,
        bands={0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[info.color_type],
        orientation=info.orientation,
    )


def _tiff_header(path: Path, max_megapixels: float) -> Header:
    from maskgui.imaging import tiff  # noqa: PLC0415 - a quarter of a second, and seldom needed

    info = tiff.read_info(path)
    pixel_bytes = info.bands * -(-info.bits // 8)
    _check_limit(path, info.width, info.height, pixel_bytes, max_megapixels)
    width, height = _upright_size(info.width, info.height, info.orientation)
    return Header(
        width=width,
        height=height,
        format="TIFF",
        note=info.note,
        pages=info.pages,
        bits=info.bits,
        bands=info.bands,
        orientation=info.orientation,
    )


def _pillow_header(path: Path, max_megapixels: float | None) -> Header:
    with Image.open(path, formats=PILLOW_FORMATS) as image:
        bands = len(image.getbands())
        bits = _BITS.get(image.mode, 8)
        limit = _limit(str(image.format), max_megapixels)
        _check_limit(path, *image.size, bands * -(-bits // 8), limit)
        pages = int(getattr(image, "n_frames", 1))
        orientation = orientation_of(image)
        width, height = _upright_size(*image.size, orientation)
        return Header(
            width=width,
            height=height,
            format=str(image.format),
            note=f"the first of {pages} pictures is shown" if pages > 1 else "",
            pages=pages,
            bits=bits,
            bands=bands,
            orientation=orientation,
        )


def _check_webp(path: Path, start: bytes, max_megapixels: float) -> None:
    """Check a WebP's canvas before Pillow does: opening it allocates the whole canvas."""
    if start[:4] != b"RIFF" or start[8:12] != b"WEBP":
        return
    with path.open("rb") as file:
        data = file.read(30)
    if data[12:16] == b"VP8X" and len(data) == 30:
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        _check_limit(path, width, height, 4, max_megapixels)


def _upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    return (height, width) if orientation in (5, 6, 7, 8) else (width, height)


def _limit(kind: str, asked: float | None) -> float:
    """Return the limit that was asked for, or what can be shown of the format."""
    if asked is not None:
        return asked
    return MAX_TILED_MEGAPIXELS if kind in TILED_FORMATS else MAX_MEGAPIXELS


def _megapixels(width: int, height: int, pixel_bytes: int) -> float:
    return width * height / 1e6 * max(1.0, pixel_bytes / _LIMIT_BYTES_PER_PIXEL)


def _check_limit(
    path: Path, width: int, height: int, pixel_bytes: int, max_megapixels: float
) -> None:
    """Refuse no pixels, and more than the limit; deep pixels of many bands count as several."""
    if width <= 0 or height <= 0:
        raise ImageError(path, "it has no pixels: its width or height is 0")
    megapixels = _megapixels(width, height, pixel_bytes)
    if megapixels > max_megapixels:
        raise ImageError(
            path,
            f"its {width} x {height} pixels ({megapixels:.0f} megapixels decoded) are above the "
            f"limit of {max_megapixels:g} megapixels; scale it down, cut it into tiles or raise "
            "the limit",
        )
