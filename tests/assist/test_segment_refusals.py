"""What `segment` cannot do is said before a model is loaded or fetched."""

from pathlib import Path

import pytest

from maskgui.assist.segment import segment_files
from maskgui.assist.segmenter import Segmenter
from maskgui.core.errors import UserError
from maskgui.paths import resources_dir


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo images; loading a model fails the test."""

    def load(*_args: object, **_more: object) -> None:
        pytest.fail("the model was loaded first")

    monkeypatch.setattr(Segmenter, "load", load)
    return resources_dir() / "demo"


def test_a_place_that_cannot_be_written(demo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "file" / "out.json", tmp_path):
        with pytest.raises(UserError, match="could not be written"):
            segment_files([demo], "parts", out)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_map_of_categories_that_the_model_does_not_have(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="“zebra”"):
        segment_files([demo], "parts", tmp_path / "out.json", category_map={"zebra": "horse"})
    assert list(tmp_path.iterdir()) == []
