"""A project whose files are deleted or replaced while it is open loses nothing."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from maskgui.core.document import Change, Edit
from maskgui.core.entities import ImageRecord
from maskgui.project import NotWritten, Project, ProjectInUse, keeper, place_for, writer
from maskgui.project.backup import find_fault
from maskgui.project.history import Entry

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="there an open file is neither deleted nor replaced"
)

SAYS_DELETED = "“set.maskgui” were deleted or moved away; it has been written again"


def add(project: Project, *numbers: int) -> None:
    for number in numbers:
        edit = Edit("Add image", number, (Change(None, ImageRecord(number, f"{number}", 0, 0)),))
        entry = Entry(number, number, edit.label)
        project.write_edit(edit, entry, "person", number + 1)


def numbers_in(project: Project) -> list[int]:
    assert [entry.seq for entry in project.entries("person", undone=False)] == [
        record.id for record in project.images()
    ]
    return [record.id for record in project.images()]


def numbers_at(path: Path) -> list[int]:
    project = Project.open(path)
    try:
        return numbers_in(project)
    finally:
        project.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    made.mkdir()
    return made / "set.maskgui"


@pytest.fixture
def project(path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Three images, on disk; looked at only when asked, so that a test says when."""
    monkeypatch.setattr(writer, "LOOK_SECONDS", 600.0)
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.02)
    made = Project.create(path, {})
    add(made, 1, 2, 3)
    assert made.flush(10)
    return made


def remove(path: Path, *ends: str) -> None:
    for end in ends:
        path.with_name(path.name + end).unlink()


@pytest.mark.parametrize(
    "ends",
    [
        ("",),
        ("-wal",),
        ("-shm",),
        ("-wal", "-shm"),
        ("", "-wal", "-shm"),
        ("", "-wal", "-shm", ".lock"),
    ],
)
def test_what_is_deleted_is_written_again_with_the_next_edit(
    project: Project, path: Path, ends: tuple[str, ...]
) -> None:
    remove(path, *ends)
    add(project, 4)
    assert project.flush(10), project.last_error
    assert SAYS_DELETED in project.take_notice()
    assert project.take_notice() == ""
    assert project.path == path
    with pytest.raises(ProjectInUse):
        Project.open(path)
    add(project, 5)
    assert project.flush(10)
    assert numbers_in(project) == [1, 2, 3, 4, 5]
    with closing(sqlite3.connect(path)) as other:  # as another process sees it, log and all
        assert other.execute("SELECT count(*) FROM images").fetchone() == (5,)
    project._backups._closing.set()  # type: ignore[union-attr]
    project._backups._thread.join()  # type: ignore[union-attr]
    project.close()
    assert find_fault(path) is None
    assert sorted(one.name for one in path.parent.iterdir()) == [".maskgui-backups", "set.maskgui"]
    assert numbers_at(path) == [1, 2, 3, 4, 5]


def test_what_is_deleted_is_written_again_before_closing_and_when_asked(
    project: Project, path: Path
) -> None:
    remove(path, "")
    assert project.flush(10)
    assert path.is_file()
    remove(path, "")
    project.close()
    assert numbers_at(path) == [1, 2, 3]


def test_what_is_deleted_is_written_again_while_the_person_thinks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "LOOK_SECONDS", 0.02)
    project = Project.create(path, {})
    told = _Told(project)
    path.unlink()
    told.wait()
    assert SAYS_DELETED in project.take_notice()
    assert path.is_file()
    project.close()


class _Told:
    def __init__(self, project: Project) -> None:
        self._event = threading.Event()
        project.heed(self._event.set)

    def wait(self) -> None:
        assert self._event.wait(20)


def replace_by(path: Path, numbers: list[int]) -> bytes:
    """Let another program put a project with these images in its place; return its bytes."""
    other = path.parent.parent / "other.maskgui"
    made = Project.create(other, {})
    add(made, *numbers)
    made.close()
    other.replace(path)
    return path.read_bytes()


