"""GrabCut refine: the outline of an instance moves to where the image has its border."""

from functools import partial

import numpy as np

from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import (
    Key,
    Look,
    Option,
    Overlay,
    Pixels,
    Pointer,
    Request,
    Response,
    Scene,
)
from maskgui.tools.commit import GONE, is_gone, reshaped
from maskgui.tools.picking import bodies, editable
from maskgui.tools.pixels import refine
from maskgui.tools.stepping import SteppedTool
from maskgui.tools.windows import Window, window_over

LEAST_BAND, MOST_BAND = 1.0, 200.0
"""Image pixels."""
GROWTH = 1.2
MARGIN = 16.0
"""Image pixels beyond the band that show the work what lies outside."""


class RefineTool(SteppedTool):
    """Click an instance, or Enter for the selected one; its outline is sought in a band."""

    name = "refine"
    follows = False
    confirms = "Refine"

    def __init__(self) -> None:
        self.band = 8.0
        self.before: Instance | None = None
        self.awaited: int | None = None
        self.hovered: int | None = None

    @property
    def busy(self) -> bool:
        """Whether a result is waited for."""
        return self.before is not None

    def cancel(self) -> None:
        """Wait no more."""
        self.before = self.awaited = None

    def look(self, scene: Scene) -> Look:
        """Which instance a click would take."""
        if self.before is not None:
            return Look("arrow", Overlay(), "Refine: one moment, Esc cancels")
        which = "Enter refines the selected one" if editable(scene) else "or select one first"
        status = f"Refine: click an instance, {which}; band {self.band:.0f} px by the wheel"
        return Look("point", Overlay(hovered=self.hovered), status)

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Refine the smallest instance here."""
        if pointer.button != "left" or self.busy:
            return self.answer(scene, handled=pointer.button == "left")
        free = [found for found in bodies(scene, pointer) if not scene.locked(found)]
        instance = scene.instance(free[0]) if free else None
        if instance is None:
            return self.answer(scene, status="Refine: there is no unlocked instance here")
        return self._ask(instance, scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Show what a click would take."""
        self.hovered = next(iter(bodies(scene, pointer)), None)
        return self.answer(scene)

    def key(self, key: Key, scene: Scene) -> Response:
        """Enter refines the selection."""
        if key.name == "enter" and not self.busy:
            chosen = editable(scene)
            if len(chosen) != 1:
                return self.answer(scene, status="Refine: select one unlocked instance")
            return self._ask(chosen[0], scene)
        return super().key(key, scene)

    def wants(self, key: Key) -> bool:
        """Enter besides the common ones."""
        return super().wants(key) or (key.name == "enter" and not key.modifiers)

    def stepped(self, steps: float, scene: Scene) -> Response:
        """Change the band."""
        self.set_option("band", self.band * GROWTH**steps)
        return self.answer(scene)

    def deliver(self, ticket: int, result: object, scene: Scene) -> Response:
        """Give the instance its new outline, if it still is what it was."""
        before = self.before
        if ticket != self.awaited or before is None:
            return self.answer(scene, handled=False)
        self.cancel()
        if is_gone([before], scene):
            return self.answer(scene, status=GONE)
        if not isinstance(result, Shape):
            return self.answer(scene, status=f"Refine: {result}")
        if not result.parts:
            return self.answer(scene, status="Refine: the image shows no border there")
        edit = reshaped([before], {before.id: result}, "Refine", scene)
        return self.answer(scene, edit=edit, selection=frozenset({before.id}) if edit else None)

    def options(self) -> tuple[Option, ...]:
        """The band on either side of the outline."""
        return (Option("band", "Band", self.band, LEAST_BAND, MOST_BAND, "px"),)

    def set_option(self, name: str, value: float) -> None:
        """Set the band in image pixels."""
        if name != "band":
            raise KeyError(name)
        self.band = float(np.clip(value, LEAST_BAND, MOST_BAND))

    def _ask(self, instance: Instance, scene: Scene) -> Response:
        x0, y0, x1, y1 = instance.shape.bounds
        room = self.band + MARGIN
        box = window_over((x0 - room, y0 - room, x1 + room, y1 + room), scene.size)
        request = Request(box, partial(_refine, instance.shape, box, self.band))
        self.before, self.awaited = instance, request.ticket
        return self.answer(scene, request=request)


def _refine(shape: Shape, box: Window, band: float, pixels: Pixels) -> Shape:
    return refine(pixels, shape.moved(-box[0], -box[1]), band).moved(box[0], box[1])
