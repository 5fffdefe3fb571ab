"""Every tool in the real window: taken by its key, used by pointer, judged by the masks."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from maskgui.core.edits import add_instances
from maskgui.core.entities import Instance
from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Polygon, Shape
from maskgui.tools.commands import COMMANDS
from maskgui.tools.toolbox import TOOLS
from maskgui.ui.actions import TOOL_ACTIONS
from maskgui.ui.controller import Controller
from maskgui.ui.dialogs.keys import KeysDialog
from maskgui.ui.panels.toolcolumn import GROUPS, ToolColumn
from maskgui.ui.theme import DARK

from .canvas_kit import Hand
from .conftest import shown

WIDTH, HEIGHT = 320, 240
NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
Key = Qt.Key


def disc(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    made = np.zeros((HEIGHT, WIDTH), bool)
    made[int(y0) : int(y1), int(x0) : int(x1)] = True
    return made


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


class Bench(Hand):
    """The window on an image of a light disc of radius 50 at (110, 120) on dark ground."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller.canvas)
        self.controller = controller
        self.desk = controller.desk
        made = controller.categories.add_named("washer")
        assert made is not None
        self.category = made
        controller.desk.use_category(made)
        controller.canvas.setFocus()

    def add(self, x0, y0, x1, y1, *, holes=()) -> Instance:
        ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        return self.add_ring(ring, [[(a, b), (c, b), (c, d), (a, d)] for a, b, c, d in holes])

    def add_ring(self, ring, holes=()) -> Instance:
        shape = Shape([Polygon(ring, holes)])
        order = len(self.desk.instances())
        made = Instance(self.desk.new_id(), self.desk.image_id, self.category, shape, order)
        assert self.desk.apply(add_instances([made], "Draw polygon"))
        return made

    def select(self, *instances: Instance) -> None:
        self.desk.selection.set(one.id for one in instances)

    def take(self, key: Qt.Key, held=NONE, *, tool: str) -> None:
        self.key(key, held)
        assert self.canvas.tool == tool

    def masks(self) -> list[np.ndarray]:
        return [shape_to_mask(one.shape, HEIGHT, WIDTH) for one in self.desk.instances()]

    def only(self) -> np.ndarray:
        (mask,) = self.masks()
        return mask


@pytest.fixture
def bench(controller: Controller, tmp_path: Path, wait) -> Iterator[Bench]:
    folder = tmp_path / "disc"
    folder.mkdir()
    noise = np.random.default_rng(4).normal(0, 3, (HEIGHT, WIDTH, 3))
    pixels = np.where(disc(110, 120, 50)[..., None], 190, 60) + noise
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "one.png")
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 90, np.uint8)).save(folder / "two.png")
    controller.start([folder], None)
    wait(lambda: shown(controller))
    made = Bench(controller)
    yield made
    assert not made.canvas.toolbox.active.busy


def test_every_tool_has_an_action(bench: Bench) -> None:
    assert set(TOOL_ACTIONS.values()) == set(TOOLS)


def test_polygon(bench: Bench) -> None:
    bench.take(Key.Key_P, tool="polygon")
    for spot in ((20, 20), (120, 20), (120, 100), (20, 100)):
        bench.click(*spot)
    bench.key(Key.Key_N)
    assert iou(bench.only(), box(20, 20, 120, 100)) > 0.97


def test_rectangle(bench: Bench) -> None:
    bench.take(Key.Key_R, tool="rectangle")
    bench.drag((20, 20), (120, 100))
    assert iou(bench.only(), box(20, 20, 120, 100)) > 0.97


def test_ellipse(bench: Bench) -> None:
    bench.take(Key.Key_O, tool="ellipse")
    bench.drag((60, 70), (160, 170))
    assert iou(bench.only(), disc(110, 120, 50)) > 0.97


def test_freehand(bench: Bench) -> None:
    bench.take(Key.Key_F, tool="freehand")
    turns = np.linspace(0, 2 * np.pi, 40)
    bench.stroke([(110 + 50 * np.cos(t), 120 + 50 * np.sin(t)) for t in turns])
    assert iou(bench.only(), disc(110, 120, 50)) > 0.95


