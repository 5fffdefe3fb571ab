"""The store on disk: hits, changed files, bounds, damage and folders that cannot be written."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.imaging import ImageError, thumbnails
from maskgui.imaging.thumbnails import ThumbnailStore


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The images that were decoded, not found."""
    decoded: list[Path] = []
    real = thumbnails.thumbnail

    def thumbnail(path: Path, *args: object) -> np.ndarray:
        decoded.append(path)
        return real(path, *args)

    monkeypatch.setattr(thumbnails, "thumbnail", thumbnail)
    return decoded


def picture(path: Path, color: str = "orange") -> Path:
    Image.new("RGB", (300, 200), color).save(path)
    return path


def test_a_second_store_finds_what_the_first_made(tmp_path: Path, made: list[Path]) -> None:
    path = picture(tmp_path / "bild 그림.png")
    first = ThumbnailStore(tmp_path / "cache").load(path, 96)
    second = ThumbnailStore(tmp_path / "cache").load(path, 96)
    assert made == [path]
    assert first.shape == second.shape == (64, 96, 3)
    assert np.abs(first.astype(int) - second).max() <= 4
    assert np.abs(second.astype(int) - (255, 165, 0)).max() <= 4


def test_a_changed_file_and_another_side_are_made_again(tmp_path: Path, made: list[Path]) -> None:
    path = picture(tmp_path / "a.png")
    store = ThumbnailStore(tmp_path / "cache")
    store.load(path, 96)
    store.load(path, 48)
    picture(path, "blue")
    os.utime(path, ns=(1, 1))
    assert np.abs(store.load(path, 96).astype(int) - (0, 0, 255)).max() <= 4
    assert len(made) == 3


def test_pixels_of_a_file_that_came_meanwhile_are_not_kept_as_those_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(tmp_path / "a.png")
    before, stamp = path.read_bytes(), path.stat().st_mtime_ns
    real = thumbnails.thumbnail

    def replaced(path: Path, *args: object) -> np.ndarray:
        os.utime(picture(path, "blue"), ns=(1, 1))
        return real(path, *args)

    store = ThumbnailStore(tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(thumbnails, "thumbnail", replaced)
        store.load(path, 96)
    path.write_bytes(before)  # put back, as copying tools do, with its time
    os.utime(path, ns=(stamp, stamp))
    assert np.abs(store.load(path, 96).astype(int) - (255, 165, 0)).max() <= 4


def test_the_store_is_bounded(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path / "cache", limit_bytes=20_000)
    for n in range(40):
        store.load(picture(tmp_path / f"{n}.png"), 96)
        held = sum(p.stat().st_size for p in (tmp_path / "cache").rglob("*") if p.is_file())
        assert held <= 20_000
    assert held > 5_000


def test_a_damaged_entry_is_made_again(tmp_path: Path, made: list[Path]) -> None:
    path = picture(tmp_path / "a.png")
    store = ThumbnailStore(tmp_path / "cache")
    store.load(path, 96)
    (entry,) = (tmp_path / "cache").rglob("*.jpg")
    for content in (b"", b"no picture"):
        entry.write_bytes(content)
        assert store.load(path, 96).shape == (64, 96, 3)
    assert len(made) == 3
    assert [p.name for p in entry.parent.iterdir()] == [entry.name]


def test_a_folder_that_cannot_be_written_costs_speed_only(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    path = picture(tmp_path / "a.png")
    assert ThumbnailStore(tmp_path / "cache").load(path, 96).shape == (64, 96, 3)


def test_a_broken_image_gives_its_reason(tmp_path: Path) -> None:
    store = ThumbnailStore(tmp_path / "cache")
    (tmp_path / "bad.png").write_bytes(b"no")
    with pytest.raises(ImageError, match="not an image"):
        store.load(tmp_path / "bad.png", 96)
    with pytest.raises(ImageError, match="no such file"):
        store.load(tmp_path / "gone.png", 96)
