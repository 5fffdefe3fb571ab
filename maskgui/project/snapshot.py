"""What a project holds at one moment, for who reads it for long while others write."""

import sqlite3
from types import TracebackType
from typing import Self

from maskgui.core.errors import Failure
from maskgui.project import connect
from maskgui.project.explain import not_opened
from maskgui.project.project import Project
from maskgui.project.reading import Reader

TABLES = ("meta", "categories", "images", "instances", "sources")
"""What is held: the labels, not the detections and the history, which are far larger."""


class Snapshot(Reader):
    """The labels of an open project as they are on disk when it is made; a context manager.

    With the write-ahead log a transaction holds the moment and is in nobody's way. With a rollback
    journal, on network shares or where no window has the file open, a transaction would keep every
    writer out for as long as it lasts; there the labels are first copied to SQLite's temporary
    file. So are those of a project that is not at its path any more, as when its folder has
    another name since; they come through the project's own connection. Raises DamagedProject, or
    Failure where that has no room.
    """

    def __init__(self, project: Project) -> None:
        path = project.path
        try:
            super().__init__(path, _connected(project))
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise Failure(
                    f"There is no room to read “{path.name}” while it may change; free some space "
                    "on the disk of the system's temporary files."
                ) from error
            raise not_opened(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_reader()


def _connected(project: Project) -> sqlite3.Connection:
    """Return a connection to what the project holds now, that goes on holding it."""
    path = project.path
    connection = None
    try:
        connection = connect.connect(path, read_only=True)
        _hold(connection)
        if project.is_at(path):
            return connection
    except sqlite3.Error:  # it may be there no more; where it is damaged, copying says so
        pass
    if connection:
        connection.close()
    return _copied(project)


def _hold(connection: sqlite3.Connection) -> None:
    execute = connection.execute
    execute("BEGIN")
    execute("SELECT count(*) FROM meta").fetchone()  # from here on nothing changes any more
    if execute("PRAGMA journal_mode").fetchone() == ("wal",):
        return
    for table in TABLES:  # by their plain names these are found before the file's own
        execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM main.{table}")
    _index(connection, "temp")
    execute("COMMIT")


def _copied(project: Project) -> sqlite3.Connection:
    copy = sqlite3.connect(
        "", isolation_level=None, check_same_thread=False
    )  # "": a file of its own
    try:
        copy.execute("BEGIN")
        project.copy_tables(TABLES, copy)
        _index(copy, "main")
        copy.execute("COMMIT")
    except BaseException:
        copy.close()
        raise
    return copy


def _index(connection: sqlite3.Connection, where: str) -> None:
    connection.execute(f"CREATE INDEX {where}.held_instances ON instances (image_id)")
    connection.execute(f"CREATE INDEX {where}.held_sources ON sources (id)")