def test_brush_draws_adds_and_erases_in_one_edit_each(bench: Bench) -> None:
    bench.take(Key.Key_B, tool="brush")
    bench.canvas.set_option("radius", 12)
    bench.stroke([(60, 60), (110, 60), (160, 60)])
    painted = bench.only()
    assert iou(painted, box(60, 48, 160, 72) | disc(60, 60, 12) | disc(160, 60, 12)) > 0.97
    bench.stroke([(110, 60), (110, 140)])
    grown = bench.only()
    assert grown.sum() > painted.sum() + 1000
    bench.stroke([(110, 30), (110, 90)], ALT)
    assert not bench.only()[60, 110]
    for _ in range(2):
        bench.key(Key.Key_Z, CONTROL)
    assert (bench.only() == painted).all()


def test_the_brush_grows_by_key_and_by_wheel(bench: Bench) -> None:
    bench.take(Key.Key_B, tool="brush")
    before = bench.canvas.toolbox.active.options()[0].value
    bench.key(Key.Key_BracketRight)
    grown = bench.canvas.toolbox.active.options()[0].value
    bench.wheel(bench.canvas.rect().center().toPointF(), 1, NONE)
    turned = bench.canvas.toolbox.active.options()[0].value
    bench.key(Key.Key_BracketLeft)
    assert before < grown < turned
    assert bench.canvas.toolbox.active.options()[0].value == pytest.approx(grown)


def test_eraser(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 140, 140))
    bench.take(Key.Key_E, tool="eraser")
    bench.canvas.set_option("radius", 10)
    bench.stroke([(90, 30), (90, 150)])
    assert iou(bench.only(), box(40, 40, 80, 140) | box(100, 40, 140, 140)) > 0.97
    assert len(bench.desk.instances()[0].shape.parts) == 2


def test_lasso_adds_and_takes(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 140, 140))
    bench.take(Key.Key_G, tool="lasso_add")
    bench.stroke([(120, 60), (180, 60), (180, 120), (120, 120), (120, 62)])
    assert iou(bench.only(), box(40, 40, 140, 140) | box(120, 60, 180, 120)) > 0.97
    bench.take(Key.Key_G, SHIFT, tool="lasso_subtract")
    bench.stroke([(20, 20), (60, 20), (60, 60), (20, 60), (20, 22)])
    assert not bench.only()[50, 50]
    assert bench.only()[70, 50]


def test_reroute(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 140, 140))
    bench.take(Key.Key_U, tool="reroute")
    bench.stroke([(140, 60), (180, 60), (180, 120), (140, 120)])
    assert iou(bench.only(), box(40, 40, 140, 140) | box(140, 60, 180, 120)) > 0.97


def test_slice(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 140, 140))
    bench.take(Key.Key_J, ALT, tool="slice")
    bench.drag((80, 20), (80, 160))
    masks = sorted(bench.masks(), key=np.sum)
    assert len(masks) == 2
    assert iou(masks[0], box(40, 40, 80, 140)) > 0.95
    assert iou(masks[1], box(80, 40, 140, 140)) > 0.95


def test_punch(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 140, 140))
    bench.take(Key.Key_P, SHIFT, tool="punch")
    for spot in ((70, 70), (110, 70), (110, 110), (70, 110)):
        bench.click(*spot)
    bench.key(Key.Key_Return)
    assert not bench.only()[90, 90]
    assert len(bench.desk.instances()[0].shape.parts[0].holes) == 1


def test_vertices_are_dragged_added_and_deleted(bench: Bench) -> None:
    one = bench.add(40, 40, 140, 140)
    bench.select(one)
    bench.take(Key.Key_J, CONTROL, tool="vertex")
    bench.drag((140, 140), (170, 160))
    assert bench.only()[150, 150]
    bench.click(90, 40, ALT)
    assert bench.desk.instances()[0].shape.vertex_count == 5
    bench.click(90, 40, SHIFT)
    assert bench.desk.instances()[0].shape.vertex_count == 4


