"""More than 8 bits, floats and many bands: windowed, monotone, and said so."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from maskgui.imaging import Window, read_header, read_image, read_rgb
from maskgui.imaging.window import to_8_bit

TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64"]
FULL = Window(0, 100)


def ramp(dtype: str, height: int = 30, width: int = 50) -> np.ndarray:
    values = np.arange(height * width).reshape(height, width) * 37 % (height * width)
    if dtype.startswith("float"):
        return (values / 7 - 60).astype(dtype)
    info = np.iinfo(dtype)
    return (info.min + values * (int(info.max) - info.min) // values.max()).astype(dtype)


@given(
    hnp.arrays(
        st.sampled_from([np.uint16, np.int16, np.int32, np.uint32, np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=3, max_side=6),
    ),
    st.sampled_from([Window(), FULL, Window(5, 60)]),
)
def test_a_window_never_falls_where_the_samples_rise(samples: np.ndarray, window: Window) -> None:
    levels = to_8_bit(samples, window).reshape(-1).astype(int)
    flat = samples.reshape(-1)
    order = np.argsort(flat, kind="stable")
    finite = order[~np.isnan(flat[order])]
    assert (np.diff(levels[finite]) >= 0).all()
    assert (levels[np.isnan(flat)] == 0).all()


def test_the_window_is_the_percentiles() -> None:
    samples = np.arange(10_001, dtype=np.float32).reshape(73, 137)
    levels = to_8_bit(samples, Window(10, 90)).reshape(-1)
    assert levels[1000] == 0
    assert levels[9000] == 255
    assert levels[5000] in (127, 128)
    assert (levels[1100:8900] > 0).all()
    assert (levels[1100:8900] < 255).all()


def test_a_narrow_window_shows_a_faint_image() -> None:
    faint = (1000 + np.arange(256, dtype=np.uint16)).reshape(16, 16)
    levels = to_8_bit(faint, FULL)
    assert np.array_equal(levels.reshape(-1), np.arange(256))


def test_few_bright_pixels_on_black_stay_visible() -> None:
    dark = np.zeros((200, 200), np.uint16)
    dark[7, 9] = 3000
    levels = to_8_bit(dark, Window(1, 99))
    assert levels[7, 9] == 255
    assert levels.sum() == 255


@pytest.mark.parametrize(
    ("value", "expected"),
    [(np.uint16(0), 0), (np.uint16(65535), 255), (np.float32(0.5), 128), (np.float32(9e9), 255)],
)
def test_a_constant_image_keeps_its_place(value: np.generic, expected: int) -> None:
    levels = to_8_bit(np.full((4, 5), value), Window())
    assert (levels == expected).all()


def test_nothing_but_nan_is_black() -> None:
    assert not to_8_bit(np.full((4, 5), np.nan, np.float32), Window()).any()


def test_infinities_are_the_ends_and_do_not_move_the_window() -> None:
    samples = np.linspace(0, 1, 100, dtype=np.float32).reshape(10, 10)
    samples[0, 0], samples[9, 9], samples[5, 5] = -np.inf, np.inf, np.nan
    levels = to_8_bit(samples, FULL)
    assert levels[0, 0] == 0
    assert levels[9, 9] == 255
    assert levels[5, 5] == 0
    assert 120 < levels[4, 9] < 135


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("start", [0.0, 1.0, 1e30, -1e30])
def test_neighbouring_floats_are_told_apart_or_flat(dtype: type, start: float) -> None:
    first = dtype(start)
    samples = np.array([[first] * 60 + [np.nextafter(first, dtype(np.inf))] * 40])
    levels = to_8_bit(samples, Window(10.5, 60.3))
    assert (levels[0, :60] == levels[0, 0]).all()
    assert (levels[0, 60:] >= levels[0, 0]).all()


@pytest.mark.parametrize("low_high", [(5, 5), (-1, 50), (10, 101), (90, 10)])
def test_percentiles_that_are_none_are_refused(low_high: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="low < high"):
        Window(*low_high)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd"])
def test_gray_tiff_of_every_depth(tmp_path: Path, dtype: str, compression: str | None) -> None:
    samples = ramp(dtype)
    path = tmp_path / "gray.tif"
    tifffile.imwrite(path, samples, compression=compression)
    rgb = read_image(path, FULL).rgb
    assert (rgb[..., 0] == rgb[..., 1]).all()
    shown = rgb[..., 0].astype(int)
    if dtype == "uint8":
        assert np.array_equal(shown, samples)
    elif dtype != "int8":  # Pillow shows signed bytes as they are stored
        order = np.argsort(samples, axis=None)
        assert (np.diff(shown.reshape(-1)[order]) >= 0).all()
        assert shown.max() == 255
    assert read_header(path).bits == samples.dtype.itemsize * 8


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("bands", [3, 4, 5, 7])
def test_tiff_of_several_bands(
    tmp_path: Path, dtype: str, planar: str, tile: tuple[int, int] | None, bands: int
) -> None:
    samples = np.stack([np.roll(ramp(dtype), 5 * band, axis=1) for band in range(bands)], axis=-1)
    path = tmp_path / "bands.tif"
    stored = samples if planar == "contig" else np.moveaxis(samples, -1, 0)
    extra = ["unspecified"] * (bands - 3)
    tifffile.imwrite(
        path, stored, photometric="rgb", planarconfig=planar, tile=tile, extrasamples=extra
    )
    decoded = read_image(path, FULL)
    expected = samples[..., :3]
    if dtype != "uint8":
        low, high = float(expected.min()), float(expected.max())
        expected = np.round((expected - low) / (high - low) * 255)
    assert np.abs(decoded.rgb.astype(int) - expected).max() <= 1
    assert ("first three" in decoded.note) == (bands > 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_alpha_of_a_tiff_is_over_white(tmp_path: Path, dtype: str) -> None:
    top = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    rgba = np.zeros((8, 9, 4), dtype)
    rgba[:4, :, 0] = top
    rgba[..., 3] = top
    rgba[2:6, :, 3] = 0
    path = tmp_path / "alpha.tif"
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unassalpha"])
    rgb = read_rgb(path)
    assert (rgb[2:6] == 255).all()
    assert (rgb[:2] == (255, 0, 0)).all()
    assert (rgb[6:] == 0).all()


def test_premultiplied_alpha_is_divided_out(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), np.uint16)
    rgba[:, :4] = (32768, 0, 0, 32768)  # half transparent full red
    rgba[:, 4:] = (0, 0, 0, 65535)
    path = tmp_path / "associated.tif"
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["assocalpha"])
    rgb = read_rgb(path).astype(int)
    assert np.abs(rgb[:, :4] - (255, 127, 127)).max() <= 1
    assert not rgb[:, 4:].any()


def test_inverted_gray_and_ink(tmp_path: Path) -> None:
    samples = ramp("uint16")
    tifffile.imwrite(tmp_path / "white.tif", samples, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "black.tif", samples, photometric="minisblack")
    inverted = read_image(tmp_path / "white.tif", FULL).rgb.astype(int)
    plain = read_image(tmp_path / "black.tif", FULL).rgb.astype(int)
    assert np.abs(255 - inverted - plain).max() <= 1
    ink = np.zeros((6, 6, 4), np.uint16)
    ink[:3, :, 0] = 65535  # cyan, then white paper, then black
    ink[5, :, 3] = 65535
    tifffile.imwrite(tmp_path / "ink.tif", ink, photometric="separated")
    rgb = read_rgb(tmp_path / "ink.tif")
    assert (rgb[0] == (0, 255, 255)).all()
    assert (rgb[4] == 255).all()
    assert (rgb[5] == 0).all()


def test_the_first_of_several_pages(tmp_path: Path) -> None:
    stack = np.stack([ramp("uint16"), ramp("uint16")[::-1], ramp("uint16") // 2])
    for name, options in {"plain.tif": {}, "imagej.tif": {"imagej": True}}.items():
        tifffile.imwrite(tmp_path / name, stack, photometric="minisblack", **options)
        header = read_header(tmp_path / name)
        decoded = read_image(tmp_path / name, FULL)
        assert header.pages == 3
        assert "first of 3 pages" in header.note == decoded.note
        order = np.argsort(stack[0], axis=None)
        assert (np.diff(decoded.rgb[..., 0].reshape(-1)[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_16_bit_png_keeps_its_depth(tmp_path: Path, bands: int) -> None:
    samples = np.stack([1000 + np.roll(ramp("uint16") // 64, b, 1) for b in range(bands)], axis=-1)
    samples = samples.astype(np.uint16)
    if bands in (2, 4):
        samples[..., -1] = 65535
    path = tmp_path / "deep.png"
    path.write_bytes(imagecodecs.png_encode(samples[..., 0] if bands == 1 else samples))
    rgb = read_image(path, FULL).rgb
    color = samples[..., :3] if bands > 2 else samples[..., :1]
    expected = np.round((color - color.min()) / np.ptp(color) * 255)
    assert np.abs(rgb - expected).max() <= 1
    assert read_header(path).bits == 16
    assert np.unique(rgb).size > 200  # of the 1024 levels in a quarter of one high byte
