"""Keys in the middle of a drag, undo of what is begun, drafts that outlast the window's project."""

from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from maskgui.core.edits import add_instances
from maskgui.core.entities import Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.control.drafting import DRAFTS, WAITING
from maskgui.ui.controller import Controller
from maskgui.ui.panels.picker import CategoryPicker

from .canvas_kit import LEFT, Hand
from .conftest import shown

PLAIN, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
Key = Qt.Key
DRAGS = {
    "brush": [(60, 40), (80, 50), (90, 60)],
    "eraser": [(30, 40), (40, 50), (50, 60)],
    "lasso_add": [(60, 30), (90, 30), (90, 60), (60, 60)],
    "lasso_subtract": [(40, 30), (90, 30), (90, 60), (40, 60)],
    "freehand": [(80, 20), (110, 20), (110, 60)],
    "slice": [(10, 40), (40, 42), (90, 40)],
    "reroute": [(20, 30), (14, 40), (20, 50)],
    "rectangle": [(80, 20), (90, 30), (110, 60)],
    "ellipse": [(80, 20), (90, 30), (110, 60)],
    "select": [(60, 60), (64, 66), (70, 70)],
    "vertex": [(60, 60), (64, 66), (70, 70)],
    "transform": [(60, 60), (64, 66), (70, 70)],
}


class Person(Hand):
    """The window, and a square on its image that is selected."""

    def __init__(self, controller: Controller) -> None:
        super().__init__(controller.canvas)
        self.controller, self.desk = controller, controller.desk
        self.commands = controller.window.commands
        category = controller.categories.add_named("washer")
        ring = [(20, 20), (60, 20), (60, 60), (20, 60)]
        self.square = Instance(
            self.desk.new_id(), self.desk.image_id, category, Shape([Polygon(ring)])
        )
        assert self.desk.apply(add_instances([self.square], "Draw polygon"))
        self.desk.selection.set([self.square.id])
        self.canvas.setFocus()

    @property
    def tool(self):
        return self.canvas.toolbox.active

    def begin(self, tool: str) -> None:
        """Take a tool and drag it, all but the release."""
        self.commands[f"tool_{tool}"].trigger()
        way = DRAGS[tool]
        self.hover(*way[0])
        QTest.mousePress(self.canvas, LEFT, PLAIN, self.at(*way[0]))
        for spot in way[1:]:
            self.hover(*spot, PLAIN, LEFT)

    def release(self, tool: str) -> None:
        QTest.mouseRelease(self.canvas, LEFT, PLAIN, self.at(*DRAGS[tool][-1]))

    def clicks(self, tool: str, *points) -> None:
        self.commands[f"tool_{tool}"].trigger()
        for spot in points:
            self.click(*spot)

    def outlines(self, image_id: int) -> list[Shape]:
        return [one.shape for one in self.desk.session.instances(image_id)]


@pytest.fixture
def person(opened: Controller) -> Person:
    return Person(opened)


def expected(person: Person, tool: str) -> list[Shape]:
    """Drag to the end, and undo it: what a drag that nothing interrupts comes to."""
    person.begin(tool)
    person.release(tool)
    made = person.outlines(person.desk.image_id)
    person.commands["undo"].trigger()
    assert person.outlines(person.desk.image_id) == [person.square.shape]
    person.desk.selection.set([person.square.id])
    return made


def test_a_key_in_the_middle_of_a_drag_waits_for_its_end(person: Person, wait) -> None:
    image = person.desk.image_id
    for tool in DRAGS:
        made = expected(person, tool)
        person.begin(tool)
        person.key(Key.Key_D)
        person.key(Key.Key_P)
        assert person.desk.image_id == image
        assert (person.canvas.tool, person.tool.busy) == (tool, True)
        assert person.commands[f"tool_{tool}"].isChecked()
        person.release(tool)
        assert person.desk.image_id != image
        assert person.outlines(image) == made, tool
        assert person.canvas.tool == "polygon"
        person.commands["undo"].trigger()  # goes back to the image
        wait(lambda: person.desk.image_id == image and shown(person.controller))
        person.desk.selection.set([person.square.id])


@pytest.mark.parametrize("leave", ["tool", "image", "project"])
def test_what_else_ends_a_drag_ends_it_as_its_release(person: Person, leave: str, wait) -> None:
    made, image = expected(person, "brush"), person.desk.image_id
    person.begin("brush")
    if leave == "tool":
        person.canvas.set_tool("rectangle")
    elif leave == "image":
        person.controller.navigation.go(person.desk.order[1])
    else:
        folder = person.desk.session.root
        assert person.controller.files.close_project()
        person.controller.start([folder], None)
        wait(lambda: shown(person.controller))
    assert person.outlines(image) == made