def test_transform_moves_and_scales(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 100, 100))
    bench.take(Key.Key_T, SHIFT, tool="transform")
    bench.drag((70, 70), (170, 120))
    assert iou(bench.only(), box(140, 90, 200, 150)) > 0.9
    bench.drag((200, 150), (230, 180))
    assert bench.only().sum() > 60 * 60 * 1.4


def test_simplify_previews_and_keeps(bench: Bench) -> None:
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([110 + 50 * np.cos(turns), 120 + 50 * np.sin(turns)], 1)
    one = bench.add(0, 0, 10, 10)
    made = Instance(bench.desk.new_id(), one.image_id, bench.category, Shape([Polygon(ring)]))
    bench.desk.apply(add_instances([made], "Draw polygon"))
    bench.select(made)
    bench.take(Key.Key_M, SHIFT, tool="simplify")
    bench.canvas.set_option("tolerance", 2.0)
    figures = bench.canvas.toolbox.active.figures(bench.canvas.scene)
    assert figures.startswith("200 → ")
    assert bench.desk.session.document.instance(made.image_id, made.id).shape.vertex_count == 200
    bench.key(Key.Key_Return)
    after = bench.desk.session.document.instance(made.image_id, made.id).shape
    assert 8 <= after.vertex_count < 60
    assert iou(shape_to_mask(after, HEIGHT, WIDTH), disc(110, 120, 50)) > 0.9


def test_scissors_cling_to_the_edge(bench: Bench, wait) -> None:
    bench.take(Key.Key_C, tool="scissors")
    tool = bench.canvas.toolbox.active
    for spot in ((160, 120), (110, 170), (60, 120), (110, 70)):
        bench.click(*spot)
        wait(lambda: tool.wire is not None)
    bench.key(Key.Key_Return)
    assert iou(bench.only(), disc(110, 120, 50)) > 0.95


def test_wand_finds_the_disc_and_follows_the_tolerance(bench: Bench, wait) -> None:
    bench.take(Key.Key_W, tool="wand")
    bench.canvas.set_option("tolerance", 30)
    bench.click(110, 120)
    wait(lambda: len(bench.desk.instances()) == 1)
    assert iou(bench.only(), disc(110, 120, 50)) > 0.95


def test_a_wand_left_behind_changes_nothing(bench: Bench, wait) -> None:
    bench.take(Key.Key_W, tool="wand")
    bench.hover(110, 120)
    QTest.mousePress(bench.canvas, Qt.MouseButton.LeftButton, NONE, bench.at(110, 120))
    bench.key(Key.Key_Escape)
    QTest.mouseRelease(bench.canvas, Qt.MouseButton.LeftButton, NONE, bench.at(110, 120))
    wait(lambda: not bench.canvas._work.busy)
    assert bench.desk.instances() == []


def test_refine_moves_the_outline_to_the_edge(bench: Bench, wait) -> None:
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([113 + 44 * np.cos(turns), 118 + 44 * np.sin(turns)], 1)
    one = Instance(bench.desk.new_id(), bench.desk.image_id, bench.category, Shape([Polygon(ring)]))
    bench.desk.apply(add_instances([one], "Draw polygon"))
    before = iou(bench.only(), disc(110, 120, 50))
    bench.select(one)
    bench.take(Key.Key_K, tool="refine")
    bench.canvas.set_option("band", 14)
    bench.key(Key.Key_Return)
    wait(lambda: not bench.canvas.toolbox.active.busy)
    assert before < 0.85
    assert iou(bench.only(), disc(110, 120, 50)) > 0.95
    bench.key(Key.Key_Z, CONTROL)
    assert iou(bench.only(), disc(110, 120, 50)) == pytest.approx(before)


def test_a_refinement_awaited_for_another_image_is_dropped(bench: Bench, wait) -> None:
    one = bench.add(70, 80, 150, 160)
    bench.select(one)
    bench.take(Key.Key_K, tool="refine")
    bench.key(Key.Key_Return)
    bench.key(Key.Key_D)
    wait(lambda: shown(bench.controller))
    wait(lambda: not bench.canvas._work.busy)
    assert bench.desk.instances() == []
    assert bench.desk.session.instances(one.image_id) == [one]


