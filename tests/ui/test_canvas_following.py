"""What the canvas keeps from frame to frame equals what it would make anew."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QObject, QPointF
from PySide6.QtTest import QTest

from maskgui.core.document import Change, Edit
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas import still
from maskgui.ui.canvas.paintlist import PaintItem, PaintList
from maskgui.ui.canvas.scene import CanvasScene
from maskgui.ui.canvas.style import Look
from maskgui.ui.canvas.tiles import TILE
from maskgui.ui.selection import SelectionModel
from tests.ui.canvas_kit import LEFT, Desk, Project, instance, square

BLUE = Look("#0072b2")


def item(number, order, side):
    shape = Shape([Polygon(square(number, order, side))] if side else [])
    return PaintItem(number, shape, BLUE, order)


items = st.builds(item, st.integers(1, 8), st.integers(0, 5), st.integers(0, 3))
lists = st.dictionaries(st.integers(1, 8), items).map(
    lambda found: {number: item(number, one.order, 1) for number, one in found.items()}
)


def fine(middle, radius):
    """A ring of so many vertices that it is sketched at first."""
    turn = np.linspace(0, 2 * np.pi, 900, endpoint=False)
    reach = radius * (1 + 0.07 * np.sin(60 * turn))
    return np.asarray(middle) + np.stack([np.cos(turn), np.sin(turn)], 1) * reach[:, None]


@given(lists, st.dictionaries(st.integers(1, 8), st.none() | items))
def test_a_changed_paint_list_equals_one_made_anew(before, after):
    after = {
        number: one and PaintItem(number, one.shape, one.look, one.order)
        for number, one in after.items()
    }

    def listed(found):
        shown = (one for one in found.values() if one is not None)
        return PaintList(sorted(shown, key=lambda one: one.place))

    old = listed(before)
    kept = list(old.items)
    made, fresh = old.changed(after), listed(before | after)
    assert made.items == fresh.items
    assert np.array_equal(made.boxes, fresh.boxes)
    assert old.items == kept


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(-1, 4)), max_size=12))
def test_the_scene_keeps_the_order_through_edits(steps):
    project = Project()
    scene = CanvasScene(project, SelectionModel())
    scene.image_id = 1
    scene.set_instances((), ())
    scene.set_hidden(frozenset({3}))
    now = {}
    for number, order in steps:
        held, held_as = scene.instances(), list(scene.instances())
        before = now.pop(number, None)
        after = None
        if order >= 0:
            after = instance(number, Polygon(square(order, number, 4)))
            after = type(after)(number, 1, 7, after.shape, order)
            now[number] = after
        if before is not None or after is not None:
            scene.apply(Edit("test", 1, (Change(before, after),)))
        shown = (one for one in now.values() if one.id != 3)
        assert list(scene.instances()) == sorted(shown, key=lambda one: (one.order, one.id))
        assert list(held) == held_as


def test_an_edit_of_many_instances_leaves_the_scene_as_if_made_anew():
    scene = CanvasScene(Project(), SelectionModel())
    scene.image_id = 1
    before = [instance(n, Polygon(square(10 * n, 10, 8))) for n in range(200)]
    scene.set_instances(before, ())
    scene.set_hidden(frozenset({3}))
    assert len(scene.instances()) == 199
    assert scene.hits.bodies_at(15, 15) == [1]
    after = [replace(one, shape=one.shape.moved(0, 100), order=-one.id) for one in before]
    scene.apply(Edit("test", 1, tuple(map(Change, before, after))))
    assert [one.id for one in scene.instances()] == [n for n in range(199, -1, -1) if n != 3]
    assert scene.hits.bodies_at(15, 15) == []
    assert scene.hits.bodies_at(15, 115) == [1]
    assert scene.hits.bodies_at(35, 115) == []


def test_a_selected_instance_looks_the_same_in_every_frame(qtbot):
    desk = Desk(
        qtbot,
        instance(1, Polygon(square(20, 20, 80)), Polygon(square(120, 20, 40))),
        instance(2, Polygon(square(60, 60, 80))),
    )
    desk.canvas.selection.set({1, 2})
    first = desk.picture().astype(int)
    for _ in range(3):
        desk.canvas.update()
        assert np.abs(desk.picture() - first).max() <= 2
    desk.canvas.set_locked({2})  # dashed, and without vertices
    assert np.abs(desk.picture() - first).max() > 50
    desk.canvas.set_locked(())
    desk.canvas.scroll_by(30, 10)
    shifted = desk.picture().astype(int)
    assert np.abs(shifted[10:, 30:] - first[:-10, :-30]).max() <= 3
    desk.canvas.scroll_by(-3000, 0)  # nothing of them is in view
    desk.picture()
    desk.canvas.update()
    desk.picture()


def test_the_dots_of_a_crowd_go_on_across_tiles_and_edits_and_when_it_is_chosen(qtbot):
    crowd = instance(1, Polygon(square(31.3, 22.7, 640)), iscrowd=True)
    desk = Desk(qtbot, crowd, size=(700, 700), widget=(720, 720))
    desk.canvas.zoom_to_100()
    left, top = desk.canvas.view.origin
    edge = TILE - 40
    assert edge + 60 < 31 + 640

    def assert_dotted():
        seen = desk.picture()[top + edge : top + edge + 60, left + edge : left + edge + 60]
        even = np.indices(seen.shape[:2]).sum(axis=0) % 2 == 0
        for part in (seen[even], seen[~even]):
            assert (part == part[0]).all()
        assert (seen[0, 0] != seen[0, 1]).any()
        return seen

    plain = assert_dotted()
    beside = edge + 23
    added = Change(None, instance(2, Polygon(square(beside, beside - 40, 5))))
    desk.carry_out(Edit("test", 1, (added,)))
    desk.picture()
    desk.undo()
    assert np.array_equal(assert_dotted(), plain)
    desk.canvas.selection.set({1})
    assert np.array_equal(assert_dotted(), plain)


def test_a_brush_stroke_is_painted_above_what_was_kept(qtbot):
    desk = Desk(qtbot, instance(1, Polygon(square(20, 20, 80))))
    desk.canvas.selection.set({1})
    desk.canvas.set_tool("brush")
    before = desk.color_at(110, 60)
    desk.hover(90, 60)
    QTest.mousePress(desk.canvas, LEFT, pos=desk.at(90, 60))
    for x in (95, 100, 105, 110):
        desk.hover(x, 60, buttons=LEFT)
        desk.picture()
    during = desk.color_at(110, 60)
    assert during != before
    QTest.mouseRelease(desk.canvas, LEFT, pos=desk.at(110, 60))
    assert desk.color_at(115, 60) not in (before, during)
    assert desk.shape(1).bounds[2] > 118


def test_a_fine_outline_is_sketched_and_then_painted_whole(qtbot):
    ring = fine((75, 75), 55)
    desk = Desk(qtbot, instance(1, Polygon(ring)), widget=(900, 800))
    desk.canvas.selection.set({1})
    rough = desk.picture_at_once().astype(int)
    assert not desk.canvas.is_settled()
    whole = desk.picture()  # waits
    assert desk.canvas.is_settled()
    assert np.abs(desk.picture().astype(int) - whole).max() == 0
    changed = np.abs(rough - whole).max(axis=2) > 60
    assert 0 < changed.mean() < 0.05  # the halo
    accent = np.array(desk.canvas._colors.accent.getRgb()[:3])
    for picture in (rough, whole.astype(int)):  # both show the outline where the vertices are
        at = [desk.canvas.view.to_screen(x, y) for x, y in ring[::50].tolist()]
        seen = [
            picture[int(p.y()) - 1 : int(p.y()) + 2, int(p.x()) - 1 : int(p.x()) + 2] for p in at
        ]
        away = [np.abs(one - accent).sum(axis=2).min() for one in seen]
        assert np.median(away) < 60


def test_what_was_chosen_a_moment_ago_is_shown_as_before_until_its_tiles_are_painted(qtbot):
    ring = np.array([(300, 250), (730, 260), (720, 700), (310, 690)])
    desk = Desk(qtbot, instance(1, Polygon(ring)), size=(1000, 900), widget=(1100, 1000))
    desk.canvas.zoom_to_100()  # it lies over four tiles
    desk.canvas.point_at(None)
    before = desk.picture().astype(int)
    desk.canvas.selection.set({1})
    desk.picture()
    desk.canvas.selection.clear()
    at_once = desk.picture_at_once().astype(int)  # the tiles still leave it out
    assert not desk.canvas.is_settled()
    assert np.abs(at_once - before).max() <= 2


class Repainted(QObject):
    """Keeps what a widget was asked to paint anew."""

    def __init__(self):
        super().__init__()
        self.rects = []

    def eventFilter(self, _, event):
        if event.type() == QEvent.Type.Paint:
            self.rects.append(event.rect())
        return False


def test_of_a_tile_that_comes_only_its_place_is_painted_anew(qtbot):
    blobs = [instance(n, Polygon(fine((300 * n, 400), 90))) for n in range(1, 6)]
    desk = Desk(qtbot, *blobs, size=(1800, 1400), widget=(1700, 1300))
    desk.canvas.zoom_at(QPointF(850, 650), 1 / desk.canvas.view.scale)
    desk.settle()
    seen = Repainted()
    desk.canvas.installEventFilter(seen)
    desk.canvas._layer.spoil_instances([blobs[0]])
    desk.settle()
    assert seen.rects
    assert all(max(rect.width(), rect.height()) <= TILE for rect in seen.rects)
    desk.carry_out(Edit("deleted", 1, (Change(blobs[0], None),)))
    desk.settle()
    shown = desk.canvas.screen().grabWindow(desk.canvas.winId()).toImage()
    assert shown == desk.canvas.grab().toImage().convertToFormat(shown.format())


def test_what_is_drawn_live_is_not_made_anew_in_every_frame_of_a_scroll(qtbot, monkeypatch):
    ring = fine((1500, 1000), 900)
    desk = Desk(qtbot, instance(1, Polygon(ring)), size=(3000, 2000), widget=(700, 500))
    desk.canvas.zoom_at(QPointF(350, 250), 1 / desk.canvas.view.scale)
    desk.canvas.selection.set({1})
    desk.canvas.set_tool("vertex")
    desk.settle()
    made = []
    painted = still._painted
    monkeypatch.setattr(still, "_painted", lambda *a, **k: (made.append(1), painted(*a, **k))[1])
    for _ in range(30):
        desk.canvas.scroll_by(12, 7)
        scrolled = desk.picture_at_once().astype(int)
    assert len(made) <= 2
    scrolled = desk.picture().astype(int)
    desk.canvas._layer.still.forget()
    assert np.abs(desk.picture() - scrolled).max() <= 1
