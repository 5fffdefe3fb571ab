"""Draw a rectangle or an ellipse by dragging, or by two clicks."""

import numpy as np
from numpy.typing import NDArray

from maskgui.core.shape import Box
from maskgui.tools.base import Draft, Key, Look, Overlay, Pointer, Response, Runs, Scene, Tool
from maskgui.tools.drawing import finish

ROUNDNESS = 0.1
"""Image pixels that the chords of an ellipse may leave it."""


class RectangleTool(Tool):
    """Drag from corner to corner, or click both; with Shift its sides are equal."""

    name = "rectangle"
    title = "Rectangle"

    def __init__(self) -> None:
        self.corner: tuple[float, float] | None = None
        self.pressed: Pointer | None = None
        self.at: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether the first corner was set."""
        return self.corner is not None

    def cancel(self) -> None:
        """Drop the draft."""
        self.corner = self.pressed = None

    def look(self, scene: Scene) -> Look:
        """The rectangle between the first corner and the pointer."""
        if self.corner is None or self.at is None:
            return Look(
                "cross",
                Overlay(),
                f"{self.title}: drag, or click two corners; Shift keeps the sides equal",
            )
        box = _box(self.corner, self.at)
        ring = self.outline(*box)
        width, height = np.ptp(ring, axis=0)
        text = "release" if self.pressed is not None else "click"
        status = f"{self.title}: {width:.0f} × {height:.0f} px, {text} finishes, Esc cancels"
        draft = Draft(ring, closed=True, marked=_corners(*box))
        return Look("cross", Overlay(draft=draft), status)

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Set the first corner, or the second."""
        self.at = pointer
        if pointer.button != "left":
            return self.answer(scene, handled=False)
        self.pressed = pointer
        if self.corner is None:
            self.corner = pointer.point
            return self.answer(scene)
        return self._finish(pointer, scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Stretch to the pointer."""
        self.at = pointer
        return self.answer(scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """The end of a drag finishes; after a click the second corner is waited for."""
        self.at = pointer
        pressed, self.pressed = self.pressed, None
        if pointer.button != "left" or pressed is None:
            return self.answer(scene, handled=False)
        if self.corner is not None and pointer.far_from(pressed):
            return self._finish(pointer, scene)
        return self.answer(scene)

    def key(self, key: Key, scene: Scene) -> Response:
        """Esc or Backspace drops the corner; Esc when idle leaves the tool."""
        if key.name in ("escape", "backspace") and self.busy:
            self.cancel()
            return self.answer(scene)
        if key.name == "escape":
            return self.answer(scene, handover="select")
        return self.answer(scene, handled=False)

    def wants(self, key: Key) -> bool:
        """Esc always, Backspace while a corner is set."""
        return key.name == "escape" or (key.name == "backspace" and self.busy)

    @property
    def draft(self) -> Runs | None:
        """One run: the first corner."""
        return [[self.corner]] if self.corner is not None else None

    def resume(self, draft: Runs) -> None:
        """Go on from this corner."""
        ((self.corner,),) = draft

    def outline(self, x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
        """Return the outline (N x 2) that fits a box."""
        return _corners(x0, y0, x1, y1)

    def _finish(self, pointer: Pointer, scene: Scene) -> Response:
        corner = self.corner or pointer.point
        self.corner = self.pressed = None
        return finish(self, self.outline(*_box(corner, pointer)), scene)


class EllipseTool(RectangleTool):
    """The ellipse that touches all sides of the box."""

    name = "ellipse"
    title = "Ellipse"

    def outline(self, x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
        """Return as many vertices as keep the outline within ROUNDNESS of the ellipse."""
        rx, ry = (x1 - x0) / 2, (y1 - y0) / 2
        leaves = min(0.5, ROUNDNESS / max(rx, ry, ROUNDNESS))
        quarter = max(3, int(np.ceil(np.pi / (4 * np.arccos(1 - leaves)))))
        angle = np.linspace(0, 2 * np.pi, 4 * quarter, endpoint=False)
        return np.stack(
            ((x0 + x1) / 2 + rx * np.cos(angle), (y0 + y1) / 2 + ry * np.sin(angle)), axis=1
        )


def _corners(x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _box(corner: tuple[float, float], at: Pointer) -> Box:
    """Return the box from a corner to the pointer; a square with Shift."""
    dx, dy = at.x - corner[0], at.y - corner[1]
    if "shift" in at.modifiers:
        side = max(abs(dx), abs(dy))
        dx, dy = float(np.copysign(side, dx)), float(np.copysign(side, dy))
    x0, x1 = sorted((corner[0], corner[0] + dx))
    y0, y1 = sorted((corner[1], corner[1] + dy))
    return (x0, y0, x1, y1)
