"""Which instance lies on which: the selection goes up or down in the pile."""

from functools import partial

from PySide6.QtCore import QObject

from maskgui.core.stacking import Way, arrange
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.editing import SELECT_FIRST, LockedIds

WAYS = {
    "to_front": Way.FRONT,
    "forward": Way.FORWARD,
    "backward": Way.BACKWARD,
    "to_back": Way.BACK,
}


class Arranging(QObject):
    """Four commands; locked instances stay where they are."""

    def __init__(self, desk: Desk, flags: LockedIds) -> None:
        super().__init__(desk)
        self.desk = desk
        self._flags = flags
        for name, way in WAYS.items():
            desk.commands.bind(name, partial(self.move, way))
        desk.selection.changed.connect(lambda _: self._allow())
        desk.shown.connect(self._allow)
        desk.opened.connect(self._allow)

    def move(self, way: Way) -> None:
        """Move the selected instances."""
        record = self.desk.record
        chosen = self.desk.selection.ids - self._flags.ids
        if record is None or not chosen:
            return
        found = self.desk.detections(record.id)
        edit = arrange(self.desk.instances(), chosen, way, record, found)
        if edit is None:
            there = "top" if way in (Way.FRONT, Way.FORWARD) else "bottom"
            self.desk.say(f"The selection is at the {there} already.")
        self.desk.apply(edit)

    def _allow(self) -> None:
        image = "" if self.desk.record else "Open images first."
        self.desk.allow(tuple(WAYS), image or ("" if self.desk.selection.ids else SELECT_FIRST))