def test_delete_in_the_middle_of_a_stroke_makes_no_new_instance(person: Person) -> None:
    made = expected(person, "brush")
    person.begin("brush")
    person.key(Key.Key_Delete)
    assert len(person.desk.instances()) == 1
    person.release("brush")
    assert person.desk.instances() == []
    person.commands["undo"].trigger()
    assert person.outlines(person.desk.image_id) == made


def test_delete_of_marked_vertices_waits_too(person: Person) -> None:
    person.commands["tool_vertex"].trigger()
    person.drag((15, 15), (30, 65))
    assert len(person.tool.marked) == 2
    person.hover(20, 20)
    QTest.mousePress(person.canvas, LEFT, PLAIN, person.at(20, 20))
    person.hover(24, 20, PLAIN, LEFT)
    person.key(Key.Key_Delete)
    assert person.tool.busy
    QTest.mouseRelease(person.canvas, LEFT, PLAIN, person.at(24, 20))
    assert person.desk.instances() == []
    labels = []
    while not person.commands.reason("undo"):
        labels.append(person.commands["undo"].text())
        person.commands["undo"].trigger()
    assert labels[:2] == ["Undo delete vertices", "Undo move vertices"]


def test_escape_drops_the_drag_and_what_waits(person: Person) -> None:
    image = person.desk.image_id
    person.begin("brush")
    person.key(Key.Key_D)
    person.key(Key.Key_R)
    person.key(Key.Key_Escape)
    person.release("brush")
    assert person.desk.image_id == image
    assert person.canvas.tool == "brush"
    assert person.commands["tool_brush"].isChecked()
    assert person.outlines(image) == [person.square.shape]


def test_zooming_waits_for_nothing(person: Person) -> None:
    scale = person.desk.scale
    person.begin("brush")
    person.key(Key.Key_Plus, CTRL)
    assert person.desk.scale > scale
    assert person.tool.busy
    person.key(Key.Key_Escape)
    person.release("brush")


@pytest.mark.parametrize("way", ["key", "command"])
def test_undo_in_the_middle_of_a_drag_drops_it(person: Person, way: str) -> None:
    for tool in DRAGS:
        person.begin(tool)
        if way == "key":
            person.key(Key.Key_Z, CTRL)
        else:
            person.commands["undo"].trigger()
        assert not person.tool.busy, tool
        person.release(tool)
        assert person.outlines(person.desk.image_id) == [person.square.shape], tool
        assert person.commands["undo"].text() == "Undo draw polygon"


@pytest.mark.parametrize("way", ["key", "command"])
def test_undo_of_a_drag_drops_what_waits_for_its_end(person: Person, way: str) -> None:
    image = person.desk.image_id
    for waiting in (Key.Key_Delete, Key.Key_D, Key.Key_R):
        person.begin("brush")
        person.key(waiting)
        told: list[str] = []
        person.canvas.tool_changed.connect(told.append)
        if way == "key":
            person.key(Key.Key_Z, CTRL)
        else:
            person.commands["undo"].trigger()
        person.canvas.tool_changed.disconnect(told.append)
        assert told == ["brush"]
        person.release("brush")
        assert person.desk.image_id == image
        assert person.canvas.tool == "brush"
        assert person.commands["tool_brush"].isChecked()
        assert person.outlines(image) == [person.square.shape]


def test_the_button_says_and_does_what_the_key_does(person: Person) -> None:
    undo = person.commands["undo"]
    undo.trigger()
    assert not person.commands.reason("redo")
    person.clicks("polygon", (80, 20), (110, 20))
    assert undo.text() == "Undo last vertex"
    assert person.commands.reason("redo")
    person.controller.editing.redo()
    assert person.desk.instances() == []
    undo.trigger()
    assert person.tool.points[1:] == ()
    undo.trigger()
    assert not person.tool.busy
    assert undo.text() == "Undo add category “washer”"
    assert not person.commands.reason("redo")
    person.commands["redo"].trigger()
    assert person.desk.instances() == [person.square]


def test_undo_in_a_toast_is_of_what_the_toast_says(person: Person) -> None:
    person.clicks("rectangle", (80, 20), (110, 60))
    before = person.desk.instances()
    person.clicks("polygon", (80, 70), (110, 70))
    person.commands["select_all"].trigger()
    person.controller.editing.delete()
    (button,) = [
        one for one in person.canvas.window().findChildren(QPushButton) if one.text() == "Undo"
    ]
    button.click()
    assert person.desk.instances() == before
    assert len(person.tool.points) == 2