# Commands


def test_join_and_split(bench: Bench) -> None:
    one, two = bench.add(20, 20, 80, 80), bench.add(120, 20, 160, 60)
    bench.select(one, two)
    bench.key(Key.Key_J)
    assert iou(bench.only(), box(20, 20, 80, 80) | box(120, 20, 160, 60)) == 1
    bench.key(Key.Key_J, SHIFT)
    assert len(bench.desk.instances()) == 2
    assert bench.desk.selection.ids == {one.id for one in bench.desk.instances()}


def test_subtract_takes_from_the_neighbours(bench: Bench) -> None:
    one, two = bench.add(20, 20, 80, 80), bench.add(60, 20, 120, 80)
    bench.select(one)
    bench.key(Key.Key_S)
    kept = bench.desk.session.document.instance(two.image_id, two.id).shape
    assert kept.bounds == (80, 20, 120, 80)


def test_intersect(bench: Bench) -> None:
    bench.select(bench.add(20, 20, 80, 80), bench.add(60, 20, 120, 80))
    bench.key(Key.Key_S, SHIFT)
    assert iou(bench.only(), box(60, 20, 80, 80)) == 1


def test_fill_holes(bench: Bench) -> None:
    bench.select(bench.add(20, 20, 120, 120, holes=[(50, 50, 80, 80)]))
    bench.key(Key.Key_F, SHIFT)
    assert iou(bench.only(), box(20, 20, 120, 120)) == 1


def test_remove_overlap_works_off_the_main_thread(bench: Bench, wait) -> None:
    bench.add(20, 20, 80, 80)
    bench.add(60, 20, 120, 80)
    bench.key(Key.Key_O, SHIFT)
    assert bench.controller.combining.busy
    wait(lambda: not bench.controller.combining.busy)
    low, high = bench.masks()
    assert not (low & high).any()
    assert low.sum() == 40 * 60
    assert high.sum() == 60 * 60


@pytest.mark.parametrize(
    ("key", "held", "chosen", "expected"),
    [
        (Key.Key_S, NONE, 1, box(20, 20, 60, 80)),
        (Key.Key_J, NONE, 0, box(20, 20, 120, 80)),
        (Key.Key_S, SHIFT, 0, box(60, 20, 80, 80)),
    ],
)
def test_what_has_many_vertices_is_combined_off_the_main_thread(
    bench: Bench, wait, key, held, chosen, expected
) -> None:
    bench.add(20, 20, 80, 80)
    along = np.linspace(60, 120, 3000)
    upper, lower = (np.stack((along, np.full(3000, y)), axis=1) for y in (20, 80))
    bench.add_ring(np.concatenate((upper, lower[::-1])))
    bench.select(*bench.desk.instances()[chosen:])
    before = bench.masks()
    bench.key(key, held)
    assert bench.controller.combining.busy
    assert np.array_equal(bench.masks(), before)
    wait(lambda: not bench.controller.combining.busy)
    assert any(np.array_equal(mask, expected) for mask in bench.masks())


