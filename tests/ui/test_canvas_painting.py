"""What is on the screen: holes, states, and the settled picture against a full repaint."""

import numpy as np
import pytest
import shapely
from PySide6.QtCore import QPointF, QRect

from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas.outlines import Outlines, path_of
from maskgui.ui.theme import DARK, LIGHT
from tests.ui.canvas_kit import GREY, Desk, holed, instance, square


def fill_over_grey(color, share):
    return tuple(
        round(GREY * (1 - share) + int(color[at : at + 2], 16) * share) for at in (1, 3, 5)
    )


def close_to(one, other, by=3):
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))


def blob(middle, radius, count, seed):
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    reach = radius * (1 + 0.2 * rng.standard_normal(count).cumsum() / np.sqrt(count))
    return np.asarray(middle) + np.stack([np.cos(turn), np.sin(turn)], 1) * reach[:, None]


def test_a_hole_shows_the_image(qtbot):
    desk = Desk(qtbot, holed())
    assert close_to(desk.color_at(60, 60), (GREY,) * 3, 0)
    assert close_to(desk.color_at(35, 35), fill_over_grey("#0072b2", 0.22))
    assert close_to(desk.color_at(120, 120), (GREY,) * 3, 0)


def test_a_hole_shows_the_image_when_selected_and_hovered(qtbot):
    desk = Desk(qtbot, holed())
    desk.canvas.selection.set({1})
    assert close_to(desk.color_at(60, 60), (GREY,) * 3, 0)
    assert close_to(desk.color_at(35, 60), fill_over_grey("#0072b2", 0.22))
    desk.hover(35, 35)
    assert close_to(desk.color_at(60, 60), (GREY,) * 3, 0)
    assert close_to(desk.color_at(35, 60), fill_over_grey("#0072b2", 0.35))
    desk.canvas.selection.clear()
    assert close_to(desk.color_at(35, 60), fill_over_grey("#0072b2", 0.35))


def test_the_outline_lies_where_the_vertices_are(qtbot):
    desk = Desk(qtbot, instance(1, Polygon(square(20, 20, 80))))
    picture = desk.picture().astype(int)
    row = desk.at(60, 60).y()
    left = desk.canvas.view.to_screen(20, 60).x()
    blue = picture[row, :, 2] - picture[row, :, 0]
    strong = np.flatnonzero(blue > 120)
    assert abs(strong[strong < left + 40].mean() + 0.5 - left) <= 0.5


def test_opacity_hides_everything_at_nought(qtbot):
    desk = Desk(qtbot, holed())
    desk.canvas.set_opacity(0)
    assert close_to(desk.color_at(35, 35), (GREY,) * 3, 0)
    desk.canvas.set_opacity(0.5)
    assert close_to(desk.color_at(35, 35), fill_over_grey("#0072b2", 0.11))


def test_hidden_deleted_and_recoloured(qtbot):
    desk = Desk(qtbot, holed())
    desk.canvas.set_hidden({1})
    assert close_to(desk.color_at(35, 35), (GREY,) * 3, 0)
    desk.canvas.set_hidden(())
    assert close_to(desk.color_at(35, 35), fill_over_grey("#0072b2", 0.22))
    desk.click(35, 35)
    desk.canvas.setFocus()
    desk.hover(190, 140)
    from maskgui.core.edits import change_category, delete_instances

    document = desk.project.document
    old = document.category(7)
    desk.carry_out(change_category(old, Category(7, "thing", "#d55e00")))
    assert close_to(desk.color_at(35, 35), fill_over_grey("#d55e00", 0.22))
    desk.carry_out(delete_instances(document.instances(1), document.image(1), None))
    assert close_to(desk.color_at(35, 35), (GREY,) * 3, 0)
    desk.undo()
    assert close_to(desk.color_at(35, 35), fill_over_grey("#d55e00", 0.22))


