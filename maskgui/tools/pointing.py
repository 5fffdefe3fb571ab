"""What the select and vertex tools have in common: press, drag past the slop, release, nudge."""

from abc import abstractmethod
from dataclasses import replace

from maskgui.tools.base import NO_MODIFIERS, Key, Look, Pointer, Response, Scene, Tool
from maskgui.tools.commit import GONE
from maskgui.tools.gestures import Gesture, Outcome, Reshape
from maskgui.tools.picking import next_beneath

NUDGES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
NUDGE = 1.0
"""Image pixels an arrow key moves; ten times as much with Shift."""


class PointingTool(Tool):
    """Tells clicks from drags, and runs the drag's gesture to its one edit."""

    def __init__(self) -> None:
        self.at: Pointer | None = None
        self.pressed: Pointer | None = None
        self.gesture: Gesture | None = None
        self.nudge: Reshape | None = None
        self.nudge_keys: set[str] = set()

    @abstractmethod
    def begin(self, start: Pointer, scene: Scene) -> Gesture:
        """Return the gesture of a drag that began at `start`."""

    @abstractmethod
    def click(self, pointer: Pointer, scene: Scene) -> Response:
        """Carry out a click."""

    @abstractmethod
    def double_click(self, pointer: Pointer, scene: Scene) -> Response:
        """Carry out the second press of a double-click."""

    @abstractmethod
    def hover(self, pointer: Pointer, scene: Scene) -> None:
        """Notice what lies under the pointer."""

    @abstractmethod
    def idle_look(self, scene: Scene) -> Look:
        """How the tool looks between gestures."""

    @abstractmethod
    def nudging(self, scene: Scene) -> Reshape | None:
        """Return the gesture that the arrow keys drive, None when nothing can be moved."""

    @abstractmethod
    def finished(self, outcome: Outcome, scene: Scene) -> Response:
        """Answer for a gesture that came to its end."""

    @property
    def busy(self) -> bool:
        """Whether something is being dragged or nudged."""
        return self.gesture is not None or self.pressed is not None or self.nudge is not None

    def cancel(self) -> None:
        """Drop the gesture; what it showed goes back to where it was."""
        self.gesture = self.pressed = self.nudge = None
        self.nudge_keys.clear()

    def look(self, scene: Scene) -> Look:
        """The gesture's look, or the idle one."""
        open_gesture = self.gesture or self.nudge
        return open_gesture.look() if open_gesture else self.idle_look(scene)

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Remember where; a double-click acts at once."""
        if pointer.button != "left" or self.busy:
            return self.answer(scene, handled=pointer.button == "left")
        self.at = pointer
        self.hover(pointer, scene)
        if pointer.clicks == 2 and not pointer.modifiers:
            return self.double_click(pointer, scene)
        self.pressed = pointer
        return self.answer(scene)

    def move(self, pointer: Pointer, scene: Scene) -> Response:
        """Hover, or begin and follow the drag."""
        self.at = pointer
        if self.pressed is not None and self.gesture is None and pointer.far_from(self.pressed):
            self.gesture = self.begin(self.pressed, scene)
        if self.gesture is not None:
            self.gesture.move(pointer, scene)
        elif self.pressed is None and self.nudge is None:
            self.hover(pointer, scene)
        return self.answer(scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """End the drag, or click."""
        if pointer.button != "left" or self.pressed is None:
            return self.answer(scene, handled=False)
        gesture, pressed = self.gesture, self.pressed
        if gesture is not None:
            gesture.move(pointer, scene)
        self.gesture = self.pressed = None
        self.at = pointer
        return self.click(pressed, scene) if gesture is None else self._end(gesture, scene)

    def _end(self, gesture: Gesture, scene: Scene) -> Response:
        response = self.finished(gesture.finish(scene), scene)
        return replace(response, status=GONE) if gesture.is_gone(scene) else response

    def key(self, key: Key, scene: Scene) -> Response:
        """Esc, Tab and the arrows."""
        if key.name == "escape" and self.busy:
            self.cancel()
            return self.answer(scene)
        if key.name in ("tab", "backtab") and not self.busy:
            chosen = next_beneath(scene, self.at, 1 if key.name == "tab" else -1)
            return self.answer(scene, selection=chosen)
        if key.name in NUDGES and key.modifiers <= {"shift"} and self.gesture is None:
            return self._nudge(key, scene)
        return self.answer(scene, handled=False)

    def key_up(self, key: Key, scene: Scene) -> Response:
        """Letting go of the last arrow key makes one edit of the whole nudge."""
        self.nudge_keys.discard(key.name)
        if self.nudge is None or self.nudge_keys or key.name not in NUDGES:
            return self.answer(scene, handled=False)
        nudge, self.nudge = self.nudge, None
        return self._end(nudge, scene)

    def wants(self, key: Key) -> bool:
        """Esc while busy; arrows and Tab always."""
        if key.name in NUDGES:
            return key.modifiers <= {"shift"}
        return super().wants(key) or key.name in ("tab", "backtab")

    def _nudge(self, key: Key, scene: Scene) -> Response:
        if self.nudge is None:
            self.nudge = self.nudging(scene)
        if self.nudge is None:
            return self.answer(scene, handled=False)
        self.nudge_keys.add(key.name)
        step = NUDGE * (10 if key.modifiers != NO_MODIFIERS else 1)
        dx, dy = (self.nudge.shift[i] + step * NUDGES[key.name][i] for i in (0, 1))
        self.nudge.shift_by(dx, dy, scene)
        return self.answer(scene)
