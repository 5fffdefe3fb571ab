import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from maskgui.assist.session import Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, ImageRecord
from maskgui.project import (
    DamagedProject,
    NotAProject,
    Project,
    ProjectError,
    ProjectInUse,
    ReadOnlyProject,
    connect,
    place_for,
    schema,
)
from maskgui.project.backup import make_backup
from maskgui.project.history import Entry
from maskgui.project.lock import ProjectLock

REPOSITORY = Path(__file__).resolve().parents[2]


def add_image(project: Project, number: int, seq: int) -> Edit:
    record = ImageRecord(number, f"sub/{number}.png", 640, 480, file_size=12)
    edit = Edit("Add image", number, (Change(None, record),))
    entry = Entry(seq, number, "Add image")
    project.write_edit(edit, entry, "person", number + 1)
    return edit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Ünï ? # % x.maskgui"


@pytest.fixture
def filled(path: Path) -> Path:
    project = Project.create(path, {"root": "."})
    for number in range(1, 6):
        add_image(project, number, number)
    project.close()
    return path


def test_what_is_written_is_there_after_reopening(path: Path) -> None:
    project = Project.create(path, {"root": "images"})
    edit = add_image(project, 7, 1)
    project.write_setting("theme", {"dark": True})
    project.write_category_map("parts", {"nut": 3, "bolt": None})
    project.write_sources("info", [(1, b'{"year": 2017}')])
    project.close()

    project = Project.open(path)
    assert [record.path for record in project.images()] == ["sub/7.png"]
    assert project.edit(1) == edit
    assert project.entries("person", undone=False) == [Entry(1, 7, "Add image")]
    assert project.settings() == {"theme": {"dark": True}}
    assert project.category_maps() == {"parts": {"nut": 3, "bolt": None}}
    assert project.source(1) == b'{"year": 2017}'
    assert project.sources("info") == {1: b'{"year": 2017}'}
    assert project.meta()["root"] == "images"
    assert project.meta()["next_id"] == 8
    project.close()


def test_one_file_is_left_and_a_copy_of_it_is_whole(path: Path, tmp_path: Path) -> None:
    project = Project.create(path, {})
    for number in range(1, 51):
        add_image(project, number, number)
    project.close()
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == [path.name]
    copy = tmp_path / "copy.maskgui"
    shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM images").fetchone() == (50,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_commits_are_durable_in_a_write_ahead_log(path: Path) -> None:
    project = Project.create(path, {})
    add_image(project, 1, 1)
    assert project.flush(5)
    assert path.with_name(path.name + "-wal").stat().st_size > 0
    assert project._writer is not None
    project._writer.stop()
    assert project._writer.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    project.close()


def test_a_place_without_shared_memory_gets_the_rollback_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = connect._uri
    monkeypatch.setattr(connect, "_uri", lambda file, mode: plain(file, mode) + "&vfs=unix-none")
    project = Project.create(path, {})
    add_image(project, 1, 1)
    assert project.flush(10), project.last_error
    assert len(project.images()) == 1
    project.close()
    again = Project.open(path)
    assert again.images()[0].id == 1
    again.close()


def test_a_second_window_is_kept_out_until_the_first_closes(filled: Path) -> None:
    first = Project.open(filled)
    with pytest.raises(ProjectInUse, match="open in another window"):
        Project.open(filled)
    add_image(first, 9, 9)
    first.close()
    second = Project.open(filled)
    assert len(second.images()) == 6
    second.close()


def test_the_lock_dies_with_its_process(filled: Path) -> None:
    code = (
        "import sys, os, pathlib; from maskgui.project import Project;"
        "p = Project.open(pathlib.Path(sys.argv[1])); print('open', flush=True);"
        "sys.stdin.readline(); os._exit(9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(filled)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as other:
        assert other.stdout and other.stdout.readline() == "open\n"
        with pytest.raises(ProjectInUse):
            Project.open(filled)
        other.communicate("go\n")
    project = Project.open(filled)
    assert len(project.images()) == 5
    project.close()


def test_reading_while_a_window_is_open_sees_its_edits_and_may_not_write(filled: Path) -> None:
    window = Project.open(filled)
    add_image(window, 9, 9)
    assert window.flush(5)
    reader = Project.open(filled, read_only=True)
    assert len(reader.images()) == 6
    add_image(window, 10, 10)
    assert window.flush(5)
    assert len(reader.images()) == 7
    with pytest.raises(ReadOnlyProject, match="opened for reading only"):
        add_image(reader, 11, 11)
    window.close()
    reader.close()
    Project.open(filled).close()


def test_leftovers_of_a_killed_process_are_taken_in_by_a_reader(path: Path, tmp_path: Path) -> None:
    project = Project.create(path, {})
    add_image(project, 1, 1)
    assert project.flush(5)
    crashed = tmp_path / "crashed.maskgui"
    for end in ("", "-wal"):
        shutil.copy(path.with_name(path.name + end), crashed.with_name(crashed.name + end))
    project.close()
    reader = Project.open(crashed, read_only=True)
    assert len(reader.images()) == 1
    reader.close()
    assert not crashed.with_name(crashed.name + "-wal").exists()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_transaction_cut_off_in_a_rollback_journal_is_taken_back(
    filled: Path, tmp_path: Path, read_only: bool
) -> None:
    crashed = tmp_path / "crashed.maskgui"
    with closing(sqlite3.connect(filled, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 2")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM images")
        for number in range(500):
            connection.execute(
                "INSERT INTO sources (kind, payload) VALUES ('x', ?)", (bytes(3000 + number),)
            )
        for end in ("", "-journal"):
            shutil.copy(filled.with_name(filled.name + end), tmp_path / f"{crashed.name}{end}")
        connection.execute("ROLLBACK")
    assert crashed.stat().st_size > filled.stat().st_size, "half of it had reached the file"
    project = Project.open(crashed, read_only=read_only)
    assert len(project.images()) == 5 and project.sources("x") == {}
    project.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "There is no project"), (b"", "not a MaskGUI project"), (b"PK" * 99, "not a MaskGUI")],
)
def test_what_is_no_project_is_refused(path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotAProject, match=words):
        Project.open(path)
    assert content is None or path.read_bytes() == content


