"""PNG: the chunks are walked here, libpng decodes.

libpng (imagecodecs) because it keeps 16 bits, which Pillow drops for RGB, checks every
checksum, which Pillow does not, and takes half of Pillow's time and two thirds of OpenCV's.
"""

import io
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import imagecodecs
from PIL import Image

from maskgui.imaging.pixels import Raw, orientation_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_METADATA = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
_METADATA_LIMIT = 1 << 20  # bytes of one chunk; orientation needs a few
_DEFLATE_LIMIT = 1032  # deflate cannot expand more than that


@dataclass(frozen=True)
class PngInfo:
    """What the chunks say; `orientation` is EXIF's 1-8, `frames` more than 1 in an APNG."""

    width: int
    height: int
    bits: int
    color_type: int
    orientation: int
    frames: int
    data_bytes: int  # of compressed pixels


def read_info(file: BinaryIO) -> PngInfo:
    """Walk the chunks without decoding a pixel.

    Raises ValueError with the reason when there is no proper header.
    """
    file.seek(len(SIGNATURE))
    frames, data_bytes, metadata = 1, 0, []
    header = b""
    while len(start := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", start)
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            data_bytes += size
        if kind in (b"IHDR", b"acTL") or (kind in _METADATA and size <= _METADATA_LIMIT):
            body = file.read(size)
            header = body if kind == b"IHDR" else header
            frames = int.from_bytes(body[:4], "big") if kind == b"acTL" else frames
            if kind in _METADATA:
                metadata.append(_chunk(kind, body))
            size = 0
        file.seek(size + 4, io.SEEK_CUR)
    if len(header) != 13:
        raise ValueError("it has no PNG header")
    width, height, bits, color_type = struct.unpack(">IIBB", header[:10])
    if color_type not in SAMPLES:
        raise ValueError(f"PNG knows no colour type {color_type}")
    return PngInfo(width, height, bits, color_type, _orientation(metadata), frames, data_bytes)


def check_claim(info: PngInfo) -> None:
    """Raise ValueError if the compressed bytes cannot possibly hold the pixels claimed."""
    row_bytes = info.width * SAMPLES[info.color_type] * info.bits // 8
    if info.height * row_bytes > (info.data_bytes + 64) * _DEFLATE_LIMIT:
        raise ValueError(
            f"it claims {info.width} x {info.height} pixels, more than its {info.data_bytes} "
            "bytes of them can hold"
        )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _orientation(metadata: list[bytes]) -> int:
    """Return EXIF's orientation by Pillow's rules for all of PNG's places for it.

    Pillow reads what stands behind the pixels only after decoding them, so it is given the
    same metadata on a picture of one pixel.
    """
    if not metadata:
        return 1
    one_pixel = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    parts = [_chunk(b"IHDR", one_pixel), *metadata, _chunk(b"IDAT", zlib.compress(b"\0\0"))]
    data = SIGNATURE + b"".join(parts) + _chunk(b"IEND", b"")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return orientation_of(image)
    except (ValueError, SyntaxError, OSError, zlib.error):
        return 1  # texts that cannot be unpacked are no reason to refuse the picture


def decode(data: bytes, orientation: int) -> Raw:
    """Return the samples: uint8, or uint16 at 16 bits; transparency of any kind as alpha."""
    pixels = imagecodecs.png_decode(data)
    alpha = pixels.ndim == 3 and pixels.shape[2] in (2, 4)
    return Raw(pixels, alpha, orientation)
