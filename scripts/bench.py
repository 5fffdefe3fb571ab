"""The open window as a workbench: labels found, spoilt and taken back, tools taken by key."""

import msgspec
import stage
from hand import Hand

from maskgui.core.document import Edit
from maskgui.core.edits import delete_instances, replace_instance
from maskgui.core.entities import Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.actions import TABLE, TOOL_ACTIONS
from maskgui.ui.canvas.camera import BOX_MARGIN
from maskgui.ui.controller import Controller
from maskgui.ui.headless import wait_until

KEYS = {spec.name: spec.keys[0] for spec in TABLE if spec.keys}
TOOL_KEYS = {tool: KEYS[action] for action, tool in TOOL_ACTIONS.items()}


class Bench:
    """One image on the canvas, and a hand before it."""

    def __init__(self, controller: Controller, hand: Hand) -> None:
        self.controller = controller
        self.canvas = controller.canvas
        self.desk = controller.desk
        self.hand = hand
        self._spoilt = 0

    def open(self, file_name: str) -> None:
        """Show the image of a name, with nothing selected."""
        images = {self.desk.image(number).path: number for number in self.desk.order}
        stage.show(self.controller, images[file_name])
        self.canvas.setFocus()
        self.desk.selection.clear()

    def look_at(self, x: float, y: float, zoom: float) -> None:
        """Put a point of the image into the middle, at so many screen pixels to one of its own."""
        width = (self.canvas.width() - 2 * BOX_MARGIN) / zoom / 2
        height = (self.canvas.height() - 2 * BOX_MARGIN) / zoom / 2
        self.canvas.zoom_to((x - width, y - height, x + width, y + height))

    def at(self, x: float, y: float) -> Instance:
        """Return the smallest instance at a point."""
        found = self.canvas.scene.instance(self.canvas.scene.hits.bodies_at(x, y)[0])
        assert found is not None  # the canvas shows what it hits
        return found

    def select(self, instance: Instance) -> Instance:
        """Select an instance."""
        self.desk.selection.set({instance.id})
        return instance

    def reshape(self, instance: Instance, shape: Shape) -> Instance:
        """Give an instance another outline, for the person to correct; `put_back` ends it."""
        after = msgspec.structs.replace(instance, shape=shape)
        record, found = self._record, self.desk.detections(instance.image_id)
        self._spoil(replace_instance(instance, after, "Spoil", record, found))
        return after

    def remove(self, *instances: Instance) -> None:
        """Take instances away, for the person to draw; `put_back` ends it."""
        found = self.desk.detections(instances[0].image_id)
        self._spoil(delete_instances(instances, self._record, found))

    def draw_as(self, category: str) -> None:
        """Give what is drawn next a category."""
        assert self.controller.categories.add_named(category) is not None

    def take(self, tool: str) -> None:
        """Take a tool by its key."""
        self.hand.type(TOOL_KEYS[tool])
        assert self.canvas.tool == tool

    def set_option(self, name: str, value: float) -> None:
        """Set an option of the tool in hand, as its slider does."""
        self.canvas.set_option(name, value)

    def wait_for_area(self, other_than: Shape | None = None) -> Shape:
        """Wait until the wand shows an area, another than the one named; return it."""

        def shown() -> Shape:
            area = self.canvas.toolbox.active.look(self.canvas.scene).overlay.area
            return area.shape if area is not None else Shape()

        wait_until(lambda: shown() not in (Shape(), other_than), "The wand", stage.SECONDS)
        return shown()

    def wait_for_wire(self) -> None:
        """Wait until the map of the scissors' last anchor has come."""
        tool = self.canvas.toolbox.active
        wait_until(lambda: getattr(tool, "wire", None) is not None, "The scissors", stage.SECONDS)

    def put_back(self) -> None:
        """Drop what the hand is doing, and undo what was prepared."""
        for _ in range(2):
            self.hand.type("Esc")
        self.hand.release()
        self.canvas.set_tool("select")
        for _ in range(self._spoilt):
            self.controller.editing.undo()
        self._spoilt = 0

    @property
    def _record(self):
        record = self.desk.record
        assert record is not None  # an image is open
        return record

    def _spoil(self, edit: Edit) -> None:
        assert self.desk.apply(edit)
        self._spoilt += 1


def loop(*points: tuple[float, float]) -> Shape:
    """Return the area inside a ring of points."""
    return Shape([Polygon(points)])
