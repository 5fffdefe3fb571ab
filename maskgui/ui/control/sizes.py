"""The sizes of images, read from their files behind everything else."""

from PySide6.QtCore import QObject

from maskgui.assist.jobs import Job, JobContext, Outcome, Reply, Worker
from maskgui.assist.session import Session
from maskgui.core.document import Edit
from maskgui.core.entities import ImageRecord
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.files import Files
from maskgui.ui.control.navigation import Navigation

SHARE = 0.25
"""Of the time: the window's thread and the decoding of images go before."""


class Sizes(QObject):
    """Has a thread of its own, so that no import or export waits for a large folder."""

    def __init__(self, desk: Desk, navigation: Navigation, files: Files) -> None:
        super().__init__(desk)
        self._desk = desk
        self._navigation = navigation
        self._worker = Worker(lambda reply: desk.main.post(lambda: self._ended(reply)))
        self._more = False  # images came that nobody has looked at
        desk.opened.connect(self._restart)
        desk.edited.connect(self._edited)
        desk.settled.connect(self._go_on)
        navigation.forgot_problems.connect(self._restart)
        files.leaving.connect(self._stop)

    @property
    def busy(self) -> bool:
        """Whether files are being looked at."""
        return self._worker.waiting > 0

    def close(self) -> bool:
        """Stop; return whether the thread ended."""
        return self._worker.close()

    def _stop(self) -> None:
        self._worker.cancel_all()
        self._more = True

    def _restart(self) -> None:
        self._stop()
        self._go_on()

    def _edited(self, edit: Edit) -> None:
        self._more = self._more or any(
            change.before is None and isinstance(change.after, ImageRecord)
            for change in edit.changes
        )

    def _go_on(self) -> None:
        session = self._desk.session
        if session is None or not self._more or self.busy or session.project.read_only:
            return
        self._more = False
        order, images = tuple(self._desk.order), session.document.images
        if len(order) != len(images):  # what came just now is not listed yet
            order += tuple(images.keys() - set(order))

        def read(context: JobContext) -> tuple[Session, dict[int, str]]:
            return session, session.fill_sizes(order, context.cancel, SHARE)

        self._worker.submit(Job(read, name="Reading sizes"))

    def _ended(self, reply: Reply) -> None:
        if reply.outcome is Outcome.FINISHED:
            session: Session
            session, reasons = reply.value
            if session is self._desk.session:
                self._navigation.add_problems(_still(reasons, session.document.images))
        self._go_on()


def _still(reasons: dict[int, str], images: dict[int, ImageRecord]) -> dict[int, str]:
    """Return the reasons that hold at the end, maybe minutes later.

    An image that was shown since has the size that came with its pixels.
    """
    return {at: why for at, why in reasons.items() if at in images and not images[at].width}
