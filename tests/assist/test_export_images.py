"""Copies of images beside an export: as they are, or upright where EXIF turns them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.assist import export_images
from maskgui.assist.export_images import copy_image
from maskgui.core.errors import Failure
from maskgui.imaging import read_header, read_rgb


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def turned(folder: Path, ending: str, orientation: int) -> Path:
    coarse = np.random.default_rng(3).integers(0, 256, (24, 32, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC)
    path = folder / f"turned{ending}"
    exif = Image.Exif()
    exif[274] = orientation
    picture.save(path, exif=exif)
    return path


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize(("ending", "off"), [(".jpg", 12), (".png", 0), (".tif", 0)])
@pytest.mark.parametrize("orientation", [3, 6])
def test_a_turned_image_is_written_upright_whatever_its_size(
    tmp_path: Path, monkeypatch, ending: str, off: int, orientation: int, is_large: bool
) -> None:
    source = turned(tmp_path, ending, orientation)
    monkeypatch.setattr(export_images, "is_large", lambda header: is_large)
    target = tmp_path / "images" / source.name
    copy_image(source, target)
    assert read_header(target).orientation == 1
    want, found = read_rgb(source), read_rgb(target)
    assert found.shape == want.shape
    assert np.abs(found.astype(int) - want).max() <= off
    assert [path.name for path in target.parent.iterdir()] == [source.name]


def test_an_upright_image_is_copied_byte_by_byte(tmp_path: Path) -> None:
    source = turned(tmp_path, ".jpg", 1)
    copy_image(source, tmp_path / "copy.jpg")
    assert (tmp_path / "copy.jpg").read_bytes() == source.read_bytes()


def test_a_failed_copy_leaves_the_old_one(tmp_path: Path, monkeypatch) -> None:
    source = turned(tmp_path, ".png", 6)
    target = tmp_path / "copy.png"
    target.write_bytes(b"old")
    monkeypatch.setattr(export_images, "is_large", lambda header: True)

    def full(pixels, place) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_images, "write_upright", full)
    with pytest.raises(Failure, match="No space left on device"):
        copy_image(source, target)
    assert target.read_bytes() == b"old"
