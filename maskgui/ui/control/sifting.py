"""The filter: the canvas and the instance list show the same few instances."""

from PySide6.QtCore import QObject

from maskgui.core.document import Edit
from maskgui.core.entities import Instance
from maskgui.core.sieve import Sieve
from maskgui.ui.control.desk import Desk
from maskgui.ui.panels.sieve import SievePopup

HIDDEN = "The filter hides what was added."


class Sifting(QObject):
    """Stays as it is from image to image, until the project is closed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._panel = desk.window.side.instances
        self.sieve = Sieve()
        desk.commands.bind("filter_instances", self.open_popup)
        desk.opened.connect(self.clear)
        desk.edited.connect(self._edited)

    def open_popup(self) -> None:
        """Let the person say what is to be seen."""
        popup = SievePopup(self.desk.window, self.sieve, self.desk.categories())
        popup.changed.connect(self.sift)
        popup.open_beside(self._panel)

    def clear(self) -> None:
        """Show all instances."""
        self.sift(Sieve())

    def sift(self, sieve: Sieve) -> None:
        """Show only instances that pass."""
        if sieve == self.sieve:
            return
        self.sieve = sieve
        self.desk.canvas.set_sieve(sieve)
        self._panel.set_sieve(sieve)
        self.desk.selection.keep_only(one.id for one in self.desk.instances() if sieve.passes(one))

    def _edited(self, edit: Edit) -> None:
        """Never let a person's own work vanish without a word."""
        if self.sieve.is_open or self.desk.remote:
            return
        added = [
            change.after
            for change in edit.changes
            if change.before is None and isinstance(change.after, Instance)
        ]
        here = (one for one in added if one.image_id == self.desk.image_id)
        if any(not self.sieve.passes(one) for one in here):
            self.desk.say(HIDDEN, action=("Show all", self.clear))
