"""The catalogue: shipped, published and own models, and files that must not be believed."""

import argparse
import hashlib
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models import get_weight

from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn import models
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import save_model
from maskgui.maskrcnn.config import COCO_V1, COCO_V2, Config
from maskgui.maskrcnn.foreign import coco_categories, read_state, recognise
from maskgui.maskrcnn.models import (
    PUBLISHED,
    Origin,
    Published,
    add_model,
    fetch_model,
    find_model,
    list_models,
    model_id,
    usable_categories,
)

TINY = Config(categories=2, min_side=64, max_side=96)


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches, the person's models and the shipped ones of this test alone."""
    monkeypatch.setenv("MASKGUI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "own_dir", lambda: tmp_path / "own")
    monkeypatch.setattr(models, "models_dir", lambda: tmp_path / "shipped")


def resnet_state(config: Config = COCO_V1, categories: int = 3) -> dict[str, Tensor]:
    """A state_dict of torchvision's network, with the right shapes and no weight (meta tensors)."""
    with torch.device("meta"):
        module = build(msgspec.structs.replace(config, categories=categories))
    return {name: torch.zeros(()).expand(t.shape) for name, t in module.state_dict().items()}


def ship(tmp_path: Path, name: str = "parts") -> Path:
    path = tmp_path / "shipped" / f"{name}.safetensors"
    save_model(path, build(TINY), Card(name, "Machine parts", TINY, ("nut", "bolt")))
    return path


def test_the_list_and_its_names(tmp_path: Path) -> None:
    ship(tmp_path)
    found = {model.name: model for model in list_models()}
    assert list(found) == ["parts", "coco-v1", "coco-v2"]
    assert found["parts"].title == "Machine parts"
    assert [model.state for model in found.values()] == ["shipped", "to fetch", "to fetch"]
    assert found["coco-v1"].to_dict()["ready"] is False
    assert "nut" in found["parts"].card_text()
    assert found["coco-v2"].card().config == COCO_V2


def test_listing_imports_no_torch() -> None:
    code = (
        "import sys; from maskgui.maskrcnn.models import *; list_models();"
        "from maskgui.assist import segment, jobs; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_shipped_model_loads_and_knows_its_id(tmp_path: Path) -> None:
    path = ship(tmp_path)
    model = find_model("parts")
    module, card = model.load()
    assert not module.training
    assert card.categories == ("nut", "bolt")
    assert model.model_id == model_id(card) == f"parts {card.sha256[:12]}"
    assert find_model(str(path)).load()[1] == card
    assert find_model(str(path.with_suffix(".toml"))).load()[1] == card


def test_an_unknown_name_names_what_there_is() -> None:
    with pytest.raises(UserError, match="no model or file “coco”; choose coco-v1, coco-v2"):
        find_model("coco")


def test_the_published_files_are_torchvisions() -> None:
    for published in PUBLISHED.values():
        assert get_weight(published.weights).url.endswith("/" + published.file)
    names = coco_categories()
    assert len(names) == 90
    assert names.count("N/A") == 10
    assert (names[0], names[89]) == ("person", "toothbrush")


def small_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let coco-v1 be a small network; return its weights file, named after its sha256."""
    config = msgspec.structs.replace(TINY, categories=90)
    torch.manual_seed(0)
    torch.save(build(config).state_dict(), tmp_path / "weights")
    digest = hashlib.sha256((tmp_path / "weights").read_bytes()).hexdigest()
    file = (tmp_path / "weights").rename(tmp_path / f"net-{digest[:8]}.pth")
    changed = Published(file.name, PUBLISHED["coco-v1"].weights, "Small", config, {})
    monkeypatch.setitem(PUBLISHED, "coco-v1", changed)
    return file


def test_a_dropped_in_file_is_checked_and_used_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_published(tmp_path, monkeypatch)
    target = find_model("coco-v1").path
    assert target.parent == tmp_path / "cache" / "models"
    target.parent.mkdir(parents=True)
    shutil.copy(file, target)
    model = find_model("coco-v1")
    assert model.state == "fetched"
    assert fetch_model("coco-v1") == target
    _, card = model.load()
    assert card.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert model.model_id == model_id(card)
    assert usable_categories(card)[:2] == ("person", "bicycle")
    assert len(usable_categories(card)) == 80


def test_a_damaged_dropped_in_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_published(tmp_path, monkeypatch)
    target = find_model("coco-v1").path
    target.parent.mkdir(parents=True)
    target.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(Failure, match="damaged or another file"):
        find_model("coco-v1").load()


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize(("config", "box_head"), [(COCO_V1, "two_fc"), (COCO_V2, "four_conv_fc")])
def test_the_variant_and_k_are_read_off_the_shapes(
    tmp_path: Path, config: Config, box_head: str, wrap: bool
) -> None:
    state: Any = resnet_state(config, 3)
    if wrap:  # as torchvision's reference trainer writes it, from several GPUs
        state = {f"module.{name}": tensor for name, tensor in state.items()}
        state = {"model": state, "epoch": 3, "args": argparse.Namespace(lr=0.02, amp=False)}
    torch.save(state, tmp_path / "mine.pth")
    read = read_state(tmp_path / "mine.pth")
    found = recognise(read, tmp_path / "mine.pth")
    assert (found.categories, found.box_head) == (3, box_head)
    assert found.norm == ("frozen_bn" if config is COCO_V1 else "bn")
    with torch.device("meta"):
        assert set(build(found).state_dict()) == set(read)


def test_own_weights_with_and_without_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    module = build(TINY)
    torch.save(module.state_dict(), tmp_path / "mine.pth")
    monkeypatch.setattr("maskgui.maskrcnn.foreign.recognise", lambda *_: TINY)
    loaded, card = find_model(str(tmp_path / "mine.pth")).load()
    assert card.categories == ("category 1", "category 2")
    name, tensor = next(iter(module.state_dict().items()))
    assert torch.equal(loaded.state_dict()[name], tensor)

    (tmp_path / "mine.toml").write_text('categories = ["cat", "dog"]\ntitle = "Pets"\n')
    added = add_model(tmp_path / "mine.pth")
    assert (added.name, added.title, added.origin) == ("mine", "Pets", Origin.OWN)
    assert [model.name for model in list_models()][-1] == "mine"
    assert find_model("mine").load()[1].categories == ("cat", "dog")

    (tmp_path / "mine.toml").write_text('categories = ["cat"]\n')
    with pytest.raises(UserError, match=r"names 1 categories, but “mine\.pth” has 2"):
        find_model(str(tmp_path / "mine.pth")).load()


def test_a_name_that_ships_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ship(tmp_path).parent, tmp_path / "elsewhere")
    with pytest.raises(UserError, match="name of a model that ships"):
        add_model(tmp_path / "elsewhere" / "parts.safetensors")


WRONG = [
    ({"fc.weight": torch.zeros(1)}, "an image classifier"),
    ({"roi_heads.box_predictor.cls_score.weight": torch.zeros(3, 4)}, "without a mask branch"),
    ({"roi_heads.keypoint_head.0.weight": torch.zeros(1)}, "a Keypoint R-CNN"),
    ({"encoder.w": torch.zeros(1), "b": torch.zeros(1)}, "2 tensors of another kind"),
]


@pytest.mark.parametrize(("content", "words"), WRONG)
def test_another_networks_weights_are_named(tmp_path: Path, content: Any, words: str) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError, match=words) as caught:
        find_model(str(tmp_path / "other.pth")).load()
    assert "maskrcnn_resnet50_fpn" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, torch.zeros(3), {}])
def test_what_holds_no_named_tensors_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError, match="instead of named tensors"):
        read_state(tmp_path / "other.pth")


@pytest.mark.parametrize("content", [b"", b"not a pickle at all", b"\x80\x04", b"PK\x03\x04rest"])
def test_what_is_no_weights_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other.pth").write_bytes(content)
    with pytest.raises(UserError, match="damaged or no PyTorch weights file"):
        read_state(tmp_path / "other.pth")


class Malice:
    """Unpickled, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("way", ["pickle", "zip", "old"])
def test_a_pickle_with_code_is_refused_by_name_and_not_run(tmp_path: Path, way: str) -> None:
    marker, path = tmp_path / "was-run", tmp_path / "evil.pth"
    content = {"model": {"a": torch.zeros(1), "b": Malice(marker)}}
    if way == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=way == "zip")
    with pytest.raises(UserError, match=r"asks to run posix\.system|asks to run nt\.system"):
        find_model(str(path)).load()
    assert not marker.exists()


def test_a_whole_pickled_module_and_numpy_are_refused_by_name(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(UserError, match=r"torch\.nn\.modules\.linear\.Linear"):
        read_state(tmp_path / "module.pth")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"model": {"w": np.zeros(3)}}))
    with pytest.raises(UserError, match=r"asks to run .*numpy"):
        read_state(tmp_path / "model.pkl")
