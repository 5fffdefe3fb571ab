"""Images and weights that are replaced while they are read are not taken for the ones read."""

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from maskgui.assist import segmenter
from maskgui.assist.segmenter import Segmenter, SegmentImage
from maskgui.core.detections import Detections
from maskgui.core.stamp import file_stamp
from maskgui.maskrcnn import predictor
from maskgui.maskrcnn.models import ModelRef, Origin

GREY, BRIGHT = 40, 200


class FeaturesByKey:
    """Keeps what it has seen by its key as the predictor does, and finds nothing."""

    device = "cpu"

    def __init__(self) -> None:
        self._key: Hashable | None = None
        self.seen = 0

    def detect(self, rgb: NDArray[np.uint8], *, key: Hashable, **_: Any) -> Detections:
        if key != self._key:
            self._key, self.seen = key, int(rgb.mean())
        none = np.zeros(0, np.float32)
        masks = np.zeros((0, 28, 28), np.uint16)
        return Detections("m", ("a",), none.reshape(0, 4), none, none.astype(np.int32), masks)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    Image.fromarray(np.full((96, 128, 3), GREY, np.uint8)).save(path)
    os.utime(path, ns=(10**18, 10**18))
    return path


def replaced(path: Path) -> None:
    Image.fromarray(np.full((48, 64, 3), BRIGHT, np.uint8)).save(path)


def test_an_image_replaced_while_it_is_decoded_is_seen_anew(
    picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, really = FeaturesByKey(), segmenter.read_view
    monkeypatch.setattr(Segmenter, "load", lambda *_: fake)
    request = SegmentImage(picture, ModelRef("m", "m", Origin.OWN, picture.with_name("none")))
    before = file_stamp(picture)

    def read_the_earlier(*args: Any) -> Any:
        view = really(*args)
        replaced(picture)
        return view

    runs = Segmenter()
    with monkeypatch.context() as patch:
        patch.setattr(segmenter, "read_view", read_the_earlier)
        first = runs.segment(request)
    assert fake.seen == GREY
    assert (first.width, first.height, first.stamp) == (128, 96, before)
    second = runs.segment(request)
    assert fake.seen == BRIGHT
    assert (second.width, second.height, second.stamp) == (64, 48, file_stamp(picture))
    assert second.stamp != before


class Model:
    """Weights whose reading takes long enough for others to take their place."""

    name = "own"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.meanwhile: str | None = None
        self.loads: list[str] = []

    def load(self, *_: Any) -> tuple[str, None]:
        if not self.path.exists():
            self.path.write_text("fetched")
        self.loads.append(self.path.read_text())
        if self.meanwhile is not None:
            self.path.write_text(self.meanwhile)
            self.meanwhile = None
        return self.loads[-1], None


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(segmenter, "check_torch", lambda: None)
    monkeypatch.setattr(segmenter, "preload_torch", lambda: None)
    monkeypatch.setattr(predictor, "Predictor", lambda module, *_: module)
    return Model(tmp_path / "own.safetensors")


def test_weights_replaced_while_they_are_loaded_are_loaded_anew(model: Model) -> None:
    model.path.write_text("old")
    model.meanwhile = "new weights"
    runs = Segmenter()
    assert runs.load(model, "cpu") == "old"
    assert runs.load(model, "cpu") == "new weights"
    assert runs.load(model, "cpu") == "new weights"
    assert model.loads == ["old", "new weights"]


def test_weights_that_loading_fetches_are_loaded_once(model: Model) -> None:
    runs = Segmenter()
    assert runs.load(model, "cpu") == runs.load(model, "cpu") == "fetched"
    assert model.loads == ["fetched"]
