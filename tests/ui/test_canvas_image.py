"""The image below the instances: the same pixels however it was scrolled there, at every scale."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter

from maskgui.ui.canvas.pyramid import ImageLayer
from maskgui.ui.canvas.resample import between, nearest
from maskgui.ui.canvas.viewport import Viewport
from tests.ui.canvas_kit import Desk

SCALES = [0.02, 0.3, 0.5, 0.73, 1.0, 1.9, 3.0, 3.37, 4.9, 11.3]
WAYS = [(-7, 3), (13, -29), (-101, -53), (61, 0), (-3, 90)]
SURROUND = QColor(9, 8, 7)


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def view_of(width: int, height: int, ratio: float) -> Viewport:
    view = Viewport()
    view.resize(320, 240, ratio)
    view.set_image(width, height)
    return view


def painted(layer: ImageLayer, view: Viewport) -> NDArray[np.uint8]:
    """Return what the layer draws on a widget, in device pixels."""
    width, height = round(view.width * view.ratio), round(view.height * view.ratio)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(view.ratio)
    painter = QPainter(image)
    layer.draw(painter, view, SURROUND)
    painter.end()
    return np.frombuffer(image.constBits(), np.uint8).reshape(height, width, 4)[..., :3].copy()


def settled(qtbot, layer: ImageLayer, view: Viewport) -> NDArray[np.uint8]:
    """Return a whole picture: of the second frame at a scale, once the smaller levels are there."""
    qtbot.waitUntil(lambda: min(map(len, layer._levels)) <= 32)
    painted(layer, view)
    return painted(layer, view)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
@pytest.mark.parametrize("scale", SCALES)
def test_a_scrolled_picture_equals_one_painted_whole(qtbot, scale, ratio):
    rgb = noise(643, 481)
    scrolled, view = ImageLayer(), view_of(643, 481, ratio)
    scrolled.set_image(rgb)
    view.show(scale, 320.3, 240.7)
    settled(qtbot, scrolled, view)
    for dx, dy in WAYS:
        view.scroll(dx, dy)
        came = painted(scrolled, view)
        whole = ImageLayer()
        whole.set_image(rgb)
        assert np.array_equal(settled(qtbot, whole, view), came)
        whole.close()
    scrolled.close()


@pytest.mark.parametrize("scale", [0.73, 3.37, 4.9])
def test_a_scrolled_canvas_equals_a_fresh_one(qtbot, scale):
    rgb, scrolled, fresh = noise(900, 700), *(Desk(qtbot, size=(900, 700)) for _ in range(2))
    for desk in (scrolled, fresh):
        desk.canvas.set_image(1, rgb)
        qtbot.waitUntil(lambda desk=desk: len(desk.canvas._image._levels) > 1)
        desk.canvas.zoom_at(QPointF(320, 240), scale / desk.canvas.view.scale)
        desk.picture()
    for dx, dy in WAYS:
        scrolled.canvas.scroll_by(dx, dy)
        came = scrolled.picture()
        fresh.canvas.zoom_at(QPointF(320, 240), 1.5)  # so that nothing of a frame is left
        fresh.picture()
        fresh.canvas.view.show(*scrolled.canvas.view.state)
        fresh.canvas._view_moved()
        fresh.picture()
        assert np.array_equal(fresh.picture(), came)


@pytest.mark.parametrize("scale", [3.37, 7.0])
def test_enlarged_pixels_are_squares_where_the_instances_have_them(qtbot, scale):
    """Each pixel of the screen shows the pixel of the image that lies below its middle."""
    rgb, view, layer = noise(211, 157), view_of(211, 157, 1.0), ImageLayer()
    layer.set_image(rgb)
    view.show(scale, 20.0, 15.0)  # with some surround in view
    picture = settled(qtbot, layer, view)
    for y in range(0, 240, 7):
        for x in range(0, 320, 7):
            column, row = np.floor(view.to_image(x, y)).astype(int)
            inside = 0 <= column < 211 and 0 <= row < 157
            expected = rgb[row, column, ::-1] if inside else SURROUND.getRgb()[2::-1]
            assert np.array_equal(picture[y, x], expected)
    layer.close()


def test_a_passing_frame_is_at_most_a_pixel_off(qtbot):
    """While zooming QPainter draws: what it shows is where the picture at rest has it."""
    ramp = np.zeros((481, 643, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(643) // 3, np.arange(481)[:, None] // 3
    for scale in SCALES:
        view, layer = view_of(643, 481, 1.25), ImageLayer()
        layer.set_image(ramp)
        view.show(scale, 320.3, 240.7)
        at_rest = settled(qtbot, layer, view).astype(int)
        layer._last_scale = 0.0
        layer._drawn = None
        passing = painted(layer, view)
        inside = (slice(2, -2), slice(2, -2)) if scale > 0.5 else (slice(0, 0),)
        assert np.abs(passing - at_rest)[inside].max(initial=0) <= 2
        surround = (at_rest == SURROUND.getRgb()[2::-1]).all(axis=2)
        assert np.array_equal((passing == SURROUND.getRgb()[2::-1]).all(axis=2), surround)
        layer.close()


def test_blended_pixels_are_what_four_neighbours_say():
    rgb = noise(40, 30)
    x, y = np.linspace(0, 40, 57), np.linspace(0, 30, 43)
    found = between(rgb, x, y)[..., 2::-1].astype(float)
    left, top = np.clip(x - 0.5, 0, 39), np.clip(y - 0.5, 0, 29)
    for row in range(43):
        for column in range(57):
            i, j = int(left[column]), int(top[row])
            across, down = left[column] - i, top[row] - j
            four = np.pad(rgb, ((0, 1), (0, 1), (0, 0)), "edge")[j : j + 2, i : i + 2].astype(float)
            upper, lower = four[:, 0] * (1 - across) + four[:, 1] * across
            expected = upper * (1 - down) + lower * down
            assert np.abs(found[row, column] - expected).max() <= 255 / 32 + 1
    assert np.array_equal(nearest(rgb, x, y)[-1, -1, 2::-1], rgb[-1, -1])
