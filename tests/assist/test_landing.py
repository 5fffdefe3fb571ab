"""What a run found, when the file it read or what it names is not there any more."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from maskgui.assist.landing import land
from maskgui.assist.segmenter import SegmentImage, SegmentResult
from maskgui.assist.session import SYSTEM, Session
from maskgui.core.detections import CERTAIN, Detections
from maskgui.core.document import Change, Edit
from maskgui.core.edits import delete_category, merge_categories
from maskgui.core.entities import Category, ImageRecord
from maskgui.core.errors import UserError
from maskgui.core.stamp import file_stamp
from maskgui.maskrcnn.models import ModelRef, Origin
from maskgui.maskrcnn.vectorize import shapes

IMAGE = 2
MODEL = "parts 0123456789ab"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session.create(tmp_path / "a.maskgui", tmp_path)
    nut, bolt = Category(1, "nut", "#000000"), Category(3, "bolt", "#ffffff", 1)
    record = ImageRecord(IMAGE, "2.png", 128, 96)
    made = (Change(None, nut), Change(None, bolt), Change(None, record))
    session.apply(Edit("Begin", None, made), SYSTEM)
    session.set_category_map(MODEL, {"nut": 1, "bolt": 3})
    (tmp_path / "2.png").write_bytes(b"the first picture")
    yield session
    session.close(discard=True)


def result(
    session: Session, size: tuple[int, int] = (96, 128), said_by: str = MODEL
) -> SegmentResult:
    """A nut and a bolt, found in the file as it is now; size: height, width."""
    masks = np.zeros((2, 28, 28), np.uint16)
    masks[:, 4:24, 4:24] = CERTAIN
    found = Detections(
        said_by,
        ("nut", "bolt"),
        np.array([[4, 4, 24, 24], [34, 4, 54, 24]], np.float32),
        np.array([0.9, 0.8], np.float32),
        np.array([0, 1], np.int32),
        masks,
    )
    path = session.image_path(IMAGE)
    model = ModelRef("parts", "parts", Origin.OWN, path.with_name("none.safetensors"))
    request = SegmentImage(path, model, IMAGE)
    outlines = dict(enumerate(shapes(found, [0, 1], 0.5, image_size=size)))
    return SegmentResult(request, *size, found, outlines, "cpu", 0.1, file_stamp(path))


def proposed(session: Session) -> list[int]:
    return sorted(one.category_id for one in session.instances(IMAGE) if one.is_proposal)


def size_of(session: Session) -> tuple[int, int]:
    record = session.document.image(IMAGE)
    return record.width, record.height


def test_what_was_found_is_kept_and_proposed(session: Session) -> None:
    land(session, result(session), "run")
    assert proposed(session) == [1, 3]
    assert session.detections(IMAGE).model == MODEL
    assert [batch.edits for batch in session.batches()] == [1]


def test_nothing_lands_on_a_file_that_took_the_place_of_the_one_read(session: Session) -> None:
    found = result(session)
    session.image_path(IMAGE).write_bytes(b"another, longer picture")
    session.set_sizes({IMAGE: (64, 48)})  # as F5 reads it, meanwhile
    with pytest.raises(UserError) as caught:
        land(session, found, "run")
    expected = "“2.png” was replaced while it was segmented; press F5 and segment it again."
    assert str(caught.value) == expected
    assert session.instances(IMAGE) == []
    assert session.detections(IMAGE) is None
    assert size_of(session) == (64, 48)


def test_a_file_that_is_away_keeps_what_was_found_in_it(session: Session) -> None:
    found = result(session)
    session.image_path(IMAGE).unlink()
    land(session, found, "run")
    assert proposed(session) == [1, 3]


def test_the_record_takes_the_size_of_the_pixels_that_were_read(session: Session) -> None:
    land(session, result(session, (48, 64)), "run")
    assert size_of(session) == (64, 48)
    assert proposed(session) == [1, 3]
    assert all(one.shape.bounds[2] <= 64 for one in session.instances(IMAGE))
    assert session.undo_label is None, "no entry to undo"


def test_outlines_of_another_size_keep_a_run_out(session: Session) -> None:
    land(session, result(session), "first")
    before = session.instances(IMAGE)
    with pytest.raises(UserError, match="outlines were made on 128 × 96"):
        land(session, result(session, (48, 64)), "second")
    assert session.instances(IMAGE) == before
    assert size_of(session) == (128, 96)


def test_weights_without_a_map_leave_what_is_there(session: Session) -> None:
    land(session, result(session), "first")
    before = session.instances(IMAGE)
    with pytest.raises(UserError, match="“parts ffffffffffff” finds has no categories here yet"):
        land(session, result(session, said_by="parts ffffffffffff"), "second")
    assert session.instances(IMAGE) == before
    assert session.detections(IMAGE).model == MODEL


@pytest.mark.parametrize("how", ["merge", "delete"])
def test_a_category_that_goes_during_a_run_gets_no_proposals(session: Session, how: str) -> None:
    found = result(session)
    nut, bolt = session.document.categories
    session.apply(merge_categories(bolt, [nut], ()) if how == "merge" else delete_category(nut, ()))
    land(session, found, "run")
    assert proposed(session) == [3]
    session.undo()
    land(session, found, "again")
    assert proposed(session) == [1, 3], "the map holds what was chosen"
