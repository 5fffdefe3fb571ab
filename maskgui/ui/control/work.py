"""Work that goes on beside the person: one line in the status bar, one way to cancel it."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from maskgui.ui.actions import ActionSet
from maskgui.ui.panels.statusbar import StatusBar

IDLE = "Nothing is running."


@dataclass
class _Item:
    cancel: Callable[[], object]
    text: str
    edit: str
    fraction: float = 0.0


class Work(QObject):
    """What is under way, by key. The one begun last is shown, and cancelled first."""

    changed = Signal()

    def __init__(self, parent: QObject, status: StatusBar, commands: ActionSet) -> None:
        super().__init__(parent)
        self._status = status
        self._commands = commands
        self._items: dict[str, _Item] = {}
        commands.bind("cancel_work", self.cancel)
        self._show()

    def begin(self, key: str, text: str, cancel: Callable[[], object], *, edit: str = "") -> None:
        """Show work that can be cancelled; `edit`: what undo is of, where it ends in an edit."""
        self._items.pop(key, None)
        self._items[key] = _Item(cancel, text, edit)
        self._show()

    def tell(self, key: str, text: str, fraction: float) -> None:
        """Say how far it is, 0-1."""
        item = self._items.get(key)
        if item is not None:
            item.text, item.fraction = text, fraction
            self._show()

    def end(self, key: str) -> None:
        """It is over, however it ended."""
        if self._items.pop(key, None) is not None:
            self._show()

    def is_on(self, key: str) -> bool:
        """Whether work of this key goes on."""
        return key in self._items

    def cancel(self) -> None:
        """Stop what was begun last."""
        if self._items:
            self._items[next(reversed(self._items))].cancel()

    @property
    def edit(self) -> str:
        """What undo is of where an edit of the image shown is under way, "" where none is."""
        item = self._last_edit()
        return item.edit if item else ""

    def take_back(self) -> bool:
        """Stop the edit under way that was begun last; False without one."""
        item = self._last_edit()
        if item is not None:
            item.cancel()
        return item is not None

    def _last_edit(self) -> _Item | None:
        return next((one for one in reversed(self._items.values()) if one.edit), None)

    def _show(self) -> None:
        item = self._items[next(reversed(self._items))] if self._items else None
        self._status.set_progress(item.text if item else None, item.fraction if item else 0.0)
        self._commands.allow("cancel_work", "" if item else IDLE)
        self.changed.emit()
