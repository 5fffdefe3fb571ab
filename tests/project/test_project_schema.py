"""Old projects come up to date in one step that either happens whole or not at all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from maskgui.core.entities import ImageRecord
from maskgui.project import Project, ProjectError, ReadOnlyProject, backup, schema
from maskgui.project.backup import backups_of

VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT;
CREATE TABLE migrations (version INTEGER PRIMARY KEY, applied TEXT NOT NULL,
  application TEXT NOT NULL) STRICT;
CREATE TABLE categories (id INTEGER PRIMARY KEY, name TEXT NOT NULL, color TEXT NOT NULL,
  position INTEGER NOT NULL, source INTEGER) STRICT;
CREATE TABLE images (id INTEGER PRIMARY KEY, path TEXT NOT NULL, width INTEGER NOT NULL,
  height INTEGER NOT NULL, review TEXT NOT NULL, threshold REAL NOT NULL,
  mask_threshold REAL NOT NULL, marks BLOB, source INTEGER, file_size INTEGER NOT NULL) STRICT;
CREATE TABLE instances (id INTEGER PRIMARY KEY, image_id INTEGER NOT NULL,
  category_id INTEGER NOT NULL, position INTEGER NOT NULL, iscrowd INTEGER NOT NULL,
  touched INTEGER NOT NULL, detection INTEGER, score REAL, source INTEGER,
  verbatim INTEGER NOT NULL, shape BLOB NOT NULL) STRICT;
CREATE INDEX instances_by_image ON instances (image_id);
CREATE INDEX instances_by_category ON instances (category_id);
CREATE TABLE history (seq INTEGER PRIMARY KEY, author TEXT NOT NULL, image_id INTEGER,
  label TEXT NOT NULL, undone INTEGER NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE INDEX history_by_author ON history (author, undone, seq, image_id, label);
CREATE TABLE detections (run INTEGER PRIMARY KEY, image_id INTEGER NOT NULL,
  model TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE INDEX detections_by_image ON detections (image_id, run, model);
CREATE TABLE sources (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE INDEX sources_by_kind ON sources (kind);
CREATE TABLE category_maps (model TEXT PRIMARY KEY, payload BLOB NOT NULL) STRICT;
CREATE TABLE settings (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
INSERT INTO meta VALUES ('next_id', 9), ('revision', 4), ('root', '.');
INSERT INTO migrations VALUES (1, '2026-01-01T00:00:00+00:00', '0.1.0');
INSERT INTO images VALUES (3, 'a/b.png', 640, 480, 'in progress', 0.25, 0.5, NULL, NULL, 99);
PRAGMA application_id = 1299409735;
PRAGMA user_version = 1;
"""
"""The first published layout, word for word: never to be edited."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.maskgui"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(VERSION_1)
    return path


def columns_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: connection.execute(f"PRAGMA table_info({name})").fetchall() for (name,) in names
        }


def test_a_project_of_version_1_opens(old: Path) -> None:
    project = Project.open(old)
    (record,) = project.images()
    assert isinstance(record, ImageRecord)
    assert (record.id, record.path, record.threshold) == (3, "a/b.png", 0.25)
    assert project.meta()["next_id"] == 9
    project.close()


def test_old_and_new_projects_have_the_same_tables(old: Path, tmp_path: Path) -> None:
    Project.open(old).close()
    new = tmp_path / "new.maskgui"
    Project.create(new, {}).close()
    assert columns_of(old) == columns_of(new)


def test_an_empty_file_of_version_0_gets_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "v0.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.migrate(connection)
        assert schema.version_of(connection) == schema.current_version()
        applied = connection.execute("SELECT version FROM migrations").fetchall()
        assert applied == [(version + 1,) for version in range(schema.current_version())]


def test_a_step_is_taken_after_a_backup_and_noted(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add_note(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE images ADD COLUMN note TEXT NOT NULL DEFAULT ''")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, add_note))
    with pytest.raises(ReadOnlyProject, match="older MaskGUI"):
        Project.open(old, read_only=True)
    project = Project.open(old)
    assert [record.id for record in project.images()] == [3]
    project.close()
    assert [row[1] for row in columns_of(old)["images"]][-1] == "note"
    saved = backups_of(old)[-1]
    assert "note" not in [row[1] for row in columns_of(saved)["images"]]
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT version FROM migrations").fetchall() == [(1,), (2,)]


def test_a_step_that_fails_leaves_the_project_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM images")
        connection.execute("ALTER TABLE nothing ADD COLUMN x")

    before = columns_of(old)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, half))
        with pytest.raises(ProjectError):
            Project.open(old)
    assert columns_of(old) == before
    project = Project.open(old)
    assert len(project.images()) == 1
    project.close()


def test_without_room_for_a_backup_nothing_is_changed(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(28, "No space left on device")

    data = old.read_bytes()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, lambda connection: None))
    monkeypatch.setattr("maskgui.project.project.make_backup", refuse)
    monkeypatch.setattr(backup, "make_backup", refuse)
    with pytest.raises(ProjectError, match=r"no backup can be made.*free some space"):
        Project.open(old)
    assert old.read_bytes() == data
