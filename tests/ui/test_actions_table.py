"""docs/actions.md: its sums are right, and its MaskGUI column does on the window what it says."""

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from maskgui.core.entities import Review
from maskgui.ui.actions import TABLE
from maskgui.ui.dialogs.keys import key_rows
from maskgui.ui.gestures import GESTURES

from .test_ui_segmenting import proposals, with_canned_model
from .test_ui_tools import Bench, bench

__all__ = ["bench"]  # the fixture

DOCUMENT = Path(__file__).parents[2] / "docs" / "actions.md"
NAMES = ("MaskGUI", "labelme", "X-AnyLabeling", "CVAT")
POINTING = ("click", "drag")
MANY = 10
"""Vertices of the polygon that the document's sums are for."""
PLAIN = Qt.KeyboardModifier.NoModifier
HELD = {
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
    "Alt": Qt.KeyboardModifier.AltModifier,
}


@dataclass(frozen=True)
class Cost:
    """Inputs: `each` for every vertex, and `once`."""

    each: int
    once: int

    def of(self, vertices: int) -> int:
        return self.each * vertices + self.once


@dataclass(frozen=True)
class Cell:
    """One program's way: the inputs of the shortest, and what the document says they come to."""

    said: Cost
    inputs: tuple[tuple[str, bool], ...]  # what is done, and whether once for every vertex
    keys: tuple[str, ...]  # all that are named, other ways too

    @property
    def counted(self) -> Cost:
        each = sum(many for _, many in self.inputs)
        return Cost(each, len(self.inputs) - each)


def read_cell(text: str) -> Cell | None:
    if text == "–":
        return None
    match = re.fullmatch(r"\*\*(n \+ )?(\d+)\*\* · (.+)", text)
    assert match, text
    said = Cost(1 if match[1] else 0, int(match[2]))
    shortest = match[3].split(" or ")[0]
    inputs = re.findall(r"(n × )?`([^`]+)`", shortest)
    return Cell(
        said,
        tuple((done, bool(many)) for many, done in inputs),
        tuple(re.findall(r"`([^`]+)`", match[3])),
    )


def read_table() -> dict[str, tuple[Cell | None, ...]]:
    rows = {}
    for line in DOCUMENT.read_text("utf-8").splitlines():
        if re.match(r"\| \d+ \|", line):
            number, action, *cells = (part.strip() for part in line.strip("|").split("|"))
            assert int(number) == len(rows) + 1
            assert len(cells) == len(NAMES)
            rows[action] = tuple(read_cell(cell) for cell in cells)
    return rows


ROWS = read_table()

# What each row does: it prepares the window, yields the places that the pointer goes to, in the
# order of its inputs, and looks at what came of it.
Places = Sequence[tuple]
Deed = Callable[["Hands"], Generator[Places, None, None]]
DEEDS: dict[str, tuple[Deed, tuple[str, ...]]] = {}


def row(action: str, *names: str) -> Callable[[Deed], Deed]:
    """Name the row that a deed is of, and the actions that its keys are bound to."""

    def keep(deed: Deed) -> Deed:
        DEEDS[action] = (deed, names)
        return deed

    return keep


class Hands:
    """Carries out a cell on the window, input by input."""

    def __init__(self, bench: Bench, wait: Callable, tmp_path: Path, monkeypatch) -> None:
        self.bench, self.wait, self.tmp_path = bench, wait, tmp_path
        self.desk, self.canvas = bench.desk, bench.canvas
        self.monkeypatch = monkeypatch

    def carry_out(self, cell: Cell, places: Places) -> None:
        left = list(places)
        inputs = list(cell.inputs)
        while inputs:
            done, many = inputs.pop(0)
            *held, last = done.split("+")
            if last in POINTING:
                for _ in range(len(left) - self._later(inputs) if many else 1):
                    self._point(last, held, left.pop(0))
                continue
            if inputs and done == "Ctrl+E":  # what follows is for the dialog that this opens
                self._type_into_dialog([key for key, _ in inputs])
                inputs = []
            self._key(done, self.canvas)
        assert left == []

    def _later(self, inputs: Sequence[tuple[str, bool]]) -> int:
        return sum(done.split("+")[-1] in POINTING for done, _ in inputs)

    def _key(self, name: str, widget) -> None:
        combination = QKeySequence(name)[0]
        QTest.keyClick(widget, combination.key(), combination.keyboardModifiers())

    def _type_into_dialog(self, keys: Sequence[str]) -> None:
        def typed() -> None:
            for key in keys:
                self._key(key, QApplication.activeModalWidget().focusWidget())

        QTimer.singleShot(0, typed)

    def _point(self, how: str, held: Sequence[str], place: tuple) -> None:
        space = "Space" in held
        flags = PLAIN
        for name in held:
            flags |= HELD.get(name, PLAIN)
        if space:
            QTest.keyPress(self.canvas, Qt.Key.Key_Space)
        if how == "drag":
            self.bench.drag(*place, flags)
        else:
            self.bench.click(*place, flags)
        if space:
            QTest.keyRelease(self.canvas, Qt.Key.Key_Space)

    def one(self):
        (found,) = self.desk.instances()
        return found

    def second_category(self) -> int:
        made = self.bench.controller.categories.add_named("nut")
        assert made is not None
        self.desk.use_category(self.bench.category)
        return made


