"""A damaged project and its backup: restored whole, the damaged file kept."""

from pathlib import Path

import pytest

from maskgui.core.document import Change, Edit
from maskgui.core.entities import ImageRecord
from maskgui.project import DamagedProject, Project, ProjectError, ProjectInUse, restore
from maskgui.project.backup import make_backup, newest_good_backup
from maskgui.project.restore import image_count, time_of


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A closed project of one image, with a backup."""
    path = tmp_path / "a.maskgui"
    opened = Project.create(path, {"root": "."})
    edit = Edit("Add image", 1, (Change(None, ImageRecord(1, "1.png", 8, 8)),))
    opened.write_edit(edit, None, "system", 2)
    assert opened.flush(20)
    opened.close()
    for old in path.parent.glob(".maskgui-backups/*/*"):
        old.unlink()
    assert make_backup(path) is not None
    return path


def damage(path: Path) -> bytes:
    """Overwrite what is behind the header."""
    data = bytearray(path.read_bytes())
    data[100:] = b"\x5a" * (len(data) - 100)
    path.write_bytes(data)
    return bytes(data)


def test_the_backup_takes_the_place_and_the_damaged_file_stays(project: Path) -> None:
    broken = damage(project)
    with pytest.raises(DamagedProject) as caught:
        Project.open(project)
    backup = caught.value.backup
    assert backup == newest_good_backup(project)
    assert caught.value.path == project
    assert backup is not None and image_count(backup) == 1
    project.with_name("a.maskgui-wal").write_bytes(b"of the damaged one")
    aside = restore(project, backup)
    assert aside.read_bytes() == broken
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"of the damaged one"
    assert not project.with_name("a.maskgui-wal").exists()
    assert aside.suffix != ".maskgui", "no folder takes it for its project"
    opened = Project.open(project)
    assert [image.path for image in opened.images()] == ["1.png"]
    opened.close()
    assert backup.exists()


def test_two_on_one_day_get_names_of_their_own(project: Path) -> None:
    backup = newest_good_backup(project)
    assert backup is not None
    asides = set()
    for _ in range(3):
        damage(project)
        asides.add(restore(project, backup))
    assert len(asides) == 3 and all(one.is_file() for one in asides)


def test_a_backup_that_is_damaged_too_changes_nothing(project: Path) -> None:
    backup = newest_good_backup(project)
    assert backup is not None
    damage(backup)
    broken = damage(project)
    with pytest.raises(ProjectError, match="damaged too"):
        restore(project, backup)
    assert project.read_bytes() == broken
    left = {path.name for path in project.parent.iterdir()} - {".maskgui-backups"}
    assert left <= {"a.maskgui", "a.maskgui.lock"}


def test_a_project_in_use_is_not_replaced(project: Path) -> None:
    backup = newest_good_backup(project)
    assert backup is not None
    opened = Project.open(project)
    with pytest.raises(ProjectInUse):
        restore(project, backup)
    opened.close()


def test_a_backup_says_when_it_was_made(tmp_path: Path) -> None:
    made = time_of(tmp_path / "20250102T030405123456-7.maskgui")
    assert (made.utctimetuple()[:5]) == (2025, 1, 2, 3, 4)
    other = tmp_path / "copy of it.maskgui"
    other.touch()
    assert time_of(other).tzinfo is not None
