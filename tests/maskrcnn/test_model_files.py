"""Configs build the published networks; weights files and their cards keep what was trained."""

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models.detection import maskrcnn_resnet50_fpn_v2
from torchvision.ops import FrozenBatchNorm2d

from maskgui.core.errors import UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import load_model, read_card, save_model
from maskgui.maskrcnn.config import COCO_V1, COCO_V2, Config

MODELS = Path(__file__).resolve().parents[2] / "models"
TINY = Config(
    categories=3, min_side=64, max_side=96, widths=(8, 8, 16, 16), depths=(1, 1, 1, 1),
    neck_channels=8, box_features=16, mask_channels=8, rpn_candidates=50, proposals=20,
    score_floor=0.0,
)  # fmt: skip
CARD = Card(name="tiny", title="Tiny", config=TINY, categories=("a", "b", "ü"))


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_first_published_network() -> None:
    module = build(COCO_V1)
    assert parameters(module) == 44_401_393
    norms = [part for part in module.modules() if isinstance(part, FrozenBatchNorm2d)]
    assert len(norms) == 53
    assert {norm.eps for norm in norms} == {0.0}
    assert not any(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def test_the_second_published_network_is_the_factorys() -> None:
    module = build(COCO_V2)
    assert parameters(module) == 46_359_409
    theirs = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None).state_dict()
    ours = module.state_dict()
    assert {name: value.shape for name, value in ours.items()} == {
        name: value.shape for name, value in theirs.items()
    }


def test_the_slim_network_is_small() -> None:
    assert parameters(build(Config(categories=20))) < 4_200_000


@pytest.mark.parametrize("half", [True, False])
def test_a_saved_model_detects_the_same(tmp_path: Path, half: bool) -> None:
    torch.manual_seed(3)
    module = build(TINY).eval()
    card = save_model(tmp_path / "tiny", module, CARD, half=half)
    again, read = load_model(tmp_path / "tiny.safetensors")
    assert read == card
    assert read.categories == ("a", "b", "ü")
    assert read.parameters == parameters(module)
    if half:  # what float16 rounds away is gone once: from then on nothing changes
        save_model(tmp_path / "second", again, CARD)
        assert read_card(tmp_path / "second").sha256 == card.sha256
        module = load_model(tmp_path / "second")[0]
    image = torch.rand(3, 70, 90)
    with torch.inference_mode():
        one, two = module([image])[0], again([image])[0]
    assert len(one["scores"])
    for key, value in one.items():
        assert torch.equal(value, two[key]), key
    assert {value.dtype for value in again.state_dict().values()} == {torch.float32, torch.int64}


def test_shared_tensors_are_stored_once(tmp_path: Path) -> None:
    module = build(TINY)
    paths = (tmp_path / "plain.safetensors", tmp_path / "shared.safetensors")
    save_model(paths[0], module, CARD)
    module.add_module("again", module.roi_heads.box_head)
    save_model(paths[1], module, CARD)
    assert abs(paths[1].stat().st_size - paths[0].stat().st_size) < 200


def test_a_damaged_or_exchanged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    save_model(path, build(TINY), CARD)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(UserError, match="sha256 differs"):
        load_model(path)
    other = tmp_path / "other.safetensors"
    save_model(other, build(Config(**{**_fields(TINY), "neck_channels": 16})), CARD)
    with pytest.raises(UserError, match="does not fit the architecture"):
        load_model(other)
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        load_model(path)
    (tmp_path / "tiny.toml").write_text("name = 3")
    with pytest.raises(UserError, match=r"tiny\.toml cannot be used"):
        load_model(path)


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    save_model(tmp_path / "tiny", build(TINY), CARD)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.safetensors", "tiny.toml"]


@pytest.mark.parametrize("name", ["parts", "nuclei"])
def test_shipped_models_are_whole_and_small(name: str) -> None:
    path = MODELS / f"{name}.safetensors"
    assert path.stat().st_size <= 10_000_000
    card = read_card(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == card.sha256
    module, _ = load_model(path)
    assert not module.training
    assert card.config.categories == len(card.categories) == len(card.category_ids)
    assert card.parameters == parameters(module)
    assert card.data
    assert card.licence
    assert card.command
    assert card.measured_on
    assert card.figures["AP50"] > 0.5


def _fields(config: Config) -> dict[str, object]:
    return {name: getattr(config, name) for name in config.__struct_fields__}
