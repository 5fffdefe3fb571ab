"""Screen and image coordinates: one rule, kept through any zoom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskgui.ui.canvas.viewport import Viewport


def viewport(ratio=1.0, size=(640, 480), image=(200, 150)):
    view = Viewport()
    view.resize(*size, ratio)
    view.set_image(*image)
    view.show(*view.fit_state())
    return view


@given(
    st.sampled_from([1.0, 1.25, 1.5, 2.0]),
    st.lists(
        st.tuples(st.integers(100, 500), st.integers(80, 400), st.floats(0.5, 2.0)), max_size=12
    ),
)
def test_zoom_keeps_the_image_point_under_the_cursor(ratio, zooms):
    view = viewport(ratio)
    for x, y, factor in zooms:
        x0, y0, x1, y1 = view.visible_box()
        image_x, image_y = view.to_image(x, y)
        inside = x0 <= image_x <= x1 and y0 <= image_y <= y1
        view.zoom_at(x, y, factor)
        if inside:  # elsewhere the image may be held back at the edge of the widget
            spot = view.to_screen(image_x, image_y)
            half = 0.5 / ratio  # the pointer means the centre of its pixel
            assert abs(spot.x() - x - half) <= 0.5
            assert abs(spot.y() - y - half) <= 0.5


@given(st.sampled_from([1.0, 1.5, 2.0]), st.integers(0, 639), st.integers(0, 479))
def test_screen_and_image_are_inverse(ratio, x, y):
    view = viewport(ratio)
    spot = view.to_screen(*view.to_image(x, y))
    assert spot.x() == pytest.approx(x + 0.5 / ratio)
    assert spot.y() == pytest.approx(y + 0.5 / ratio)


def test_a_pointer_means_the_centre_of_its_pixel():
    view = viewport()
    view.show(1.0, 100, 75)
    left, top = view.origin
    assert view.to_image(left, top) == (0.5, 0.5)
    view.show(8.0, 100, 75)
    left, top = view.origin
    assert view.to_image(left + 7, top) == (7.5 / 8, 0.5 / 8)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_the_image_lies_on_whole_device_pixels(ratio):
    view = viewport(ratio)
    for dx in (0.3, 7.7, -31.1):
        view.scroll(dx, dx)
        corner = view.to_screen(0, 0)
        assert corner.x() * ratio == pytest.approx(round(corner.x() * ratio))


def test_fit_shows_all_with_a_margin():
    view = viewport()
    assert view.visible_box() == (0, 0, 200, 150)
    box = view.box_to_screen((0, 0, 200, 150))
    assert box.left() >= 15
    assert box.top() >= 15
    assert box.center().x() == pytest.approx(320, abs=1)


def test_the_image_cannot_be_lost():
    view = viewport()
    view.scroll(1e6, -1e6)
    x0, y0, x1, y1 = view.visible_box()
    assert x1 > x0
    assert y1 > y0


def test_limits():
    view = viewport()
    for _ in range(50):
        view.zoom_at(300, 200, 2.0)
    assert view.scale == 64.0
    for _ in range(50):
        view.zoom_at(300, 200, 0.5)
    assert view.scale == pytest.approx(24 / 200)


def test_the_middle_stays_when_the_widget_grows():
    view = viewport()
    view.show(3.0, 60, 70)
    view.resize(900, 300, 1.0)
    scale, x, y = view.state
    assert (scale, x, y) == pytest.approx((3.0, 60, 70), abs=0.2)