def recovered(path: Path) -> Path:
    (found,) = path.parent.glob("set (recovered *).maskgui")
    return found


def test_what_was_replaced_is_left_alone_and_what_is_open_kept_beside_it(
    project: Project, path: Path
) -> None:
    theirs = replace_by(path, [7, 8])
    add(project, 4)
    assert project.flush(10), project.last_error
    kept = recovered(path)
    assert project.path == kept
    said = (
        f"Another program replaced “set.maskgui”, so your work is kept beside it in “{kept.name}”"
    )
    assert said in project.take_notice()
    with pytest.raises(ProjectInUse):
        Project.open(kept)
    add(project, 5)
    project.close()
    assert path.read_bytes() == theirs
    notice = place_for(path.parent).notice
    assert notice and kept.name in notice
    assert numbers_at(path) == [7, 8]
    assert numbers_at(kept) == [1, 2, 3, 4, 5]


def test_a_project_replaced_twice_has_one_name_more_each_time(project: Project, path: Path) -> None:
    replace_by(path, [7])
    assert project.flush(10)
    first = project.path
    replace_by(first, [8])
    add(project, 4)
    project.close()
    assert first.name.count("recovered") == project.path.name.count("recovered") == 1
    assert numbers_at(path) == [7]
    assert numbers_at(first) == [8]
    assert numbers_at(project.path) == [1, 2, 3, 4]


def replace_with_log(path: Path) -> None:
    """Put a project with 7 and 8 in its log, as a sync client brings both, at a path."""
    other = path.parent.parent / "other.maskgui"
    made = Project.create(other, {})
    add(made, 7, 8)
    assert made.flush(10)
    log = other.with_name(other.name + "-wal")
    assert log.stat().st_size > 0
    copies = [path.parent.parent / "copy", path.parent.parent / "copy-wal"]
    shutil.copy(other, copies[0])
    shutil.copy(log, copies[1])
    made.close(discard=True)
    copies[0].replace(path)
    copies[1].replace(path.with_name(path.name + "-wal"))


def test_the_log_that_came_with_another_file_stays_its_own(project: Project, path: Path) -> None:
    replace_with_log(path)
    project.close()
    assert numbers_at(path) == [7, 8]
    assert numbers_at(recovered(path)) == [1, 2, 3]


def test_another_files_log_stays_when_nothing_can_be_kept_beside_it(
    project: Project, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: sqlite3.Connection, target: Path) -> None:
        raise sqlite3.OperationalError(f"no room to copy {source} to {target}")

    monkeypatch.setattr(keeper, "_copy", full)
    replace_with_log(path)
    project.close(discard=True)
    assert numbers_at(path) == [7, 8]


SYNC = """
import os, sys
from pathlib import Path
from maskgui.project import Project
path, other = map(Path, sys.argv[1:])
os.replace(other, path)
path.with_name(path.name + ".lock").unlink()
print("replaced", flush=True)
sys.stdin.readline()
project = Project.open(path)
print("open", flush=True)
sys.stdin.readline()
print([record.id for record in project.images()], flush=True)
project.close()
"""


