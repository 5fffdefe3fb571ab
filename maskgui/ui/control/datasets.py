"""COCO in and out, and finding moved images: file work with a dialog before or after it."""

import dataclasses
from pathlib import Path

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from maskgui.assist.jobs import JobContext, Reply
from maskgui.assist.session import Session
from maskgui.core.seal import Standing
from maskgui.core.words import counted
from maskgui.project.place import place_for
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.files import Files
from maskgui.ui.control.filework import FileWork
from maskgui.ui.jobs import Jobs

IMPORT_CLOSED = (
    "The project closes as soon as what has come in is taken back. Closed now, it keeps what is "
    "not taken back by then."
)
EXPORT_CLOSED = (
    "The project closes as soon as the export has ended. Closed now, nothing is written either."
)


class Datasets(QObject):
    """Import, export and relink."""

    def __init__(self, desk: Desk, jobs: Jobs, files: Files) -> None:
        super().__init__(desk)
        self.desk = desk
        self._files = files
        self._work = FileWork(desk, jobs)
        self._work.ended.connect(lambda: files.show_importing(None))
        files.end_work = self._work.leave
        self.tells = True
        """Whether an import with repairs opens its report; a script reads toasts instead."""
        desk.commands.bind("import_coco", self._ask_json)
        desk.commands.bind("export", self.export)
        desk.commands.bind("locate_folder", self.locate)

    # ---- in

    def _ask_json(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self.desk.window,
            "Import COCO",
            self.desk.options.text("folder"),
            "COCO data sets (*.json);;All files (*)",
        )
        if name:
            self.import_json(Path(name))

    def import_json(self, path: Path) -> None:
        """Bring a data set into the open project, or into a new one beside the file."""
        session = self.desk.session
        if session is not None:
            self._import(session, path)
            return

        def made(new: tuple[Session, bool]) -> None:
            session, fresh = new
            if self._files.take_new(session, fresh=fresh):
                self._import(session, path, fresh=fresh)

        self.desk.background.run(lambda: _project_beside(path), made, self.desk.problem)

    def _import(self, session: Session, path: Path, *, fresh: bool = False) -> None:
        from maskgui.assist.importing import import_coco  # noqa: PLC0415

        def work(context: JobContext):
            def tell(done: int, total: int) -> None:
                context.check()
                context.progress(f"{done:,} of {total:,}", done / max(total, 1))

            return import_coco(session, path, None, tell, context.cancel)

        def done(reply: Reply) -> None:
            if session is self.desk.session:
                self._files.show_what_came()
                self._report(path, reply.value)

        def undone() -> None:
            if fresh and session is self.desk.session and not session.document.images:
                self._files.discard_project()

        name = f"Importing “{path.name}”"
        if self._work.run(session, name, work, done, undone, when_closed=IMPORT_CLOSED):
            self._files.show_importing((session, path.name))

    def _report(self, path: Path, report) -> None:
        from maskgui.ui.dialogs.import_result import ImportResultDialog  # noqa: PLC0415

        def details() -> None:
            dialog = ImportResultDialog(self.desk.window, path.name, report)
            dialog.exec()
            dialog.deleteLater()

        if self.tells and not self._work.stopping and list(report.lines(limit=1)):
            details()
        else:
            self.desk.say(report.summary(), action=("Details", details))

    # ---- out

    def export(self) -> None:
        """Ask how and where, then write a COCO data set."""
        session = self.desk.session
        if session is None:
            return
        from maskgui.ui.dialogs.export import ExportDialog  # noqa: PLC0415

        folder = session.project.path.parent / f"{session.project.path.stem}-coco"
        dialog = ExportDialog(self.desk.window, folder, session.setting("export") or {})
        if dialog.exec():
            session.set_setting("export", dialog.kept())
            self.write(session, dialog.target(), dialog.options())
        dialog.deleteLater()

    def write(self, session: Session, target: Path, options) -> None:
        """Write the data set in the worker; say what was written and where.

        Asks before it replaces what is no earlier export of the project.
        """
        from maskgui.assist.exporting import export_coco  # noqa: PLC0415

        def work(context: JobContext):
            def tell(done: int, total: int) -> None:
                context.check()
                context.progress(f"{done:,} of {total:,}", done / max(total, 1))

            session.flush(60.0)
            try:
                return export_coco(session.project, target, options, tell, context.cancel)
            except Standing as found:
                return found

        def done(reply: Reply) -> None:
            if isinstance(reply.value, Standing):
                self._stands(session, target, options, reply.value.path)
                return
            folder = target if target.is_dir() else target.parent
            self.desk.say(reply.value.summary(), action=("Show in folder", lambda: _show(folder)))

        self._work.run(session, "Exporting", work, done, when_closed=EXPORT_CLOSED)

    def _stands(self, session: Session, target: Path, options, path: Path) -> None:
        """Go on where an export found something that is not its own at its place."""
        if self._work.stopping:
            self.desk.say("Exporting was stopped.")
        elif session is self.desk.session:
            self._ask_to_replace(session, target, options, path)
        else:
            self.desk.problem(
                f"Nothing was exported, as “{path.name}” is no earlier export; open "
                f"“{session.project.path.name}” again to replace it."
            )

    def _ask_to_replace(self, session: Session, target: Path, options, path: Path) -> None:
        from maskgui.ui.dialogs.ask import ask  # noqa: PLC0415

        question = f"Replace “{path.name}” in “{path.parent.name}”?"
        words = "It is no earlier export of this project, or was changed since."
        if ask(self.desk.window, question, words, "Replace") and session is self.desk.session:
            self.write(session, target, dataclasses.replace(options, overwrite=True))

    # ---- found again

    def locate(self) -> None:
        """Ask for the folder that the images moved to, and link them again."""
        session = self.desk.session
        if session is None:
            return
        from maskgui.ui.dialogs.locate import LocateDialog  # noqa: PLC0415

        missing = session.find_missing()
        if not missing:
            self.desk.say("All image files are where the project says.")
            return
        names = [session.document.image(one).path for one in missing]
        dialog = LocateDialog(self.desk.window, session.root, names)
        folder = dialog.folder() if dialog.exec() else None
        dialog.deleteLater()
        if folder is not None:
            self.relink(session, folder)

    def relink(self, session: Session, folder: Path) -> None:
        """Look for the missing images in a folder, off the main thread."""

        def done(found: int) -> None:
            if session is not self.desk.session:
                return
            left = len(session.find_missing())
            tail = f" {left:,} {'is' if left == 1 else 'are'} still missing." if left else ""
            self.desk.say(f"Found {counted(found, 'image')} in “{folder.name}”.{tail}")
            self._files.reload_image()

        self.desk.background.run(lambda: session.relink(folder), done, self.desk.problem)


def _project_beside(path: Path) -> tuple[Session, bool]:
    """Return the project of the folder that a data set lies in, and whether it is new."""
    place = place_for(path.parent)
    if place.path.exists():
        return Session.open(place.path), False
    return Session.create(place.path, path.parent), True


def _show(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