def test_another_sqlite_file_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE images (id)")
    with pytest.raises(NotAProject, match="not a MaskGUI project"):
        Project.open(path)


def test_a_newer_project_is_refused_by_its_version(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.current_version() + 1}")
    with pytest.raises(NotAProject, match="newer MaskGUI"):
        Project.open(filled)
    with pytest.raises(NotAProject, match="newer MaskGUI"):
        Project.open(filled, read_only=True)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON images BEGIN DELETE FROM instances; END",
        "CREATE VIEW v AS SELECT * FROM images",
    ],
)
def test_a_schema_that_could_act_is_refused(filled: Path, statement: str) -> None:
    with closing(sqlite3.connect(filled)) as connection:
        connection.execute(statement)
    with pytest.raises(NotAProject, match="no MaskGUI project has"):
        Project.open(filled)


def test_a_damaged_project_names_its_newest_good_backup(filled: Path) -> None:
    good = make_backup(filled)
    assert good is not None
    data = bytearray(filled.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    filled.write_bytes(data)
    with pytest.raises(DamagedProject, match="damaged") as caught, Session.open(filled):
        pass
    assert str(good) in str(caught.value)
    filled.write_bytes(b"\0" * 5000)
    with pytest.raises(DamagedProject, match="beginning is lost"):
        Project.open(filled)


def test_creating_over_a_file_is_refused(path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(ProjectError, match="already there"):
        Project.create(path, {})
    assert path.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="There is no folder"):
        Project.create(tmp_path / "missing" / "x.maskgui", {})
    with pytest.raises(ReadOnlyProject, match="cannot be written"):
        ProjectLock(tmp_path / "missing" / "x.maskgui")


def test_a_project_lies_beside_its_images(tmp_path: Path) -> None:
    folder = tmp_path / "street"
    folder.mkdir()
    place = place_for(folder)
    assert (place.path, place.notice) == (folder / "street.maskgui", None)
    (folder / "older.maskgui").touch()
    assert place_for(folder).path == folder / "older.maskgui"
    kept = folder / "older (recovered 2026-01-02 03.04.05).maskgui"
    kept.touch()  # sorts before the one that it was kept beside
    place = place_for(folder)
    assert place.path == folder / "older.maskgui"
    assert place.notice and kept.name in place.notice
    (folder / "street.maskgui").touch()
    assert place_for(folder).path == folder / "street.maskgui"


def test_a_read_only_folder_has_its_project_in_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("maskgui.project.place.is_writable", lambda folder: False)
    one, two = tmp_path / "a" / "train", tmp_path / "b" / "train"
    one.mkdir(parents=True)
    two.mkdir(parents=True)
    place = place_for(one)
    assert place.notice is not None
    assert "read-only" in place.notice and str(place.path) in place.notice
    assert place.path != place_for(two).path
    Project.create(place.path, {}).close()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert place_for(one).path == place.path, "once there, it is found again"


def test_categories_keep_their_values(path: Path) -> None:
    project = Project.create(path, {})
    category = Category(908400553664, "“x”", "#123456", order=-3, source=4)
    edit = Edit("Add category", None, (Change(None, category),))
    project.write_edit(edit, None, "system", 908400553665)
    assert project.flush(5)
    assert project.categories() == [category]
    assert project.last_seq() == 0
    project.close()


def test_a_log_left_behind_is_not_played_into_a_new_project(path: Path) -> None:
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).write_bytes(b"of another project")
    Project.create(path, {}).close()
    assert [one.name for one in path.parent.iterdir()] == [path.name]
