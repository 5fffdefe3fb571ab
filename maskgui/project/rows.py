"""Entities to rows and back. Rows may come from a stranger's file: each value is checked."""

import itertools
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from maskgui.core.detections import Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import (
    Category,
    Entity,
    ImageRecord,
    Instance,
    Mark,
    Review,
    decode_value,
    encode_value,
)
from maskgui.core.packing import unpack
from maskgui.core.shape import Shape

CATEGORY_COLUMNS = "id, name, color, position, source"
IMAGE_COLUMNS = (
    "id, path, width, height, review, threshold, mask_threshold, marks, source, file_size"
)
INSTANCE_COLUMNS = (
    "id, image_id, category_id, position, iscrowd, touched, detection, score, source, verbatim,"
    " shape"
)
MAX_UNPACKED = 1 << 30
"""Bytes that an edit of the history may unpack to."""

Row = tuple[Any, ...]
Value = TypeVar("Value")

_REVIEWS = {review.value: review for review in Review}

UNREADABLE = (
    ValueError,
    TypeError,
    IndexError,
    OverflowError,
    KeyError,
    zlib.error,
    msgspec.MsgspecError,
)
"""What decoding a malformed value raises."""


def copy_rows(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> None:
    """Make a table in another database with the same columns, without types, and rows."""
    found = source.execute(f"SELECT * FROM {table}")
    names = [f'"{column[0]}"' for column in found.description]
    target.execute(f"CREATE TABLE {table} ({', '.join(names)})")
    target.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", found)


def _upsert(table: str, columns: str) -> str:
    names = [name.strip() for name in columns.split(",")]
    values = ", ".join("?" * len(names))
    sets = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    return f"INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT(id) DO UPDATE SET {sets}"


_UPSERTS: dict[type, str] = {
    Category: _upsert("categories", CATEGORY_COLUMNS),
    ImageRecord: _upsert("images", IMAGE_COLUMNS),
    Instance: _upsert("instances", INSTANCE_COLUMNS),
}
_DELETES: dict[type, str] = {
    Category: "DELETE FROM categories WHERE id = ?",
    ImageRecord: "DELETE FROM images WHERE id = ?",
    Instance: "DELETE FROM instances WHERE id = ?",
}


def write_changes(connection: sqlite3.Connection, edit: Edit) -> None:
    """Bring the entity tables from before an edit to after it."""
    for statement, changes in itertools.groupby(edit.changes, _statement):
        connection.executemany(statement, map(_parameters, changes))


def _statement(change: Change) -> str:
    return (_DELETES if change.after is None else _UPSERTS)[type(change.entity)]


def _parameters(change: Change) -> Row:
    return (change.entity.id,) if change.after is None else entity_row(change.after)


def entity_row(entity: Entity) -> Row:
    """Return an entity's values in the order of its table's columns."""
    if isinstance(entity, Category):
        return (entity.id, entity.name, entity.color, entity.order, entity.source)
    if isinstance(entity, ImageRecord):
        return (
            entity.id,
            entity.path,
            entity.width,
            entity.height,
            entity.review.value,
            float(entity.threshold),
            float(entity.mask_threshold),
            encode_value(entity.marks) if entity.marks else None,
            entity.source,
            entity.file_size,
        )
    return (
        entity.id,
        entity.image_id,
        entity.category_id,
        entity.order,
        entity.iscrowd,
        entity.touched,
        entity.detection,
        entity.score,
        entity.source,
        entity.verbatim,
        entity.shape.to_bytes(),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def category_of(row: Row) -> Category:
    """Return the category of a row in the order of CATEGORY_COLUMNS. Raises one of UNREADABLE."""
    return Category(int(row[0]), str(row[1]), str(row[2]), int(row[3]), _whole(row[4]))


def image_of(row: Row) -> ImageRecord:
    """Return the image record of a row in the order of IMAGE_COLUMNS. Raises one of UNREADABLE."""
    width, height = int(row[2]), int(row[3])
    if min(width, height) < 0:
        raise ValueError(f"its size of {width} x {height} pixels is impossible")
    return ImageRecord(
        int(row[0]),
        str(row[1]),
        width,
        height,
        _REVIEWS[row[4]],
        float(row[5]),
        float(row[6]),
        () if row[7] is None else decode_value(row[7], tuple[Mark, ...]),
        _whole(row[8]),
        int(row[9]),
    )


def instance_of(row: Row) -> Instance:
    """Return the instance of a row in the order of INSTANCE_COLUMNS. Raises one of UNREADABLE."""
    return Instance(
        id=int(row[0]),
        image_id=int(row[1]),
        category_id=int(row[2]),
        order=int(row[3]),
        iscrowd=bool(row[4]),
        touched=bool(row[5]),
        detection=_whole(row[6]),
        score=None if row[7] is None else float(row[7]),
        source=_whole(row[8]),
        verbatim=bool(row[9]),
        shape=Shape.from_bytes(row[10]),
    )


def read_rows(rows: Iterable[Row], read: Callable[[Row], Value]) -> list[Value]:
    """Return the values of rows. Raises ValueError naming the row's id when one is malformed."""
    values = []
    for row in rows:
        try:
            values.append(read(row))
        except UNREADABLE as error:
            raise ValueError(f"{row[0]}: {error}") from error
    return values


def edit_of(payload: bytes) -> Edit:
    """Return the edit of a history row's payload. Raises one of UNREADABLE."""
    edit: Edit = decode_value(unpack(payload, MAX_UNPACKED), Edit)
    return edit


def detections_of(row: Row) -> Detections:
    """Return the detections of a row of run and payload. Raises one of UNREADABLE."""
    return Detections.from_bytes(row[1], int(row[0]))


def insert_detections(connection: sqlite3.Connection, image_id: int, found: Detections) -> None:
    """Write one run's detections on an image."""
    connection.execute(
        "INSERT INTO detections (run, image_id, model, payload) VALUES (?, ?, ?, ?)",
        (found.run, image_id, found.model, found.to_bytes()),
    )


def thin_detections(connection: sqlite3.Connection, image_id: int, kept: int) -> None:
    """Give up the soft masks of the newest run on an image behind those `kept`.

    One that cannot be read stays as it is.
    """
    row = connection.execute(
        "SELECT run, payload FROM detections WHERE image_id = ? ORDER BY run DESC LIMIT 1 OFFSET ?",
        (image_id, kept),
    ).fetchone()
    if row is None:
        return
    try:
        thin = detections_of(row).without_masks()
    except UNREADABLE:
        return
    connection.execute(
        "UPDATE detections SET payload = ? WHERE run = ?", (thin.to_bytes(), thin.run)
    )
