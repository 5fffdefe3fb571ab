"""The tables of a project file, and the steps from each version of them to the next.

`PRAGMA user_version` holds the version; a file of version 0 is an empty one. A new project is made
by the same steps that bring an old one up to date, so there is one description of the tables.
"""

import datetime
import sqlite3
from collections.abc import Callable

import maskgui

APPLICATION_ID = 0x4D736B47
"""'MskG' in SQLite's header: tells a project from any other SQLite file."""

_TABLES_1 = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT",
    "CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied TEXT NOT NULL,"
    " application TEXT NOT NULL) STRICT",
    "CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL, color TEXT NOT NULL,"
    " position INTEGER NOT NULL, source INTEGER) STRICT",
    "CREATE TABLE images (id INTEGER PRIMARY KEY, path TEXT NOT NULL, width INTEGER NOT NULL,"
    " height INTEGER NOT NULL, review TEXT NOT NULL, threshold REAL NOT NULL,"
    " mask_threshold REAL NOT NULL, marks BLOB, source INTEGER,"
    " file_size INTEGER NOT NULL) STRICT",
    "CREATE TABLE instances (id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL,"
    " category_id INTEGER NOT NULL, position INTEGER NOT NULL, iscrowd INTEGER NOT NULL,"
    " touched INTEGER NOT NULL, detection INTEGER, score REAL, source INTEGER,"
    " verbatim INTEGER NOT NULL, shape BLOB NOT NULL) STRICT",
    "CREATE INDEX instances_by_image ON instances (image_id)",
    "CREATE INDEX instances_by_category ON instances (category_id)",
    "CREATE TABLE history (seq INTEGER PRIMARY KEY, author TEXT NOT NULL, image_id INTEGER,"
    " label TEXT NOT NULL, undone INTEGER NOT NULL, payload BLOB NOT NULL) STRICT",
    "CREATE INDEX history_by_author ON history (author, undone, seq, image_id, label)",
    "CREATE TABLE detections (run INTEGER PRIMARY KEY, image_id INTEGER NOT NULL,"
    " model TEXT NOT NULL, payload BLOB NOT NULL) STRICT",
    "CREATE INDEX detections_by_image ON detections (image_id, run, model)",
    "CREATE TABLE sources (id INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " payload BLOB NOT NULL) STRICT",
    "CREATE INDEX sources_by_kind ON sources (kind)",
    "CREATE TABLE category_maps (model TEXT PRIMARY KEY, payload BLOB NOT NULL) STRICT",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT",
    "INSERT INTO meta VALUES ('next_id', 1), ('revision', 0)",
)


def _create_tables(connection: sqlite3.Connection) -> None:
    for statement in _TABLES_1:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_create_tables,)
"""Step i takes version i to i + 1, inside one transaction; published steps are never edited."""


def current_version() -> int:
    """Return the version that this application reads and writes."""
    return len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of an open file."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring an open file to the current version in one transaction, or leave it as it was.

    `connection` is in autocommit mode. Raises sqlite3.Error when a step fails.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for version in range(version_of(connection), current_version()):
            MIGRATIONS[version](connection)
            connection.execute(
                "INSERT INTO migrations VALUES (?, ?, ?)",
                (version + 1, datetime.datetime.now(datetime.UTC).isoformat(), maskgui.__version__),
            )
        connection.execute(f"PRAGMA user_version = {current_version()}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
