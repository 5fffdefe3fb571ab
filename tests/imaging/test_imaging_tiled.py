"""Large images: every way in gives the same pixels as the decoder of whole images does."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from maskgui.core.errors import Cancelled
from maskgui.core.stamp import stamp_of
from maskgui.imaging import ImageError, read_header, read_rgb
from maskgui.imaging.loader import ImageLoader, Loaded
from maskgui.imaging.pixels import upright
from maskgui.imaging.thumbnails import ThumbnailStore
from maskgui.imaging.tiled import PyramidStore, Tiled, TiledPixels, is_large, open_tiled
from maskgui.imaging.tiled.archive import PART
from maskgui.imaging.tiled.grid import Grid, halved
from maskgui.imaging.tiled.store import Key
from maskgui.imaging.tiled.turning import stored_box

CUT = (32, 128)  # tile, overview's side
WIDTH, HEIGHT = 421, 299
Open = Callable[..., TiledPixels]


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    noise = np.random.default_rng(7).integers(0, 256, (30, 40, 3), np.uint8)
    return np.asarray(cv2.resize(noise, (WIDTH, HEIGHT)), np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> PyramidStore:
    return PyramidStore(tmp_path / "pyramids")


@pytest.fixture
def opened(store: PyramidStore) -> Iterator[Open]:
    made: list[TiledPixels] = []

    def open_one(path: Path, *, whole: bool = True) -> TiledPixels:
        made.append(open_tiled(path, store=store, grid=CUT).rgb)
        if whole:
            made[-1].begin()
            assert made[-1].wait_complete(20), made[-1].problem
        return made[-1]

    yield open_one
    for one in made:
        one.close()


def write(folder: Path, kind: str, picture: np.ndarray, orientation: int = 1) -> Path:
    path = folder / f"large {kind}.{kind.split(maxsplit=1)[0]}"
    if path.suffix == ".tif":
        how = {"tile": (48, 64)} if "tiled" in kind else {"rowsperstrip": 7}
        tags = [(274, "H", 1, orientation, True)]
        how |= {"compression": "deflate", "photometric": "rgb", "extratags": tags}
        tifffile.imwrite(path, picture, **how)
    else:
        exif = Image.Exif()
        exif[274] = orientation
        Image.fromarray(picture).save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize("kind", ["jpg", "png", "tif tiled", "tif strips"])
def test_pixels_are_those_of_the_whole_decoder(
    tmp_path: Path, picture: np.ndarray, opened: Open, kind: str, orientation: int
) -> None:
    path = write(tmp_path, kind, picture, orientation)
    want = read_rgb(path)
    pixels = opened(path)
    assert pixels.shape == want.shape
    assert np.array_equal(pixels[:, :], want)
    assert np.array_equal(pixels[17:203, 101:260], want[17:203, 101:260])


def test_levels_are_means_and_the_overview_is_the_last(
    tmp_path: Path, picture: np.ndarray, opened: Open
) -> None:
    pixels = opened(write(tmp_path, "tif tiled", picture))
    level = picture
    for number in range(1, pixels.depth):
        level = halved(level)
        found = pixels.read((0, 0, *pixels.grid.size(number)), number)
        assert np.abs(found.astype(int) - level).max() <= 1
    assert np.abs(pixels.overview().astype(int) - halved(level)).max() <= 1
    coarser = pixels.read((0, 0, *pixels.grid.size(pixels.depth + 1)), pixels.depth + 1)
    assert coarser.shape[1::-1] == pixels.grid.size(pixels.depth + 1)


def test_a_deep_tiff_has_one_window_for_all_tiles(tmp_path: Path, opened: Open) -> None:
    ramp = np.tile(np.linspace(1000, 9000, 400).astype(np.uint16), (300, 1))
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, ramp, tile=(32, 32), photometric="minisblack")
    found = opened(path)[:, :].astype(int)
    assert np.abs(found - read_rgb(path)).max() <= 3
    assert (np.diff(found[5, :, 0]) >= 0).all()  # no jump between tiles


def test_the_pyramid_is_used_again_until_the_file_changes(
    tmp_path: Path, picture: np.ndarray, opened: Open, store: PyramidStore
) -> None:
    path = write(tmp_path, "png", picture)
    opened(path).close()
    assert len(list(store.folder.glob("*.tiles"))) == 1
    source = open_tiled(path, store=store, grid=CUT).rgb._source
    again = TiledPixels(Key(path, stamp_of(path), source.kind), source, _grid(), store)
    assert again.complete  # at once, without a builder
    assert np.array_equal(again[5:99, 7:300], picture[5:99, 7:300])
    again.close()
    write(tmp_path, "png", picture[::-1])
    assert np.array_equal(opened(path)[:, :], picture[::-1])


@pytest.mark.parametrize("kind", ["tif tiled", "tif", "png", "jpg"])
def test_a_file_replaced_before_its_pyramid_is_made_leaves_nothing_to_its_successor(
    tmp_path: Path, picture: np.ndarray, opened: Open, store: PyramidStore, kind: str
) -> None:
    path = write(tmp_path, kind, picture)
    old = opened(path, whole=False)
    (tmp_path / "new").mkdir()
    write(tmp_path / "new", kind, picture[::-1]).replace(path)
    os.utime(path, ns=(1, 1))
    old.begin()
    old.wait_complete(20)
    if kind == "tif tiled":  # it is held open
        assert np.array_equal(old[:, :], picture)
    else:
        with pytest.raises(ImageError, match="it was replaced while it was read"):
            old.read((0, 0, 4, 4), level=2)
    assert list(store.folder.glob("*")) == []
    new = opened(path)
    assert np.array_equal(new[:, :], read_rgb(path))
    assert np.array_equal(new.overview(), _reduced(read_rgb(path), new.depth))


def _reduced(rgb: np.ndarray, depth: int) -> np.ndarray:
    for _ in range(depth):
        rgb = halved(rgb)
    return rgb


def _grid() -> Grid:
    return Grid(WIDTH, HEIGHT, *CUT)


def test_a_damaged_pyramid_is_made_anew(
    tmp_path: Path, picture: np.ndarray, opened: Open, store: PyramidStore
) -> None:
    path = write(tmp_path, "jpg", picture)
    opened(path).close()
    place = next(store.folder.glob("*.tiles"))
    place.write_bytes(place.read_bytes()[:-40])
    assert store.find(Key(path, stamp_of(path), "other"), _grid()) is None
    pixels = opened(path)
    assert np.array_equal(pixels[:, :], read_rgb(path))


def test_the_store_is_bounded_and_forgets_what_was_left_unfinished(store: PyramidStore) -> None:
    store.folder.mkdir()
    for number in range(5):
        path = store.folder / f"{number}.tiles"
        path.write_bytes(bytes(100))
        _age(path, 100 - number)
    (store.folder / f"old{PART}").write_bytes(b"x")
    _age(store.folder / f"old{PART}", 1e6)
    (store.folder / f"new{PART}").write_bytes(b"x")
    store.prune(250)
    left = sorted(path.name for path in store.folder.iterdir())
    assert left == ["3.tiles", "4.tiles", f"new{PART}"]


def _age(path: Path, seconds: float) -> None:
    import os

    os.utime(path, (time.time() - seconds,) * 2)


def test_tiles_come_when_asked_for_and_go_when_it_is_left(
    tmp_path: Path, picture: np.ndarray, opened: Open
) -> None:
    pixels = opened(write(tmp_path, "tif tiled", picture), whole=False)
    came = threading.Event()
    place = (0, 2, 1)
    pixels.begin(lambda one: came.set() if one == place else None)
    assert pixels.tile(place) is None
    pixels.ask([place])
    assert came.wait(10)
    assert np.array_equal(pixels.tile(place), picture[32:64, 64:96])
    pixels.leave()
    assert pixels.tile(place) is None


def test_a_file_cut_short_says_so(tmp_path: Path, picture: np.ndarray, store: PyramidStore) -> None:
    path = write(tmp_path, "jpg", picture)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    pixels = open_tiled(path, store=store, grid=CUT).rgb
    with pytest.raises(ImageError, match="cannot be opened"):
        pixels.read((0, 280, 20, 290))
    assert list(store.folder.glob("*")) == []
    pixels.close()


def test_waiting_for_the_pyramid_can_be_cancelled(
    tmp_path: Path, picture: np.ndarray, opened: Open
) -> None:
    pixels = opened(write(tmp_path, "png", picture), whole=False)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        pixels.read((0, 0, 4, 4), cancel=cancel)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"planarconfig": "separate", "photometric": "rgb"}, "bands are stored apart"),
        ({"photometric": "palette", "colormap": np.zeros((3, 256), np.uint16)}, "kind of colour"),
    ],
)
def test_what_cannot_be_read_in_pieces_is_refused_in_one_sentence(
    tmp_path: Path, how: dict, reason: str
) -> None:
    shape = (3, 64, 64) if "planarconfig" in how else (64, 64)
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), tile=(32, 32), **how)
    with pytest.raises(ImageError, match=reason):
        open_tiled(path)


def test_the_loader_gives_small_images_whole_and_large_ones_in_pieces(
    tmp_path: Path, picture: np.ndarray, store: PyramidStore
) -> None:
    path = write(tmp_path, "jpg", picture)
    small = write(tmp_path, "png", picture[:50, :50])
    assert is_large(read_header(path), 0.1)
    assert not is_large(read_header(path))
    loader = ImageLoader(
        thumbnails=ThumbnailStore(tmp_path / "thumbnails"), max_megapixels=0.1, pyramids=store
    )
    replies: list[Loaded] = []
    for one in (path, small):
        came = threading.Event()
        loader.request(one, lambda reply, came=came: (replies.append(reply), came.set()))
        assert came.wait(10)
    assert isinstance(replies[0].image, Tiled)
    assert replies[0].image.rgb.shape == picture.shape
    assert not isinstance(replies[1].image, Tiled)
    assert loader.cached(path) is replies[0].image
    replies[0].image.rgb.close()
    loader.close()


@given(
    st.integers(1, 8),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.data(),
)
def test_a_box_of_the_upright_image_is_found_in_the_stored_one(orientation, size, data) -> None:
    width, height = size
    stored = np.arange(width * height * 3, dtype=np.uint8).reshape(height, width, 3)
    turned = upright(stored, orientation)
    x0 = data.draw(st.integers(0, turned.shape[1] - 1))
    y0 = data.draw(st.integers(0, turned.shape[0] - 1))
    x1 = data.draw(st.integers(x0 + 1, turned.shape[1]))
    y1 = data.draw(st.integers(y0 + 1, turned.shape[0]))
    a0, b0, a1, b1 = stored_box((x0, y0, x1, y1), orientation, size)
    assert np.array_equal(upright(stored[b0:b1, a0:a1], orientation), turned[y0:y1, x0:x1])
