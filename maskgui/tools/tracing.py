"""What the tools that follow the hand have in common: press, draw while it moves, release."""

from abc import abstractmethod

import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.tools.base import Key, Look, Overlay, Path, Pointer, Response, Scene, Tool
from maskgui.tools.picking import Aim, aimed
from maskgui.tools.stepping import escaped

STEP = 1.5
"""Screen pixels between two points of a line that follows the hand."""
LOOSE = 0.6
"""Screen pixels that a finished line may leave the hand's own way."""

Points = NDArray[np.float64]


class TracingTool(Tool):
    """Collects the way of a drag; a subclass says what comes of it."""

    closed = False
    """Whether the line is the border of an area."""

    def __init__(self) -> None:
        self.way: list[tuple[float, float]] = []
        self.at: Pointer | None = None
        self.aim: Aim = None

    @abstractmethod
    def complete(self, way: Points, pointer: Pointer, scene: Scene) -> Response:
        """Answer for a finished line (N x 2, N >= 1); the tool is idle again already."""

    @abstractmethod
    def idle_look(self, scene: Scene) -> Look:
        """How the tool looks before a drag."""

    @abstractmethod
    def drag_status(self) -> str:
        """What the status line says during a drag."""

    def obstacle(self, pointer: Pointer, scene: Scene) -> str:
        """Return why a drag cannot begin here, "" when it can."""
        return ""

    def sign(self, scene: Scene) -> str:
        """Return what the line is for; see `Path`."""
        return ""

    @property
    def busy(self) -> bool:
        """Whether a line is being drawn."""
        return bool(self.way)

    def cancel(self) -> None:
        """Drop the line."""
        self.way = []

    def look(self, scene: Scene) -> Look:
        """The line so far."""
        if not self.way:
            return self.idle_look(scene)
        path = Path(np.array(self.way), self.closed, self.sign(scene))
        return Look("cross", Overlay(path=path), self.drag_status())

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Begin the line."""
        if pointer.button != "left" or self.busy:
            return self.answer(scene, handled=pointer.button == "left")
        self.at = pointer
        reason = self.obstacle(pointer, scene)
        if reason:
            return self.answer(scene, status=reason)
        self.way, self.aim = [pointer.point], aimed(scene)
        self.extended(pointer, scene)
        return self.answer(scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Follow the hand."""
        self.at = pointer
        if self.way:
            self._extend(pointer, scene, STEP)
        return self.answer(scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """End the line."""
        self.at = pointer
        if pointer.button != "left" or not self.way:
            return self.answer(scene, handled=False)
        self._extend(pointer, scene, 0.0)
        way = followed(self.way, pointer.scale)
        self.cancel()
        return self.complete(way, pointer, scene)

    def key(self, key: Key, scene: Scene) -> Response:
        """Esc drops the line; when idle it leaves the tool."""
        if key.name != "escape":
            return self.answer(scene, handled=False)
        return escaped(self, scene)

    def wants(self, key: Key) -> bool:
        """Esc always."""
        return key.name == "escape"

    def extended(self, pointer: Pointer, scene: Scene) -> None:
        """A point was added to `way`."""

    def _extend(self, pointer: Pointer, scene: Scene, step: float) -> None:
        x, y = self.way[-1]
        if np.hypot(pointer.x - x, pointer.y - y) * pointer.scale > step:
            self.way.append(pointer.point)
            self.extended(pointer, scene)


def followed(way: list[tuple[float, float]], scale: float) -> Points:
    """Return the line without points that the eye does not miss at this scale."""
    points = np.array(way)
    if len(points) < 3:
        return points
    line = shapely.LineString(points).simplify(LOOSE / scale, preserve_topology=False)
    return np.asarray(shapely.get_coordinates(line), dtype=np.float64)
