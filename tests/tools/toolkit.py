"""A scene without a window, and hands to work a tool with."""

from collections.abc import Sequence

import numpy as np
import shapely

from maskgui.core.detections import Detections
from maskgui.core.document import Document
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.errors import UserError
from maskgui.core.hit import HitIndex
from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Polygon, Shape
from maskgui.tools.base import Key, Pointer, Request, Response
from maskgui.tools.toolbox import Toolbox

WIDTH, HEIGHT = 100, 80


def square(x: float, y: float, side: float) -> list[tuple[float, float]]:
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


def instance(instance_id: int, *parts: Polygon, **fields) -> Instance:
    return Instance(instance_id, 1, 7, Shape(parts), instance_id, **fields)


class Bench:
    """A document on one image, a toolbox, and what a person does. Implements `Scene`."""

    size = (WIDTH, HEIGHT)
    move_freely = False
    draw_category: int | None = 7

    def __init__(self, *instances: Instance, tool: str = "select") -> None:
        self.document = Document(
            [Category(7, "thing", "#112233")], [ImageRecord(1, "a.png", WIDTH, HEIGHT)]
        )
        self.document.load(1, instances)
        self.selection: frozenset[int] = frozenset()
        self.locked_ids: frozenset[int] = frozenset()
        self.toolbox = Toolbox()
        self.toolbox.enter(1)
        self.toolbox.use(tool)
        self.edits: list = []
        self.drawn: list[Shape] = []
        self.found: Detections | None = None
        self.full: dict[int, Shape] = {}
        self.simplified: dict[int, str] = {}
        self.last = Response()
        self.pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self.requests: list[Request] = []
        self.waits = False  # image work waits for `work`
        self._next = 1000

    # Scene

    @property
    def image(self) -> ImageRecord:
        return self.document.image(1)

    @property
    def hits(self) -> HitIndex:
        return HitIndex(self.instances())

    def instances(self) -> Sequence[Instance]:
        return self.document.instances(1)

    @property
    def top(self) -> int:
        return max((one.order for one in self.instances()), default=-1)

    def instance(self, instance_id: int) -> Instance | None:
        return self.document.instance(1, instance_id)

    def locked(self, instance_id: int) -> bool:
        return instance_id in self.locked_ids

    def unsimplified(self, instance: Instance) -> Shape:
        return self.full.get(instance.id, instance.shape)

    def simplified_by(self, instance: Instance) -> str:
        return self.simplified.get(instance.id, "")

    def new_id(self) -> int:
        self._next += 1
        return self._next

    def detections(self) -> Detections | None:
        return self.found

    # Hands

    @property
    def tool(self):
        return self.toolbox.active

    def state(self):
        return (self.document.instances(1), self.document.image(1))

    def shape(self, instance_id: int) -> Shape:
        found = self.instance(instance_id)
        assert found is not None
        return found.shape

    def follow(self, response: Response) -> Response:
        self.last = response
        if response.edit is not None:
            self.document.apply(response.edit)
            self.edits.append(response.edit)
        if response.selection is not None:
            self.selection = response.selection
        if response.drawn is not None:
            self.drawn.append(response.drawn)
        self.selection = frozenset(i for i in self.selection if self.instance(i) is not None)
        if response.request is not None:
            self.requests.append(response.request)
            if not self.waits:
                self.work()
        return response

    def work(self) -> Response:
        """Carry out the oldest request and hand the result to the tool."""
        request = self.requests.pop(0)
        x0, y0, x1, y1 = request.box
        assert 0 <= x0 < x1 <= WIDTH
        assert 0 <= y0 < y1 <= HEIGHT
        try:
            result = request.work(self.pixels[y0:y1, x0:x1].copy())
        except UserError as error:
            result = error
        return self.follow(self.toolbox.deliver(request.ticket, result, self))

    def pointer(self, x, y, modifiers="", button="left", clicks=1, scale=1.0) -> Pointer:
        return Pointer(x, y, button, frozenset(modifiers.split()), scale, clicks)

    def press(self, x, y, modifiers="", **more) -> Response:
        return self.follow(self.toolbox.press(self.pointer(x, y, modifiers, **more), self))

    def move(self, x, y, modifiers="", **more) -> Response:
        return self.follow(self.toolbox.move(self.pointer(x, y, modifiers, **more), self))

    def release(self, x, y, modifiers="", **more) -> Response:
        return self.follow(self.toolbox.release(self.pointer(x, y, modifiers, **more), self))

    def click(self, x, y, modifiers="", **more) -> Response:
        self.move(x, y, modifiers, **more)
        self.press(x, y, modifiers, **more)
        return self.release(x, y, modifiers, **more)

    def trace(self, points, modifiers="") -> Response:
        """Press at the first point, follow the others, release at the last."""
        self.move(*points[0], modifiers)
        self.press(*points[0], modifiers)
        for x, y in points[1:]:
            self.move(x, y, modifiers)
        return self.release(*points[-1], modifiers)

    def wheel(self, notches, x=0.0, y=0.0, modifiers="") -> Response:
        return self.follow(self.toolbox.wheel(notches, self.pointer(x, y, modifiers), self))

    def mask(self, instance_id: int):
        return shape_to_mask(self.shape(instance_id), HEIGHT, WIDTH)

    def double_click(self, x, y) -> Response:
        self.click(x, y)
        self.press(x, y, clicks=2)
        return self.release(x, y)

    def drag(self, start, end, modifiers="") -> Response:
        self.move(*start, modifiers)
        self.press(*start, modifiers)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.move(*middle, modifiers)
        self.move(*end, modifiers)
        return self.release(*end, modifiers)

    def key(self, name: str, modifiers: str = "") -> Response:
        return self.follow(self.toolbox.key(Key(name, frozenset(modifiers.split())), self))

    def key_up(self, name: str) -> Response:
        return self.follow(self.toolbox.key_up(Key(name), self))


def area(shape: Shape) -> float:
    return sum(shapely.Polygon(part.exterior, part.holes).area for part in shape.parts)


def assert_sound(shape: Shape) -> None:
    """Valid for shapely, inside the image, not empty."""
    assert shape.parts
    for part in shape.parts:
        assert shapely.Polygon(part.exterior, part.holes).is_valid
    x0, y0, x1, y1 = shape.bounds
    assert x0 >= 0
    assert y0 >= 0
    assert x1 <= WIDTH
    assert y1 <= HEIGHT
    for _, _, ring in shape.rings():
        assert np.isfinite(ring).all()
