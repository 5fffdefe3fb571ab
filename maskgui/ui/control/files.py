"""The open project: shown, saved, looked through for new images, put away."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QMenu

from maskgui.assist.images import Found
from maskgui.assist.session import Session
from maskgui.core.errors import UserError
from maskgui.core.files import refusal
from maskgui.core.words import counted
from maskgui.project import delete_project
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.listing import Listing
from maskgui.ui.control.navigation import Navigation
from maskgui.ui.dialogs.ask import ask

log = logging.getLogger(__name__)

SAVE_SECONDS = 10.0
POLL_MS = 120
OPEN_FIRST = "Open images or a project first."
NEEDS_SESSION = ("save", "export", "rescan", "locate_folder", "close_project")


@dataclass(frozen=True)
class Opened:
    """A session made ready off the main thread, with what to show and say first."""

    session: Session
    counts: Counter[int]
    listing: Listing = field(default_factory=Listing)
    first: int | None = None
    notices: tuple[str, ...] = ()
    missing: int = 0


def let_go(session: Session, *, fresh: bool) -> None:
    """Close a session that is not shown after all, and remove its project where it is `fresh`."""
    session.close(discard=True)
    if fresh:
        delete_project(session.project.path)


class Files(QObject):
    """One project at a time; the one before is closed when the next is open."""

    closing = Signal()  # the person closes: what is still being opened is not wanted any more
    leaving = Signal()  # the session is about to be closed

    def __init__(self, desk: Desk, navigation: Navigation) -> None:
        super().__init__(desk)
        self.desk = desk
        self._navigation = navigation
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._show_saved)
        self._told_error: str | None = None
        self._importing: tuple[Session, str] | None = None
        self.end_work: Callable[[], bool] = lambda: True
        """Ends what works on the open session; False where it is rather kept open."""
        desk.edited.connect(lambda _: self._poll.start())
        desk.opened.connect(self._allow)
        desk.settled.connect(self._follow_images)
        desk.window.film.menu_asked.connect(self._film_menu)
        for name, handler in (
            ("save", self.save),
            ("rescan", self.rescan),
            ("close_project", self.close_project),
            ("remove_image", self.remove_image),
            ("quit", desk.window.close),
        ):
            desk.commands.bind(name, handler)
        self._allow()

    def take(self, opened: Opened) -> None:
        """Show an opened project."""
        desk, session = self.desk, opened.session
        desk.options.add_recent(session.project.path)
        session.project.heed(lambda: desk.main.post(self._poll.start))  # the error comes after
        self._show_page(session)  # before there are rows: the strip is laid out once, and later
        desk.take(session, opened.counts, opened.listing)
        first = opened.first
        if first not in session.document.images:
            first = session.setting("last_image")
        if first not in session.document.images:
            first = desk.order[0] if desk.order else None
        self._navigation.go(first)
        desk.canvas.setFocus()
        self._show_saved()
        for notice in opened.notices:
            desk.say(notice)
        if session.project.read_only:
            self._tell_read_only(session)
        if opened.missing:
            self.tell_missing(opened.missing)

    def take_new(self, session: Session, *, fresh: bool) -> bool:
        """Show a project that was just opened; False where the one before is rather kept open.

        Then it is closed, and removed where it is `fresh`.
        """
        if not self.put_away():
            away = partial(let_go, session, fresh=fresh)
            self.desk.background.run(away, lambda _: None, self.desk.problem)
            return False
        self.take(Opened(session, Counter(session.project.category_counts())))
        return True

    def discard_project(self) -> None:
        """Close a project that was made for an import of which nothing came, and remove it."""
        session = self.desk.session
        if session is not None and self.close_project():
            delete_project(session.project.path)
            self.desk.window.welcome.show_recent(self.desk.options.recent())

    def show_importing(self, importing: tuple[Session, str] | None) -> None:
        """Say, where there is no image yet, that a file of this name is read; None: no more."""
        self._importing = importing
        self._show_page(self.desk.session)

    def show_what_came(self) -> None:
        """Go to the first image when an import brought some."""
        self._show_page(self.desk.session)
        if self.desk.image_id is None and self.desk.order:
            self._navigation.go(self.desk.order[0])

    def reload_image(self) -> None:
        """Read the image shown again: its file was found elsewhere."""
        image_id = self.desk.image_id
        self._navigation.forget_problems()
        self._navigation.go(None)
        self._navigation.go(image_id)

    def tell_missing(self, count: int) -> None:
        """Say that image files are gone, and offer to find them."""
        files = "An image file is" if count == 1 else f"{count} image files are"
        locate = self.desk.commands["locate_folder"].trigger
        self.desk.say(f"{files} not where the project says.", action=("Locate folder", locate))

    def _show_page(self, session: Session | None) -> None:
        window = self.desk.window
        if session is None:
            window.show_title("")
            window.welcome.show_recent(self.desk.options.recent())
            window.show_page(window.welcome)
            return
        window.show_title(session.project.path.stem)
        if session.document.images:
            window.show_page(window.canvas)
            return
        importing = self._importing
        if importing is not None and importing[0] is session:
            window.empty.say(
                f"Importing “{importing[1]}”…",
                "Its images come as soon as it is read.",
                offers=False,
            )
        else:
            window.empty.say(
                f"No images in “{session.root.name}”",
                "Put JPEG, PNG, TIFF, WebP or BMP files there and look again, or open another one.",
            )
        window.show_page(window.empty)

    def _follow_images(self) -> None:
        """Show the right page when undo or redo took the last image or brought the first."""
        session, window = self.desk.session, self.desk.window
        if session is None:
            return
        if bool(session.document.images) != (window.stage.currentWidget() is window.canvas):
            self._show_page(self.desk.session)
            self.show_what_came()

    # ---- the open project

    def save(self) -> None:
        """Write what is left and say so; everything is saved as it is made anyway."""
        session = self.desk.session
        if session is None:
            return
        if session.project.read_only:
            self._tell_read_only(session)
        elif session.flush(SAVE_SECONDS):
            self._show_saved()
            self.desk.say("Saved. Every edit is saved as you make it.")
        else:
            self._tell_error(None)
            self._tell_error(session.last_error or "Changes are still being written.")
            self._show_saved()

    def _tell_read_only(self, session: Session) -> None:
        self.desk.say(
            f"“{session.project.path.name}” cannot be written where it lies, so it is open for "
            "reading only; copy it to a folder of yours to change it."
        )

    def _show_saved(self) -> None:
        session, status = self.desk.session, self.desk.window.status
        if session is None:
            status.set_saved("")
            self._tell_error(None)
            self._poll.stop()
            return
        pending = session.pending  # asked once: the writer goes on meanwhile
        error = session.last_error
        if error:
            status.set_saved("not saved", problem=True)
        elif session.project.read_only:
            status.set_saved("read only")
        else:
            status.set_saved("saving…" if pending else "saved")
        self._tell_error(error)
        self._tell_place(session)
        if not (pending or session.project.unsaved):
            self._poll.stop()
        elif not self._poll.isActive():
            self._poll.start()

    def _tell_error(self, error: str | None) -> None:
        """Say what keeps changes from the disk, in place of what did before; None: nothing."""
        if error == self._told_error:
            return
        if self._told_error:
            self.desk.window.toasts.drop(self._told_error)
        if error:
            self.desk.problem(error)
        self._told_error = error

    def _tell_place(self, session: Session) -> None:
        """Say when the file was deleted or replaced, and follow it where it is now."""
        notice = session.project.take_notice()
        if notice:
            self.desk.options.add_recent(session.project.path)
            self.desk.window.show_title(session.project.path.stem)
            self.desk.problem(notice)

    def rescan(self) -> None:
        """Add images that are new in the project's folder; read again what is shown."""
        session = self.desk.session
        if session is None:
            return
        before = set(session.document.images)

        def done(found: Found) -> None:
            if session is not self.desk.session:
                return
            new = [one for one in found.added if one not in before]
            self.desk.say(f"Found {counted(len(new), 'new image')}." if new else "No new images.")
            if found.refused:
                self.desk.say(refusal(found.refused))
            self._show_page(self.desk.session)
            if self.desk.image_id is None and new:
                self._navigation.go(new[0])
            else:
                self._navigation.reread()

        self.desk.background.run(session.look_through, done, self.desk.problem)

    def remove_image(self, image_id: int | None = None) -> None:
        """Take an image out of the project; its file stays."""
        session = self.desk.session
        image_id = image_id or self.desk.image_id
        if session is None or image_id not in session.document.images:
            return  # it left while the menu was open
        name = self.desk.image(image_id).path
        try:
            session.remove_images([image_id])
        except UserError as error:
            self.desk.problem(str(error))
            return
        self._show_page(self.desk.session)
        self.desk.say_undoable(f"Removed “{name}” from the project. The file stays.")

    def _film_menu(self, image_id: int, place) -> None:
        menu = QMenu(self.desk.window)
        remove = menu.addAction("Remove from the project")
        remove.triggered.connect(lambda: self.remove_image(image_id))
        self.desk.opened.connect(menu.close)  # ids are another project's then
        menu.exec(place)
        menu.deleteLater()

    def close_project(self) -> bool:
        """Close the project; False when the person would rather keep it open."""
        self.closing.emit()
        if not self.put_away():
            return False
        self.desk.take(None, Counter())
        self._navigation.go(None)
        self._show_page(self.desk.session)
        self._show_saved()
        return True

    def put_away(self) -> bool:
        """Close the session; ask where the disk does not take what was done.

        What works on it ends before: an import takes back what has come in.
        """
        if not self.end_work():
            return False
        session = self.desk.session  # asked now: what was made for an import goes with it
        if session is None:
            return True
        self.leaving.emit()
        try:
            session.close()
        except UserError as error:
            if not ask(
                self.desk.window,
                "Some changes could not be saved.",
                f"{error} They are lost when you close the project.",
                "Discard them",
                "Keep it open",
            ):
                return False
            session.close(discard=True)
        self._tell_place(session)
        return True

    def abandon(self) -> None:
        """Close what is open without asking: the system ends the application."""
        session = self.desk.session
        if session is None:
            return
        self.leaving.emit()
        try:
            session.close()
        except UserError:
            log.exception("Closing without all changes on disk")
            session.close(discard=True)

    def _allow(self) -> None:
        reason = "" if self.desk.session else OPEN_FIRST
        self.desk.allow(NEEDS_SESSION, reason)
