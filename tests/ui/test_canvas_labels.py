"""Labels and chips: none over another, none over a vertex, whatever the names."""

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF

from maskgui.core.entities import Category
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas import frame
from maskgui.ui.canvas.chips import NAME_LONGEST, chip_bleed, chips_of, overlapped
from maskgui.ui.canvas.labels import Surroundings, place_label
from maskgui.ui.canvas.paintlist import PaintItem, PaintList, area_box
from maskgui.ui.canvas.style import Look
from maskgui.ui.canvas.tiles import TILE, TileKey

from .canvas_kit import Desk, instance, square

LONG = "a category with a name of some sixty characters, as they come"
NONE = np.empty((0, 2))


def name(desk: Desk) -> None:
    """Give the category of all instances a long name."""
    category = Category(7, LONG, "#0072b2")
    desk.canvas.set_instances(desk.project.document.instances(1), [category])


def test_a_label_has_a_place_in_view_that_covers_no_vertex_and_no_other_label(qtbot):
    rng = np.random.default_rng(0)
    view = QRectF(0, 0, 640, 480)
    away, bar = QRectF(700, 10, 50, 50), QRectF(8, 8, 300, 40)
    around = Surroundings(NONE, bar)
    assert place_label(QSizeF(90, 20), away, away.topLeft(), view, around) is None
    taken: list[QRectF] = []
    for number in range(200):
        vertices = rng.uniform((-100, -100), (700, 500), (rng.integers(3, 60), 2))
        low, high = vertices.min(axis=0), vertices.max(axis=0)
        box = QRectF(*low, *(high - low))
        top = QPointF(*vertices[vertices[:, 1].argmin()])
        taken = [] if number % 6 == 0 else taken
        place = place_label(QSizeF(90, 20), box, top, view, Surroundings(vertices, bar, (), taken))
        if place is not None:
            assert not place.intersects(bar)
            assert not any(place.intersects(other) for other in taken)
            assert view.contains(place)
            assert not any(place.contains(QPointF(*vertex)) for vertex in vertices)
            taken.append(place)


def test_labels_of_six_instances_on_one_place_are_all_there_side_by_side(qtbot, monkeypatch):
    places: list[QRectF] = []
    draw = frame.draw_label
    monkeypatch.setattr(
        frame, "draw_label", lambda *given: places.append(draw(*given)) or places[-1]
    )
    same = [instance(n, Polygon(square(30, 30, 20 + n))) for n in range(1, 7)]
    desk = Desk(qtbot, *same, widget=(800, 620))
    name(desk)
    desk.canvas.selection.set({one.id for one in same})
    desk.picture()
    last = places[-6:]  # those of the last frame
    assert len(last) == 6 and all(place is not None for place in last)
    for at, place in enumerate(last):
        assert not any(place.intersects(other) for other in last[:at])
        for one in same:
            for x, y in one.shape.parts[0].exterior:
                assert not place.contains(QPointF(desk.at(x, y)))


def test_a_label_goes_beside_chips_and_over_them_only_for_want_of_room():
    view, box = QRectF(0, 0, 640, 480), QRectF(200, 200, 100, 80)
    top, size = QPointF(250, 200), QSizeF(90, 20)
    free = place_label(size, box, top, view, Surroundings(NONE, QRectF()))
    chips = [QRectF(free.left() + 20, free.top() + 5, 40, 14)]
    beside = place_label(size, box, top, view, Surroundings(NONE, QRectF(), chips))
    assert not beside.intersects(chips[0])
    chips = [QRectF(x, y, 60, 14) for x in range(0, 640, 60) for y in range(0, 480, 15)]
    assert place_label(size, box, top, view, Surroundings(NONE, QRectF(), chips)) == free


