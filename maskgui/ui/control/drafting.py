"""What is begun stays: drafts are kept with the project, and drags end before they are left."""

import msgspec
from PySide6.QtCore import QObject

from maskgui.core.shape import Shape
from maskgui.tools.base import Runs
from maskgui.tools.toolbox import Drafts
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.files import Files

DRAFTS = "drafts"
"""The project's setting: (image id, tool, runs of points) of each draft."""
WAITING = "waiting_outlines"
"""The project's setting: (image id, outline) of each that waits for its category."""
Rows = list[tuple[int, str, Runs]]
Outlines = list[tuple[int, bytes]]


class Drafting(QObject):
    """Writes what is begun down when an image or the project is left, and after edits."""

    def __init__(self, desk: Desk, files: Files) -> None:
        super().__init__(desk)
        self.desk = desk
        self._held: Drafts = {}  # as the project has them
        self._waiting: dict[int, Shape] = {}  # the same
        desk.opened.connect(self._recall)
        desk.leaving.connect(self._leave)
        files.leaving.connect(self._leave)
        desk.settled.connect(self._keep)

    def _leave(self) -> None:
        self.desk.canvas.hands.end_drag()
        self._keep()

    def _keep(self) -> None:
        session, canvas = self.desk.session, self.desk.canvas
        if session is None or session.project.read_only:
            return
        drafts, waiting = canvas.toolbox.drafts, canvas.waiting.outlines
        if drafts != self._held:
            session.set_setting(DRAFTS, [(*key, runs) for key, runs in drafts.items()])
            self._held = drafts
        if waiting != self._waiting:
            session.set_setting(WAITING, [(at, one.to_bytes()) for at, one in waiting.items()])
            self._waiting = waiting

    def _recall(self) -> None:
        session, canvas = self.desk.session, self.desk.canvas
        kept = session.setting(DRAFTS) if session is not None else None
        self._held = {(at, tool): runs for at, tool, runs in _rows(kept)}
        canvas.recall_drafts(self._held)
        self._waiting = _outlines(session.setting(WAITING) if session is not None else None)
        canvas.waiting.recall(self._waiting)


def _rows(kept: object) -> Rows:
    """Return what a project has of drafts; none where that is damaged, so that it opens."""
    try:
        return msgspec.convert(kept or [], Rows)
    except msgspec.ValidationError:
        return []


def _outlines(kept: object) -> dict[int, Shape]:
    """Return the outlines that wait in a project; none where that is damaged."""
    try:
        rows = msgspec.convert(kept or [], Outlines)
        return {at: Shape.from_bytes(data) for at, data in rows}
    except ValueError:  # msgspec's is one too
        return {}
