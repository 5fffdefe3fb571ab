"""An image too large for memory on the canvas: its pixels at every zoom, tools, a full disk."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PySide6.QtTest import QTest

from maskgui.core.raster import shape_to_mask
from maskgui.imaging.tiled import PyramidStore, TiledPixels, open_tiled
from maskgui.imaging.tiled.archive import Archive
from tests.ui.canvas_kit import Desk

CUT = (32, 128)  # tile, overview's side
WIDTH, HEIGHT = 800, 600
BLUE = (20, 60, 200)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """Dark waves with a blue disc."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    waves = np.stack([x % 90, y % 70, (x + y) % 60], axis=2).astype(np.uint8)
    return cv2.circle(waves, (500, 350), 60, BLUE, -1)


@pytest.fixture(scope="module")
def disc(picture: np.ndarray) -> np.ndarray:
    return (picture == BLUE).all(axis=2)


def large(folder: Path, picture: np.ndarray, kind: str = "tif") -> TiledPixels:
    path = folder / f"large.{kind}"
    if kind == "tif":
        tifffile.imwrite(path, picture, tile=(64, 64), compression="deflate", photometric="rgb")
    else:
        cv2.imwrite(str(path), picture[..., ::-1])
    return open_tiled(path, store=PyramidStore(folder / "pyramids"), grid=CUT).rgb


def show(qtbot, pixels: TiledPixels) -> Desk:
    desk = Desk(qtbot, size=(WIDTH, HEIGHT))
    desk.canvas.set_image(1, pixels)
    desk.canvas.setFocus()
    return desk


def at_scale(desk: Desk, scale: float | None) -> None:
    desk.canvas.fit()
    if scale is not None:
        desk.canvas.view.show(scale, 500, 350)
        desk.canvas.scroll_by(0, 0)


def wait_for_tiles(qtbot, desk: Desk, pixels: TiledPixels) -> None:
    def there() -> bool:
        desk.canvas.grab()
        mosaic = desk.canvas._image._mosaic
        level = mosaic.level_for(desk.canvas.view.scale)
        if level is None:
            return pixels.complete
        box = mosaic._level_box(level, desk.canvas.view.visible_box())
        return all(pixels.tile((level, *one)) is not None for one in pixels.grid.tiles(box))

    qtbot.waitUntil(there, timeout=20_000)
    QTest.qWait(250)  # a last look at the overview


@pytest.mark.parametrize("kind", ["tif", "png"])
@pytest.mark.parametrize("scale", [None, 0.5, 1.0, 4.0])
def test_a_tool_works_at_every_zoom_on_the_pixels_that_are_shown(
    qtbot, tmp_path: Path, picture: np.ndarray, disc: np.ndarray, kind: str, scale: float | None
) -> None:
    pixels = large(tmp_path, picture, kind)
    desk = show(qtbot, pixels)
    at_scale(desk, scale)
    wait_for_tiles(qtbot, desk, pixels)
    for x, y in ((500, 350), (480, 330), (541, 350)):  # far inside the disc
        seen = np.array(desk.color_at(x + 0.5, y + 0.5))
        assert np.abs(seen - BLUE).max() <= 2
    if scale is not None and scale >= 1:
        for x, y in ((452, 300), (545, 305), (456, 396)):
            assert np.abs(np.array(desk.color_at(x + 0.5, y + 0.5)) - picture[y, x]).max() <= 2
    desk.canvas.set_tool("wand")
    desk.canvas.set_option("tolerance", 0)
    desk.click(500.5, 350.5)
    qtbot.waitUntil(lambda: len(desk.ids()) == 1, timeout=20_000)
    found = shape_to_mask(desk.shape(desk.ids()[0]), HEIGHT, WIDTH)
    assert (found & disc).sum() / (found | disc).sum() > 0.98
    before = found.sum()
    desk.canvas.set_tool("brush")
    desk.canvas.set_option("radius", 8)
    desk.stroke([(500, 350), (520, 350), (565, 350)])
    grown = shape_to_mask(desk.shape(desk.ids()[0]), HEIGHT, WIDTH)
    assert grown.sum() > before + 50
    assert grown[350, 568]
    assert not grown[350, 576]
    desk.canvas.set_image(None, None)
    pixels.close()


def full_disk(monkeypatch, after: int) -> None:
    real, count = Archive.put, [0]

    def put(self, *given):
        count[0] += 1
        if count[0] > after:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, *given)

    monkeypatch.setattr(Archive, "put", put)


@pytest.mark.parametrize("after", [0, 40])
def test_a_full_disk_is_told_once_in_a_sentence(
    qtbot, tmp_path: Path, picture: np.ndarray, monkeypatch, after: int
) -> None:
    full_disk(monkeypatch, after)
    pixels = large(tmp_path, picture, "png")
    told: list[str] = []
    desk = Desk(qtbot, size=(WIDTH, HEIGHT))
    desk.canvas.complained.connect(told.append)
    desk.canvas.set_image(1, pixels)
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    QTest.qWait(500)
    assert len(told) == 1
    assert "No space left on device; make room or save the image as a tiled TIFF." in told[0]
    assert str(pixels.path) in told[0]
    desk.canvas.set_image(None, None)
    pixels.close()


@pytest.mark.parametrize("after", [0, 40])
def test_a_tiled_tiff_is_shown_without_a_pyramid_when_the_disk_is_full(
    qtbot, tmp_path: Path, picture: np.ndarray, monkeypatch, after: int
) -> None:
    full_disk(monkeypatch, after)
    pixels = large(tmp_path, picture)
    told: list[str] = []
    desk = Desk(qtbot, size=(WIDTH, HEIGHT))
    desk.canvas.complained.connect(told.append)
    desk.canvas.set_image(1, pixels)
    qtbot.waitUntil(lambda: pixels.complete and bool(told), timeout=20_000)
    assert told[0].startswith(f"{pixels.path} is shown slowly: ")
    assert told[0].endswith("No space left on device; make room there.")
    at_scale(desk, 0.5)
    wait_for_tiles(qtbot, desk, pixels)
    assert np.abs(np.array(desk.color_at(500, 350)) - BLUE).max() <= 2
    overview = pixels.read((0, 0, *pixels.grid.size(pixels.depth)), pixels.depth)
    assert np.abs(overview[350 >> pixels.depth, 500 >> pixels.depth].astype(int) - BLUE).max() <= 1
    assert not list((tmp_path / "pyramids").glob("*.tiles"))
    desk.canvas.set_image(None, None)
    pixels.close()
