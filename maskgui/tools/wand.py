"""Magic wand: the area of like colour around a pixel."""

from functools import partial

import numpy as np

from maskgui.core.shape import Shape
from maskgui.tools.areas import apply_area, obstacle
from maskgui.tools.base import (
    Area,
    Look,
    Option,
    Overlay,
    Pixels,
    Pointer,
    Request,
    Response,
    Scene,
)
from maskgui.tools.drawing import new_instance
from maskgui.tools.picking import Aim, aimed
from maskgui.tools.pixels import flood
from maskgui.tools.shaping import settle
from maskgui.tools.stepping import SteppedTool
from maskgui.tools.windows import Window, window_around

REACH = 1500
"""Image pixels from the seed in each direction that the wand looks at."""
SLOWNESS = 3.0
"""Screen pixels of a drag that change the tolerance by one."""
MOST = 255


class WandTool(SteppedTool):
    """Press on a colour, drag right or left for more or less of it, release to keep it.

    It becomes a new instance; with Shift it is added to the selected one, with Alt taken from it.
    """

    name = "wand"
    follows = False

    def __init__(self) -> None:
        self.tolerance = 24
        self.pressed: Pointer | None = None
        self.aim: Aim = None
        self.released = False
        self._from = 0
        self._asked: tuple[int, int] | None = None  # ticket and tolerance awaited
        self._found: tuple[int, Shape] | None = None  # tolerance and what it gave

    @property
    def busy(self) -> bool:
        """Whether an area is being chosen, or waited for."""
        return self.pressed is not None

    def cancel(self) -> None:
        """Drop it."""
        self.pressed = self._asked = self._found = None
        self.released = False

    def look(self, scene: Scene) -> Look:
        """The area as far as it is known."""
        if self.pressed is None:
            status = "Wand: press on a colour and drag for more or less; Shift adds, Alt takes away"
            return Look("cross", Overlay(), status)
        shape = self._found[1] if self._found else Shape()
        overlay = Overlay(area=Area(shape, "alt" not in self.pressed.modifiers))
        does = "one moment" if self.released else "release keeps it, Esc drops it"
        return Look("cross", overlay, f"Wand: tolerance {self.tolerance}, {does}")

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Take the colour here."""
        if pointer.button != "left" or self.busy:
            return self.answer(scene, handled=pointer.button == "left")
        reason = self._obstacle(pointer, scene)
        if reason:
            return self.answer(scene, status=reason)
        self.pressed, self._from, self.aim = pointer, self.tolerance, aimed(scene)
        return self._answer_asking(scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """A drag to the right raises the tolerance, one to the left lowers it."""
        if self.pressed is None or self.released:
            return self.answer(scene)
        if pointer.far_from(self.pressed):
            way = (pointer.x - self.pressed.x) * pointer.scale
            self.set_option("tolerance", self._from + way / SLOWNESS)
        return self._answer_asking(scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """Keep the area, at once or as soon as it has come."""
        if pointer.button != "left" or self.pressed is None or self.released:
            return self.answer(scene, handled=False)
        self.released = True
        if self._found is not None and self._found[0] == self.tolerance:
            return self._keep(scene)
        return self._answer_asking(scene)

    def stepped(self, steps: float, scene: Scene) -> Response:
        """Change the tolerance by whole steps."""
        if not self.released:
            step = max(1, round(abs(steps))) * (1 if steps > 0 else -1)
            self.set_option("tolerance", self.tolerance + step)
            self._from += step
        return self._answer_asking(scene, status=f"Wand: tolerance {self.tolerance}")

    def deliver(self, ticket: int, result: object, scene: Scene) -> Response:
        """The area has come."""
        if self._asked is None or ticket != self._asked[0]:
            return self.answer(scene, handled=False)
        tolerance, self._asked = self._asked[1], None
        if not isinstance(result, Shape):
            self.cancel()
            return self.answer(scene, status=f"Wand: {result}")
        self._found = (tolerance, result)
        if self.released and tolerance == self.tolerance:
            return self._keep(scene)
        return self._answer_asking(scene)

    def options(self) -> tuple[Option, ...]:
        """The tolerance, in steps of a colour channel."""
        return (Option("tolerance", "Tolerance", self.tolerance, 0, MOST),)

    def set_option(self, name: str, value: float) -> None:
        """Set the tolerance."""
        if name != "tolerance":
            raise KeyError(name)
        self.tolerance = round(float(np.clip(value, 0, MOST)))

    def _answer_asking(self, scene: Scene, status: str | None = None) -> Response:
        """Answer, and ask for the area of the present tolerance where that is not known."""
        request = None
        known = [pair[at] for pair, at in ((self._found, 0), (self._asked, 1)) if pair]
        if self.pressed is not None and self.tolerance not in known:
            box = window_around(self.pressed.point, REACH, scene.size)
            request = Request(box, partial(_flood, self.pressed.point, box, self.tolerance))
            self._asked = (request.ticket, self.tolerance)
        return self.answer(scene, request=request, status=status)

    def _keep(self, scene: Scene) -> Response:
        assert self.pressed is not None  # a kept area was pressed for
        assert self._found is not None  # and found
        area, held = self._found[1], self.pressed.modifiers
        self.cancel()
        if held & {"shift", "alt"}:
            return apply_area(self, area, "alt" not in held, "Wand", scene, self.aim)
        return new_instance(self, settle(area, *scene.size), scene)

    def _obstacle(self, pointer: Pointer, scene: Scene) -> str:
        width, height = scene.size
        if not (0 <= pointer.x < width and 0 <= pointer.y < height):
            return "Wand: press inside the image"
        held = pointer.modifiers & {"shift", "alt"}
        return obstacle("alt" not in held, scene) if held else ""


def _flood(point: tuple[float, float], box: Window, tolerance: int, pixels: Pixels) -> Shape:
    seed = (int(point[0]) - box[0], int(point[1]) - box[1])
    return flood(pixels, seed, tolerance).moved(box[0], box[1])
