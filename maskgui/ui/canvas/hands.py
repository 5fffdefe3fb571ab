"""The person's hands on the canvas: panning and zooming here, everything else to the tools."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QSinglePointEvent,
    QWheelEvent,
)

from maskgui.tools.base import CLICK_SLOP, Key, Response
from maskgui.ui.canvas.edging import EdgeFollower
from maskgui.ui.canvas.input import is_modifier, key_of, pointer_of

if TYPE_CHECKING:
    from maskgui.ui.canvas.canvas import Canvas

WHEEL_STEP = 1.2
"""Zoom of one notch of the wheel (120 eighths of a degree)."""
SCROLL_STEP = 80.0
"""Logical pixels that one notch of the wheel scrolls."""
NO_BUTTON = Qt.MouseButton.NoButton
LEFT = Qt.MouseButton.LeftButton
MIDDLE = Qt.MouseButton.MiddleButton


class Hands:
    """Takes a canvas' input events."""

    def __init__(self, canvas: "Canvas") -> None:
        self._canvas = canvas
        self._at = QPointF()
        self.over = False
        """The pointer is on the canvas, at `_at`."""
        self._pan_from: QPointF | None = None
        self._pan_button = NO_BUTTON
        self._space = False
        self._pressed: QPointF | None = None  # where the left button went down
        self._held = Qt.KeyboardModifier.NoModifier
        self._waiting: dict[str, Callable[[], object]] = {}  # for the end of a drag, by name
        self._keys: dict[str, Key] = {}  # that the tool has and that are still down, by name
        self._edges = EdgeFollower(canvas.view, self._follow_edge, canvas)
        self.wheel_zooms = False
        self._handlers: dict[QEvent.Type, Callable[[Any], bool]] = {
            QEvent.Type.MouseButtonPress: self._press,
            QEvent.Type.MouseButtonDblClick: self._press,
            QEvent.Type.MouseMove: self._move,
            QEvent.Type.MouseButtonRelease: self._release,
            QEvent.Type.Wheel: self._wheel,
            QEvent.Type.NativeGesture: self._gesture,
            QEvent.Type.ShortcutOverride: self._override,
            QEvent.Type.KeyPress: self._key_press,
            QEvent.Type.KeyRelease: self._key_release,
        }

    @property
    def panning(self) -> bool:
        """Whether the image is held, or a press would hold it."""
        return self._pan_from is not None or self._space

    @property
    def dragging(self) -> bool:
        """Whether a button is down that draws or moves something."""
        return self._pressed is not None and self._canvas.toolbox.active.busy

    def after_drag(self, name: str, act: Callable[[], object]) -> bool:
        """Keep what a key asked for in the middle of a drag until that has ended.

        Return False, and keep nothing, where nothing is dragged.
        """
        if not self.dragging:
            return False
        self._waiting[name] = act
        self._canvas.tool_changed.emit(self._canvas.tool)  # it is in hand until then
        return True

    def take_back(self) -> bool:
        """Undo what is begun: its last step, else all of it. Return False where nothing is."""
        canvas = self._canvas
        begun = canvas.toolbox.active.busy and canvas.scene.image_id is not None
        if begun:
            canvas.follow(canvas.toolbox.take_back(canvas.scene))
            if not canvas.toolbox.active.busy:
                self._drop_waiting()
        return begun

    def _drop_waiting(self) -> None:
        """Forget what waits for the end of a drag that came to nothing."""
        if self._waiting:
            self._waiting.clear()
            self._canvas.tool_changed.emit(self._canvas.tool)  # it stays in hand

    def event(self, event: QEvent) -> bool:
        """Take an event. Return whether it was for the canvas."""
        handler = self._handlers.get(event.type())
        if handler is None or self._canvas.scene.image_id is None:
            return False
        return handler(event)

    def let_go(self) -> None:
        """Keys and buttons that were held are not any more."""
        self._space = False
        self._edges.stop()
        self._stop_panning()
        self._finish_drag()
        for key in list(self._keys.values()):
            self._key_up(key)

    def leave(self) -> None:
        """The pointer left the canvas; a drag goes on outside of it."""
        self.over = False
        if self._pressed is None:
            self._edges.stop()

    def view_moved(self) -> None:
        """The image lies elsewhere under a pointer that rests: what it points at is another.

        A drag goes on with the next event of the pointer itself.
        """
        shown = self._canvas.scene.image_id is not None
        if shown and self.over and not self.panning and self._pressed is None:
            self._point_again()

    def _point_again(self) -> None:
        self._canvas.point_at(self._at)
        self._tool_moves(self._held)

    def _pointed(self, event: QSinglePointEvent) -> None:
        """Remember where the pointer is, and what is held."""
        self._at, self.over = event.position(), True
        self._held = event.modifiers()

    def _press(self, event: QMouseEvent) -> bool:
        if event.button() == LEFT:
            self._finish_drag()  # a pen or finger goes down again without having moved
        self._pointed(event)
        self._edges.stop()
        if event.button() == MIDDLE or (self._space and event.button() == LEFT):
            self._pan_from, self._pan_button = event.position(), event.button()
            self._canvas.show_cursor("panning")
            return True
        if event.button() == LEFT:
            self._pressed = event.position()
        twice = event.type() == QEvent.Type.MouseButtonDblClick
        pointer = pointer_of(
            self._canvas.view,
            event.position(),
            event.modifiers(),
            event.button(),
            2 if twice else 1,
        )
        return self._answered(self._canvas.toolbox.press(pointer, self._canvas.scene))

    def _move(self, event: QMouseEvent) -> bool:
        self._miss_release(event.buttons())
        self._pointed(event)
        self._canvas.point_at(event.position())
        if self._pan_from is not None:
            way = event.position() - self._pan_from
            self._pan_from = event.position()
            self._canvas.scroll_by(way.x(), way.y())
            return True
        if not self._space:
            self._tool_moves(event.modifiers())
            self._look_at_edges(event)
        return True

    def _miss_release(self, held: Qt.MouseButton) -> None:
        """Let go of a button that is up though its release never came: another window had it."""
        if self._pan_from is not None and not held & self._pan_button:
            self._stop_panning()
        if not held & LEFT:
            self._finish_drag()

    def end_drag(self) -> None:
        """End what is being dragged as a release where the hand was last: nothing drawn is lost.

        What waited for its end is not done: something else has come first.
        """
        self._waiting.clear()
        if self._pressed is None or self._canvas.scene.image_id is None:
            return
        self._pressed = None
        self._edges.stop()
        pointer = pointer_of(self._canvas.view, self._at, self._held, LEFT)
        self._answered(self._canvas.toolbox.release(pointer, self._canvas.scene))

    def _finish_drag(self) -> None:
        waiting = list(self._waiting.values())
        self.end_drag()
        for act in waiting:
            act()

    def _look_at_edges(self, event: QMouseEvent) -> None:
        """Let the view go on where something is being drawn at its edge."""
        tool, held = self._canvas.toolbox.active, event.buttons() != NO_BUTTON
        if not (tool.busy and tool.follows):
            self._edges.stop()
        elif not (held and self._pressed is not None) or _dragged(self._pressed, self._at):
            self._edges.pointer_at(event.position(), held=held)

    def _follow_edge(self, dx: float, dy: float) -> None:
        if not self._canvas.toolbox.active.busy:
            self._edges.stop()
            return
        self._canvas.scroll_by(dx, dy)
        if self._pressed is not None:
            self._point_again()

    def _release(self, event: QMouseEvent) -> bool:
        self._edges.stop()
        if self._pan_from is not None and event.button() == self._pan_button:
            self._stop_panning()
            return True
        if event.button() == LEFT:
            self._pressed = None
        pointer = pointer_of(self._canvas.view, event.position(), event.modifiers(), event.button())
        handled = self._answered(self._canvas.toolbox.release(pointer, self._canvas.scene))
        if event.button() == LEFT:
            self._finish_drag()
        return handled

    def _wheel(self, event: QWheelEvent) -> bool:
        self._pointed(event)
        turn = event.angleDelta()
        ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not ctrl and turn.y() and self._tool_turns(event, turn.y() / 120):
            event.accept()
            return True
        if ctrl != self.wheel_zooms:
            notches = (turn.y() or turn.x()) / 120
            self._canvas.zoom_at(event.position(), WHEEL_STEP**notches)
        else:
            way = event.pixelDelta()
            if way.isNull():
                way = turn / 120 * SCROLL_STEP
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not way.x():
                way = way.transposed()
            self._canvas.scroll_by(way.x(), way.y())
        event.accept()
        return True

    def _tool_turns(self, event: QWheelEvent, notches: float) -> bool:
        """Offer the plain wheel to the tool. Return whether it took it."""
        pointer = pointer_of(self._canvas.view, event.position(), event.modifiers())
        response = self._canvas.toolbox.wheel(notches, pointer, self._canvas.scene)
        return response.handled and self._answered(response)

    def _gesture(self, event: QNativeGestureEvent) -> bool:
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self._canvas.zoom_at(event.position(), 1.0 + event.value())
        return True

    def _override(self, event: QKeyEvent) -> bool:
        key = key_of(event)
        if key.name == "space" or self._canvas.toolbox.wants(key):
            event.accept()
            return True
        return False

    def _key_press(self, event: QKeyEvent) -> bool:
        if is_modifier(event):
            self._modifiers_changed(event)
            return False
        key = key_of(event)
        if key.name == "space":
            if not event.isAutoRepeat() and self._pan_from is None:
                self._space = True
                self._canvas.show_cursor("pan")
            return True
        if key.undoes and self.take_back():
            return True
        if key.name == "escape":
            self._drop_waiting()
        if key.name == "delete" and self.after_drag(key.name, lambda: self._tool_key(key)):
            return True
        return self._tool_key(key)

    def _tool_key(self, key: Key) -> bool:
        self._keys[key.name] = key
        return self._answered(self._canvas.toolbox.key(key, self._canvas.scene))

    def _key_release(self, event: QKeyEvent) -> bool:
        if is_modifier(event):
            self._modifiers_changed(event)
            return False
        if event.isAutoRepeat():
            return True
        key = key_of(event)
        if key.name == "space":
            self._space = False
            if self._pan_from is None:
                self._canvas.show_cursor(None)
            return True
        return self._key_up(key)

    def _key_up(self, key: Key) -> bool:
        self._keys.pop(key.name, None)
        if self._canvas.scene.image_id is None:
            return False
        return self._answered(self._canvas.toolbox.key_up(key, self._canvas.scene))

    def _modifiers_changed(self, event: QKeyEvent) -> None:
        """Show what a click would do now, without waiting for the pointer to move."""
        held = event.modifiers()
        flag = {
            Qt.Key.Key_Shift: Qt.KeyboardModifier.ShiftModifier,
            Qt.Key.Key_Control: Qt.KeyboardModifier.ControlModifier,
            Qt.Key.Key_Alt: Qt.KeyboardModifier.AltModifier,
        }.get(Qt.Key(event.key()))
        if flag is not None:  # some platforms leave the key itself out
            held = held | flag if event.type() == QEvent.Type.KeyPress else held & ~flag
        self._held = held
        if self._canvas.underMouse() and self._pan_from is None:
            self._tool_moves(held)

    def _tool_moves(self, modifiers: Qt.KeyboardModifier) -> None:
        pointer = pointer_of(self._canvas.view, self._at, modifiers)
        self._canvas.follow(self._canvas.toolbox.move(pointer, self._canvas.scene))

    def _answered(self, response: Response) -> bool:
        self._canvas.follow(response)
        return response.handled

    def _stop_panning(self) -> None:
        self._pan_from, self._pan_button = None, NO_BUTTON
        self._canvas.show_cursor("pan" if self._space else None)


def _dragged(start: QPointF, end: QPointF) -> bool:
    return (end - start).manhattanLength() > CLICK_SLOP
