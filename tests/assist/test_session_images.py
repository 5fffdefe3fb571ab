"""Images enter, leave, move and are found again; their files are never touched."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from maskgui import imaging
from maskgui.assist import headers
from maskgui.assist.roots import stays_inside
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.errors import Cancelled
from maskgui.core.shape import Polygon, Shape
from maskgui.project.backup import make_backup

TRIANGLE = Shape([Polygon([(0, 0), (9, 0), (0, 9)])])


def draw(path: Path, width: int = 8, height: int = 6, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), shade, np.uint8)).save(path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    draw(root / "a.jpg")
    draw(root / "a.png", shade=9)
    draw(root / "sub" / "a.png", 20, 10)
    draw(root / "sub" / "Ünï #1.png", 30, 20)
    return root


@pytest.fixture
def session(root: Path) -> Iterator[Session]:
    session = Session.create(root / "p.maskgui", root)
    session.apply(Edit("Add", None, (Change(None, Category(1, "nut", "#000000")),)), SYSTEM)
    yield session
    session.close(discard=True)


def paths(session: Session) -> list[str]:
    return sorted(record.path for record in session.document.images.values())


def test_images_are_known_by_relative_path(session: Session, root: Path, tmp_path: Path) -> None:
    outside = draw(tmp_path / "elsewhere" / "a.png")
    given = [root / "sub" / ".." / "a.jpg", root / "a.png", root / "sub" / "a.png", outside]
    ids = session.add_images(given)
    assert [session.document.image(one).path for one in ids] == [
        "a.jpg",
        "a.png",
        "sub/a.png",
        outside.as_posix(),
    ]
    assert session.image_path(ids[2]) == root / "sub" / "a.png"
    assert session.image_path(ids[3]) == outside
    session.fill_sizes()
    assert session.document.image(ids[0]).file_size == (root / "a.jpg").stat().st_size
    assert session.add_images(given[:2]) == ids[:2], "known ones are not added twice"
    assert session.undo_label == "Add 4 images"
    session.undo()
    assert paths(session) == []


def test_found_files_and_their_sizes_do_not_enter_the_history(session: Session, root: Path) -> None:
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    session.look_through()
    reasons = session.fill_sizes()
    sizes = {
        record.path: (record.width, record.height) for record in session.document.images.values()
    }
    assert sizes["sub/a.png"] == (20, 10)
    assert sizes["sub/Ünï #1.png"] == (30, 20)
    assert sizes["broken.png"] == (0, 0)
    ((image_id, reason),) = reasons.items()
    assert session.document.image(image_id).path == "broken.png"
    assert "broken.png" in reason
    assert session.undo_label is None
    assert session.batches() == []
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        session.fill_sizes(cancel=stop)


def test_sizes_are_read_in_the_order_asked_for_and_in_edits_of_bounded_size(
    session: Session, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "BATCH", 2)
    session.look_through()
    ids = list(session.document.images)[::-1]
    edits: list[Edit] = []
    session.subscribe(edits.append)
    assert session.fill_sizes([10**6, *ids], share=0.5) == {}, "one that left is passed over"
    found = [[change.entity.id for change in edit.changes] for edit in edits]
    assert found == [ids[:2], ids[2:]]
    assert session.fill_sizes() == {} and len(edits) == 2, "what is known is not read again"


def test_a_size_that_came_with_the_pixels_stays_when_an_older_header_comes_after_it(
    session: Session, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (image_id,) = session.add_images([root / "a.png"])
    read = imaging.read_header

    def replaced_meanwhile(path: Path) -> imaging.Header:
        header = read(path)
        session.set_sizes({image_id: (64, 48)})
        return header

    monkeypatch.setattr(imaging, "read_header", replaced_meanwhile)
    assert session.fill_sizes() == {}
    record = session.document.image(image_id)
    assert (record.width, record.height) == (64, 48)
    assert record.file_size == (root / "a.png").stat().st_size


def test_bytes_that_came_with_the_pixels_take_the_place_of_earlier_ones(
    session: Session, root: Path
) -> None:
    (image_id,) = session.add_images([root / "a.png"])
    session.fill_sizes()
    known = session.document.image(image_id)
    session.set_sizes({image_id: (1, 2)}, {image_id: 3}, late=True)
    assert session.document.image(image_id) == known
    session.set_sizes({image_id: (64, 48)}, {image_id: 77})
    record = session.document.image(image_id)
    assert (record.width, record.height, record.file_size) == (64, 48, 77)


def test_known_sizes_are_kept_and_bytes_measured(session: Session, root: Path) -> None:
    (root / "a.png").write_bytes(b"no header")
    record = ImageRecord(7, "a.png", 640, 480)
    gone = ImageRecord(8, "gone.png", 640, 480)
    session.apply(Edit("Import", None, (Change(None, record), Change(None, gone))))
    assert session.fill_sizes() == {}
    found = session.document.image(7)
    assert (found.width, found.height, found.file_size) == (640, 480, 9)
    assert session.document.image(8) == gone


def test_a_pause_between_two_spells_of_reading_ends_with_the_cancel(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.look_through()
    monkeypatch.setattr(headers, "SPELL_S", 0.0)

    class Stop(threading.Event):
        rests: ClassVar[list[float]] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.rests.append(timeout or 0.0)
            self.set()
            return True

    with pytest.raises(Cancelled):
        session.fill_sizes(cancel=Stop(), share=0.25)
    assert len(Stop.rests) == 1 and Stop.rests[0] > 0


def test_one_look_at_the_folder_tells_what_is_new_and_what_is_gone(
    session: Session, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = draw(tmp_path / "elsewhere" / "b.png")
    session.add_images([root / "a.jpg", root / "sub" / "a.png", outside])
    (root / "sub" / "a.png").unlink()
    listed: list[str] = []
    plain = os.scandir

    def scandir(folder):
        listed.append(os.fspath(folder))
        return plain(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    added, missing, refused = session.look_through()
    assert not refused
    assert [session.document.image(one).path for one in added] == ["a.png", "sub/Ünï #1.png"]
    assert [session.document.image(one).path for one in missing] == ["sub/a.png"]
    assert listed.count(str(root / "sub")) <= 2 and len(listed) <= 5
    assert session.find_missing() == missing


def test_records_alone_bring_no_instances_into_memory(session: Session) -> None:
    ids = session.look_through().added
    session.fill_sizes()
    assert not any(session.document.is_loaded(one) for one in ids)
    assert session.instances(ids[0]) == []
    kept = Instance(session.new_id(), ids[1], 1, TRIANGLE)
    session.apply(Edit("Draw", ids[1], (Change(None, kept),)))
    assert session.document.is_loaded(ids[1])


def test_an_image_leaves_with_its_instances_and_comes_back_by_undo(
    session: Session, root: Path
) -> None:
    first, second = session.add_images([root / "a.jpg", root / "a.png"])
    kept = Instance(session.new_id(), first, 1, TRIANGLE)
    session.apply(Edit("Draw", first, (Change(None, kept),)))
    session.remove_images([first])
    assert paths(session) == ["a.png"]
    assert (root / "a.jpg").is_file()
    assert session.project.flush(5)
    assert session.project.instances(first) == []
    session.undo()
    assert session.instances(first) == [kept]
    session.redo()
    session.close()
    with Session.open(root / "p.maskgui") as again:
        again.undo()
        assert again.instances(first) == [kept]
        assert list(again.document.images) == [second, first]


def test_rescan_adds_new_files_and_not_what_was_taken_out(session: Session, root: Path) -> None:
    assert len(session.look_through().added) == 4
    gone = next(one for one in session.document.images.values() if one.path == "a.jpg")
    session.remove_images([gone.id])
    draw(root / "later.png")
    (added,) = session.look_through().added
    assert session.document.image(added).path == "later.png"
    assert session.look_through().added == []
    session.add_images([root / "a.jpg"])
    assert "a.jpg" in paths(session), "asked for by name, it comes back"


def test_others_have_their_turn_while_the_ids_of_new_images_are_drawn(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, free = session.new_id, []

    def watched() -> int:
        def try_it() -> None:
            free.append(session.turn.acquire(blocking=False))
            if free[-1]:
                session.turn.release()

        other = threading.Thread(target=try_it)
        other.start()
        other.join()
        return real()

    monkeypatch.setattr(session, "new_id", watched)
    assert len(session.look_through().added) == 4
    assert free == [True] * 4


def test_a_moved_folder_becomes_the_root(session: Session, root: Path, tmp_path: Path) -> None:
    session.look_through()
    before = paths(session)
    moved = tmp_path / "moved"
    for name in ("a.jpg", "a.png", "sub"):
        moved.mkdir(exist_ok=True)
        (root / name).rename(moved / name)
    assert len(session.find_missing()) == 4
    label = session.undo_label
    assert session.relink(moved) == 4
    assert paths(session) == before and session.undo_label == label
    assert session.find_missing() == []
    session.close()
    with Session.open(root / "p.maskgui") as again:
        assert again.find_missing() == []


def test_moved_and_renamed_images_are_found_one_by_one(session: Session, root: Path) -> None:
    draw(root / "x" / "same.png", 5, 5)
    draw(root / "y" / "same.png", 6, 6)
    (root / "y" / "same.png").write_bytes(os.urandom(77))
    draw(root / "stays.png")
    session.look_through()
    session.fill_sizes()
    target = root / "new" / "place"
    target.mkdir(parents=True)
    (root / "sub" / "a.png").rename(target / "a.png")  # by name and size
    (root / "sub" / "Ünï #1.png").rename(root / "sub" / "renamed.png")  # not certain: stays missing
    (target / "x").mkdir()
    (root / "x" / "same.png").rename(target / "x" / "same.png")  # by the end of its path
    (root / "y" / "same.png").rename(target / "same.png")
    draw(target / "deeper" / "same.png", 60, 60)  # same name, other size
    assert len(session.find_missing()) == 4
    assert session.relink(root / "new") == 3
    assert session.undo_label == "Locate 3 images"
    assert {"new/place/a.png", "new/place/x/same.png", "new/place/same.png"} <= set(paths(session))
    (missing,) = session.find_missing()
    assert session.document.image(missing).path == "sub/Ünï #1.png"
    assert session.relink(root / "new") == 0
    session.undo()
    assert len(session.find_missing()) == 4


def test_two_files_that_might_both_be_it_are_not_guessed(session: Session, root: Path) -> None:
    session.add_images([root / "a.png"])
    data = (root / "a.png").read_bytes()
    (root / "a.png").unlink()
    for name in ("one", "two"):
        (root / name).mkdir()
        (root / name / "a.png").write_bytes(data)
    (root / "sub" / "a.png").unlink()
    assert session.relink(root) == 0


def test_a_moved_image_is_found_through_a_linked_folder(
    session: Session, root: Path, tmp_path: Path
) -> None:
    session.add_images([root / "a.png"])
    (tmp_path / "far").mkdir()
    (root / "a.png").rename(tmp_path / "far" / "a.png")
    (root / "sub" / "a.png").unlink()
    (root / "link").symlink_to(tmp_path / "far", target_is_directory=True)
    (root / "b.png").symlink_to(tmp_path / "far" / "a.png")
    assert session.relink(root) == 1
    assert paths(session) == ["link/a.png"]


def test_the_root_moves_with_the_project(session: Session, root: Path, tmp_path: Path) -> None:
    session.look_through()
    session.close()
    root.rename(tmp_path / "renamed")
    with Session.open(tmp_path / "renamed" / "p.maskgui") as moved:
        assert moved.root == tmp_path / "renamed"
        assert moved.find_missing() == []


def test_an_opened_backup_finds_its_images(session: Session, root: Path) -> None:
    session.look_through()
    session.close()
    backup = make_backup(root / "p.maskgui")
    assert backup is not None
    with Session.open(backup, read_only=True) as saved:
        assert len(saved.document.images) == 4
        assert saved.find_missing() == []


def test_a_strangers_paths_are_read_and_never_written(session: Session, root: Path) -> None:
    for number, path in enumerate(["/etc/hostname", "../../x.png", "a\0b.png"], 50):
        record = ImageRecord(number, path, 0, 0)
        session.apply(Edit("Theirs", number, (Change(None, record),)))
    assert session.image_path(50) == Path("/etc/hostname")
    assert 52 in session.find_missing()
    assert session.relink(root / "sub") == 0


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("a.png", True),
        ("sub/ü/a..b.png", True),
        ("", False),
        ("/etc/passwd", False),
        ("../a.png", False),
        ("sub/../../a.png", False),
        ("..\\a.png", False),
        ("C:/a.png", False),
        ("\\\\server\\share\\a.png", False),
    ],
)
def test_which_paths_stay_inside(path: str, inside: bool) -> None:
    assert stays_inside(path) is inside