def test_a_draft_is_there_when_the_project_is_opened_again(
    person: Person, folder: Path, wait
) -> None:
    points = [(80, 20), (110, 20), (110, 50), (90, 70), (80, 60)]
    person.clicks("polygon", *points)
    drawn = person.tool.points
    image = person.desk.image_id
    person.controller.navigation.go(person.desk.order[1])
    wait(lambda: shown(person.controller))
    person.clicks("rectangle", (20, 20))
    assert person.controller.files.close_project()
    assert not person.tool.busy
    assert person.commands["undo"].text() == "Undo"
    person.controller.start([folder], None)
    wait(lambda: shown(person.controller))
    assert person.canvas.tool == "rectangle"
    assert person.tool.busy
    person.controller.navigation.go(image)
    wait(lambda: shown(person.controller))
    assert person.canvas.tool == "polygon"
    assert person.tool.points == drawn
    person.key(Key.Key_Return)
    assert len(person.desk.instances()) == 2
    assert person.controller.files.close_project()  # the image, and with it the draft, is done
    person.controller.start([folder], None)
    wait(lambda: shown(person.controller))
    assert not person.tool.busy


def test_a_draft_stays_with_its_project(person: Person, tmp_path: Path, wait) -> None:
    person.clicks("polygon", (80, 20), (110, 20))
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (128, 96)).save(other / "one.png")
    image, before = person.desk.image_id, person.desk.session
    person.controller.start([other], None)
    wait(lambda: person.desk.session is not before and shown(person.controller))
    assert person.desk.image_id == image  # ids are counted anew in each project
    assert not person.tool.busy


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_an_outline_that_waits_for_its_category_waits_in_its_own_project(
    person: Person, folder: Path, tmp_path: Path, wait
) -> None:
    def pickers() -> list[CategoryPicker]:
        found = person.controller.window.findChildren(CategoryPicker)
        return [one for one in found if one.isVisible()]

    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (128, 96)).save(other / "one.png")
    image, before = person.desk.image_id, person.desk.session
    person.desk.use_category(None)
    person.clicks("rectangle", (70, 20), (110, 60))
    assert len(pickers()) == 1
    person.controller.start([other], None)
    wait(lambda: person.desk.session is not before and shown(person.controller))
    assert person.desk.image_id == image  # ids are counted anew in each project
    assert not pickers(), "it has the other project's categories"
    person.controller.editing.give_category(person.controller.categories.add_named("nut"))
    assert person.desk.instances() == []

    between = person.desk.session
    person.controller.start([folder], None)
    wait(lambda: person.desk.session is not between and shown(person.controller))
    assert len(pickers()) == 1
    pickers()[0].rows.itemClicked.emit(pickers()[0].rows.item(0))
    drawn = person.desk.instances()[-1]
    assert drawn.shape.bounds == pytest.approx((70, 20, 110, 60), abs=0.5)
    assert person.controller.files.close_project()
    assert person.canvas.waiting.outlines == {}


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_an_outline_offered_again_has_one_picker(person: Person) -> None:
    person.desk.use_category(None)
    person.clicks("rectangle", (70, 20), (110, 60))
    person.canvas.waiting.ask()  # as when the image is read again
    found = person.controller.window.findChildren(CategoryPicker)
    assert len([one for one in found if one.isVisible()]) == 1
    assert person.canvas.waiting.here() is not None


@pytest.mark.parametrize(
    "stored", ["outlines", [[1, b"cut"]], [[1, b"\1\0\0\0\0\0\0\0"]], [["one", b""]]]
)
def test_a_project_whose_waiting_outlines_are_damaged_opens(
    person: Person, folder: Path, wait, stored: object
) -> None:
    person.desk.session.set_setting(WAITING, stored)
    assert person.controller.files.close_project()
    person.controller.start([folder], None)
    wait(lambda: shown(person.controller))
    assert person.canvas.waiting.outlines == {}


def test_drafts_of_several_tools_are_there_when_the_project_is_opened_again(
    person: Person, folder: Path, wait
) -> None:
    person.clicks("polygon", (80, 20), (110, 20), (110, 50))
    person.clicks("rectangle", (20, 20))
    person.commands["tool_polygon"].trigger()
    assert len(person.tool.points) == 3
    drafts = person.canvas.toolbox.drafts
    assert len(drafts) == 2
    assert person.controller.files.close_project()
    person.controller.start([folder], None)
    wait(lambda: shown(person.controller))
    assert person.canvas.tool == "polygon"
    assert person.canvas.toolbox.drafts == drafts
    person.commands["tool_rectangle"].trigger()
    assert person.tool.busy


@pytest.mark.parametrize(
    "stored",
    ["drafts", 5, [[1, "polygon"]], [[1, "polygon", [[["a", 2.0]]]]], [[1, "polygon", []]]],
)
def test_a_project_whose_drafts_are_damaged_opens(
    person: Person, folder: Path, wait, stored: object
) -> None:
    image = person.desk.image_id
    person.commands["tool_select"].trigger()
    person.desk.session.set_setting(DRAFTS, stored)
    assert person.controller.files.close_project()
    person.controller.start([folder], None)
    wait(lambda: shown(person.controller))
    assert person.desk.image_id == image == 1
    assert (person.canvas.tool, person.tool.busy) == ("select", False)
    assert person.canvas.toolbox.drafts == {}
