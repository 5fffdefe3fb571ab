"""The last run or import is taken back as a whole."""

from PySide6.QtCore import QObject

from maskgui.assist.landing import LABEL
from maskgui.core.words import counted
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.filework import DATA

NOTHING = "There is no run or import to take back."


class TakingBack(QObject):
    """Works beside the window: an import may have thousands of edits."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._busy = False
        desk.commands.bind("undo_batch", self.run_last)
        for signal in (desk.opened, desk.settled, desk.work.changed):
            signal.connect(self._allow)
        self._allow()

    def run_last(self) -> None:
        """Take back what the last job did."""
        session = self.desk.session
        batches = session.batches() if session is not None else []
        if batches:
            self.run(batches[-1].job)

    def run(self, job: str) -> None:
        """Take back what a job of the open project did."""
        session = self.desk.session
        if session is None or self._busy:
            return
        batch = next((one for one in session.batches() if one.job == job), None)
        if batch is None:
            self.desk.say("That is taken back already.")
            return
        self._busy = True
        self._allow()

        def done(count: int) -> None:
            run = f"the run on {counted(count, 'image')}"
            self._ended()
            self.desk.say(f"Took back {run if batch.label == LABEL else f'“{batch.label}”'}.")

        def failed(text: str) -> None:
            self._ended()
            self.desk.problem(text)

        self.desk.background.run(lambda: session.undo_batch(job), done, failed)

    def _ended(self) -> None:
        self._busy = False
        self._allow()

    def _allow(self) -> None:
        session, reason = self.desk.session, ""
        if self._busy:
            reason = "A run or import is being taken back."
        elif self.desk.work.is_on(DATA):
            reason = "It waits until the import or export has ended."
        elif session is None or not session.batches():
            reason = NOTHING
        self.desk.allow(("undo_batch",), reason)
