"""Opening SQLite connections on a project file, with what files from strangers call for."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from maskgui.project import schema
from maskgui.project.errors import NotAProject

BUSY_SECONDS = 5.0
_HEADER = b"SQLite format 3\0"
_HEADER_SIZE = 100
_APPLICATION_ID_AT = 68


def check_header(path: Path) -> None:
    """Raise NotAProject when the file is missing, empty, or no project by its first bytes."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_SIZE)
    except FileNotFoundError as error:
        raise NotAProject(
            f"There is no project at {path}; check the name, or create one."
        ) from error
    except OSError as error:
        raise NotAProject(
            f"{path} cannot be opened ({error.strerror}); check the name and its permissions."
        ) from error
    stamp = int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big")
    if not header.startswith(_HEADER) or stamp != schema.APPLICATION_ID:
        raise NotAProject(
            f"{path} is not a MaskGUI project, or its beginning is damaged; choose a .maskgui file."
        )


def _uri(path: Path, mode: str) -> str:
    """Return SQLite's name for a file, whatever characters, drive or share it has."""
    posix = os.fsencode(path.absolute().as_posix())
    rooted = posix if posix.startswith(b"/") else b"/" + posix
    return f"file://{quote(rooted)}?mode={mode}"


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Return an autocommit connection that trusts nothing in the file's schema.

    It may be handed to another thread, which then owns it. Raises sqlite3.Error.
    """
    connection = sqlite3.connect(
        _uri(path, "ro" if read_only else "rw"),
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA mmap_size = 0")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise NotAProject for a newer version, or for anything in the schema that could act.

    Triggers, views and virtual tables are never ours: in a file from a stranger they would run
    with the statements of the application.
    """
    version = schema.version_of(connection)
    if version > schema.current_version():
        raise NotAProject(
            f"{path} was made by a newer MaskGUI (its version is {version}, this one reads up to "
            f"{schema.current_version()}); update MaskGUI to open it."
        )
    foreign = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view')"
        " OR sql LIKE 'create virtual%'"
    ).fetchone()
    if foreign:
        raise NotAProject(
            f"{path} holds “{foreign[0]}”, which no MaskGUI project has and which could run "
            "commands; ask whoever sent the file."
        )


def prepare_writer(connection: sqlite3.Connection) -> bool:
    """Make every commit durable; return whether the write-ahead log works in this place.

    Network shares often cannot hold it; there the rollback journal serves as well, only slower.
    """
    connection.execute("PRAGMA synchronous = FULL")
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        mode = "delete"
    if mode == "wal":
        return True
    connection.execute("PRAGMA journal_mode = DELETE")
    return False


def empty_wal(connection: sqlite3.Connection) -> None:
    """Put the log into the file as far as readers let it. Raises sqlite3.Error."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def leave_wal(connection: sqlite3.Connection) -> None:
    """Put the log back into the file, so that the one file is whole when copied.

    A reader, a full disk or damage may hold the log in place; nothing is lost then: the next
    opening takes it in.
    """
    connection.execute("PRAGMA busy_timeout = 300")
    try:
        empty_wal(connection)
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.DatabaseError:
        return
