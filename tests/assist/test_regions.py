"""Auto-segment on a part of a large image: what the network sees, what stays of earlier runs."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from maskgui.assist import regions
from maskgui.assist.regions import read_view, with_earlier
from maskgui.core.detections import Detections
from maskgui.core.shape import Shape
from maskgui.imaging.header import Header


def detections(boxes: list[list[float]], scores: list[float], model: str = "m") -> Detections:
    count = len(boxes)
    return Detections(
        model,
        ("part",),
        np.array(boxes, np.float32).reshape(count, 4),
        np.array(scores, np.float32),
        np.zeros(count, np.int32),
        np.arange(count * 9, dtype=np.uint8).reshape(count, 3, 3),
    )


def test_a_part_is_read_at_the_level_that_fits_and_boxes_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(regions, "VIEW_SIDE", 100)
    monkeypatch.setattr("maskgui.imaging.tiled.grid.OVERVIEW_SIDE", 64)
    pixels = np.zeros((480, 640, 3), np.uint8)
    cv2.rectangle(pixels, (240, 200), (279, 239), (255, 255, 255), -1)
    path = tmp_path / "large.png"
    Image.fromarray(pixels).save(path)
    view = read_view(path, (200.5, 160.2, 400.0, 320.0))
    assert (view.width, view.height, view.scale) == (640, 480, 2)
    assert max(view.rgb.shape) <= 102
    ys, xs = np.nonzero(view.rgb[..., 0] > 127)
    box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
    found = view.to_image(detections([box], [0.9]))
    assert np.abs(found.boxes[0] - [240, 200, 280, 240]).max() <= 1


def test_an_image_that_fits_memory_is_read_whole(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(tmp_path / "small.png")
    view = read_view(tmp_path / "small.png", None)
    assert view.rgb.shape == (20, 30, 3)
    assert (view.x, view.y, view.scale) == (0, 0, 1)


def test_the_size_is_that_of_the_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced between its header and its pixels."""
    path = tmp_path / "small.png"
    Image.fromarray(np.zeros((20, 30, 3), np.uint8)).save(path)
    really = regions.read_header

    def header_of_the_earlier(path: Path) -> Header:
        header = really(path)
        Image.fromarray(np.zeros((8, 12, 3), np.uint8)).save(path)
        return header

    monkeypatch.setattr(regions, "read_header", header_of_the_earlier)
    view = read_view(path, None)
    assert view.rgb.shape == (8, 12, 3)
    assert (view.width, view.height) == (12, 8)


def test_detections_outside_the_region_stay_and_those_inside_give_way() -> None:
    earlier = detections([[0, 0, 10, 10], [50, 50, 60, 60], [95, 0, 115, 10]], [0.95, 0.8, 0.3])
    found = detections([[52, 52, 58, 58], [70, 70, 80, 80]], [0.9, 0.2])
    shapes = {0: Shape(()), 1: Shape(())}
    together, outlines = with_earlier(found, shapes, (40.0, 0.0, 100.0, 100.0), earlier)
    assert together.scores.tolist() == pytest.approx([0.95, 0.9, 0.3, 0.2])
    assert together.boxes[0].tolist() == [0, 0, 10, 10]
    assert together.boxes[1].tolist() == [52, 52, 58, 58]
    assert np.array_equal(together.masks[3], found.masks[1])
    assert set(outlines) == {1, 3}


def test_another_models_detections_do_not_stay() -> None:
    found = detections([[0, 0, 5, 5]], [0.5])
    earlier = detections([[50, 50, 60, 60]], [0.9], "other")
    assert with_earlier(found, {}, (0.0, 0.0, 10.0, 10.0), earlier)[0] is found
