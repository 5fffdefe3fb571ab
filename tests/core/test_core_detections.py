"""Detections to bytes and back; bytes may come from a stranger's file."""

import dataclasses
import tracemalloc
import zlib

import msgspec
import numpy as np
import pytest

from maskgui.core import detections as module
from maskgui.core.detections import CERTAIN, Detections
from maskgui.core.packing import unpack


def some(count: int = 3) -> Detections:
    rng = np.random.default_rng(1)
    return Detections(
        "parts 0123",
        ("nut", "bolt"),
        rng.random((count, 4), np.float32),
        rng.random(count, np.float32),
        rng.integers(0, 2, count, np.int32),
        rng.integers(0, CERTAIN + 1, (count, 28, 28), np.uint16),
        run=7,
    )


@pytest.mark.parametrize("found", [some(), some(0), some().without_masks()])
def test_bytes_and_back(found: Detections) -> None:
    again = Detections.from_bytes(found.to_bytes(), 7)
    assert (again.model, again.categories, again.run) == ("parts 0123", ("nut", "bolt"), 7)
    assert again.has_masks == found.has_masks
    for name in ("boxes", "scores", "labels", "masks"):
        assert np.array_equal(getattr(again, name), getattr(found, name))


def test_boxes_of_a_model_without_masks_are_never_given_up() -> None:
    boxes = dataclasses.replace(some(), masks=np.full((3, 28, 28), CERTAIN, np.uint16))
    assert boxes.boxes_only
    assert boxes.without_masks().has_masks
    assert not some().boxes_only
    assert not some(0).boxes_only
    assert not some().without_masks().boxes_only


def test_masks_of_255_steps_are_still_read() -> None:
    fields = msgspec.msgpack.decode(zlib.decompress(some().to_bytes()))
    old = np.random.default_rng(2).integers(0, 256, (3, 28, 28), np.uint8)
    fields["masks"] = old.tobytes()
    again = Detections.from_bytes(zlib.compress(msgspec.msgpack.encode(fields)), 1)
    assert np.abs(again.masks / CERTAIN - old / 255).max() <= 0.5 / CERTAIN


def test_a_bomb_is_refused_without_unpacking_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNPACKED", 1 << 20)
    bomb = zlib.compress(bytes(8 * module.MAX_UNPACKED))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="too large"):
            Detections.from_bytes(bomb, 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * module.MAX_UNPACKED


def test_the_limit_itself_is_allowed() -> None:
    assert unpack(zlib.compress(bytes(1000)), 1000) == bytes(1000)
    with pytest.raises(ValueError, match="too large"):
        unpack(zlib.compress(bytes(1001)), 1000)
    with pytest.raises(ValueError, match="damaged"):
        unpack(b"no zlib", 1000)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("boxes", bytes(16)),
        ("labels", bytes(4)),
        ("labels", np.array([0, 1, 2], "<i4").tobytes()),
        ("labels", np.array([0, -1, 1], "<i4").tobytes()),
        ("masks", bytes(28 * 28)),
        ("masks", bytes(3 * 3 * 28 * 28)),
        ("side", -1),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(field: str, value: object) -> None:
    fields = msgspec.msgpack.decode(zlib.decompress(some().to_bytes()))
    fields[field] = value
    with pytest.raises(ValueError):
        Detections.from_bytes(zlib.compress(msgspec.msgpack.encode(fields)), 1)
