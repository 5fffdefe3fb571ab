"""Opening projects, folders and files, whether asked for, dropped or named."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from maskgui.assist.demo import prepare_demo
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.errors import UserError
from maskgui.core.files import is_text, refusal
from maskgui.imaging import IMAGE_SUFFIXES
from maskgui.project import DamagedProject, ReadOnlyProject, restore
from maskgui.project.place import SUFFIX, Place, place_for
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.files import Files, Opened, let_go
from maskgui.ui.control.listing import listing_of, order_of
from maskgui.ui.control.navigation import Navigation

DATA_SUFFIXES = {".json", ".xml"}
"""What an import is asked to read; it says of XML what to do with it."""


class Opening(QObject):
    """Makes a session ready off the main thread for `Files`; what was asked for last wins."""

    def __init__(self, desk: Desk, navigation: Navigation, files: Files) -> None:
        super().__init__(desk)
        self.desk = desk
        self._navigation = navigation
        self._files = files
        self._number = 0
        self.asks = True
        """Whether a damaged project opens a dialog; a script reads `problem` instead."""
        self.problem = ""
        """Why the last thing asked for was not opened."""
        files.closing.connect(self._forget)
        desk.window.dropped.connect(self.open_paths)
        desk.window.welcome.recent_chosen.connect(lambda path: self.open_paths([path]))
        for name, handler in (
            ("open_folder", self._ask_folder),
            ("open_files", self._ask_files),
            ("open_project", self._ask_project),
            ("open_demo", self.open_demo),
        ):
            desk.commands.bind(name, handler)
        self.import_json: Callable[[Path], object] = lambda _: None
        self.prefer_model: Callable[[str], object] = lambda _: None

    def _forget(self) -> None:
        self._number += 1

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
        """Open whatever was named or dropped: a project, a folder, a COCO JSON or images.

        A data set that comes with one of the others is imported into it once it is open.
        """
        paths = [path.absolute() for path in paths]
        if problem := _problem_of(paths):
            self.desk.problem(problem)
            return
        projects = [path for path in paths if path.suffix == SUFFIX and path.is_file()]
        folders = [path for path in paths if path.is_dir()]
        others = [path for path in paths if path.is_file() and path.suffix != SUFFIX]
        images = [path for path in others if path.suffix.lower() in IMAGE_SUFFIXES]
        data = [path for path in others if path.suffix.lower() in DATA_SUFFIXES]
        strange = [path for path in others if path not in (*images, *data)]
        if strange:
            self.desk.problem(
                f"“{strange[0].name}” is no image, COCO JSON or project; drop one of these, or a "
                "folder of images."
            )
        if len(projects) + len(folders) + bool(images) > 1:
            self.desk.say("Opening the first of these; one project is open at a time.")
        if len(data) > 1:
            self.desk.say(f"Importing “{data[0].name}” of these; import the others after it.")

        def then() -> None:
            if data:
                self.import_json(data[0])

        if projects:
            self._open(lambda: _open_project(projects[0]), projects[0], then)
        elif folders:
            self._open(lambda: _open_folder(folders[0]), folders[0], then)
        elif images:
            self._open_images(images, then)
        else:
            then()

    def _open_images(self, images: list[Path], then: Callable[[], object]) -> None:
        session = self.desk.session
        parent = images[0].parent
        if session is not None and all(session.root in path.parents for path in images):
            self._forget()
            self.desk.show_tool_text()
            try:
                self._navigation.go(session.add_images(images)[0])
            except UserError as error:
                self.desk.problem(str(error))
                return
            then()
            return
        self._open(lambda: _open_files(parent, images), parent, then)

    def _open(
        self,
        work: Callable[[], Opened],
        path: Path,
        then: Callable[[], object] = lambda: None,
    ) -> None:
        """Open what `work` makes ready, `then` go on in it."""
        self._number += 1  # what is still being opened is not wanted any more
        if self._is_open(path):
            self.desk.show_tool_text()
            then()
            return
        self.problem = ""
        number = self._number
        if path.exists():
            self.desk.options.set_text("folder", str(path if path.is_dir() else path.parent))
        self.desk.window.status.set_tool_text(f"Opening “{path.name}”…")

        def settle(found: Opened | DamagedProject) -> None:
            if isinstance(found, Opened):
                if self._opened(found, number):
                    then()
            elif number == self._number:
                self._offer_backup(found, path, lambda: self._open(work, path, then))

        self.desk.background.run(lambda: _or_damage(work), settle, self._not_opened)

    def _is_open(self, path: Path) -> bool:
        """Whether this is the open project or its folder: then new images are looked for."""
        session = self.desk.session
        if session is None or not path.exists():
            return False
        place = path if path.suffix == SUFFIX else place_for(path).path
        if place != session.project.path:
            return False
        self._files.rescan()
        return True

    def _offer_backup(self, error: DamagedProject, path: Path, again: Callable[[], object]) -> None:
        """Ask whether to restore the newest good backup; on yes, restore it and open again."""
        damaged, backup = error.path, error.backup
        if damaged is None or backup is None or not self.asks:
            self._not_opened(str(error))
            return
        from maskgui.ui.dialogs.restore import RestoreDialog  # noqa: PLC0415

        self.desk.show_tool_text()
        dialog = RestoreDialog(self.desk.window, damaged, backup)
        agreed = bool(dialog.exec())
        dialog.deleteLater()
        if not agreed:
            return

        def restored(aside: Path) -> None:
            self.desk.say(f"The backup is restored. The damaged file is kept as “{aside.name}”.")
            again()

        self.desk.background.run(lambda: restore(damaged, backup), restored, self._not_opened)

    def _not_opened(self, text: str) -> None:
        self.problem = text
        self.desk.show_tool_text()
        self.desk.problem(text)

    def _opened(self, opened: Opened, number: int) -> bool:
        """Show what was opened; False where it is not wanted any more."""
        if number != self._number or not self._files.put_away():
            self.desk.background.run(opened.session.close, lambda _: None, self.desk.problem)
            if number == self._number:
                self.desk.show_tool_text()
            return False
        self._files.take(opened)
        return True

    def open_demo(self) -> None:
        """Open the demo project, whose model is the one that ships for it."""
        self.prefer_model("parts")
        self._open(lambda: _open_folder(prepare_demo()), Path("demo"))


def _or_damage(work: Callable[[], Opened]) -> Opened | DamagedProject:
    """Return what was opened, or the damage that a backup can mend."""
    try:
        return work()
    except DamagedProject as error:
        if error.backup is None:
            raise
        return error


def _open_session(path: Path) -> Session:
    """Open a project, for reading only where it cannot be written."""
    try:
        return Session.open(path)
    except ReadOnlyProject:
        return Session.open(path, read_only=True)


def _problem_of(paths: Sequence[Path]) -> str:
    """Return why some of what was named cannot be opened at all, "" where all may be."""
    for path in paths:
        if not is_text(str(path)):
            return refusal([str(path)])
        if not path.exists():
            return f"There is no file or folder “{path}”; check the path."
    return ""


@contextlib.contextmanager
def _closed_on_failure(session: Session, *, fresh: bool = False) -> Iterator[Session]:
    """Let go of the project where making it ready fails, and remove it where it is `fresh`."""
    try:
        yield session
    except BaseException:
        let_go(session, fresh=fresh)
        raise


def _project_of(place: Place, root: Path) -> contextlib.AbstractContextManager[Session]:
    """Open the project of a folder, or make it."""
    if place.path.exists():
        return _closed_on_failure(_open_session(place.path))
    return _closed_on_failure(Session.create(place.path, root), fresh=True)


def _open_project(path: Path) -> Opened:
    with _closed_on_failure(_open_session(path)) as session:
        return _ready(session, session.find_missing())


def _open_folder(folder: Path) -> Opened:
    place = place_for(folder)
    with _project_of(place, folder) as session:
        found = session.look_through()
        notices = [place.notice, refusal(found.refused)]
        return _ready(session, found.missing, None, *notices)


def _open_files(parent: Path, images: list[Path]) -> Opened:
    place = place_for(parent)
    with _project_of(place, parent) as session:
        ids = session.add_images(images, author=SYSTEM)
        return _ready(session, session.find_missing(), ids[0], place.notice)


def _ready(
    session: Session, missing: Sequence[int], first: int | None = None, *notices: str | None
) -> Opened:
    """Return an opened session; its new images are written while they are shown."""
    counts = Counter(session.project.category_counts())
    images = session.document.images
    listing = listing_of(order_of(images.values()), images)
    said = tuple(notice for notice in notices if notice)
    return Opened(session, counts, listing, first, said, len(missing))
