"""What a project file holds, as committed; from any thread."""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.entities import Category, ImageRecord, Instance, decode_value
from maskgui.project import connect, history, rows
from maskgui.project.errors import ClosedProject
from maskgui.project.explain import damaged
from maskgui.project.history import Batch, Entry

Value = TypeVar("Value")

_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Reader:
    """Reads one project file through a connection of its own, made here where none is given.

    Raises DamagedProject, in one sentence, for what cannot be read, and ClosedProject after
    `close_reader`. Queries take turns and are short; values are decoded outside of the turn.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection | None = None) -> None:
        self.path = path
        self._connection = connection or connect.connect(path, read_only=True)
        self._turn = threading.Lock()
        self._ended = False

    def _fetch(self, query: str, values: rows.Row = ()) -> list[Any]:
        try:
            with self._turn:
                if self._ended:
                    raise ClosedProject(self.path)
                return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise damaged(self.path, error) from error

    def _read(
        self, query: str, values: rows.Row, read: Callable[[rows.Row], Value], what: str
    ) -> list[Value]:
        try:
            return rows.read_rows(self._fetch(query, values), read)
        except ValueError as error:
            raise damaged(self.path, f"{what} {error}") from error

    def _decoded(self, query: str) -> dict[str, Any]:
        return dict(self._read(query, (), lambda row: (str(row[0]), decode_value(row[1], Any)), ""))

    def close_reader(self) -> None:
        """End reading; what is under way is finished first."""
        with self._turn:
            self._ended = True
            self._connection.close()

    def read_from(self, path: Path, connection: sqlite3.Connection) -> None:
        """Go on through another connection; the one before is closed."""
        with self._turn:
            before, self._connection = self._connection, connection
            self.path = path
            before.close()

    def copy_tables(self, tables: Iterable[str], into: sqlite3.Connection) -> None:
        """Copy the rows of tables, all as they are at one moment. Raises sqlite3.Error."""
        with self._turn:
            if self._ended:
                raise ClosedProject(self.path)
            self._connection.execute("BEGIN")
            try:
                for table in tables:
                    rows.copy_rows(self._connection, into, table)
            finally:
                self._connection.execute("ROLLBACK")

    def categories(self) -> list[Category]:
        """Return all categories."""
        query = f"SELECT {rows.CATEGORY_COLUMNS} FROM categories"
        return self._read(query, (), rows.category_of, "category")

    def images(self) -> list[ImageRecord]:
        """Return all image records, by id."""
        query = f"SELECT {rows.IMAGE_COLUMNS} FROM images ORDER BY id"
        return self._read(query, (), rows.image_of, "image")

    def instances(self, image_id: int) -> list[Instance]:
        """Return the instances of one image."""
        query = f"SELECT {rows.INSTANCE_COLUMNS} FROM instances WHERE image_id = ?"
        return self._read(query, (image_id,), rows.instance_of, "instance")

    def instances_of_category(self, category_id: int) -> list[Instance]:
        """Return the instances of one category on all images."""
        query = f"SELECT {rows.INSTANCE_COLUMNS} FROM instances WHERE category_id = ?"
        return self._read(query, (category_id,), rows.instance_of, "instance")

    def instance_counts(self) -> dict[int, int]:
        """Return how many instances each image has that has any."""
        return dict(self._fetch("SELECT image_id, count(*) FROM instances GROUP BY image_id"))

    def count_of_image(self, image_id: int) -> int:
        """Return how many instances an image has."""
        query = "SELECT count(*) FROM instances WHERE image_id = ?"
        return int(self._fetch(query, (image_id,))[0][0])

    def count_of_category(self, category_id: int, without: Collection[int]) -> int:
        """Return how many instances of a category there are on all images but those of `without`.

        One statement, as the file may change between two.
        """
        images = ", ".join("?" * len(without))
        query = (
            "SELECT (SELECT count(*) FROM instances WHERE category_id = ?)"
            f" - (SELECT count(*) FROM instances WHERE image_id IN ({images})"
            " AND +category_id = ?)"  # + keeps to the index of images: they are few
        )
        return int(self._fetch(query, (category_id, *without, category_id))[0][0])

    def category_counts(self) -> dict[int, int]:
        """Return how many instances each category has that has any."""
        return dict(self._fetch("SELECT category_id, count(*) FROM instances GROUP BY category_id"))

    def instance_origins(self) -> dict[int, tuple[int, int | None]]:
        """Return each instance's (image id, id of the stored record that it came from)."""
        rows_found = self._fetch("SELECT id, image_id, source FROM instances")
        return {instance_id: (image_id, source) for instance_id, image_id, source in rows_found}

    def edit(self, seq: int) -> Edit:
        """Return the edit of one history entry."""
        query = "SELECT seq, payload FROM history WHERE seq = ?"
        found = self._read(query, (seq,), lambda row: rows.edit_of(row[1]), "history entry")
        if not found:
            raise damaged(self.path, f"history entry {seq} is missing")
        return found[0]

    def entries(self, author: str, *, undone: bool) -> list[Entry]:
        """Return an author's history entries in order."""
        return [Entry(*row) for row in self._fetch(history.INDEX_QUERY, (author, undone))]

    def batches(self, person: str) -> list[Batch]:
        """Return what each author but the person did and was not undone, the oldest first."""
        return [Batch(*row) for row in self._fetch(history.BATCH_QUERY, (person,))]

    def last_of_jobs(self, person: str, image_id: int) -> Entry | None:
        """Return the last entry on an image that is not the person's and not undone."""
        found = self._fetch(history.LAST_OF_JOBS_QUERY, (person, image_id))
        return Entry(*found[0]) if found else None

    def last_seq(self) -> int:
        """Return the highest sequence number of the history, 0 when it is empty."""
        return self._highest("seq", "history")

    def last_run(self) -> int:
        """Return the highest run number of any detections, 0 when there are none."""
        return self._highest("run", "detections")

    def last_source(self) -> int:
        """Return the highest id of a stored record, 0 when there is none."""
        return self._highest("id", "sources")

    def _highest(self, column: str, table: str) -> int:
        return int(self._fetch(f"SELECT coalesce(max({column}), 0) FROM {table}")[0][0])

    def detections(self, image_id: int, run: int | None = None) -> Detections | None:
        """Return a run's detections on an image, the newest run's where none is named."""
        query = (
            "SELECT run, payload FROM detections WHERE image_id = ? AND run = coalesce(?, run)"
            " ORDER BY run DESC LIMIT 1"
        )
        found = self._read(query, (image_id, run), rows.detections_of, "the detections of run")
        return found[0] if found else None

    def detected_images(self, model: str) -> set[int]:
        """Return the images that have detections of a model."""
        query = "SELECT DISTINCT image_id FROM detections WHERE model = ?"
        return {image_id for (image_id,) in self._fetch(query, (model,))}

    def source(self, source_id: int) -> bytes | None:
        """Return one stored record of an imported file as raw JSON, None when there is none."""
        found = self._fetch("SELECT payload FROM sources WHERE id = ?", (source_id,))
        return self._record(source_id, found[0][0]) if found else None

    def sources(self, kind: str) -> dict[int, bytes]:
        """Return all stored records of a kind as raw JSON, by id."""
        found = self._fetch("SELECT id, payload FROM sources WHERE kind = ?", (kind,))
        return {source_id: self._record(source_id, payload) for source_id, payload in found}

    def _record(self, source_id: int, payload: Any) -> bytes:
        """Return a stored record when it is the JSON object that every one of ours is."""
        try:
            _objects.decode(payload)
        except rows.UNREADABLE as error:
            raise damaged(self.path, f"imported record {source_id} is no JSON object") from error
        return bytes(payload)

    def meta(self) -> dict[str, Any]:
        """Return facts on the project itself: next_id, revision, root and others."""
        found = dict(self._fetch("SELECT key, value FROM meta"))
        for key in ("next_id", "revision"):
            if not isinstance(found.get(key), int):
                raise damaged(self.path, f"its `{key}` is lost")
        return found

    def settings(self) -> dict[str, Any]:
        """Return the project's settings."""
        return self._decoded("SELECT key, value FROM settings")

    def category_maps(self) -> dict[str, dict[str, int | None]]:
        """Return for each model which of the project's categories each of its own stands for."""
        return self._decoded("SELECT model, payload FROM category_maps")
