"""A torch that does not fit torchvision is said in one sentence before any model loads."""

import pytest

from maskgui.assist import segmenter
from maskgui.core.errors import Failure
from maskgui.maskrcnn.models import find_model

SENTENCE = "torch and torchvision do not fit each other; install both from the same package index."


def test_a_torch_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    weights = tmp_path_factory.mktemp("models") / "own.pth"
    weights.write_bytes(b"never read")
    monkeypatch.setattr(segmenter, "check_torch", lambda: SENTENCE)
    monkeypatch.setattr(segmenter, "preload_torch", lambda: None)
    with pytest.raises(Failure, match="do not fit"):
        segmenter.Segmenter().load(find_model(str(weights)))