def test_another_process_that_replaced_and_opened_it_keeps_its_own(
    project: Project, path: Path
) -> None:
    other = path.parent.parent / "other.maskgui"
    made = Project.create(other, {})
    add(made, 7)
    made.close()
    with subprocess.Popen(
        [sys.executable, "-c", SYNC, str(path), str(other)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    ) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "replaced\n"
        add(project, 4)
        assert project.flush(10), project.last_error
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "open\n"
        add(project, 5)
        project.close()
        with pytest.raises(ProjectInUse):
            Project.open(path)
        said, _ = process.communicate("go\n")
    assert process.returncode == 0
    assert said == "[7]\n"
    assert numbers_at(path) == [7]
    assert numbers_at(recovered(path)) == [1, 2, 3, 4, 5]


DELETE_AND_DIE = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from keeper_helper import add
from maskgui.project import Project
path = Path(sys.argv[1])
project = Project.create(path, {})
add(project, 1, 2, 3)
assert project.flush(10)
for end in ("", "-wal", "-shm"):
    path.with_name(path.name + end).unlink()
add(project, 4)
assert project.flush(10)
os._exit(9)
"""


def test_what_was_written_again_survives_a_kill(path: Path, tmp_path: Path) -> None:
    helper = Path(__file__).read_text().split("@pytest.fixture")[0]
    (tmp_path / "keeper_helper.py").write_text(helper)
    done = subprocess.run(
        [sys.executable, "-c", DELETE_AND_DIE, str(path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 9, done.stderr
    assert numbers_at(path) == [1, 2, 3, 4]


def test_a_lock_that_lost_its_name_is_taken_anew(project: Project, path: Path) -> None:
    remove(path, ".lock")
    assert project.flush(10)
    assert project.take_notice() == ""
    with pytest.raises(ProjectInUse):
        Project.open(path)
    project.close()
    assert numbers_at(path) == [1, 2, 3]


def test_a_window_that_came_in_without_the_lock_keeps_the_file(
    project: Project, path: Path
) -> None:
    remove(path, ".lock")
    second = Project.open(path)
    add(project, 4)
    assert project.flush(10), project.last_error
    add(second, 9)
    project.close()
    assert second.flush(10)
    with pytest.raises(ProjectInUse):
        Project.open(path)
    second.close()
    assert numbers_at(path) == [1, 2, 3, 9]
    assert numbers_at(recovered(path)) == [1, 2, 3, 4]


def test_a_renamed_folder_takes_the_project_along(project: Project, path: Path) -> None:
    there = path.parent.with_name("renamed")
    path.parent.rename(there)
    add(project, 4)
    assert project.flush(10), project.last_error
    assert project.take_notice() == ""
    project.close()
    assert not path.parent.exists()
    assert numbers_at(there / path.name) == [1, 2, 3, 4]


def test_a_renamed_file_is_whole_and_the_project_is_written_where_it_was(
    project: Project, path: Path
) -> None:
    there = path.with_name("b.maskgui")
    path.rename(there)
    add(project, 4)
    assert project.flush(10), project.last_error
    project.close()
    assert numbers_at(there) == [1, 2, 3]
    assert numbers_at(path) == [1, 2, 3, 4]


def test_a_deleted_folder_is_said_and_filled_once_it_is_back(project: Project, path: Path) -> None:
    told = _Told(project)
    shutil.rmtree(path.parent)
    assert not project.flush(10)
    told.wait()
    assert project.unsaved
    assert project.pending == 0
    assert project.last_error and "was deleted with the project in it" in project.last_error
    with pytest.raises(NotWritten, match="make a folder of that name again"):
        project.close()
    path.parent.mkdir()
    project.close()
    assert project.last_error is None
    assert numbers_at(path) == [1, 2, 3]


def test_a_place_that_cannot_be_written_is_tried_again(
    project: Project, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain: Callable[[sqlite3.Connection, Path], None] = keeper._copy

    def full(source: sqlite3.Connection, target: Path) -> None:
        del source, target
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorname = "SQLITE_FULL"
        raise error

    monkeypatch.setattr(keeper, "_copy", full)
    remove(path, "")
    add(project, 4)
    assert not project.flush(10)
    assert project.last_error and "is full, free some space" in project.last_error
    assert numbers_in(project) == [1, 2, 3]
    monkeypatch.setattr(keeper, "_copy", plain)
    assert project.flush(10)
    assert project.last_error is None
    project.close()
    assert numbers_at(path) == [1, 2, 3, 4]


def test_a_project_behind_a_link_is_written_again_where_it_lay(tmp_path: Path) -> None:
    real = tmp_path / "real.maskgui"
    Project.create(real, {}).close()
    path = tmp_path / "set.maskgui"
    path.symlink_to(real)
    project = Project.open(path)
    add(project, 1)
    assert project.flush(10)
    real.unlink()
    add(project, 2)
    project.close()
    assert project.path == path
    assert path.is_symlink()
    assert numbers_at(path) == [1, 2]