TRIANGLE = [(40, 40), (100, 40), (100, 100)]


@row("Draw a polygon of *n* vertices, category as before", "tool_polygon")
def draw(hands):
    yield TRIANGLE
    assert hands.one().shape.vertex_count == 3
    assert hands.one().category_id == hands.bench.category


@row("Draw it in another category", "tool_polygon", "category_2")
def draw_other(hands):
    first, other = hands.bench.add(150, 150, 200, 200), hands.second_category()
    yield TRIANGLE
    kept, drawn = hands.desk.instances()
    assert (kept.id, kept.category_id, drawn.category_id) == (first.id, first.category_id, other)


@row("Move a vertex")
def move_vertex(hands):
    hands.bench.add(40, 40, 140, 140)
    yield [((139, 139), (159, 149))]
    assert hands.one().shape.bounds == pytest.approx((40, 40, 160, 150), abs=1)


@row("Add a vertex on an edge")
def add_vertex(hands):
    hands.bench.add(40, 40, 140, 140)
    yield [(90, 41)]
    assert hands.one().shape.vertex_count == 5


@row("Delete a vertex")
def delete_vertex(hands):
    hands.bench.add(40, 40, 140, 140)
    yield [(139, 139)]
    assert hands.one().shape.vertex_count == 3


@row("Pan in the middle of drawing")
def pan(hands):
    hands.canvas.zoom_by(4.0)
    hands.bench.key(Qt.Key.Key_P)
    hands.bench.click(110, 120)
    before = hands.canvas.view.to_screen(110, 120)
    yield [((110, 120), (120, 125))]
    moved = hands.canvas.view.to_screen(110, 120) - before
    assert (moved.x(), moved.y()) != (0, 0)
    assert len(hands.canvas.toolbox.active.points) == 1
    hands.bench.key(Qt.Key.Key_Escape)


@row("Select an instance, so that it stays selected")
def select(hands):
    made = hands.bench.add(40, 40, 140, 140)
    yield [(90, 90)]
    hands.bench.hover(300, 200)
    assert hands.desk.selection.ids == {made.id}


@row("Add another instance to the selection")
def select_another(hands):
    one, other = hands.bench.add(40, 40, 80, 80), hands.bench.add(150, 150, 200, 200)
    hands.bench.select(one)
    yield [(175, 175)]
    assert hands.desk.selection.ids == {one.id, other.id}


@row("Change the category of the chosen instance", "category_2")
def recategorise(hands):
    hands.bench.select(hands.bench.add(40, 40, 80, 80))
    other = hands.second_category()
    yield []
    assert hands.one().category_id == other


@row("Delete the chosen instance", "delete")
def delete(hands):
    hands.bench.select(hands.bench.add(40, 40, 80, 80))
    yield []
    assert hands.desk.instances() == []


@row("Undo", "undo")
def undo(hands):
    hands.bench.add(40, 40, 80, 80)
    yield []
    assert hands.desk.instances() == []


@row("Redo", "redo")
def redo(hands):
    made = hands.bench.add(40, 40, 80, 80)
    hands.bench.controller.editing.undo()
    yield []
    assert hands.one() == made


@row("Next image", "next_image")
def next_image(hands):
    yield []
    assert hands.desk.record.path == "two.png"


@row("Fit the image to the window", "fit")
def fit(hands):
    fitted = hands.canvas.view.state
    hands.canvas.zoom_by(4.0)
    assert hands.canvas.view.state != fitted
    yield []
    assert hands.canvas.view.state == pytest.approx(fitted)


@row("Zoom to 100 %", "zoom_100")
def zoom_100(hands):
    yield []
    assert hands.canvas.view.scale == pytest.approx(1.0)


@row("Zoom to the next instance", "zoom_next")
def zoom_next(hands):
    made, before = hands.bench.add(40, 40, 60, 60), hands.canvas.view.scale
    rows = hands.bench.controller.window.side.instances.tree.rows
    hands.wait(lambda: list(rows.all_ids()) == [made.id])
    yield []
    assert hands.desk.selection.ids == {made.id}
    assert hands.canvas.view.scale > before


@row("Paint with the brush", "tool_brush")
def paint(hands):
    hands.bench.select(hands.bench.add(40, 40, 80, 80))
    yield [((70, 60), (120, 60))]
    assert hands.bench.only()[60, 100]


@row("Erase with the brush", "tool_eraser")
def erase(hands):
    hands.bench.select(hands.bench.add(40, 40, 80, 80))
    yield [((90, 60), (60, 60))]
    assert not hands.bench.only()[60, 70]


@row("Auto-segment the image", "segment")
def segment(hands):
    controller = with_canned_model(hands.bench.controller)
    yield []
    hands.wait(lambda: proposals(controller) == 3)


@row("Outline an object from one hint", "tool_wand")
def hint(hands):
    yield [(110, 120)]
    hands.wait(lambda: len(hands.desk.instances()) == 1)
    assert hands.bench.only().sum() == pytest.approx(np.pi * 50**2, rel=0.1)


