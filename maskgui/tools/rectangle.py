"""Draw a rectangle by dragging, or by two clicks."""

import numpy as np
from numpy.typing import NDArray

from maskgui.tools.base import Draft, Key, Look, Overlay, Pointer, Response, Scene, Tool
from maskgui.tools.drawing import finish


class RectangleTool(Tool):
    """Drag from corner to corner, or click both."""

    name = "rectangle"

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
            return Look("cross", Overlay(), "Rectangle: drag, or click two corners")
        ring = _corners(self.corner, self.at.point)
        width, height = np.ptp(ring, axis=0)
        text = "release" if self.pressed is not None else "click"
        status = f"Rectangle: {width:.0f} × {height:.0f} px, {text} finishes, Esc cancels"
        return Look("cross", Overlay(draft=Draft(ring, closed=True)), status)

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

    def park(self) -> object | None:
        """Return the first corner."""
        corner = self.corner
        self.cancel()
        return corner

    def resume(self, draft: object) -> None:
        """Go on from the corner that `park` returned."""
        if isinstance(draft, tuple):
            self.corner = draft

    def _finish(self, pointer: Pointer, scene: Scene) -> Response:
        corner = self.corner or pointer.point
        self.corner = self.pressed = None
        return finish(self, _corners(corner, pointer.point), scene)


def _corners(one: tuple[float, float], other: tuple[float, float]) -> NDArray[np.float64]:
    """Return the four corners (4 x 2), clockwise on screen from the top left."""
    x0, x1 = sorted((one[0], other[0]))
    y0, y1 = sorted((one[1], other[1]))
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
