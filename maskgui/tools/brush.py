"""Paint or erase the outline of an instance with a round brush."""

import numpy as np
import shapely

from maskgui.core.booleans import from_area, stroke_area
from maskgui.core.simplify import thinned
from maskgui.tools.areas import apply_area, obstacle
from maskgui.tools.base import Area, Disk, Key, Look, Option, Overlay, Pointer, Response, Scene
from maskgui.tools.stepping import step_of
from maskgui.tools.tracing import Points, TracingTool

LEAST_RADIUS, MOST_RADIUS = 0.5, 2000.0
"""Image pixels."""
GROWTH = 1.2
"""What one key press or notch of the wheel multiplies the radius with."""
DETAIL = 0.08
"""Image pixels that the outline of a stroke may leave the exact one."""


class BrushTool(TracingTool):
    """Adds what the brush covers to the selected instance, or draws a new one; Alt erases.

    Holes and parts stay. The radius is kept in image pixels.
    """

    name = "brush"
    title = "Brush"
    adds = True

    def __init__(self) -> None:
        super().__init__()
        self.radius = 10.0
        self.erasing = False
        self._swept: shapely.Geometry = shapely.Polygon()

    def idle_look(self, scene: Scene) -> Look:
        """The brush at its true size."""
        adds = self._would_add()
        if not adds:
            what = "drag erases from the selected instance"
        elif scene.selection:
            what = "drag adds to the selected instance"
        else:
            what = "drag draws a new instance"
        other = "Alt erases" if self.adds else "Alt adds"
        size = "[ and ] or the wheel change its size"
        status = obstacle(adds, scene) or f"{self.title}: {what}, {other}, {size}"
        return Look("cross", Overlay(disk=self._disk(adds)), status)

    def drag_status(self) -> str:
        """What a release would do."""
        does = "erases" if self.erasing else "adds"
        return f"{self.title}: release {does} the stroke, Esc drops it"

    def look(self, scene: Scene) -> Look:
        """The area swept so far instead of the bare line."""
        if not self.busy:
            return self.idle_look(scene)
        adds = not self.erasing
        overlay = Overlay(area=Area(from_area(self._swept), adds), disk=self._disk(adds))
        return Look("cross", overlay, self.drag_status())

    def obstacle(self, pointer: Pointer, scene: Scene) -> str:
        """Decide between adding and erasing; both need their instance."""
        self.erasing = not self._would_add()
        return obstacle(not self.erasing, scene)

    def extended(self, pointer: Pointer, scene: Scene) -> None:
        """Join the newest step to the swept area: the cost does not grow with the instance."""
        step = stroke_area(self.way[-2:], self.radius, max(DETAIL, 0.5 / pointer.scale))
        self._swept = shapely.union(self._swept, step)

    def cancel(self) -> None:
        """Drop the stroke."""
        super().cancel()
        self._swept = shapely.Polygon()

    def complete(self, way: Points, pointer: Pointer, scene: Scene) -> Response:
        """Add or erase in one edit."""
        area = thinned(from_area(stroke_area(way, self.radius, DETAIL)), DETAIL)
        label = "Erase" if self.erasing else "Paint"
        return apply_area(self, area, not self.erasing, label, scene, self.aim)

    def key(self, key: Key, scene: Scene) -> Response:
        """Size keys besides Esc."""
        step = step_of(key)
        if step:
            return self._resized(step, scene)
        return super().key(key, scene)

    def wants(self, key: Key) -> bool:
        """Also the size keys."""
        return super().wants(key) or step_of(key) != 0

    def wheel(self, notches: float, pointer: Pointer, scene: Scene) -> Response:
        """Change the size."""
        self.at = pointer
        return self._resized(notches, scene)

    def options(self) -> tuple[Option, ...]:
        """The radius."""
        return (Option("radius", "Radius", self.radius, LEAST_RADIUS, MOST_RADIUS, "px"),)

    def set_option(self, name: str, value: float) -> None:
        """Set the radius in image pixels."""
        if name != "radius":
            raise KeyError(name)
        self.radius = float(np.clip(value, LEAST_RADIUS, MOST_RADIUS))

    def _resized(self, steps: float, scene: Scene) -> Response:
        self.set_option("radius", self.radius * GROWTH**steps)
        return self.answer(scene, status=f"{self.title}: radius {self.radius:.1f} px")

    def _would_add(self) -> bool:
        turned = self.at is not None and "alt" in self.at.modifiers
        return self.adds is not turned

    def _disk(self, adds: bool) -> Disk | None:
        return Disk(self.at.x, self.at.y, self.radius, adds) if self.at else None


class EraserTool(BrushTool):
    """The brush the other way round: erases, and adds with Alt."""

    name = "eraser"
    title = "Eraser"
    adds = False
