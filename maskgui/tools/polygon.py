"""Draw a polygon by clicking its vertices."""

import numpy as np

from maskgui.tools.base import (
    CLICK_SLOP,
    Draft,
    Key,
    Look,
    Overlay,
    Pointer,
    Response,
    Runs,
    Scene,
    Tool,
)
from maskgui.tools.drawing import finish

CLOSE_REACH = 10.0
"""Screen pixels around the first vertex within which a click closes the outline."""

CLOSE_KEYS = ("enter", "return", "n")

Points = tuple[tuple[float, float], ...]


def key_when_idle(tool: Tool, key: Key, scene: Scene) -> Response:
    """Answer a key while nothing is being drawn: Esc leaves, no other is for the tool."""
    leaves = key.name == "escape"
    return tool.answer(scene, handover="select" if leaves else None, handled=leaves)


class PolygonTool(Tool):
    """Click adds; Enter, N, a double-click or the first vertex closes; Backspace takes back."""

    name = "polygon"
    title = "Polygon"
    step = "vertex"

    def __init__(self) -> None:
        self.points: Points = ()
        self.at: Pointer | None = None

    @property
    def busy(self) -> bool:
        """Whether a vertex was set."""
        return bool(self.points)

    def cancel(self) -> None:
        """Drop the draft."""
        self.points = ()

    def look(self, scene: Scene) -> Look:
        """The draft, and whether a click would close it."""
        if not self.points:
            return Look("cross", Overlay(), f"{self.title}: click to set the first vertex")
        closes = self._closes(self.at)
        cursor = self.at.point if self.at else None
        overlay = Overlay(draft=Draft(np.array(self.points), cursor, closes))
        if closes:
            return Look("point", overlay, f"{self.title}: click closes it, Esc cancels")
        if len(self.points) < 3:
            status = f"{self.title}: click to add, Backspace or Ctrl+Z takes back, Esc cancels"
        else:
            status = (
                f"{self.title}: click to add, Enter closes, "
                "Backspace or Ctrl+Z takes back, Esc cancels"
            )
        return Look("cross", overlay, status)

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Set a vertex, or close."""
        self.at = pointer
        if pointer.button != "left":
            return self.answer(scene, handled=False)
        if self._closes(pointer) or (pointer.clicks == 2 and len(self.points) >= 3):
            return self._close(scene)
        if not self._on_last(pointer):
            self.points = (*self.points, pointer.point)
        return self.answer(scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Show where the next vertex would go."""
        self.at = pointer
        return self.answer(scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """Nothing: vertices are set when the button goes down."""
        self.at = pointer
        return self.answer(scene, handled=pointer.button == "left")

    def key(self, key: Key, scene: Scene) -> Response:
        """Enter or N closes, Backspace takes back, Esc cancels."""
        if not self.points:
            return key_when_idle(self, key, scene)
        if key.name in CLOSE_KEYS and not key.modifiers:
            if len(self.points) < 3:
                return self.answer(scene, status=f"{self.title}: three vertices are needed")
            return self._close(scene)
        if key.name == "backspace":
            return self.take_back(scene)
        if key.name == "escape":
            self.cancel()
            return self.answer(scene)
        return self.answer(scene, handled=False)

    def wants(self, key: Key) -> bool:
        """The draft's keys while there is one; Esc always."""
        if not self.points:
            return key.name == "escape"
        return not key.modifiers and key.name in (*CLOSE_KEYS, "backspace", "escape")

    def take_back(self, scene: Scene) -> Response:
        """Drop the last vertex."""
        self.points = self.points[:-1]
        return self.answer(scene)

    @property
    def draft(self) -> Runs | None:
        """One run: the vertices set so far."""
        return [list(self.points)] if self.points else None

    def resume(self, draft: Runs) -> None:
        """Go on from these vertices."""
        (points,) = draft
        self.points = tuple(points)

    def complete(self, points: Points, scene: Scene) -> Response:
        """Answer for a closed outline; the tool is idle again already."""
        return finish(self, points, scene)

    def _close(self, scene: Scene) -> Response:
        points, self.points = self.points, ()
        return self.complete(points, scene)

    def _closes(self, pointer: Pointer | None) -> bool:
        if pointer is None or len(self.points) < 3:
            return False
        return _distance(self.points[0], pointer) <= CLOSE_REACH

    def _on_last(self, pointer: Pointer) -> bool:
        return bool(self.points) and _distance(self.points[-1], pointer) < CLICK_SLOP / 2


def _distance(point: tuple[float, float], pointer: Pointer) -> float:
    """Screen pixels between a point and the pointer."""
    return float(np.hypot(point[0] - pointer.x, point[1] - pointer.y)) * pointer.scale
