"""A project on disk: opening it, posting to its one writer, and closing it whole."""

import atexit
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.entities import encode_value
from maskgui.core.files import file_identity
from maskgui.project import connect, history, rows, schema
from maskgui.project.backup import BackupThread, make_backup, newest_good_backup
from maskgui.project.errors import (
    ClosedProject,
    NotAProject,
    NotWritten,
    ProjectError,
    ProjectInUse,
    ReadOnlyProject,
    Unhoused,
)
from maskgui.project.explain import damaged, not_opened, why_not_written
from maskgui.project.history import Entry
from maskgui.project.keeper import Keeper
from maskgui.project.lock import ProjectLock
from maskgui.project.reading import Reader
from maskgui.project.writer import Stopped, Writer

CLOSE_SECONDS = 30.0

KEPT_RUNS = 3
"""Runs on an image whose soft masks are kept, the newest ones."""


class Project(Reader):
    """One open project file. Reads see what is committed; writes are queued in order.

    Both may be called from any thread. Writes to a project that was opened for reading raise
    ReadOnlyProject, and both raise ClosedProject once it is closed.
    """

    def __init__(
        self, path: Path, lock: ProjectLock | None, writing: sqlite3.Connection | None
    ) -> None:
        super().__init__(path)
        self._fault: str | None = None
        self._closed = False
        self._identity = file_identity(path)
        self._heed: Callable[[], object] = lambda: None
        self._keeper: Keeper | None = None
        self._writer: Writer | None = None
        self._backups: BackupThread | None = None
        if lock and writing:
            filled = self._is_filled()  # from here on, the reading connection holds the files
            self._keeper = Keeper(path, lock, self._move)
            self._backups = BackupThread(path, self._found_damage, at_once=filled)
            self._writer = Writer(writing, self._look)
        atexit.register(self.close, discard=True)

    def _is_filled(self) -> bool:
        try:
            ((filled,),) = self._fetch("SELECT EXISTS (SELECT * FROM images)")
        except ProjectError:  # it is damaged, and nobody gets a project to close
            self.close_reader()
            raise
        return bool(filled)

    @classmethod
    def create(cls, path: Path, meta: Mapping[str, str]) -> "Project":
        """Make a new project file with its `meta` entries and open it.

        Raises ProjectError when there is something of that name, or when it cannot be written.
        """
        path = path.absolute()
        if not path.parent.is_dir():
            raise ProjectError(f"There is no folder {path.parent}; make it, or choose another.")
        try:
            lock = ProjectLock(path)
        except ReadOnlyProject as error:
            raise ReadOnlyProject(
                f"{path.parent} cannot be written, so no project can be made there; choose "
                "another folder."
            ) from error
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            if path.exists():
                raise ProjectError(f"{path} is already there; open it, or choose another name.")
            unfinished.touch()
            with closing(connect.connect(unfinished)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                schema.migrate(connection)
                connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
            delete_project(path)
            unfinished.replace(path)
        except (OSError, sqlite3.Error) as error:
            raise ProjectError(
                f"{path} cannot be created: {why_not_written(error, path)}."
            ) from error
        finally:
            unfinished.unlink(missing_ok=True)
            lock.release()
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> "Project":
        """Open a project file, bringing an older one up to date after a backup.

        What a killed process left beside the file is taken in. Raises NotAProject,
        DamagedProject, ProjectInUse or ReadOnlyProject.
        """
        path = path.absolute()
        try:
            connect.check_header(path)
        except NotAProject as error:
            if path.is_file() and newest_good_backup(path):
                raise damaged(path, "its beginning is lost") from error
            raise
        try:
            if read_only:
                return cls._open_for_reading(path)
            return cls._open_for_writing(path)
        except sqlite3.Error as error:
            raise not_opened(path, error) from error

    @classmethod
    def _open_for_reading(cls, path: Path) -> "Project":
        _take_in_leftovers(path)
        with closing(connect.connect(path, read_only=True)) as connection:
            connect.check_schema(connection, path)
            if schema.version_of(connection) < schema.current_version():
                raise ReadOnlyProject(
                    f"{path} was made by an older MaskGUI; open it once for editing to bring it "
                    "up to date."
                )
        return cls(path, None, None)

    @classmethod
    def _open_for_writing(cls, path: Path) -> "Project":
        if not os.access(path, os.W_OK):
            raise ReadOnlyProject(
                f"{path} is write-protected, so it can only be read; take that off, or copy it to "
                "a folder of yours, to edit it."
            )
        lock = ProjectLock(path)
        writing = None
        try:
            writing = connect.connect(path)
            connect.check_schema(writing, path)
            if schema.version_of(writing) < schema.current_version():
                _back_up(path)
                schema.migrate(writing)
            connect.prepare_writer(writing)
            return cls(path, lock, writing)
        except BaseException:
            if writing:
                writing.close()
            lock.release()
            raise

    @property
    def read_only(self) -> bool:
        """Whether it was opened for reading."""
        return self._writer is None

    @property
    def is_open(self) -> bool:
        """Whether it was not closed yet."""
        return not self._closed

    @property
    def pending(self) -> int:
        """How many transactions are not on disk yet."""
        return self._writer.pending if self._writer else 0

    @property
    def last_error(self) -> str | None:
        """One sentence on what is wrong with writing or with the file, None when all is well."""
        error = self._writer.error if self._writer else None
        if error is None:
            return self._fault
        if isinstance(error, Unhoused):
            return str(error)
        return (
            "Changes are not on disk yet, kept in memory and tried again every second: "
            f"{why_not_written(error, self.path)}."
        )

    @property
    def unsaved(self) -> bool:
        """Whether something is not on disk yet, or the file is gone from its place."""
        return self._writer is not None and bool(self._writer.pending or self._writer.error)

    def is_at(self, path: Path) -> bool:
        """Whether a path leads to the file that is open."""
        return file_identity(path) == self._identity

    def heed(self, listener: Callable[[], object]) -> None:
        """Have `listener` called, on the writer's thread, when the file's place is lost or found.

        `unsaved`, `last_error`, `path` and `take_notice` say what there is to say then.
        """
        self._heed = listener

    def take_notice(self) -> str:
        """Return once, as a sentence, that the file was written anew; else ""."""
        if self._keeper is None:
            return ""
        notice, self._keeper.notice = self._keeper.notice, ""
        return notice

    def is_pending(self, image_id: int) -> bool:
        """Whether instances of an image are not on disk yet."""
        return self._writer is not None and self._writer.is_pending(image_id)

    def write_edit(self, edit: Edit, entry: Entry | None, author: str, next_id: int) -> None:
        """Queue an edit, with its history entry when it has one; see `check_storable`.

        An author's new edit takes the place of what that author had taken back.
        """

        def work(connection: sqlite3.Connection) -> None:
            rows.write_changes(connection, edit)
            if entry:
                history.clear_redo(connection, author)
                history.insert(
                    connection, entry, author, zlib.compress(encode_value(edit), level=1)
                )
            connection.execute(
                "UPDATE meta SET value = max(value, ?) WHERE key = 'next_id'", (next_id,)
            )

        self._post(work, edit.labelled_images())

    def write_undo(self, edit: Edit, seq: int, *, undone: bool) -> None:
        """Queue the edit that takes an entry back (undone) or carries it out again."""

        def work(connection: sqlite3.Connection) -> None:
            rows.write_changes(connection, edit)
            history.set_undone(connection, seq, undone)

        self._post(work, edit.labelled_images())

    def write_detections(self, image_id: int, found: Detections) -> None:
        """Queue one run's detections on an image; the run that is now KEPT_RUNS back is thinned.

        Every run keeps its boxes, scores and categories, to which marks and the history refer.
        Soft masks, ten times the size, are kept of as many runs as a person may take back.
        """

        def work(connection: sqlite3.Connection) -> None:
            rows.insert_detections(connection, image_id, found)
            rows.thin_detections(connection, image_id, KEPT_RUNS)

        self._post(work, (image_id,))

    def write_sources(self, kind: str, records: Iterable[tuple[int, bytes]]) -> None:
        """Queue records of an imported file: (id, raw JSON)."""
        held = [(source_id, kind, raw) for source_id, raw in records]
        self._insert("INSERT INTO sources (id, kind, payload) VALUES (?, ?, ?)", lambda: held)

    def write_setting(self, key: str, value: Any) -> None:
        """Queue one setting; the value is anything that MessagePack can hold."""
        held = [(key, encode_value(value))]
        self._insert("INSERT OR REPLACE INTO settings VALUES (?, ?)", lambda: held)

    def write_category_map(self, model: str, mapping: Mapping[str, int | None]) -> None:
        """Queue which category each of a model's own stands for, None to ignore it."""
        held = [(model, encode_value(dict(mapping)))]
        self._insert("INSERT OR REPLACE INTO category_maps VALUES (?, ?)", lambda: held)

    def write_meta(self, values: Mapping[str, str]) -> None:
        """Queue facts on the project itself."""
        held = list(values.items())
        self._insert("INSERT OR REPLACE INTO meta VALUES (?, ?)", lambda: held)

    def _insert(
        self, statement: str, values: Callable[[], list[rows.Row]], images: Iterable[int] = ()
    ) -> None:
        self._post(lambda connection: connection.executemany(statement, values()), images)

    def _post(
        self, work: Callable[[sqlite3.Connection], object], images: Iterable[int] = ()
    ) -> None:
        writer = self.check_writable()

        def counted(connection: sqlite3.Connection) -> None:
            work(connection)
            connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")

        try:
            writer.post(counted, images)
        except Stopped as error:
            raise ClosedProject(self.path) from error

    def check_writable(self) -> Writer:
        """Return the writer. Raises ReadOnlyProject when it was opened for reading."""
        if self._writer is None:
            raise ReadOnlyProject(
                f"{self.path} was opened for reading only, so nothing can be changed; copy it to "
                "a folder of yours and open the copy."
            )
        return self._writer

    def flush(self, timeout: float) -> bool:
        """Wait until all is on disk; False on time-out, or at once when the disk refuses."""
        return self._writer is None or self._writer.flush(timeout)

    def close(self, *, discard: bool = False) -> None:
        """Write what is left, put the log back into the file and let others in.

        Raises NotWritten, with the project still open, when something cannot be written; with
        `discard` that is given up after one more try.
        """
        if self._closed:
            return
        if self._writer and not self._writer.flush(CLOSE_SECONDS, last=True) and not discard:
            raise NotWritten(self.last_error or f"{self.path} is still being written; wait.")
        self._closed = True
        atexit.unregister(self.close)
        if self._writer:
            self._writer.stop()
        if self._backups:
            self._backups.stop()
        self.close_reader()
        if self._writer:
            if self._keeper is None or self._keeper.is_in_place():
                connect.leave_wal(self._writer.connection)
            self._writer.connection.close()
        if self._keeper:
            self._keeper.release()

    def _look(self, writing: sqlite3.Connection) -> sqlite3.Connection:
        """Keep the file at its place; on the writer's thread."""
        assert self._keeper and self._writer
        try:
            found = self._keeper.look(writing)
        except Unhoused:
            if self._writer.error is None:
                self._heed()
            raise
        if found is not writing:
            self._heed()
        return found

    def _move(self, path: Path, old: sqlite3.Connection) -> None:
        """Read and back up the file at `path` from now on; see `keeper.Move`."""
        reading = connect.connect(path, read_only=True)
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if self._backups:
            self._backups.stop()
        self._identity = file_identity(path)
        self.read_from(path, reading)
        old.close()
        self._backups = BackupThread(path, self._found_damage, at_once=True)

    def _found_damage(self, fault: str) -> None:
        self._fault = str(damaged(self.path, fault))


def delete_project(path: Path) -> None:
    """Remove a closed project's file and what a killed or refused writer left beside it.

    A log that stays would be played into the next project of that name.
    """
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _back_up(path: Path) -> None:
    """Make the backup without which no project is brought up to date."""
    try:
        make_backup(path)
    except ValueError as error:
        raise damaged(path, error) from error
    except OSError as error:
        raise ProjectError(
            f"{path} was made by an older MaskGUI and no backup can be made before it is brought "
            f"up to date: {why_not_written(error, path)}."
        ) from error


def _take_in_leftovers(path: Path) -> None:
    """Let SQLite recover what a killed process left, which a reader may not do by itself."""
    leftovers = [path.with_name(path.name + end) for end in ("-wal", "-journal")]
    if not any(leftover.exists() for leftover in leftovers):
        return
    try:
        lock = ProjectLock(path)
    except (ProjectInUse, ReadOnlyProject):
        return  # a window has it open, and has recovered it; or nothing can be written here
    try:
        with closing(connect.connect(path)) as connection:
            connect.leave_wal(connection)
    finally:
        lock.release()
