"""Imports and exports beside the person: one at a time, and ended before their project closes."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from maskgui.assist.jobs import JobContext, Reply
from maskgui.assist.session import Session
from maskgui.ui.control.desk import Desk
from maskgui.ui.jobs import Ending, Jobs, Lane

DATA = "data set"
"""The key of this work in the status bar."""


class FileWork(QObject):
    """Runs one import or export in the files lane, from its first line in the bar to its end.

    It is stopped, not cancelled: what it says of its end is true only when it has put away what
    was half done, and until then its project stays open.
    """

    ended = Signal()

    def __init__(self, desk: Desk, jobs: Jobs) -> None:
        super().__init__(desk)
        self._desk = desk
        self._jobs = jobs
        self._job: int | None = None
        self._session: Session | None = None
        self._name = self._when_closed = ""
        self._share = 0.0
        self.stopping = False
        """Whether the work under way, or the last one, was asked to stop."""

    def run(
        self,
        session: Session,
        name: str,
        work: Callable[[JobContext], object],
        done: Callable[[Reply], object],
        undone: Callable[[], object] = lambda: None,
        *,
        when_closed: str,
    ) -> bool:
        """Begin work on a session; return False where other work is in its way.

        undone: called when it failed or was stopped, before that is said.
        when_closed: what is said while it stops, of the wait and of a project closed without it.
        """
        if self._job is not None:
            self._desk.say("Something is being imported or exported already.")
            return False

        def finished(reply: Reply) -> None:
            self._end()
            done(reply)

        def failed(text: str) -> None:
            if self.stopping and session is not self._desk.session:
                stopped()  # its project was closed without waiting, as the person chose
                return
            self._end()
            undone()
            self._desk.problem(text)

        def stopped() -> None:
            self._end()
            undone()
            self._desk.say(f"{name} was stopped.")

        self._session, self._name, self.stopping = session, name, False
        self._when_closed = when_closed
        ending = Ending(finished, failed, stopped, self._tell)
        self._desk.work.begin(DATA, name, self.stop)
        self._job = self._jobs.run(work, name, ending, Lane.FILES)
        return True

    def stop(self) -> None:
        """Ask the work to end; the reply comes when it has."""
        if self._job is not None and not self.stopping:
            self.stopping = True
            self._jobs.stop(self._job)
            self._desk.work.tell(DATA, f"Stopping: {self._name}", self._share)

    def leave(self) -> bool:
        """Stop what works on the open project, and wait for its end; then it may be closed.

        False where the person would rather keep the project open than wait.
        """
        if not self._jobs.awaits(self._job) or self._session is not self._desk.session:
            return True
        from maskgui.ui.dialogs.stopping import wait_for_end  # noqa: PLC0415

        self.stop()
        return wait_for_end(self._desk.window, self._name, self._when_closed, self.ended)

    def _tell(self, stage: str, share: float) -> None:
        if not self.stopping:
            self._share = share
            self._desk.work.tell(DATA, f"{self._name}, {stage}", share)

    def _end(self) -> None:
        self._job = self._session = None
        self._desk.work.end(DATA)
        self.ended.emit()
        self._desk.settled.emit()
