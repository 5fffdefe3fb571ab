"""Training starts from another model's weights, by name or file, where shapes allow it."""

from pathlib import Path

import pytest
import torch

from maskgui.core.errors import UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.checkpoint import load_model
from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.train.loop import _start_from
from maskgui.paths import models_dir


def test_every_tensor_that_fits_is_taken_over_from_a_shipped_model() -> None:
    source, card = load_model(models_dir() / "nuclei.safetensors")
    config = Config(categories=3, widths=card.config.widths, anchor_sizes=card.config.anchor_sizes)
    module = build(config)
    _start_from(module, "nuclei")
    theirs, ours = source.state_dict(), module.state_dict()
    name = "roi_heads.box_predictor.cls_score.weight"
    assert ours[name].shape != theirs[name].shape
    fitting = [key for key in ours if key in theirs and ours[key].shape == theirs[key].shape]
    assert len(fitting) > 100
    assert all(torch.equal(ours[key], theirs[key]) for key in fitting)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no-such-model"):
        _start_from(build(Config()), str(tmp_path / "no-such-model"))