class Held:
    """Remove overlap, which waits to be let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, real = Event(), COMMANDS["remove_overlap"]
        monkeypatch.setitem(
            COMMANDS, "remove_overlap", lambda scene: (self.go.wait(20), real(scene))[1]
        )


def test_undo_takes_back_a_command_under_way_and_nothing_else(
    bench: Bench, wait, monkeypatch
) -> None:
    held = Held(monkeypatch)
    bench.add(20, 20, 80, 80)
    bench.add(60, 20, 120, 80)
    before, last = bench.desk.instances(), bench.desk.session.undo_label
    bench.key(Key.Key_O, SHIFT)
    commands = bench.controller.window.commands
    assert commands["undo"].text() == "Undo remove overlap" and commands["undo"].isEnabled()
    assert "command under way" in commands.reason("redo")
    bench.controller.editing.redo()
    assert bench.controller.combining.busy, "redo waits"
    commands["undo"].trigger()
    assert not bench.controller.combining.busy
    assert commands["undo"].text() != "Undo remove overlap"
    held.go.set()
    passed: list[None] = []
    bench.desk.background.run(lambda: None, passed.append, pytest.fail)
    wait(lambda: bool(passed))
    assert bench.desk.instances() == before
    assert bench.desk.session.undo_label == last


def test_a_command_under_way_ends_with_its_project(bench: Bench, monkeypatch) -> None:
    held = Held(monkeypatch)
    bench.add(20, 20, 80, 80)
    bench.add(60, 20, 120, 80)
    bench.key(Key.Key_O, SHIFT)
    assert bench.controller.combining.busy
    bench.controller.files.close_project()
    assert not bench.controller.combining.busy and not bench.desk.work.edit
    held.go.set()


def test_a_command_leaves_what_was_locked_meanwhile(bench: Bench, wait, monkeypatch) -> None:
    held = Held(monkeypatch)
    bench.add(20, 20, 80, 80)
    bench.add(60, 20, 120, 80)
    before = bench.desk.instances()
    bench.key(Key.Key_O, SHIFT)
    bench.controller.view.lock([before[0].id])
    held.go.set()
    wait(lambda: not bench.controller.combining.busy)
    assert bench.desk.instances() == before
    assert "was locked" in bench.controller.window.toasts.texts[-1]


def test_a_cancelled_command_changes_nothing(bench: Bench, qtbot) -> None:
    bench.add(20, 20, 80, 80)
    bench.add(60, 20, 120, 80)
    before = bench.desk.instances()
    bench.key(Key.Key_O, SHIFT)
    bench.controller.window.commands["cancel_work"].trigger()
    bench.controller.desk.background.close()
    QTest.qWait(20)
    assert bench.desk.instances() == before


def test_a_command_that_cannot_work_says_why(bench: Bench) -> None:
    bench.add(20, 20, 80, 80)
    commands = bench.controller.window.commands
    assert "Select two" in commands.reason("join")
    bench.select(*bench.desk.instances())
    bench.key(Key.Key_F, SHIFT)
    assert "Select an instance with holes first." in bench.controller.window.toasts.texts


# The view


def test_the_view_follows_at_its_edge_while_drawing(bench: Bench, wait) -> None:
    bench.canvas.zoom_to((20, 20, 120, 100))
    bench.take(Key.Key_B, tool="brush")
    view = bench.canvas.view
    seen = view.visible_box()
    assert seen[2] < WIDTH
    middle = ((seen[0] + seen[2]) / 2, (seen[1] + seen[3]) / 2)
    edge = (seen[2] - 2 / view.logical_scale, middle[1])
    bench.hover(*middle)
    QTest.mousePress(bench.canvas, Qt.MouseButton.LeftButton, NONE, bench.at(*middle))
    bench.hover(*edge, NONE, Qt.MouseButton.LeftButton)
    wait(lambda: view.visible_box()[2] > seen[2] + 20)
    place = bench.at(*edge)
    QTest.mouseRelease(bench.canvas, Qt.MouseButton.LeftButton, NONE, place)
    assert bench.only().any(axis=0).nonzero()[0].max() > seen[2] + 5
    still = view.visible_box()
    QTest.qWait(60)
    assert view.visible_box() == still


def test_the_view_stays_where_the_image_ends(bench: Bench) -> None:
    bench.canvas.fit()
    bench.take(Key.Key_B, tool="brush")
    before = bench.canvas.view.origin
    bench.hover(50, 50)
    QTest.mousePress(bench.canvas, Qt.MouseButton.LeftButton, NONE, bench.at(50, 50))
    corner = bench.canvas.view.to_image(bench.canvas.width() - 2, bench.canvas.height() - 2)
    bench.hover(*corner, NONE, Qt.MouseButton.LeftButton)
    QTest.qWait(260)
    assert bench.canvas.view.origin == before
    bench.key(Key.Key_Escape)


# The column of tools and the options


def test_every_tool_has_a_place_in_the_column(bench: Bench) -> None:
    assert {tool for tools in GROUPS.values() for tool in tools} == set(TOOLS)


def test_a_group_remembers_the_tool_used_last(bench: Bench) -> None:
    column = bench.controller.window.tools
    button = column.groups["figures"]
    assert button.defaultAction().text() == "Rectangle"
    bench.key(Key.Key_O)
    assert button.defaultAction().text() == "Ellipse"
    assert button.isChecked()
    again = ToolColumn(bench.controller.window.commands, bench.controller.options, DARK)
    assert again.groups["figures"].defaultAction().text() == "Ellipse"
    again.deleteLater()


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_flyout_opens_by_the_right_button_or_a_second_click(bench: Bench) -> None:
    button = bench.controller.window.tools.groups["painting"]
    left = Qt.MouseButton.LeftButton
    QTest.mouseClick(button, left)
    assert bench.canvas.tool == "brush"
    assert not button._menu.isVisible()
    QTest.mouseClick(button, left)
    assert button._menu.isVisible()
    button._menu.actions()[1].trigger()
    button._menu.hide()
    assert bench.canvas.tool == "eraser"
    assert button.defaultAction().text() == "Eraser"


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_commands_are_in_a_flyout_of_their_own(bench: Bench) -> None:
    bench.select(bench.add(20, 20, 80, 80), bench.add(120, 20, 160, 60))
    button = bench.controller.window.tools.combine
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert button._menu.isVisible()
    button._menu.actions()[0].trigger()
    button._menu.hide()
    assert len(bench.desk.instances()) == 1


def test_all_tools_fit_the_lowest_window(bench: Bench, wait) -> None:
    window = bench.controller.window
    window.resize(960, 600)
    wait(lambda: window.height() == 600)
    QTest.qWait(30)
    places = [button.geometry() for button in window.tools._buttons]
    assert places[-1].bottom() <= window.tools.height()
    for one, other in pairwise(places):
        assert one.bottom() < other.top()


def test_the_options_of_the_tool_are_shown_and_set(bench: Bench) -> None:
    bar = bench.controller.window.options_bar
    assert not bar.isVisible()
    bench.key(Key.Key_B)
    assert bar.isVisible()
    bar.numbers["radius"].figure.setValue(40)
    assert bench.canvas.toolbox.active.radius == 40
    assert bench.canvas._face.overlay.disk is None or bench.canvas._face.overlay.disk.radius == 40
    bench.key(Key.Key_BracketRight)
    assert bar.numbers["radius"].figure.value() == pytest.approx(48)
    figure = bar.numbers["radius"].figure
    figure.setFocus()
    figure.selectAll()
    QTest.keyClicks(figure, "77")
    QTest.keyClick(figure, Key.Key_Escape)
    assert bench.canvas.toolbox.active.radius == pytest.approx(48)
    assert figure.value() == pytest.approx(48)
    figure.selectAll()
    QTest.keyClicks(figure, "25")
    QTest.keyClick(figure, Key.Key_Return)
    assert bench.canvas.toolbox.active.radius == 25
    assert bench.canvas.hasFocus()
    slider = bar.numbers["radius"].slider
    slider.setValue(slider.maximum())
    assert bench.canvas.toolbox.active.radius == pytest.approx(2000)
    bench.key(Key.Key_V)
    assert not bar.isVisible()
    assert bench.controller.options.text("brush radius") == "2000"


def test_the_options_bar_is_as_wide_as_what_it_shows(bench: Bench) -> None:
    bench.select(bench.add(20, 20, 80, 80))
    bar = bench.controller.window.options_bar
    for key, held in ((Key.Key_B, NONE), (Key.Key_M, SHIFT), (Key.Key_J, CONTROL)):
        bench.key(key, held)
        assert bar.width() == bar.sizeHint().width()
        for child in (*bar.numbers.values(), *bar.switches.values()):
            assert child.width() >= child.sizeHint().width()
        assert all(not number.slider.isHidden() for number in bar.numbers.values())


def test_the_options_bar_does_without_sliders_in_a_small_window(bench: Bench, wait) -> None:
    bench.select(bench.add(20, 20, 80, 80))
    bench.take(Key.Key_M, SHIFT, tool="simplify")
    window, bar = bench.controller.window, bench.controller.window.options_bar
    window.resize(960, 600)
    wait(lambda: bar.geometry().right() <= window.stage.width())
    assert bar.numbers["tolerance"].slider.isHidden()
    assert bar.confirm.isVisible()
    window.resize(1280, 720)
    wait(bar.numbers["tolerance"].slider.isVisible)


def test_simplify_shows_figures_and_its_button_keeps_it(bench: Bench) -> None:
    bench.select(bench.add(20, 20, 80, 80))
    bench.take(Key.Key_M, SHIFT, tool="simplify")
    bar = bench.controller.window.options_bar
    assert bar.figures.text() == "4 → 4 vertices   IoU 1.000"
    bar.numbers["smoothness"].figure.setValue(6)
    assert "IoU 1.000" not in bar.figures.text()
    bar.confirm.click()
    assert bench.canvas.tool == "select"
    assert bench.desk.instances()[0].shape.vertex_count > 4


def test_switches_of_the_vertex_tool(bench: Bench) -> None:
    one = bench.add(20, 20, 80, 80)
    bench.add(80, 20, 140, 80)
    bench.select(one)
    bench.take(Key.Key_J, CONTROL, tool="vertex")
    bench.controller.window.options_bar.switches["shared"].click()
    bench.drag((80, 80), (90, 110))
    boxes = [instance.shape.bounds for instance in bench.desk.instances()]
    assert boxes[0][3] == pytest.approx(110, abs=1)
    assert boxes[1][3] == pytest.approx(110, abs=1)


def test_simplify_can_be_changed_again_after_a_restart(bench: Bench, tmp_path: Path, wait) -> None:
    turns = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.stack([110 + 50 * np.cos(turns), 120 + 50 * np.sin(turns)], 1)
    full = Shape([Polygon(ring)])
    made = Instance(bench.desk.new_id(), bench.desk.image_id, bench.category, full)
    bench.desk.apply(add_instances([made], "Draw polygon"))
    for tolerance in (1.0, 8.0):
        bench.select(made)
        bench.take(Key.Key_M, SHIFT, tool="simplify")
        bench.canvas.set_option("tolerance", tolerance)
        bench.key(Key.Key_Return)
    assert bench.desk.instances()[0].shape.vertex_count < 12
    assert bench.controller.files.close_project()
    bench.controller.start([tmp_path / "disc"], None)
    wait(lambda: shown(bench.controller))
    bench.canvas.setFocus()
    bench.select(made)
    bench.canvas.set_tool("simplify")  # not used since the start
    number = bench.controller.window.options_bar.numbers["tolerance"]
    assert number.figure.value() == 8
    bench.canvas.set_option("tolerance", 0.2)
    assert bench.controller.window.options_bar.figures.text().startswith("200 → ")
    bench.key(Key.Key_Return)
    assert iou(bench.only(), shape_to_mask(full, HEIGHT, WIDTH)) > 0.98
    bench.key(Key.Key_Z, CONTROL)
    assert bench.desk.instances()[0].shape.vertex_count < 12


def test_an_outline_corrected_since_is_simplified_as_it_is(bench: Bench) -> None:
    bench.select(bench.add(40, 40, 140, 140))
    for tolerance in (0.5, 0.25):
        bench.take(Key.Key_M, SHIFT, tool="simplify")
        bench.controller.window.options_bar.numbers["smoothness"].figure.setValue(4)
        bench.canvas.set_option("tolerance", tolerance)
        bench.key(Key.Key_Return)
        if tolerance == 0.5:
            bench.key(Key.Key_E)
            bench.canvas.set_option("radius", 20)
            bench.stroke([(30, 90), (60, 90)])
            bench.key(Key.Key_V)
            assert not bench.only()[90, 60]
    assert not bench.only()[90, 60]


def test_all_keys_fit_their_dialog(bench: Bench) -> None:
    dialog = KeysDialog(bench.controller.window)
    dialog.show()
    QTest.qWait(10)
    area = dialog.findChild(QScrollArea)
    assert not area.horizontalScrollBar().isVisible()
    dialog.close()
    dialog.deleteLater()