def outline_share(desk):
    """How much of the picture is outline: thin, dashed and plain ones differ."""
    picture = desk.picture().astype(int)
    return int((picture[:, :, 2] - picture[:, :, 0] > 120).sum())


def test_proposals_are_thin_and_locked_ones_dashed(qtbot):
    part = Polygon(square(20, 20, 80))
    whole = Desk(qtbot, instance(1, part))  # held: a canvas that is only dropped keeps its thread
    plain = outline_share(whole)
    proposal = Desk(qtbot, instance(1, part, touched=False, detection=5, score=0.83))
    assert outline_share(proposal) < 0.8 * plain
    desk = Desk(qtbot, instance(1, part))
    desk.canvas.set_locked({1})
    assert 0.4 * plain < outline_share(desk) < 0.85 * plain


def test_a_proposal_carries_its_score(qtbot):
    part = Polygon(square(20, 30, 80))
    with_score = Desk(qtbot, instance(1, part, touched=False, detection=5, score=0.83))
    picture = with_score.picture()
    top = with_score.at(20, 30)
    above = picture[top.y() - 16 : top.y() - 4, top.x() - 20 : top.x() + 20]
    assert (above.max(axis=2) < 60).any()


def test_themes_colour_the_surround(qtbot):
    desk = Desk(qtbot, holed())
    assert tuple(desk.picture()[2, 2]) == (0x18, 0x19, 0x1B)
    desk.canvas.set_theme(LIGHT)
    assert tuple(desk.picture()[2, 2]) == (0xD5, 0xD7, 0xDB)
    desk.canvas.set_theme(DARK)


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.6, 7.3, 20.0])
def test_the_settled_picture_equals_a_full_repaint(qtbot, scale):
    """However it came about: tiles kept, shifted and painted anew show what a fresh canvas does."""
    shapes = [
        instance(n, Polygon(blob((30 + 37 * n % 400, 30 + 53 * n % 300), 25, 80, n)), category=7)
        for n in range(1, 60)
    ]
    size, middle = (440, 340), QPointF(320, 240)
    worn = Desk(qtbot, *shapes, size=size)
    for _ in range(6):
        worn.wheel(middle, 1.5)
    worn.settle()
    worn.canvas.selection.set({5, 6})
    worn.canvas.scroll_by(-90, 33)
    worn.settle()
    worn.canvas.selection.set(())
    worn.canvas.fit()
    worn.canvas.zoom_at(middle, scale / worn.canvas.view.scale)
    worn.canvas.scroll_by(41, -27)
    worn.canvas.point_at(None)
    fresh = Desk(qtbot, *shapes, size=size)
    fresh.canvas.view.show(*worn.canvas.view.state)
    fresh.canvas._view_moved()
    assert fresh.canvas.view.origin == worn.canvas.view.origin
    assert np.array_equal(worn.picture(), fresh.picture())


@pytest.mark.parametrize(("count", "scale"), [(40, 0.8), (300, 2.1), (1500, 5.3)])
def test_a_selected_outline_looks_the_same_however_it_was_scrolled(qtbot, count, scale):
    """OpenCV's lines differ by a shade with where they leave a picture; squares stay in place."""
    shapes = [
        instance(n, Polygon(blob((100 + 110 * n, 160 + 30 * n), 90, count, n))) for n in range(3)
    ]
    worn, fresh = (Desk(qtbot, *shapes, size=(500, 400)) for _ in range(2))
    worn.canvas.selection.set({0, 2})
    worn.canvas.zoom_at(QPointF(320, 240), scale / worn.canvas.view.scale)
    worn.picture()
    for way in ((1, 0), (-41, 17), (-24, -57), (17, 49)):
        worn.canvas.scroll_by(*way)
        came = worn.picture().astype(int)
        fresh.canvas.selection.clear()
        fresh.canvas.view.show(*worn.canvas.view.state)
        fresh.canvas._view_moved()
        fresh.canvas.selection.set({0, 2})
        assert np.abs(came - fresh.picture()).max() <= 16


