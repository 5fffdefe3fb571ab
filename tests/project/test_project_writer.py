"""Edits that the disk refuses stay in memory, in order, and are written once it takes them."""

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from maskgui.core.document import Change, Edit
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.project import ClosedProject, NotWritten, Project, rows, writer
from maskgui.project.history import Entry
from maskgui.project.writer import Stopped, Writer

TRIANGLE = Shape([Polygon([(0, 0), (9, 0), (0, 9)])])
REPOSITORY = Path(__file__).resolve().parents[2]


def add_image(project: Project, number: int) -> None:
    record = ImageRecord(number, f"{number}.png", 0, 0)
    labelled = Instance(1000 + number, number, 1, TRIANGLE)
    edit = Edit("Add image", number, (Change(None, record), Change(None, labelled)))
    entry = Entry(number, number, edit.label)
    project.write_edit(edit, entry, "person", number + 1)


class FullDisk:
    """Stands where rows are written; while `full`, the disk refuses as SQLite says it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        plain = rows.write_changes

        def write(connection: sqlite3.Connection, edit: Edit) -> None:
            plain(connection, edit)
            if self.full:
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorname = "SQLITE_FULL"
                raise error

        monkeypatch.setattr(rows, "write_changes", write)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.02)
    return Project.create(tmp_path / "a.maskgui", {})


def test_a_full_disk_is_said_in_a_sentence_and_nothing_is_lost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(monkeypatch)
    for number in (1, 2, 3):
        add_image(project, number)
    assert not project.flush(5)
    assert project.pending == 3
    assert project.last_error is not None
    assert project.last_error.startswith("Changes are not on disk yet")
    assert "is full, free some space" in project.last_error
    assert project.images() == []
    assert project.is_pending(2)
    with pytest.raises(NotWritten, match="not on disk yet"):
        project.close()

    disk.full = False
    assert project.flush(5)
    assert project.last_error is None
    assert not project.is_pending(2)
    assert [record.id for record in project.images()] == [1, 2, 3]
    project.close()


def test_the_writer_comes_back_by_itself(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk(monkeypatch)
    add_image(project, 1)
    assert not project.flush(5)
    disk.full = False
    written = threading.Event()
    project._post(lambda connection: written.set())
    assert written.wait(5)
    assert project.flush(5)
    project.close()


def test_an_attempt_that_began_before_it_was_asked_does_not_end_a_flush(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_SECONDS", 600.0)  # the next attempt is the flush's
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    answers: list[bool] = []
    asking = threading.Thread(target=lambda: answers.append(running.flush(20)))
    attempts: list[int] = []

    def work(_: sqlite3.Connection) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            asking.start()
            with running._state:
                running._state.wait_for(lambda: running._looks_asked)
            raise OSError("a disk that is mended by now")

    running = Writer(connection)
    running.post(work)
    with running._state:
        running._state.wait_for(lambda: running._looks_asked)
    asking.join()
    assert answers == [True]
    assert len(attempts) == 2
    running.stop()
    connection.close()


def test_giving_up_is_possible_and_explicit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_image(project, 1)
    assert project.flush(5)
    FullDisk(monkeypatch)
    add_image(project, 2)
    project.close(discard=True)
    again = Project.open(project.path)
    assert [record.id for record in again.images()] == [1]
    again.close()


def test_an_unforeseen_fault_stops_nothing_and_drops_nothing(project: Project) -> None:
    broken = threading.Event()

    def work(connection: sqlite3.Connection) -> None:
        if not broken.is_set():
            raise RuntimeError("a fault of ours")

    project._post(work)
    add_image(project, 1)
    assert not project.flush(5)
    assert project.last_error is not None and "a fault of ours" in project.last_error
    broken.set()
    assert project.flush(5)
    assert len(project.images()) == 1
    project.close()


def test_work_is_done_in_the_order_posted_from_many_threads(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "x.db", isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE t (thread, number)")
    running = Writer(connection)

    def post(thread: int) -> None:
        for number in range(50):
            running.post(lambda c, n=number: c.execute("INSERT INTO t VALUES (?, ?)", (thread, n)))

    threads = [threading.Thread(target=post, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert running.flush(30)
    running.stop()
    for index in range(4):
        found = connection.execute("SELECT number FROM t WHERE thread = ?", (index,)).fetchall()
        assert found == [(number,) for number in range(50)]
    connection.close()
    with pytest.raises(Stopped):
        running.post(lambda c: c)


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from maskgui.project import Project, writer
from tests_helper import add_image
writer.RETRY_SECONDS = 0.02
project = Project.open(Path(sys.argv[1]))
size = 200_000
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
numbers = 0
while project.last_error is None and numbers < 500:
    numbers += 1
    add_image(project, numbers)
    project.flush(10)
assert project.last_error and project.pending == 1, (project.last_error, numbers)
print(project.last_error, flush=True)
more = numbers + 5
for number in range(numbers + 1, more + 1):
    add_image(project, number)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert project.flush(10), project.last_error
project.close()
print(more)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file size are POSIX's")
def test_a_file_that_cannot_grow_gets_every_edit_once_it_can(tmp_path: Path) -> None:
    path = tmp_path / "a.maskgui"
    Project.create(path, {}).close()
    helper = Path(__file__).read_text().split("class FullDisk")[0]
    (tmp_path / "tests_helper.py").write_text(helper.replace("__file__", "'/a/b/c'"))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr
    said, count = done.stdout.splitlines()
    assert said.startswith("Changes are not on disk yet")
    project = Project.open(path)
    assert [record.id for record in project.images()] == list(range(1, int(count) + 1))
    project.close()


def test_what_comes_while_the_project_closes_is_refused_and_not_lost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Writer.stop

    def stop(self: Writer) -> None:
        with pytest.raises(ClosedProject):
            add_image(project, 2)
        plain(self)

    monkeypatch.setattr(Writer, "stop", stop)
    add_image(project, 1)
    project.close()
    again = Project.open(project.path)
    assert [record.id for record in again.images()] == [1]
    again.close()


def test_a_closed_project_says_that_it_is_closed(project: Project) -> None:
    project.close()
    for use in (project.images, project.meta, lambda: add_image(project, 1)):
        with pytest.raises(ClosedProject, match=r"“a\.maskgui” was closed before this was done"):
            use()
