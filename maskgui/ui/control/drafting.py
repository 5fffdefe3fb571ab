"""What is begun stays: drafts are kept with the project, and drags end before they are left."""

import msgspec
from PySide6.QtCore import QObject

from maskgui.tools.base import Runs
from maskgui.tools.toolbox import Drafts
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.files import Files

DRAFTS = "drafts"
"""The project's setting: (image id, tool, runs of points) of each draft."""
Rows = list[tuple[int, str, Runs]]


class Drafting(QObject):
    """Writes the drafts down when an image or the project is left, and after edits."""

    def __init__(self, desk: Desk, files: Files) -> None:
        super().__init__(desk)
        self.desk = desk
        self._held: Drafts = {}  # as the project has them
        desk.opened.connect(self._recall)
        desk.leaving.connect(self._leave)
        files.leaving.connect(self._leave)
        desk.settled.connect(self._keep)

    def _leave(self) -> None:
        self.desk.canvas.hands.end_drag()
        self._keep()

    def _keep(self) -> None:
        session, drafts = self.desk.session, self.desk.canvas.toolbox.drafts
        if session is None or session.project.read_only or drafts == self._held:
            return
        session.set_setting(DRAFTS, [(*key, runs) for key, runs in drafts.items()])
        self._held = drafts

    def _recall(self) -> None:
        session = self.desk.session
        kept = session.setting(DRAFTS) if session is not None else None
        self._held = {(at, tool): runs for at, tool, runs in _rows(kept)}
        self.desk.canvas.recall_drafts(self._held)


def _rows(kept: object) -> Rows:
    """Return what a project has of drafts; none where that is damaged, so that it opens."""
    try:
        return msgspec.convert(kept or [], Rows)
    except msgspec.ValidationError:
        return []