@row("Mark the image reviewed and go on", "reviewed_next")
def reviewed(hands):
    record = hands.desk.record
    yield []
    assert hands.desk.image(record.id).review is Review.REVIEWED
    assert hands.desk.record.path == "two.png"


@row("Next unreviewed image", "next_unreviewed")
def unreviewed(hands):
    yield []
    assert hands.desk.record.path == "two.png"


@row("Join two instances", "join")
def join(hands):
    hands.bench.add(40, 40, 80, 80)
    hands.bench.add(150, 150, 200, 200)
    yield [(60, 60), (175, 175)]
    assert len(hands.one().shape.parts) == 2


@row("Slice an instance in two", "tool_slice")
def cut(hands):
    hands.bench.add(40, 40, 140, 140)
    yield [((90, 20), (90, 160))]
    assert len(hands.desk.instances()) == 2


@row("Duplicate the chosen instance", "duplicate")
def duplicate(hands):
    hands.bench.select(hands.bench.add(40, 40, 80, 80))
    yield []
    assert len(hands.desk.instances()) == 2


@row("Go to the next image and take the instances along", "next_image", "same_as_previous")
def take_along(hands):
    made = hands.bench.add(40, 40, 80, 80)
    yield []
    assert hands.desk.record.path == "two.png"
    assert hands.one().shape == made.shape


@row("Hide the chosen instance", "hide")
def hide(hands):
    hands.bench.select(hands.bench.add(40, 40, 80, 80))
    yield []
    assert list(hands.canvas.scene.instances()) == []


@row("Lock the chosen instance", "lock")
def lock(hands):
    made = hands.bench.add(40, 40, 80, 80)
    hands.bench.select(made)
    yield []
    assert hands.canvas.scene.locked(made.id)


@row("Open a folder of images", "open_folder")
def open_folder(hands):
    folder = hands.tmp_path / "more"
    folder.mkdir()
    Image.new("RGB", (30, 20)).save(folder / "only.png")
    hands.monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    yield []
    hands.wait(lambda: hands.desk.record is not None and hands.desk.record.path == "only.png")


@row("Export COCO", "export")
def export(hands):
    hands.bench.add(40, 40, 80, 80)
    yield []
    hands.wait(lambda: any(hands.tmp_path.glob("**/*.json")))


def test_there_are_thirty_rows_and_each_is_carried_out() -> None:
    assert len(ROWS) == 30
    assert list(ROWS) == list(DEEDS)


@pytest.mark.parametrize("action", ROWS)
def test_what_is_said_is_what_its_inputs_come_to(action: str) -> None:
    for cell in ROWS[action]:
        assert cell is None or cell.said == cell.counted


@pytest.mark.parametrize("action", ROWS)
def test_ours_are_never_more(action: str) -> None:
    ours, *others = ROWS[action]
    assert ours is not None
    for other in others:
        if other is not None:
            assert ours.said.each <= other.said.each
            assert ours.said.once <= other.said.once


def test_the_sums_are_those_of_the_table() -> None:
    said = []
    for place, name in enumerate(NAMES[1:], 1):
        both = [(cells[0], cells[place]) for cells in ROWS.values() if cells[place] is not None]
        ours, theirs = (sum(pair[at].said.of(MANY) for pair in both) for at in (0, 1))
        said.append(f"{ours} in MaskGUI against {theirs} in {name} ({len(both)} rows)")
    assert "; ".join(said) in DOCUMENT.read_text("utf-8")


@pytest.mark.parametrize("action", ROWS)
def test_its_keys_are_bound_to_it_and_listed_under_f1(action: str) -> None:
    names = DEEDS[action][1]
    bound = {
        QKeySequence(key).toString(): spec
        for spec in TABLE
        if spec.name in names
        for key in spec.keys
    }
    listed = {(label, key) for _, label, keys in key_rows() for key in keys.split(", ")}
    used = set()
    for key in ROWS[action][0].keys:
        if key.split("+")[-1] in POINTING:
            gestures = " ".join(gesture.keys for gesture in GESTURES)
            assert key in (*POINTING, *re.findall(r"[\w+]+", gestures))
        elif key != "Enter":  # finishes a draft, or agrees to a dialog
            name = QKeySequence(key).toString()
            spec = bound[name]
            used.add(spec.name)
            native = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
            assert (spec.label.removesuffix("…"), native) in listed
    assert used == set(names)


@pytest.fixture
def hands(request, wait, tmp_path, monkeypatch) -> Iterator[Hands]:
    made = Hands(request.getfixturevalue("bench"), wait, tmp_path, monkeypatch)
    made.canvas.setFocus()
    yield made
    monkeypatch.undo()


@pytest.mark.parametrize("action", DEEDS)
def test_its_inputs_do_it_in_the_window(action: str, hands: Hands) -> None:
    deed = DEEDS[action][0](hands)
    cell = ROWS[action][0]
    assert cell is not None
    hands.carry_out(cell, next(deed))
    with pytest.raises(StopIteration):
        next(deed)