def test_the_label_of_a_chosen_instance_covers_no_chip_of_another(qtbot, monkeypatch):
    places: list[QRectF] = []
    draw = frame.draw_label
    monkeypatch.setattr(
        frame, "draw_label", lambda *given: places.append(draw(*given)) or places[-1]
    )
    known = {"touched": False, "detection": 1}
    low = instance(1, Polygon(square(40, 60, 50)), score=0.9, **known)
    high = instance(2, Polygon(square(45, 58, 40)), score=0.8, **known)
    desk = Desk(qtbot, low, high, widget=(800, 620))
    desk.canvas.set_labels(True)
    desk.canvas.selection.set({1})
    desk.picture()
    chips = desk.canvas._layer.chips()
    assert list(chips) == [2], "the chosen one has its label instead"
    x, y = high.shape.parts[0].exterior[0]
    corner = desk.canvas.view.to_screen(x, y)
    assert abs(chips[2].bottom() - corner.y() + 4) < 1
    assert places[-1] is not None and not places[-1].intersects(chips[2])
    desk.canvas.selection.set({1, 2})
    desk.picture()
    assert not desk.canvas._layer.chips()
    desk.canvas.selection.clear()
    desk.canvas.set_labels(False)
    desk.hover(88, 107)
    desk.picture()
    assert places[-1].contains(desk.canvas._layer.chips()[1]), "its own is hidden whole"


def test_every_chip_left_out_overlaps_a_surer_one_whatever_else_is_near():
    rng = np.random.default_rng(0)
    for _ in range(50):
        corners = rng.uniform(0, 300, (rng.integers(1, 60), 2))
        boxes = [QRectF(x, y, rng.uniform(20, 120), 14) for x, y in corners]
        expected = [
            any(one.intersects(other) for other in boxes[:at]) for at, one in enumerate(boxes)
        ]
        assert overlapped(boxes) == expected


def crowd(names: list[str]) -> PaintList:
    """Return 300 squares on three tiles, with these names in turn."""
    rng = np.random.default_rng(1)
    corners = rng.uniform((0, 0), (3 * TILE, TILE), (300, 2))
    return PaintList(
        PaintItem(
            n,
            Shape([Polygon(np.array(square(*corner, rng.uniform(30, 120))))]),
            Look("#0072b2", tag=names[n % len(names)]),
            score=float(rng.uniform()),
        )
        for n, corner in enumerate(corners)
    )


def test_tiles_side_by_side_agree_on_chips_of_long_names_and_none_overlap(qapp):
    content = crowd(["nut 0.93", f"{LONG} 0.71", "traffic light"])
    whole = chips_of(content.items, 1.0, 1.0, labelled=True)
    assert 20 < len(whole) < 300
    for at, chip in enumerate(whole):
        assert chip.box.width() <= NAME_LONGEST and chip.box.left() > 0 and chip.box.top() > 0
        assert not any(chip.box.intersects(other.box) for other in whole[:at])
    assert any("…" in chip.text and chip.text.endswith("0.71") for chip in whole)
    for column in range(3):
        near = content.within(
            area_box(TileKey(1.0, column, 0), (0, 0, TILE, TILE), chip_bleed(labelled=True))
        )
        area = QRectF(column * TILE, 0, TILE, TILE)
        here = chips_of(near, 1.0, 1.0, labelled=True)
        assert {one.item.instance_id for one in here if one.box.intersects(area)} == {
            one.item.instance_id for one in whole if one.box.intersects(area)
        }


def test_a_hovered_instance_whose_chip_has_no_room_is_labelled(qtbot, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(frame, "draw_label", lambda brush, text, *_: said.append(text))
    under = instance(1, Polygon(square(30, 40, 30)))
    over = instance(2, Polygon(square(34, 40, 30)))
    desk = Desk(qtbot, under, over, widget=(800, 620))
    name(desk)
    desk.canvas.set_labels(True)
    desk.settle()  # until then no tile shows the chips
    for aimed, expected in ((under, 0), (over, 1)):
        said.clear()
        x, y = aimed.shape.parts[0].exterior.mean(axis=0)
        shift = -14 if aimed is under else 14
        desk.hover(x + shift, y)
        desk.picture()
        assert (len(said) > 0) == bool(expected)
