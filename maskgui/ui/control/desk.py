"""What lies on the desk: the open session, the image on the canvas, and who hears of changes."""

import threading
from collections import Counter
from collections.abc import Sequence

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from maskgui.assist.session import Session
from maskgui.core.detections import Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, ImageRecord, Instance, Review
from maskgui.core.errors import UserError
from maskgui.core.shape import Shape
from maskgui.tools.simplifying import is_simplifying
from maskgui.ui.control.listing import Listing
from maskgui.ui.control.work import Work
from maskgui.ui.options import Options
from maskgui.ui.selection import SelectionModel
from maskgui.ui.threads import Background, MainThread
from maskgui.ui.window import MainWindow

REMOTE_MS = 200
"""How often lists are refreshed while a job's edits come in."""


class ProjectContext:
    """What the canvas asks the open project for; its `EditContext`."""

    session: Session | None = None

    def open(self) -> Session:
        """Return the session. Raises UserError when none is open."""
        if self.session is None:
            raise UserError("No project is open; open a folder first.")
        return self.session

    def new_id(self) -> int:
        """Return an id that was never used."""
        return self.open().new_id()

    def image(self, image_id: int) -> ImageRecord:
        """Return an image's record as it is now."""
        return self.open().document.image(image_id)

    def detections(self, image_id: int) -> Detections | None:
        """Return what the model said about an image."""
        return self.open().detections(image_id)

    def unsimplified(self, instance: Instance) -> Shape:
        """Return the outline that an instance had before it was simplified."""
        return self.open().outline_before(instance, is_simplifying)[0]

    def simplified_by(self, instance: Instance) -> str:
        """Return the label of the edit that last simplified it, "" when it was not."""
        return self.open().outline_before(instance, is_simplifying)[1]


