"""Cut instances in two along a line."""

import numpy as np

from maskgui.core.booleans import slice_along
from maskgui.core.entities import Instance
from maskgui.core.hit import shape_area
from maskgui.core.shape import Shape
from maskgui.tools.areas import lost
from maskgui.tools.base import Look, Overlay, Path, Pointer, Response, Scene
from maskgui.tools.commit import divided
from maskgui.tools.picking import Aim, editable
from maskgui.tools.tracing import Points, TracingTool

NOTHING_CUT = "Slice: the line must cross an instance from border to border"


class SliceTool(TracingTool):
    """Drag a curve, or click both ends of a straight line, across an instance.

    The larger side stays the instance, the other becomes a new one. With nothing selected the
    smallest instance that the line crosses is cut.
    """

    name = "slice"

    def __init__(self) -> None:
        super().__init__()
        self.anchor: Pointer | None = None
        self.pressed: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether a line was begun."""
        return super().busy or self.anchor is not None

    def cancel(self) -> None:
        """Drop the line."""
        super().cancel()
        self.anchor = self.pressed = None

    def idle_look(self, scene: Scene) -> Look:
        """Nothing, or the line from the first click."""
        if self.anchor is not None and self.at is not None:
            path = Path(np.array([self.anchor.point, self.at.point]), sign="cut")
            return Look("cross", Overlay(path=path), "Slice: click the other end, Esc drops it")
        which = "the selected instances" if scene.selection else "an instance"
        status = f"Slice: drag a line across {which}, or click both its ends"
        return Look("cross", Overlay(), status)

    def drag_status(self) -> str:
        """What a release would do."""
        return "Slice: release cuts along the line, Esc drops it"

    def sign(self, scene: Scene) -> str:
        """It cuts."""
        return "cut"

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Begin the line, or end a straight one."""
        if self.anchor is not None and pointer.button == "left":
            line = np.array([self.anchor.point, pointer.point])
            self.at = pointer
            self.cancel()
            return self.complete(line, pointer, scene)
        if not self.busy:
            self.pressed = pointer
        return super().press(pointer, scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """Cut along the drag; after a click wait for the other end."""
        clicked = self.way and self.pressed and not pointer.far_from(self.pressed)
        if clicked and len(self.way) <= 2 and pointer.button == "left":
            self.way, self.anchor, self.at = [], self.pressed, pointer
            return self.answer(scene)
        return super().release(pointer, scene)

    def complete(self, way: Points, pointer: Pointer, scene: Scene) -> Response:
        """Cut in one edit."""
        if len(way) < 2 or not np.ptp(way, axis=0).any():
            return self.answer(scene, status=NOTHING_CUT)
        if self.aim is not None and not editable(scene, self.aim):
            return self.answer(scene, status=lost(self.aim))
        cut = _cut(way, self.aim, scene)
        if not cut:
            return self.answer(scene, status=NOTHING_CUT)
        edit, new = divided("Slice", cut, scene)
        chosen = new | {one.id for one, _ in cut}
        return self.answer(scene, edit=edit, selection=scene.selection | chosen)


def _cut(way: Points, aim: Aim, scene: Scene) -> list[tuple[Instance, list[Shape]]]:
    asked = _met(way, scene) if aim is None else editable(scene, aim)
    found = [(one, slice_along(one.shape, way)) for one in asked]
    cut = [(one, pieces) for one, pieces in found if len(pieces) > 1]
    return cut[:1] if aim is None else cut


def _met(way: Points, scene: Scene) -> list[Instance]:
    """Return the unlocked instances whose box the line's box meets, the smallest first."""
    low, high = way.min(axis=0), way.max(axis=0)
    free = [one for one in scene.instances() if not scene.locked(one.id)]
    met = [
        one
        for one in free
        if (low <= one.shape.bounds[2:]).all() and (high >= one.shape.bounds[:2]).all()
    ]
    return sorted(met, key=lambda one: shape_area(one.shape))
