"""What cannot be opened is refused with its reason, soon, and as nothing but ImageError."""

import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from maskgui.core.errors import UserError
from maskgui.imaging import ImageError, read_header, read_image, read_rgb, thumbnail

NOISE = np.random.default_rng(5).integers(0, 255, (60, 80, 3), np.uint8)


def encoded(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_bomb(width: int, height: int, data: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def bmp_bomb(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, width, height, 1, 24, *[0] * 6)


def webp_bomb() -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x10\0\0\0" + b"\xfe\x3f\0" * 2
    frame = b"VP8L" + struct.pack("<I", 6) + b"\x2f\xfe\xff\xff\x0f\x00"
    return b"RIFF" + struct.pack("<I", len(body + frame)) + body + frame


def jpeg_bomb() -> bytes:
    data = bytearray(encoded("JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", 65000, 65000)
    return bytes(data)


def tiff_bomb(tmp_path: Path) -> bytes:
    path = tmp_path / "small.tif"
    tifffile.imwrite(path, NOISE[..., 0], compression="zlib")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        for tag in (256, 257):
            place = file.pages[0].tags[tag].valueoffset
            data[place : place + 2] = struct.pack("<H", 60000)
    return bytes(data)


def bombs(tmp_path: Path) -> dict[str, bytes]:
    return {
        "a.png": png_bomb(60000, 60000, zlib.compress(bytes(100_000))),
        "b.bmp": bmp_bomb(50000, 40000),
        "c.webp": webp_bomb(),
        "d.jpg": jpeg_bomb(),
        "e.tif": tiff_bomb(tmp_path),
        "f.ppm": b"P6 60000 60000 255\n",
    }


@pytest.mark.parametrize("name", ["a.png", "b.bmp", "c.webp", "d.jpg", "e.tif", "f.ppm"])
def test_bombs_are_refused_from_their_header(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bombs(tmp_path)[name])
    limit = 200 if name == "c.webp" else 500  # WebP's largest is 268
    tracemalloc.start()
    for read in (read_header, read_image):
        with pytest.raises(ImageError, match=f"limit of {limit} megapixels"):
            read(path, max_megapixels=limit)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_claim_within_the_limit_that_the_bytes_cannot_hold(tmp_path: Path) -> None:
    path = tmp_path / "claim.png"
    path.write_bytes(png_bomb(20000, 20000, zlib.compress(bytes(1000))))
    with pytest.raises(ImageError, match="can hold"):
        read_header(path)


def test_the_limit_is_a_parameter_and_counts_deep_bands(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "small.png")
    with pytest.raises(ImageError, match=r"limit of 0\.001 megapixels"):
        read_rgb_limited(tmp_path / "small.png", 0.001)
    assert read_rgb_limited(tmp_path / "small.png", 0.01).shape == (60, 80, 3)
    deep = np.zeros((60, 80, 16), np.float64)
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageError, match="limit"):
        read_rgb_limited(tmp_path / "deep.tif", 0.05)


def read_rgb_limited(path: Path, limit: float) -> np.ndarray:
    return read_image(path, max_megapixels=limit).rgb


def test_a_large_image_within_the_limit_gives_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("1", (10000, 10000)).save(path)  # above the size at which Pillow warns
    assert read_header(path).width == 10000
    with Image.open(path) as image:
        assert image.size == (10000, 10000)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.jpg", b"", "empty"),
        ("text.png", b"hello, this is no picture at all", "not an image"),
        ("page.jpg", b"<!DOCTYPE html><html></html>", "not an image"),
        ("zero.png", png_bomb(0, 5, zlib.compress(b"")), "width or height is 0"),
        ("headless.png", b"\x89PNG\r\n\x1a\n", "no PNG header"),
        ("stub.tif", b"II*\0\x08\0\0\0", "damaged"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    ],
)
def test_no_images(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for read in (read_header, read_rgb, thumbnail):
        with pytest.raises(ImageError, match=reason) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert caught.value.reason in str(caught.value)
        assert isinstance(caught.value, UserError)


def test_missing_folder_and_forbidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="no such file"):
        read_rgb(tmp_path / "nowhere.png")
    with pytest.raises(ImageError, match="folder"):
        read_rgb(tmp_path)

    def forbidden(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    Image.fromarray(NOISE).save(tmp_path / "closed.png")
    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(ImageError, match="may not read"):
        read_rgb(tmp_path / "closed.png")


CUT = {
    "JPEG": {},
    "JPEG progressive": {"progressive": True},
    "PNG": {},
    "TIFF": {},
    "TIFF packed": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True},
    "BMP": {},
}


@pytest.mark.parametrize("kind", CUT)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_cut_short_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    data = encoded(kind.removesuffix(" progressive").removesuffix(" packed"), **CUT[kind])
    path = tmp_path / "cut"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError) as caught:
        read_rgb(path)
    assert caught.value.__cause__ is not None
    with pytest.raises(ImageError):
        thumbnail(path)


def test_the_end_of_an_embedded_thumbnail_is_not_the_end(tmp_path: Path) -> None:
    data = encoded("JPEG")
    inner = b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data
    path = tmp_path / "cut.jpg"
    path.write_bytes(data[:2] + inner + data[2:])
    assert read_rgb(path).shape == (60, 80, 3)
    path.write_bytes(data[:2] + inner + data[2 : len(data) // 2])
    with pytest.raises(ImageError, match="before its last line"):
        read_rgb(path)


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    data = bytearray(encoded("PNG"))
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.png").write_bytes(data)
    with pytest.raises(ImageError, match="damaged"):
        read_rgb(tmp_path / "bad.png")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8))
def test_damaged_files_decode_or_raise_image_error(
    tmp_path: Path, kind: str, changes: list[tuple[int, int]]
) -> None:
    data = bytearray(encoded(kind))
    for place, value in changes:
        data[place % min(len(data), 400)] = value
    path = tmp_path / "damaged"
    path.write_bytes(data)
    for read in (read_rgb, thumbnail):
        try:
            rgb = read(path) if read is thumbnail else read_image(path, max_megapixels=2).rgb
        except ImageError:
            continue
        assert rgb.dtype == np.uint8
        assert rgb.ndim == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names on this system")
def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="a pipe"):
        read_header(tmp_path / "pipe.png")