class Desk(QObject):
    """Shared by the controllers. Every change of the document passes through `apply`."""

    opened = Signal()  # another session, or none
    leaving = Signal()  # the image on the canvas is about to be left
    shown = Signal()  # another image is on the canvas, or none
    edited = Signal(object)  # Edit, carried out
    settled = Signal()  # once per burst of edits: time to refresh lists
    go_asked = Signal(object)  # image id
    undo_asked = Signal()  # of the last edit, whatever is begun
    category_used = Signal(object)  # category id of the next instance, or None

    def __init__(
        self,
        window: MainWindow,
        options: Options,
        selection: SelectionModel,
        context: ProjectContext,
    ) -> None:
        super().__init__(window)
        self._context = context
        self.new_id = context.new_id
        self.image = context.image
        self.detections = context.detections
        self.window = window
        self.canvas = window.canvas
        self.commands = window.commands
        self.options = options
        self.selection = selection
        self.work = Work(self, window.status, window.commands)
        self.main = MainThread(self)
        self.background = Background(self.main)
        self.image_id: int | None = None
        self.counts: Counter[int] = Counter()
        self.draw_category: int | None = None
        self.listing = Listing()  # the images as the filmstrip lists them
        self.scale = 1.0  # screen pixels per image pixel
        self.remote = False  # the edit being told was made by a job
        self._unsubscribe = lambda: None
        self._offer = ""  # the toast whose Undo is of the last edit
        self._thread = threading.get_ident()
        self._burst = QTimer(self, singleShot=True, interval=0)
        self._burst.timeout.connect(self.settled)

    # ---- session

    def take(
        self, session: Session | None, counts: Counter[int], listing: Listing | None = None
    ) -> None:
        """Work on a session from now on; `listing`: its images as they are to be listed."""
        self._drop_offer()
        self._unsubscribe()
        self._context.session = session
        self.image_id = None
        self.counts = counts
        self.listing = listing or Listing()
        self.selection.clear()
        self._unsubscribe = session.subscribe(self._hear) if session else lambda: None
        self.opened.emit()

    def _hear(self, edit: Edit) -> None:
        session = self.session
        if threading.get_ident() == self._thread:
            self._tell(edit)
        else:
            self.main.post(lambda: self._tell_remote(edit) if session is self.session else None)

    def _tell_remote(self, edit: Edit) -> None:
        """Pass on a job's edit; many come at once, so lists wait for a pause."""
        self.remote = True
        self._tell(edit)
        self.remote = False

    def _tell(self, edit: Edit) -> None:
        for change in edit.changes:
            if isinstance(change.before, Instance):
                self.counts[change.before.category_id] -= 1
            if isinstance(change.after, Instance):
                self.counts[change.after.category_id] += 1
        if not self.remote:
            self._drop_offer()
        self.edited.emit(edit)
        if not (self.remote and self._burst.isActive()):
            self._burst.start(REMOTE_MS if self.remote else 0)

    # ---- looking

    @property
    def session(self) -> Session | None:
        """The open session."""
        return self._context.session

    @property
    def order(self) -> Sequence[int]:
        """Image ids as the filmstrip lists them."""
        return self.listing.ids

    @property
    def record(self) -> ImageRecord | None:
        """The record of the image on the canvas."""
        if self.session is None or self.image_id is None:
            return None
        return self.session.document.images.get(self.image_id)

    def instances(self) -> list[Instance]:
        """The instances of the image on the canvas."""
        if self.session is None or self.record is None:
            return []
        return self.session.instances(self.record.id)

    def selected(self) -> list[Instance]:
        """The selected instances of the image on the canvas."""
        chosen = self.selection.ids
        return [one for one in self.instances() if one.id in chosen] if chosen else []

    def categories(self) -> list[Category]:
        """The project's categories in the person's order."""
        return self.session.document.categories if self.session else []

    # ---- the next instance's category

    def use_category(self, category_id: int | None) -> None:
        """Give the next drawn instance this category."""
        self.draw_category = category_id
        self.canvas.set_draw_category(category_id)
        self.category_used.emit(category_id)

    # ---- changing

    def apply(self, edit: Edit | None) -> bool:
        """Carry out a person's edit; what cannot be is said in a toast. Returns whether it was."""
        if edit is None or not edit.changes:
            return False
        try:
            session = self._context.open()
            session.apply(begun(edit, session.document.images))
        except UserError as error:
            self.problem(str(error))
            return False
        return True

    # ---- saying

    def say(self, text: str, action=None) -> None:
        """Say a sentence in a toast."""
        self.window.toasts.say(text, action=action)

    def say_undoable(self, text: str) -> None:
        """Say what was done, with Undo; it goes when Undo would take back something else."""
        self._drop_offer()
        self._offer = text
        self.say(text, action=("Undo", self.undo_asked.emit))

    def _drop_offer(self) -> None:
        if self._offer:
            self.window.toasts.drop(self._offer)
            self._offer = ""

    def problem(self, text: str) -> None:
        """Say what went wrong."""
        self.window.toasts.say(text, problem=True)

    def show_tool_text(self) -> None:
        """Let the status bar say again what the tool can do, nothing without an image."""
        works = self.record is not None and not self.canvas.message
        self.window.status.set_tool_text(self.canvas.status if works else "")

    def allow(self, names: Sequence[str], reason: str) -> None:
        """Enable actions, or disable them with a reason."""
        for name in names:
            self.commands.allow(name, reason)


def begun(edit: Edit, images: dict[int, ImageRecord]) -> Edit:
    """Return a person's edit with the image it works on set from new to in progress."""
    record = images.get(edit.image_id) if edit.image_id is not None else None
    works = any(isinstance(change.entity, Instance) for change in edit.changes)
    if record is None or record.review is not Review.NEW or not works:
        return edit
    changes = [change for change in edit.changes if change.entity != record]
    after = record
    for change in edit.changes:
        if change.before == record and isinstance(change.after, ImageRecord):
            after = change.after
        elif change.before == record:
            return edit
    after = msgspec.structs.replace(after, review=Review.IN_PROGRESS)
    kept = tuple(change for change in changes if change.before != record)
    return Edit(edit.label, edit.image_id, (*kept, Change(record, after)))
