"""The history table: every edit of persons and jobs, in order, with whether it is undone."""

import sqlite3
from dataclasses import dataclass

INDEX_QUERY = (
    "SELECT seq, image_id, label FROM history WHERE author = ? AND undone = ? ORDER BY seq"
)
LAST_OF_JOBS_QUERY = (
    "SELECT seq, image_id, label FROM history"
    " WHERE author != ? AND undone = 0 AND image_id = ? ORDER BY seq DESC LIMIT 1"
)
BATCH_QUERY = (
    "SELECT author, min(label), count(*) FROM history"
    " WHERE author != ? AND undone = 0 GROUP BY author ORDER BY min(seq)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of the history, without its changes."""

    seq: int
    image_id: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What one job did and was not undone."""

    job: str
    label: str
    edits: int


def insert(connection: sqlite3.Connection, entry: Entry, author: str, payload: bytes) -> None:
    """Write one entry. `payload` is the compressed edit."""
    connection.execute(
        "INSERT INTO history (seq, author, image_id, label, undone, payload)"
        " VALUES (?, ?, ?, ?, 0, ?)",
        (entry.seq, author, entry.image_id, entry.label, payload),
    )


def set_undone(connection: sqlite3.Connection, seq: int, undone: bool) -> None:
    """Mark one entry as taken back, or as carried out again."""
    connection.execute("UPDATE history SET undone = ? WHERE seq = ?", (undone, seq))


def clear_redo(connection: sqlite3.Connection, author: str) -> None:
    """Forget what an author took back: a new edit of theirs has taken its place."""
    connection.execute("DELETE FROM history WHERE author = ? AND undone = 1", (author,))
