"""Training starts from another model: what fits is copied, categories by their names."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from maskgui.core.errors import UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.checkpoint import load_model
from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.train import train
from maskgui.maskrcnn.train.prepare import prepare
from maskgui.maskrcnn.train.start import start_from
from maskgui.paths import models_dir

CLASSES = "roi_heads.box_predictor.cls_score.weight"
BOXES = "roi_heads.box_predictor.bbox_pred.weight"
MASKS = "roi_heads.mask_predictor.mask_fcn_logits.weight"


@pytest.mark.parametrize("branch", ["fcn", "mlp", "mlp_fc"])
def test_rows_follow_the_names_of_categories(toy: Any, branch: str) -> None:
    small = msgspec.structs.replace(toy.recipe.model, mask_branch=branch)
    source = build(msgspec.structs.replace(small, categories=3))
    module = build(msgspec.structs.replace(small, categories=2))
    before = {name: value.clone() for name, value in module.state_dict().items()}
    said = start_from(module, ("tree", "cat"), source, ("cat", "dog", "N/A"))
    assert said.endswith("it knows 1 of 2 categories: cat.")
    theirs, ours = source.state_dict(), module.state_dict()
    assert torch.equal(ours[CLASSES][[0, 2]], theirs[CLASSES][[0, 1]])
    assert torch.equal(ours[CLASSES][1], before[CLASSES][1])  # the tree is new
    assert torch.equal(ours[BOXES][8:12], theirs[BOXES][4:8])
    assert torch.equal(ours[BOXES][4:8], before[BOXES][4:8])
    if branch == "fcn":
        assert torch.equal(ours[MASKS][2], theirs[MASKS][1])
        assert torch.equal(ours[MASKS][1], before[MASKS][1])
    rest = [n for n, value in ours.items() if "predictor" not in n and value.is_floating_point()]
    assert all(torch.equal(ours[name], theirs[name]) for name in rest)


def test_as_many_categories_in_another_order_are_not_taken_by_position(toy: Any) -> None:
    source, module = build(toy.recipe.model), build(toy.recipe.model)
    start_from(module, ("b", "a"), source, ("a", "b"))
    theirs, ours = source.state_dict(), module.state_dict()
    assert torch.equal(ours[CLASSES], theirs[CLASSES][[0, 2, 1]])


def test_a_shipped_model_starts_another_network(toy: Any) -> None:
    source, card = load_model(models_dir() / "nuclei.safetensors")
    config = Config(categories=3, widths=card.config.widths, anchor_sizes=card.config.anchor_sizes)
    module = build(config)
    said = start_from(module, ("a", "b", "c"), source, card.categories)
    assert "the categories are all new" in said
    theirs, ours = source.state_dict(), module.state_dict()
    fitting = [key for key in ours if key in theirs and ours[key].shape == theirs[key].shape]
    assert len(fitting) > 100
    assert all(torch.equal(ours[key], theirs[key]) for key in fitting)


def test_without_a_recipe_the_model_to_start_from_gives_the_network(toy: Any) -> None:
    options = toy.options(config=None, init="nuclei")
    prepared = prepare(options, "cpu")
    card = load_model(models_dir() / "nuclei.safetensors")[1]
    assert prepared.recipe.model == msgspec.structs.replace(card.config, categories=2)
    assert prepared.recipe.train.steps == 300
    assert prepared.recipe.train.crop % 32 == 0
    fresh = prepare(toy.options(config=None, minutes=2.0), "cpu").recipe
    assert fresh.model == Config(categories=2)
    assert fresh.train.minutes == 2.0
    assert fresh.train.learning_rate > prepared.recipe.train.learning_rate


def test_a_model_that_is_not_there_is_named(toy: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no-such-model"):
        train(toy.options(init=str(tmp_path / "no-such-model")))
