"""Entities survive the file exactly; values from a stranger's file are refused in a sentence."""

import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskgui.assist.session import Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import (
    Category,
    Entity,
    ImageRecord,
    Instance,
    Mark,
    MarkKind,
    Review,
    check_storable,
    encode_value,
)
from maskgui.core.shape import Polygon, Shape
from maskgui.project import DamagedProject, Project, rows
from maskgui.project.backup import make_backup

IDS = st.integers(1, (1 << 63) - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
RINGS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=6)
SHAPES = st.builds(
    Shape, st.lists(st.builds(Polygon, RINGS, st.lists(RINGS, max_size=2)), max_size=3)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
MARKS = st.builds(
    Mark, IDS, st.sampled_from(MarkKind), st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), TEXTS
)
ENTITIES = st.one_of(
    st.builds(Category, IDS, TEXTS, TEXTS, st.integers(-5, 99), st.none() | IDS),
    st.builds(
        ImageRecord,
        id=IDS,
        path=TEXTS,
        width=st.integers(0, 1 << 31),
        height=st.integers(0, 1 << 31),
        review=st.sampled_from(Review),
        threshold=NUMBERS,
        mask_threshold=NUMBERS,
        marks=st.lists(MARKS, max_size=3).map(tuple),
        source=st.none() | IDS,
        file_size=st.integers(0, 1 << 40),
    ),
    st.builds(
        Instance,
        id=IDS,
        image_id=st.just(7),
        category_id=IDS,
        shape=SHAPES,
        order=st.integers(-9, 9),
        iscrowd=st.booleans(),
        touched=st.booleans(),
        detection=st.none() | IDS,
        score=st.none() | NUMBERS,
        source=st.none() | IDS,
        verbatim=st.booleans(),
    ),
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("rows") / "a.maskgui", {})


def stored(project: Project, entity: Entity) -> list[Entity]:
    if isinstance(entity, Category):
        found: list[Entity] = [*project.categories()]
    elif isinstance(entity, ImageRecord):
        found = [*project.images()]
    else:
        found = [*project.instances(entity.image_id)]
    return [one for one in found if one.id == entity.id]


@settings(max_examples=60)
@given(entity=ENTITIES, number=st.integers(1, 1 << 40))
def test_entities_and_edits_come_back_equal(project: Project, entity: Entity, number: int) -> None:
    edit = Edit("x", None, (Change(None, entity),))
    assert rows.edit_of(zlib.compress(encode_value(edit))) == edit
    project.write_edit(edit, None, "system", 1)
    assert project.flush(10), project.last_error
    assert stored(project, entity) == [entity]
    project.write_edit(edit.inverse(), None, "system", 1)
    assert project.flush(10)
    assert stored(project, entity) == []


SQUARE = Shape([Polygon([(0, 0), (4, 0), (4, 4)])]).to_bytes()
BAD_SHAPES = {
    "empty": b"",
    "cut short": SQUARE[:-3],
    "no ring": struct.pack("<2I", 1, 0),
    "two vertices": struct.pack("<3I4d", 1, 1, 2, 0, 0, 1, 1),
    "more parts than bytes": struct.pack("<I", 1 << 31),
    "longer than bytes": struct.pack("<3I", 1, 1, (1 << 32) - 1),
    "many rings": struct.pack("<2I", 1, (1 << 32) - 1),
    "no number": struct.pack("<3I6d", 1, 1, 3, 0, 0, float("nan"), 0, 1, 1),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.maskgui"
    Project.create(path, {}).close()
    return path


def put(path: Path, statement: str, *values: object) -> Project:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)
    return Project.open(path, read_only=True)


