"""A session: what it keeps beside the document, who hears of edits, and what it never blocks."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from maskgui.assist import evidence as evidence_module
from maskgui.assist import loaded as loaded_module
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.detections import CERTAIN, Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.project import ProjectInUse, ReadOnlyProject

REPOSITORY = Path(__file__).resolve().parents[2]
TRIANGLE = Shape([Polygon([(0, 0), (9, 0), (0, 9)])])


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session.create(tmp_path / "a.maskgui", tmp_path)
    for number in range(1, 9):
        record = ImageRecord(number, f"{number}.png", 10, 10)
        session.apply(Edit("Add image", number, (Change(None, record),)), SYSTEM)
    kinds = (Category(50, "nut", "#000000"), Category(60, "bolt", "#000000"))
    session.apply(Edit("Add", None, tuple(Change(None, one) for one in kinds)), SYSTEM)
    yield session
    session.close(discard=True)


def add(session: Session, image_id: int, category_id: int = 50) -> Instance:
    instance = Instance(session.new_id(), image_id, category_id, TRIANGLE)
    session.apply(Edit("Draw", image_id, (Change(None, instance),)))
    return instance


def detections(model: str = "parts 0123") -> Detections:
    rng = np.random.default_rng(3)
    return Detections(
        model=model,
        categories=("nut", "bolt"),
        boxes=rng.random((3, 4), np.float32),
        scores=np.array([0.9, 0.5, 0.1], np.float32),
        labels=np.array([0, 1, 1], np.int32),
        masks=rng.integers(0, CERTAIN, (3, 28, 28), np.uint16),
    )


def test_ids_are_never_used_again(session: Session) -> None:
    one = add(session, 1)
    session.undo()
    session.apply(Edit("Delete", 1, ()))
    session.close()
    with Session.open(session.project.path) as again:
        assert again.new_id() > one.id
        big = Category(908400553664, "x", "#000000")
        again.apply(Edit("Import", None, (Change(None, big),)), "job")
        assert again.new_id() == 908400553665


def test_detections_are_kept_run_by_run(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_module, "KEPT_IMAGES", 2)
    assert session.detections(1) is None
    first = session.store_detections(1, detections())
    second = session.store_detections(1, detections("nuclei 4567"))
    assert (first.run, second.run) == (1, 2)
    assert session.detections(1) is second
    assert session.flush(5)
    for image_id in range(2, 8):
        assert session.detections(image_id) is None
    for found in (session.detections(1), reopen_and_detect(session)):
        assert found is not None and found is not second
        assert (found.run, found.model, found.categories) == (2, "nuclei 4567", ("nut", "bolt"))
        for name in ("boxes", "scores", "labels", "masks"):
            assert np.array_equal(getattr(found, name), getattr(second, name))
    assert first.id_of(2) != second.id_of(2)


def reopen_and_detect(session: Session) -> Detections | None:
    session.close()
    with Session.open(session.project.path) as again:
        assert again.detected_images("parts 0123") == {1}
        assert again.store_detections(2, detections()).run == 3
        return again.detections(1)


def test_settings_maps_and_sources_are_kept(session: Session) -> None:
    assert session.setting("opacity") is None
    assert session.category_map("parts") is None
    session.set_setting("opacity", 0.4)
    session.set_setting("opacity", 0.5)
    session.set_category_map("parts", {"nut": 4, "bolt": None})
    assert session.add_sources("annotation", [b"{}", b'{"id": 1}']) == [1, 2]
    assert session.add_sources("info", [b"null"]) == [3]
    session.close()
    with Session.open(session.project.path) as again:
        assert again.setting("opacity") == 0.5
        assert again.category_map("parts") == {"nut": 4, "bolt": None}
        assert again.project.sources("annotation") == {1: b"{}", 2: b'{"id": 1}'}
        assert again.add_sources("info", [b"1"]) == [4]


def test_listeners_hear_of_each_edit_until_they_leave(session: Session) -> None:
    heard: list[str] = []
    leave = session.subscribe(lambda edit: heard.append(edit.label))
    add(session, 1)
    session.undo()
    session.redo()
    leave()
    add(session, 1)
    assert heard == ["Draw"] * 3


def test_an_edit_over_images_that_are_not_in_memory(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_module, "LOADED_IMAGES", 2)
    drawn = [add(session, image_id) for image_id in range(1, 9)]
    assert session.flush(5)
    session.pin(3)
    for image_id in (1, 2, 3, 4, 5, 6):
        session.instances(image_id)
    loaded = [one for one in range(1, 9) if session.document.is_loaded(one)]
    assert 3 in loaded and 6 in loaded and len(loaded) <= 3
    found = session.instances_of_category(50)
    assert sorted(one.id for one in found) == [one.id for one in drawn]
    moved = [Instance(one.id, one.image_id, 60, TRIANGLE) for one in found]
    changes = tuple(Change(*pair) for pair in zip(found, moved, strict=True))
    session.apply(Edit("Merge categories", None, changes))
    assert session.instances_of_category(50) == []
    assert session.instance_counts() == dict.fromkeys(range(1, 9), 1)
    session.undo()
    assert [session.instances(image_id)[0] for image_id in range(1, 9)] == drawn


def test_edits_from_several_threads_all_arrive(session: Session) -> None:
    def work(image_id: int) -> None:
        for _ in range(20):
            add(session, image_id)

    threads = [threading.Thread(target=work, args=(image_id,)) for image_id in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.flush(30)
    assert {image_id: len(session.project.instances(image_id)) for image_id in range(1, 5)} == (
        dict.fromkeys(range(1, 5), 20)
    )
    ids = [one.id for image_id in range(1, 5) for one in session.instances(image_id)]
    assert len(set(ids)) == 80


def test_reading_only_while_a_window_is_open(session: Session) -> None:
    add(session, 1)
    assert session.flush(5)
    path = session.project.path
    with Session.open(path, read_only=True) as reader:
        assert len(reader.instances(1)) == 1
        with pytest.raises(ReadOnlyProject, match="opened for reading only"):
            add(reader, 1)
        with pytest.raises(ReadOnlyProject):
            reader.undo()
        assert len(reader.instances(1)) == 1
    with pytest.raises(ProjectInUse, match="open in another window or command"):
        Session.open(path)


def test_what_was_not_closed_is_written_at_the_end_of_the_program(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys; sys.path.insert(0, sys.argv[2]);"
        "from maskgui.assist.session import Session;"
        "from maskgui.core.document import *; from maskgui.core.entities import *;"
        "p = pathlib.Path(sys.argv[1]); s = Session.create(p, p.parent);"
        "[s.apply(Edit('x', i, (Change(None, ImageRecord(i, str(i), 1, 1)),)))"
        " for i in range(1, 41)]; raise SystemExit(3)"
    )
    path = tmp_path / "a.maskgui"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(REPOSITORY)], check=False, timeout=60
    )
    assert done.returncode == 3
    assert not path.with_name(path.name + "-wal").exists()
    with Session.open(path) as again:
        assert len(again.document.images) == 40


def test_a_session_needs_neither_torch_nor_qt() -> None:
    code = (
        "import sys, maskgui.assist.session;"
        "print([m for m in ('torch', 'PySide6', 'cv2', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.stdout == "[]\n"
