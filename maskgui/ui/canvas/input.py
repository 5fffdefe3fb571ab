"""Qt's events as the tools understand them."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QKeyEvent

from maskgui.tools.base import Key, Modifiers, Pointer
from maskgui.ui.canvas.viewport import Viewport

_NAMED = {
    Qt.Key.Key_Return: "enter",
    Qt.Key.Key_Enter: "enter",
    Qt.Key.Key_Escape: "escape",
    Qt.Key.Key_Backspace: "backspace",
    Qt.Key.Key_Delete: "delete",
    Qt.Key.Key_Tab: "tab",
    Qt.Key.Key_Backtab: "backtab",
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Space: "space",
}
_BUTTONS = {
    Qt.MouseButton.LeftButton: "left",
    Qt.MouseButton.RightButton: "right",
    Qt.MouseButton.MiddleButton: "middle",
}
MODIFIER_KEYS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta)


def modifiers_of(flags: Qt.KeyboardModifier) -> Modifiers:
    """Return the names of the modifiers that are down."""
    names = (
        ("shift", Qt.KeyboardModifier.ShiftModifier),
        ("ctrl", Qt.KeyboardModifier.ControlModifier),
        ("alt", Qt.KeyboardModifier.AltModifier),
    )
    return frozenset(name for name, flag in names if flags & flag)


def key_of(event: QKeyEvent) -> Key:
    """Return a key event as a tool key; letters are named in lower case."""
    code = Qt.Key(event.key())
    modifiers = modifiers_of(event.modifiers())
    if code in (Qt.Key.Key_Backtab, Qt.Key.Key_Tab):
        back = code == Qt.Key.Key_Backtab or "shift" in modifiers
        return Key("backtab" if back else "tab", modifiers - {"shift"})
    if code in _NAMED:
        return Key(_NAMED[code], modifiers)
    letter = chr(code) if code < 0x110000 else ""  # Qt's codes of letters are Unicode
    return Key(letter.lower(), modifiers)


def pointer_of(
    view: Viewport,
    position: QPointF,
    modifiers: Qt.KeyboardModifier,
    button: Qt.MouseButton = Qt.MouseButton.NoButton,
    clicks: int = 1,
) -> Pointer:
    """Return a mouse position with what is held down as a tool pointer."""
    x, y = view.to_image(position.x(), position.y())
    return Pointer(
        x,
        y,
        _BUTTONS.get(button, "none"),
        modifiers_of(modifiers),
        view.logical_scale,
        clicks,
    )


def is_modifier(event: QEvent) -> bool:
    """Whether a key event is of a modifier alone."""
    return isinstance(event, QKeyEvent) and event.key() in MODIFIER_KEYS
