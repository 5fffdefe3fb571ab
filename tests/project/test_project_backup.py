"""Backups are checked copies; a good one is never pushed out by an empty or broken one."""

import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from maskgui.core.document import Change, Edit
from maskgui.core.entities import ImageRecord
from maskgui.project import Project, backup
from maskgui.project.backup import backups_of, find_fault, make_backup, newest_good_backup


def add_images(project: Project, *numbers: int) -> None:
    for number in numbers:
        edit = Edit("Add", number, (Change(None, ImageRecord(number, f"{number}.png", 0, 0)),))
        project.write_edit(edit, None, "system", number + 1)
    assert project.flush(10)


def count_images(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM images").fetchone()
        return int(count)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(backup.BackupThread, "_run", lambda self: None)
    return Project.create(tmp_path / "a.maskgui", {})


def test_a_backup_of_a_project_in_use_is_whole_and_one_file(project: Project) -> None:
    add_images(project, 1, 2, 3)
    made = make_backup(project.path)
    assert made is not None
    assert made.parent == project.path.parent / ".maskgui-backups" / "a"
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    assert find_fault(made) is None
    assert count_images(made) == 3
    project.close()


def test_without_changes_there_is_no_further_backup(project: Project) -> None:
    add_images(project, 1)
    assert make_backup(project.path)
    assert make_backup(project.path) is None
    add_images(project, 2)
    assert make_backup(project.path)
    assert len(backups_of(project.path)) == 2
    project.close()


def test_an_emptied_project_pushes_nothing_out(project: Project) -> None:
    add_images(project, 1)
    good = make_backup(project.path)
    project._post(lambda connection: connection.execute("DELETE FROM images"))
    assert project.flush(5)
    assert make_backup(project.path) is None
    assert backups_of(project.path) == [good]
    project.close()


def test_a_broken_copy_never_counts(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    add_images(project, 1)
    good = make_backup(project.path)
    add_images(project, 2)
    plain = backup._copy

    def copy(source: sqlite3.Connection, target: Path, stop: object) -> None:
        plain(source, target, stop)  # type: ignore[arg-type]
        data = bytearray(target.read_bytes())
        data[4096:] = os.urandom(len(data) - 4096)
        target.write_bytes(data)

    monkeypatch.setattr(backup, "_copy", copy)
    with pytest.raises(ValueError, match=r".+"):
        make_backup(project.path)
    assert backups_of(project.path) == [good]
    assert [path.name for path in good.parent.iterdir()] == [good.name]  # type: ignore[union-attr]
    project.close()


def test_a_backup_that_went_bad_is_not_named(project: Project) -> None:
    add_images(project, 1)
    older = make_backup(project.path)
    add_images(project, 2)
    newer = make_backup(project.path)
    assert newest_good_backup(project.path) == newer
    assert newer is not None
    newer.write_bytes(newer.read_bytes()[:5000])
    assert newest_good_backup(project.path) == older
    project.close()


def test_the_newest_few_and_one_a_day_are_kept(tmp_path: Path) -> None:
    project = tmp_path / "a.maskgui"
    folder = tmp_path / ".maskgui-backups" / "a"
    folder.mkdir(parents=True)
    for day in range(1, 29):
        for hour in (8, 12, 18):
            (folder / f"202502{day:02}T{hour:02}0000000000-{day}.maskgui").touch()
    backup._thin_out(backups_of(project))
    left = [path.name[6:11] for path in backups_of(project)]
    assert left[:5] == ["28T18", "28T12", "28T08", "27T18", "27T12"]
    assert left[5:] == [f"{day:02}T18" for day in range(26, 14, -1)]


def test_a_project_made_just_now_has_no_backup_before_the_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.maskgui"
    filled, made = threading.Event(), []

    def make(project: Path, stop: threading.Event) -> None:
        filled.wait()  # as slow as can be: the first images are there before it looks
        made.append(make_backup(project, stop))

    def end_backups(project: Project) -> None:
        project._backups._closing.set()  # type: ignore[union-attr]
        project._backups._thread.join()  # type: ignore[union-attr]
        project.close()

    monkeypatch.setattr(backup, "make_backup", make)
    project = Project.create(path, {})
    add_images(project, 1)
    filled.set()
    end_backups(project)
    assert made == []
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    end_backups(Project.open(path))
    assert made == backups_of(path)
    assert len(made) == 1


def test_damage_found_by_the_backup_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.maskgui"
    project = Project.create(path, {})
    add_images(project, *range(1, 200))
    project.close()
    project = Project.open(path)
    project._backups._closing.set()  # type: ignore[union-attr]
    project._backups._thread.join()  # type: ignore[union-attr]
    good = newest_good_backup(path)
    project.close()
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'instances_by_image'"
        ).fetchone()
        connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'revision'")
        connection.commit()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(data)
    project = Project.open(path)
    project._backups._closing.set()  # type: ignore[union-attr]
    project._backups._thread.join()  # type: ignore[union-attr]
    assert project.last_error is not None
    assert "is damaged" in project.last_error and str(good) in project.last_error
    assert backups_of(path)[0] == good
    project.close()