def test_pixels_are_sharp_when_large(qtbot):
    desk = Desk(qtbot)
    checks = np.indices((150, 200)).sum(axis=0) % 2 * 255
    desk.canvas.set_image(1, np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8))
    desk.canvas.zoom_at(QPointF(320, 240), 8.0 / desk.canvas.view.scale)
    inside = desk.picture()[200:280, 200:440]
    assert set(np.unique(inside)) == {0, 255}


def test_a_message_stands_where_the_image_would(qtbot):
    desk = Desk(qtbot, holed())
    desk.canvas.set_image(3, None, "cannot be read: truncated file")
    picture = desk.canvas.grab().toImage()
    colors = {picture.pixel(x, 240) for x in range(640)} | {
        picture.pixel(x, y) for x in range(200, 440, 2) for y in range(230, 250)
    }
    assert len(colors) > 2
    desk.open(1)
    assert close_to(desk.color_at(35, 35), fill_over_grey("#0072b2", 0.22))


@pytest.mark.parametrize("scale", [0.1, 0.37, 1.0, 3.3])
def test_thinned_outlines_stay_within_half_a_pixel(qtbot, scale):
    shapes = [Shape([Polygon(blob((500, 500), 200, 400, n))]) for n in range(20)]
    outlines = Outlines().at_scale(list(enumerate(shapes)), scale)
    for shape, outline in zip(shapes, outlines, strict=True):
        line = shapely.LinearRing(outline.points)
        far = shapely.distance(line, shapely.points(shape.parts[0].exterior)).max() * scale
        assert far <= 0.5
        assert len(outline.points) <= 400


def test_every_part_is_in_the_path(qtbot):
    shape = Shape([Polygon(square(0, 0, 10), [square(2, 2, 3)]), Polygon(square(20, 0, 5))])
    path = path_of(shape)
    assert path.contains(QPointF(1, 1))
    assert not path.contains(QPointF(3, 3))
    assert path.contains(QPointF(22, 2))


def test_of_chips_that_would_overlap_the_surest_is_painted(qtbot):
    def proposal(number, x, score):
        part = Polygon(square(x, 60, 40))
        return instance(number, part, touched=False, detection=number, score=score)

    apart = [proposal(1, 10, 0.61), proposal(2, 130, 0.62)]
    touching = [proposal(3, 50, 0.93), proposal(4, 55, 0.71)]
    desk = Desk(qtbot, *apart, *touching, widget=(400, 300))

    def dark(desk, x):
        """The extent of dark pixels above the middle of a chip's place, in screen pixels."""
        at = desk.at(x, 60)
        above = desk.picture()[at.y() - 16 : at.y() - 5, at.x() - 60 : at.x() + 60]
        columns = np.flatnonzero((above.max(axis=2) < 70).any(axis=0))
        return columns.max() - columns.min()

    single = Desk(qtbot, apart[0], touching[0], widget=(400, 300))
    assert dark(desk, 50) == dark(single, 50)
    desk.carry_out(Edit("test", 1, (Change(touching[0], None),)))
    only = Desk(qtbot, *apart, touching[1], widget=(400, 300))
    assert np.array_equal(desk.picture(), only.picture())
    assert dark(desk, 55) > 20


def test_a_label_keeps_clear_of_a_bar_over_the_canvas(qtbot):
    desk = Desk(qtbot, instance(1, Polygon(square(10, 12, 40))), widget=(800, 620))
    desk.canvas.selection.set({1})
    spot = desk.at(30, 12)
    bar = QRect(8, 8, 500, spot.y())
    free = desk.picture()
    desk.canvas.set_covered(bar)
    kept = desk.picture()
    row = slice(bar.bottom() + 2, None)
    assert (kept[row] != free[row]).any()  # it went below the bar
    label = (free != kept).any(axis=2)
    label[row] = False
    dark = (kept.max(axis=2) < 60) & label
    assert not dark.any()
