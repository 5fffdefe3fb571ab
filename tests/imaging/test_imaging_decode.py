"""Ordinary pictures: upright, with the right pixels, whatever the format and the file's name."""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from maskgui.imaging import ImageError, read_header, read_image, read_rgb, thumbnail

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "odd-images"
ODD = sorted(path for path in DATA.rglob("*") if path.is_file())
NO_DATA = pytest.param(None, marks=pytest.mark.skip("the shared test data is not there"))


def small_picture(height: int = 40, width: int = 64) -> np.ndarray:
    """A picture in which no turn or mirroring looks like another."""
    rows, columns = np.mgrid[:height, :width]
    red = columns * 255 // (width - 1)
    green = rows * 255 // (height - 1)
    return np.dstack([red, green, (red + green) // 4]).astype(np.uint8)


def turned(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """What EXIF 2.32 says of each orientation: which sides row 0 and column 0 are."""
    return {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: a[::-1].transpose(1, 0, 2),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: a[:, ::-1].transpose(1, 0, 2),
    }[orientation](rgb)


def by_pillow(path: Path) -> np.ndarray:
    """The oracle for 8 bits: Pillow's exif_transpose, alpha over white, RGB."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = ImageOps.exif_transpose(Image.open(path))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.asarray(image.convert("RGB"))


def deep_gray_source(path: Path) -> np.ndarray | None:
    """The stored samples of a 16-bit grey picture without transparency, by Pillow."""
    with Image.open(path) as image:
        if image.mode.startswith("I;16") and "transparency" not in image.info:
            return np.asarray(image).astype(np.int64)
    return None


@pytest.mark.parametrize("path", ODD or [NO_DATA], ids=lambda p: p.name if p else "none")
def test_every_odd_image_is_right_or_refused_with_a_reason(path: Path) -> None:
    if path.name.startswith("pngsuite__x"):
        with pytest.raises(ImageError, match="CRC"):
            read_image(path)
        return
    header = read_header(path)
    rgb = read_rgb(path)
    assert rgb.shape == (header.height, header.width, 3)
    assert rgb.dtype == np.uint8
    assert rgb.flags.c_contiguous
    expected = by_pillow(path)
    if header.bits <= 8:
        assert expected.shape == rgb.shape
        difference = np.abs(expected.astype(int) - rgb).max()
        assert difference <= (2 if header.format == "JPEG" else 0)
    elif (source := deep_gray_source(path)) is not None:
        assert_monotone(source, rgb[..., 0])
    else:  # Pillow keeps the high byte: close to it up to the window
        assert rgb.shape[:2] == expected.shape[:2]
        assert_monotone(expected[..., 0].astype(int) // 4, rgb[..., 0] // 2, slack=24)


def assert_monotone(source: np.ndarray, shown: np.ndarray, slack: int = 0) -> None:
    order = np.argsort(source, axis=None, kind="stable")
    values, levels = source.reshape(-1)[order], shown.reshape(-1)[order].astype(int)
    for value in np.unique(values):
        below, here = levels[values < value], levels[values == value]
        if below.size:
            assert below.max() <= here.min() + slack


@pytest.mark.parametrize("path", [p for p in ODD if p.parent.name == "exif"] or [NO_DATA])
def test_thumbnails_of_photos_are_upright(path: Path) -> None:
    small = thumbnail(path, 96)
    assert max(small.shape[:2]) == 96
    whole = Image.fromarray(by_pillow(path)).resize(small.shape[1::-1], Image.Resampling.BOX)
    assert np.abs(np.asarray(whole).astype(int) - small).mean() < 4


SAVING = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", SAVING)
def test_each_orientation_of_each_format(tmp_path: Path, kind: str, orientation: int) -> None:
    rgb = small_picture()
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"picture.{kind.lower()}"
    Image.fromarray(rgb).save(path, kind, exif=exif, **SAVING[kind])
    expected = turned(rgb, orientation)
    header = read_header(path)
    assert (header.height, header.width) == expected.shape[:2]
    tolerance = 3 if kind == "JPEG" else 0
    assert np.abs(read_rgb(path).astype(int) - expected).max() <= tolerance
    small = thumbnail(path, 32)
    assert max(small.shape) == 32
    assert (small.shape[0] > small.shape[1]) == (expected.shape[0] > expected.shape[1])
    near = np.asarray(Image.fromarray(np.ascontiguousarray(expected)).resize(small.shape[1::-1]))
    assert np.abs(near.astype(int) - small).max() < 12


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_of_a_plain_tiff(tmp_path: Path, mode: str, orientation: int) -> None:
    grey = np.arange(15, dtype=np.uint8).reshape(3, 5) * 12
    image = Image.fromarray(grey).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.tif"
    image.save(path, exif=exif)
    expected = turned(np.asarray(image.convert("RGB")), orientation)
    header = read_header(path)
    assert (header.height, header.width) == expected.shape[:2]
    np.testing.assert_array_equal(read_rgb(path), expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_of_a_16_bit_tiff(tmp_path: Path, orientation: int) -> None:
    import tifffile

    ramp = small_picture()[..., 0].astype(np.uint16) * 200 + small_picture()[..., 1]
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, ramp, extratags=[(274, 3, 1, orientation, True)])
    expected = turned(np.dstack([ramp] * 3), orientation)[..., 0]
    rgb = read_rgb(path)
    assert rgb.shape[:2] == expected.shape == (read_header(path).height, read_header(path).width)
    assert_monotone(expected.astype(int), rgb[..., 0])


def test_orientation_behind_the_pixels_of_a_png(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(small_picture()).save(buffer, "PNG", exif=exif)
    data = buffer.getvalue()
    start = data.index(b"eXIf") - 4
    size = int.from_bytes(data[start : start + 4], "big") + 12
    moved = data[:start] + data[start + size : -12] + data[start : start + size] + data[-12:]
    path = tmp_path / "late.png"
    path.write_bytes(moved)
    assert np.array_equal(read_rgb(path), turned(small_picture(), 6))


MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"]
HOLDS = {
    "JPEG": {"L", "RGB", "CMYK", "YCbCr"},
    "PNG": {"1", "L", "LA", "P", "RGB", "RGBA"},
    "TIFF": set(MODES),
    "WEBP": {"RGB", "RGBA"},
    "BMP": {"1", "L", "P", "RGB", "RGBA"},
    "PPM": {"1", "L", "RGB"},
}


def in_mode(mode: str) -> Image.Image:
    rgb = Image.fromarray(small_picture())
    if mode in ("LA", "RGBA"):
        image = rgb.convert(mode)
        image.putalpha(Image.fromarray(small_picture()[..., 1]))
        return image
    return rgb.convert(mode)


@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in HOLDS.items() for mode in sorted(modes)]
)
def test_color_kinds_agree_with_pillow(tmp_path: Path, kind: str, mode: str) -> None:
    path = tmp_path / f"picture.{kind.lower()}"
    saving = {"lossless": True} if kind == "WEBP" else {}
    in_mode(mode).save(path, kind, **saving)
    difference = np.abs(read_rgb(path).astype(int) - by_pillow(path)).max()
    assert difference <= (2 if kind == "JPEG" else 0)


def test_interlaced_and_animated_png(tmp_path: Path) -> None:
    path = tmp_path / "moving.png"
    first, second = Image.fromarray(small_picture()), Image.new("RGB", (64, 40), "red")
    first.save(path, save_all=True, append_images=[second])
    decoded = read_image(path)
    assert "first frame" in decoded.note
    assert np.array_equal(decoded.rgb, small_picture())


@pytest.mark.parametrize(
    "name",
    [
        "a picture with spaces.png",
        "사진 100% #1.png",
        "😀🔩.png",
        "über'quote\"d&;.png",
        "line\nbreak.png",
        "-o.png",
        "x" * 240 + ".png",
        "wrong suffix.jpg",
    ],
)
@pytest.mark.parametrize("bits", [8, 16])
def test_odd_names(tmp_path: Path, name: str, bits: int) -> None:
    folder = tmp_path / "Ordner für 그림 %20"
    folder.mkdir()
    path = folder / name
    if bits == 8:
        Image.fromarray(small_picture()).save(path, "PNG")
    else:
        deep = small_picture()[..., 0].astype(np.uint16) * 256
        Image.fromarray(deep).save(path, "PNG")
    assert read_rgb(path).shape == (40, 64, 3)
    assert thumbnail(path, 16).shape == (10, 16, 3)
    assert read_header(os.fspath(path)).width == 64


def test_a_thumbnail_is_never_enlarged(tmp_path: Path) -> None:
    Image.fromarray(small_picture(3, 500)).save(tmp_path / "thin.png")
    assert thumbnail(tmp_path / "thin.png", 96).shape == (1, 96, 3)
    Image.fromarray(small_picture(5, 7)).save(tmp_path / "tiny.png")
    assert np.array_equal(thumbnail(tmp_path / "tiny.png", 96), small_picture(5, 7))


def test_opencv_leaves_no_qt_settings() -> None:
    assert not {"QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"} & set(os.environ)
