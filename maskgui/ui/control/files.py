"""Opening, importing, exporting and closing: the project menu's work, off the main thread."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QMenu

from maskgui.assist.demo import prepare_demo
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.errors import UserError
from maskgui.imaging import IMAGE_SUFFIXES
from maskgui.project.place import SUFFIX, place_for
from maskgui.ui.control.desk import Desk
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
    first: int | None = None
    notice: str | None = None
    missing: int = 0


class Files(QObject):
    """One project at a time; the one before is closed when the next is open."""

    def __init__(self, desk: Desk, navigation: Navigation) -> None:
        super().__init__(desk)
        self.desk = desk
        self._navigation = navigation
        self._opening = 0
        self._poll = QTimer(self, interval=POLL_MS)
        self._poll.timeout.connect(self._show_saved)
        self._told_error: str | None = None
        desk.edited.connect(lambda _: self._poll.start())
        desk.opened.connect(self._allow)
        desk.settled.connect(self._follow_images)
        desk.window.dropped.connect(self.open_paths)
        desk.window.welcome.recent_chosen.connect(lambda path: self.open_paths([path]))
        desk.window.film.menu_asked.connect(self._film_menu)
        for name, handler in (
            ("open_folder", self._ask_folder),
            ("open_files", self._ask_files),
            ("open_project", self._ask_project),
            ("open_demo", self.open_demo),
            ("save", self.save),
            ("rescan", self.rescan),
            ("close_project", self.close_project),
            ("remove_image", self.remove_image),
            ("quit", desk.window.close),
        ):
            desk.commands.bind(name, handler)
        self.import_json: Callable[[Path], object] = lambda _: None
        self.prefer_model: Callable[[str], object] = lambda _: None
        self._allow()

    # ---- asking for paths

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(
            self.desk.window, "Open folder", self.desk.options.text("folder")
        )
        if path:
            self.open_paths([Path(path)])

    def _ask_files(self) -> None:
        known = " ".join(f"*{suffix}" for suffix in sorted(IMAGE_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(
            self.desk.window,
            "Open files",
            self.desk.options.text("folder"),
            f"Images ({known});;COCO data sets (*.json);;Projects (*{SUFFIX});;All files (*)",
        )
        if names:
            self.open_paths([Path(name) for name in names])

    def _ask_project(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self.desk.window,
            "Open project",
            self.desk.options.text("folder"),
            f"Projects (*{SUFFIX})",
        )
        if name:
            self.open_paths([Path(name)])

    # ---- opening

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open whatever was named or dropped: a project, a folder, a COCO JSON or images."""
        paths = [path.absolute() for path in paths]
        missing = [path for path in paths if not path.exists()]
        if missing:
            self.desk.problem(f"There is no file or folder “{missing[0]}”; check the path.")
            return
        projects = [path for path in paths if path.suffix == SUFFIX and path.is_file()]
        folders = [path for path in paths if path.is_dir()]
        others = [path for path in paths if path.is_file() and path.suffix != SUFFIX]
        images = [path for path in others if path.suffix.lower() in IMAGE_SUFFIXES]
        data = [path for path in others if path not in images]
        if len(projects) + len(folders) + bool(images) > 1:
            self.desk.say("Opening the first of these; one project is open at a time.")
        if projects:
            self._open(lambda: _open_project(projects[0]), projects[0])
        elif folders:
            self._open(lambda: _open_folder(folders[0]), folders[0])
        elif images:
            self._open_images(images)
        if data:
            self.import_json(data[0])

    def _open_images(self, images: list[Path]) -> None:
        session = self.desk.session
        parent = images[0].parent
        if session is not None and all(session.root in path.parents for path in images):
            try:
                self._navigation.go(session.add_images(images)[0])
            except UserError as error:
                self.desk.problem(str(error))
            return
        self._open(lambda: _open_files(parent, images), parent)

    def _open(self, work: Callable[[], Opened], path: Path) -> None:
        if self._is_open(path):
            return
        self._opening += 1
        number = self._opening
        if path.exists():
            self.desk.options.set_text("folder", str(path if path.is_dir() else path.parent))
        self.desk.window.status.set_tool_text(f"Opening “{path.name}”…")
        self.desk.background.run(
            work, lambda opened: self._opened(opened, number), self._not_opened
        )

    def _is_open(self, path: Path) -> bool:
        """Whether this is the open project or its folder: then new images are looked for."""
        session = self.desk.session
        if session is None or not path.exists():
            return False
        place = path if path.suffix == SUFFIX else place_for(path).path
        if place != session.project.path:
            return False
        self.rescan()
        return True

    def _not_opened(self, text: str) -> None:
        self.desk.show_tool_text()
        self.desk.problem(text)

    def _opened(self, opened: Opened, number: int) -> None:
        if number != self._opening or not self._put_away():
            self.desk.background.run(opened.session.close, lambda _: None, self.desk.problem)
            if number == self._opening:
                self.desk.show_tool_text()
            return
        self.take(opened)

    def take(self, opened: Opened) -> None:
        """Show an opened project."""
        desk, session = self.desk, opened.session
        desk.options.add_recent(session.project.path)
        desk.take(session, opened.counts)
        self._show_page()
        first = opened.first
        if first not in session.document.images:
            first = session.setting("last_image")
        if first not in session.document.images:
            first = desk.order[0] if desk.order else None
        self._navigation.go(first)
        desk.canvas.setFocus()
        self._show_saved()
        if opened.notice:
            desk.say(opened.notice)
        if session.project.read_only:
            desk.say("This project is open for reading only; changes cannot be kept.")
        if opened.missing:
            self.tell_missing(opened.missing)

    def take_new(self, session: Session) -> None:
        """Show a project that was just made and has nothing in it yet."""
        if self._put_away():
            self.take(Opened(session, Counter(session.project.category_counts())))

    def discard_project(self) -> None:
        """Close a project that was made for an import of which nothing came, and remove it."""
        session = self.desk.session
        if session is not None and self.close_project():
            session.project.path.unlink(missing_ok=True)
            self.desk.window.welcome.show_recent(self.desk.options.recent())

    def show_what_came(self) -> None:
        """Go to the first image when an import brought some."""
        self._show_page()
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

    def _show_page(self) -> None:
        window, session = self.desk.window, self.desk.session
        if session is None:
            window.show_title("")
            window.welcome.show_recent(self.desk.options.recent())
            window.show_page(window.welcome)
            return
        window.show_title(session.project.path.stem)
        if session.document.images:
            window.show_page(window.canvas)
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
            self._show_page()
            self.show_what_came()

    def open_demo(self) -> None:
        """Open the demo project, whose model is the one that ships for it."""
        self.prefer_model("parts")
        self._open(lambda: _open_folder(prepare_demo()), Path("demo"))

    # ---- the open project

    def save(self) -> None:
        """Write what is left and say so; everything is saved as it is made anyway."""
        session = self.desk.session
        if session is None:
            return
        if session.flush(SAVE_SECONDS):
            self.desk.say("Saved. Every edit is saved as you make it.")
        else:
            self.desk.problem(session.last_error or "Changes are still being written.")
        self._show_saved()

    def _show_saved(self) -> None:
        session, status = self.desk.session, self.desk.window.status
        if session is None:
            status.set_saved("")
            self._poll.stop()
            return
        error = session.last_error
        if error:
            status.set_saved("not saved", problem=True)
            if error != self._told_error:
                self.desk.problem(error)
        elif session.project.read_only:
            status.set_saved("read only")
        else:
            status.set_saved("saving…" if session.pending else "saved")
        self._told_error = error
        if not session.pending:
            self._poll.stop()
        elif not self._poll.isActive():
            self._poll.start()

    def rescan(self) -> None:
        """Add images that are new in the project's folder."""
        session = self.desk.session
        if session is None:
            return
        before = set(session.document.images)

        def done(ids: list[int]) -> None:
            if session is not self.desk.session:
                return
            new = [one for one in ids if one not in before]
            self.desk.say(f"Found {_images(len(new))}." if new else "No new images.")
            self._show_page()
            if self.desk.image_id is None and new:
                self._navigation.go(new[0])

        self.desk.background.run(session.rescan, done, self.desk.problem)

    def remove_image(self, image_id: int | None = None) -> None:
        """Take an image out of the project; its file stays."""
        session = self.desk.session
        image_id = image_id or self.desk.image_id
        if session is None or image_id is None:
            return
        name = self.desk.image(image_id).path
        try:
            session.remove_images([image_id])
        except UserError as error:
            self.desk.problem(str(error))
            return
        self._show_page()
        self.desk.say_undoable(f"Removed “{name}” from the project. The file stays.")

    def _film_menu(self, image_id: int, place) -> None:
        menu = QMenu(self.desk.window)
        remove = menu.addAction("Remove from the project")
        remove.triggered.connect(lambda: self.remove_image(image_id))
        menu.exec(place)
        menu.deleteLater()

    def close_project(self) -> bool:
        """Close the project; False when the person would rather keep it open."""
        self._opening += 1
        if not self._put_away():
            return False
        self.desk.take(None, Counter())
        self._navigation.go(None)
        self._show_page()
        self._show_saved()
        return True

    def _put_away(self) -> bool:
        """Close the session; ask where the disk does not take what was done."""
        session = self.desk.session
        if session is None:
            return True
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
        return True

    def abandon(self) -> None:
        """Close what is open without asking: the system ends the application."""
        session = self.desk.session
        if session is None:
            return
        try:
            session.close()
        except UserError:
            log.exception("Closing without all changes on disk")
            session.close(discard=True)

    def _allow(self) -> None:
        reason = "" if self.desk.session else OPEN_FIRST
        self.desk.allow(NEEDS_SESSION, reason)


def _open_project(path: Path) -> Opened:
    return _ready(Session.open(path))


def _open_folder(folder: Path) -> Opened:
    place = place_for(folder)
    exists = place.path.exists()
    session = Session.open(place.path) if exists else Session.create(place.path, folder)
    try:
        session.rescan()
    except UserError:
        session.close()
        raise
    return _ready(session, notice=place.notice)


def _open_files(parent: Path, images: list[Path]) -> Opened:
    place = place_for(parent)
    exists = place.path.exists()
    session = Session.open(place.path) if exists else Session.create(place.path, parent)
    try:
        ids = session.add_images(images, author=SYSTEM)
    except UserError:
        session.close()
        raise
    return _ready(session, ids[0], place.notice)


def _ready(session: Session, first: int | None = None, notice: str | None = None) -> Opened:
    session.flush(SAVE_SECONDS)
    counts = Counter(session.project.category_counts())
    return Opened(session, counts, first, notice, len(session.find_missing()))


def _images(count: int) -> str:
    return "1 new image" if count == 1 else f"{count} new images"