@pytest.mark.parametrize("shape", BAD_SHAPES.values(), ids=BAD_SHAPES.keys())
def test_a_malformed_outline_is_named(path: Path, shape: bytes) -> None:
    project = put(
        path, "INSERT INTO instances VALUES (5, 7, 1, 0, 0, 1, NULL, NULL, NULL, 0, ?)", shape
    )
    with pytest.raises(DamagedProject, match=r"theirs\.maskgui is damaged \(instance 5: "):
        project.instances(7)
    assert project.instances(8) == [], "the rest stays readable"
    project.close()


@pytest.mark.parametrize(
    "image",
    [
        (1, "a.png", 1, 1, "no such state", 0.5, 0.5, None, None, 0),
        (1, "a.png", 1, 1, "new", 0.5, 0.5, b"\xc1", None, 0),
        (1, "a.png", 1, 1, "new", 0.5, 0.5, b"\x91\x01", None, 0),
        (1, "a.png", -5, 1, "new", 0.5, 0.5, None, None, 0),
    ],
)
def test_a_malformed_image_is_named(path: Path, image: tuple[object, ...]) -> None:
    project = put(path, f"INSERT INTO images VALUES ({','.join('?' * 10)})", *image)
    with pytest.raises(DamagedProject, match="image 1: "):
        project.images()
    project.close()


@pytest.mark.parametrize(
    "payload",
    [b"", b"no zlib", zlib.compress(b"\xc1"), zlib.compress(encode_value({"label": 3}))],
)
def test_a_malformed_edit_is_named(path: Path, payload: bytes) -> None:
    project = put(path, "INSERT INTO history VALUES (4, 'person', NULL, 'x', 0, ?)", payload)
    with pytest.raises(DamagedProject, match="history entry 4: "):
        project.edit(4)
    with pytest.raises(DamagedProject, match="history entry 9 is missing"):
        project.edit(9)
    project.close()


@pytest.mark.parametrize("packed", [zlib.compress(encode_value({"model": "m"})), b"", b"no zlib"])
def test_malformed_detections_are_named(path: Path, packed: bytes) -> None:
    project = put(path, "INSERT INTO detections VALUES (4, 7, 'm', ?)", packed)
    with pytest.raises(DamagedProject, match="detections of run 4: "):
        project.detections(7)
    project.close()


def test_a_small_value_cannot_fill_the_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "MAX_UNPACKED", 1000)
    bomb = zlib.compress(bytes(rows.MAX_UNPACKED + 1))
    project = put(path, "INSERT INTO history VALUES (4, 'person', NULL, 'x', 0, ?)", bomb)
    with pytest.raises(DamagedProject, match="too large"):
        project.edit(4)
    project.close()


@pytest.mark.parametrize("payload", [b'{"cut', b"[]", b"\xff"])
def test_an_imported_record_that_is_no_json_is_named(path: Path, payload: bytes) -> None:
    project = put(path, "INSERT INTO sources VALUES (3, 'image', ?)", payload)
    with pytest.raises(DamagedProject, match="imported record 3"):
        project.source(3)
    with pytest.raises(DamagedProject, match="imported record 3"):
        project.sources("image")
    project.close()


def test_lost_facts_are_named_and_stop_no_thread(path: Path) -> None:
    put(path, "DELETE FROM meta").close()
    with pytest.raises(DamagedProject, match="`next_id` is lost"):
        Session.open(path, read_only=True)
    with pytest.raises(ValueError, match="revision"):
        make_backup(path)


@pytest.mark.parametrize("bad", ["\udc80", 2**70])
def test_what_cannot_be_stored_is_found_without_its_outlines(bad):
    square = Shape([Polygon([(0, 0), (4, 0), (4, 4)])])
    fine = Edit("draw", 1, (Change(None, Instance(1, 1, 7, square)),))
    check_storable(fine)
    name, order = (bad, 0) if isinstance(bad, str) else ("nut", bad)
    edit = Edit("add", None, (*fine.changes, Change(None, Category(7, name, "#112233", order))))
    for ask in (check_storable, encode_value):
        with pytest.raises((OverflowError, UnicodeEncodeError)):
            ask(edit)
