"""What a project holds at one moment, for who reads it for long while others write."""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from maskgui.core.errors import Failure
from maskgui.project.explain import damaged
from maskgui.project.reading import Reader

TABLES = ("meta", "categories", "images", "instances", "sources")
"""What is held: the labels, not the detections and the history, which are far larger."""


class Snapshot(Reader):
    """The labels of a project file as they are when it is made; a context manager.

    With the write-ahead log a transaction holds the moment and is in nobody's way. With a rollback
    journal, on network shares or where no window has the file open, a transaction would keep every
    writer out for as long as it lasts; there the labels are first copied to SQLite's temporary
    file. Raises DamagedProject, or Failure where that has no room.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._hold()
        except sqlite3.Error as error:
            self.close_reader()
            if getattr(error, "sqlite_errorname", "") == "SQLITE_FULL":
                raise Failure(
                    f"There is no room to read “{path.name}” while it may change; free some space "
                    "on the disk of the system's temporary files."
                ) from error
            raise damaged(path, error) from error

    def _hold(self) -> None:
        execute = self._connection.execute
        execute("BEGIN")
        execute("SELECT count(*) FROM meta").fetchone()  # from here on nothing changes any more
        if execute("PRAGMA journal_mode").fetchone() == ("wal",):
            return
        for table in TABLES:  # by their plain names these are found before the file's own
            execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM main.{table}")
        execute("CREATE INDEX temp.held_instances ON instances (image_id)")
        execute("CREATE INDEX temp.held_sources ON sources (id)")
        execute("COMMIT")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_reader()
