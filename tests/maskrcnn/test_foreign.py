"""Weights of others: the variant read off the shapes, old names, checkpoints, and wrong files."""

import argparse
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from maskgui.core.errors import UserError
from maskgui.maskrcnn import build, load
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import load_model, misfit, save_model
from maskgui.maskrcnn.config import COCO_V1, COCO_V2, Config
from maskgui.maskrcnn.foreign import build_from, read_state, understand

MINE = Path("mine.pth")
OWN_V1 = msgspec.structs.replace(COCO_V1, categories=3, norm_eps=1e-5)


def of(base: Config = OWN_V1, **choices: Any) -> Config:
    return msgspec.structs.replace(base, **choices)


def shapes(config: Config) -> dict[str, Tensor]:
    """The state_dict of a network, its tensors without memory."""
    with torch.device("meta"):
        module = build(config)
    return {name: torch.zeros(()).expand(v.shape) for name, v in module.state_dict().items()}


C4 = {"neck": "c4", "mask_side": 14}
C5 = {"neck": "c5"}
VARIANTS = [
    of(),
    of(COCO_V2, categories=7),
    of(backbone="resnet18", norm="bn"),
    of(backbone="resnet101", norm="gn"),
    of(backbone="resnext101_32x8d", norm="bn", neck_norm="none"),
    of(backbone="mobilenet_v3_large", norm="bn"),
    of(neck_channels=128, box_features=512, mask_channels=64, norm="gn", head_norm="gn"),
    of(box_head="four_conv_fc", rpn_convs=2),
    of(mask_classes="agnostic"),
    of(mask_branch="none"),
    of(mask_branch="mlp"),
    of(mask_branch="mlp_fc", mask_side=14),
    of(mask_branch="mlp", mask_side=28, mask_classes="agnostic"),
    of(mask_branch="mlp", mask_side=14),
    of(**C4),
    of(backbone="resnet18", norm="bn", mask_classes="agnostic", **C4),
    of(backbone="resnet101", mask_branch="none", neck="c4"),
    of(mask_branch="mlp_fc", **C4),
    of(**C5),
    of(backbone="mobilenet_v3_large", norm="bn", mask_branch="mlp", **C5),
]


@pytest.mark.parametrize("config", VARIANTS, ids=lambda config: Card("", "", config, ()).variant)
def test_the_variant_and_k_are_read_off_the_shapes(config: Config) -> None:
    state = shapes(config)
    found, named = understand(state, MINE)
    assert set(named) == set(state)
    assert misfit(found, {name: value.shape for name, value in named.items()}) == ""
    read = ("categories", "backbone", "neck", "norm", "neck_norm", "box_head", "head_norm")
    read += ("rpn_convs", "mask_branch", "mask_classes", "neck_channels", "mask_side")
    unused = {"c4": "neck_channels"}.get(config.neck)
    for field in read:
        if field not in (unused, "mask_side" if config.mask_branch == "none" else None):
            assert getattr(found, field) == getattr(config, field), field


def test_a_card_beside_adds_what_has_no_shape() -> None:
    given = {"roi_layer": "pool", "mask_loss": "softmax", "min_side": 320}
    found, _ = understand(shapes(of()), MINE, given)
    assert (found.roi_layer, found.mask_loss, found.min_side) == ("pool", "softmax", 320)
    assert found.categories == 3
    with pytest.raises(UserError, match=r"mine\.toml cannot be used: “roi_layer” in \[config\] "):
        understand(shapes(of()), MINE, {"roi_layer": "poll"})


def test_torchvisions_old_names() -> None:
    state = shapes(of())
    old = {_old(name): value for name, value in state.items()}
    assert "roi_heads.mask_head.mask_fcn1.weight" in old
    assert "rpn.head.conv.weight" in old
    assert "backbone.fpn.inner_blocks.0.weight" in old
    found, named = understand(old, MINE)
    assert found == of()
    assert set(named) == set(state)


def _old(name: str) -> str:
    for number in range(4):
        name = name.replace(f"mask_head.{number}.0.", f"mask_head.mask_fcn{number + 1}.")
        for blocks in ("inner_blocks", "layer_blocks"):
            name = name.replace(f"{blocks}.{number}.0.", f"{blocks}.{number}.")
    return name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")


STEM = "backbone.body.conv1.weight"
ODD: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "meta": (lambda kernel: kernel.to("meta"), "as a tensor without values (device meta); save"),
    "sparse": (lambda kernel: kernel.to_sparse(), "as a sparse tensor; save the weights as plain"),
    "quantised": (
        lambda kernel: torch.quantize_per_tensor(kernel, 0.1, 0, torch.qint8),
        "as a quantised tensor; save the weights as plain tensors of float32.",
    ),
    "complex": (lambda kernel: kernel.to(torch.complex64), "as complex64, and the network takes"),
    "bool": (lambda kernel: kernel > 0, "as bool, and the network takes floats; save the weights"),
    "nan": (lambda kernel: kernel * float("nan"), "values that are not finite numbers"),
    "one inf": (lambda kernel: kernel.index_fill(0, torch.tensor(3), float("inf")), "not finite"),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, of old kinds of tensors
def test_tensors_without_plain_finite_floats_are_refused(tmp_path: Path, kind: str) -> None:
    change, said = ODD[kind]
    small = of(backbone="resnet18", neck_channels=8, box_features=8, mask_channels=8, categories=1)
    state = build(small).state_dict()
    state[STEM] = change(state[STEM])
    path = tmp_path / "odd.pth"
    torch.save(state, path)
    with pytest.raises(UserError) as caught:
        load(path)
    assert f"“{STEM}”" in str(caught.value)
    assert said in str(caught.value)


def test_longer_floats_than_tensors_have_are_shortened(tmp_path: Path) -> None:
    path = tmp_path / "long.pkl"
    path.write_bytes(pickle.dumps({"model": {"a": np.full(3, 0.5, np.longdouble)}}))
    assert read_state(path)["a"].tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_of_the_reference_trainer(tmp_path: Path, legacy: bool) -> None:
    state = {f"module.{name}": torch.full((2,), 3.0) for name in ("a", "b")}
    trained = {
        "model": state,
        "optimizer": {"state": {0: {"step": 3}}, "param_groups": [{"lr": 0.02}]},
        "lr_scheduler": {"last_epoch": 2},
        "args": argparse.Namespace(lr=0.02, amp=False, data_path=None),
        "epoch": 3,
    }
    torch.save(trained, tmp_path / "model_2.pth", _use_new_zipfile_serialization=not legacy)
    assert sorted(read_state(tmp_path / "model_2.pth")) == ["a", "b"]


def test_a_c4_networks_own_state_dict_and_its_shared_tensors(tmp_path: Path) -> None:
    torch.manual_seed(4)
    small = {"min_side": 96, "max_side": 128, "proposals": 4, "max_detections": 3}
    config = of(backbone="resnet18", norm="bn", **small, **C4)
    module = build(config).eval()
    torch.save(module.state_dict(), tmp_path / "mine.pth")
    lines = [f"{name} = {value}" for name, value in small.items()]
    (tmp_path / "mine.toml").write_text("\n".join(["[config]", *lines]))
    loaded, card = load(tmp_path / "mine.pth")
    assert card.config == config
    assert card.variant == "R18-C4, RoIAlign, 3 categories"
    save_model(tmp_path / "kept", loaded, card, half=False)
    again, _ = load_model(tmp_path / "kept")
    assert again.roi_heads.box_head.res5 is again.roi_heads.mask_head.res5
    image = torch.rand(3, 80, 90)
    with torch.inference_mode():
        one, two, three = (net([image])[0] for net in (module, loaded, again))
    assert len(one["scores"])
    for key, value in one.items():
        assert torch.equal(value, two[key])
        assert torch.equal(value, three[key])


# ---- what is something else


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"fc.weight": torch.zeros(1)}, "an image classifier"),
        ({"roi_heads.keypoint_head.0.weight": torch.zeros(1)}, "a Keypoint R-CNN"),
        ({"model.0.conv.weight": torch.zeros(1)}, "a YOLO model"),
        ({"encoder.w": torch.zeros(1), "b": torch.zeros(1)}, "2 tensors of another kind"),
        ({"state": {}, "param_groups": [{"lr": 0.1}]}, "the state of an optimiser"),
        ({"optimizer": {"state": {}}, "epoch": 3}, "the state of an optimiser"),
        ({"model": {"a": 3}}, "“a” instead of named tensors"),
        ([1, 2], "a list instead of named tensors"),
        ({"epoch": 3}, "“epoch” instead of named tensors"),
        (torch.zeros(3), "a Tensor instead of named tensors"),
        ({}, "a dictionary of nothing"),
    ],
)
def test_other_contents_are_named(tmp_path: Path, content: Any, words: str) -> None:
    torch.save(content, tmp_path / "other.pth")
    assert words in refusal(tmp_path / "other.pth")


def refusal(path: Path) -> str:
    """The one sentence with which a file is refused."""
    with pytest.raises(UserError) as caught:
        load(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert path.name in sentence
    return sentence


def onnx() -> bytes:
    return b"\x08\x07\x12\x07pytorch\x1a\x052.1.0:" + bytes(40)


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"\x80\x02}.")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pth", b"", "is empty"),
        ("a.pth", b"\n<!DOCTYPE html><html><body>404</body></html>", "a web page"),
        ("a.pkl", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "a web page"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        ("a.onnx", onnx(), "an ONNX model"),
        ("a.pth", json.dumps({"a": 1}).encode(), "a text file"),
        ("a.pth", b"PK\x03\x04rest", "cut off"),
        ("a.pt", zipped("net/constants.pkl", "net/code/x.py"), "a TorchScript program"),
        ("a.pth", zipped("a.npy"), "a NumPy archive"),
        ("a.pth", zipped("word/document.xml"), "a zip archive without weights"),
        ("a.pkl", b"\x80\x04\x95", "damaged, cut off"),
        ("a.pth", bytes(range(200, 256)), "damaged, cut off"),
        ("a.pth", b"junk", "a text file"),
        ("a.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("a.safetensors", b"\x00" * 4, "damaged, cut off"),
        ("a.safetensors", b"\xff" * 40, "damaged, cut off"),
        ("a.safetensors", b"\x10" + bytes(7) + b'{"a": 1}' * 9, "damaged, cut off"),
        ("a.safetensors", b"<html>", "a web page, not weights; download the file itself"),
    ],
)
def test_other_files_are_named(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert words in refusal(tmp_path / name)


def test_safetensors_of_another_network_and_under_another_name(tmp_path: Path) -> None:
    tensors = {"encoder.layer.0.weight": torch.zeros(2, 2)}
    save_file(tensors, tmp_path / "bert.safetensors")
    assert "a transformer" in refusal(tmp_path / "bert.safetensors")
    save_file(tensors, tmp_path / "bert.pth")
    assert "a safetensors file under another name" in refusal(tmp_path / "bert.pth")


def test_a_cut_off_download(tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1000)}, tmp_path / "whole.pth")
    data = (tmp_path / "whole.pth").read_bytes()
    for share in (0.3, 0.9):
        (tmp_path / "part.pth").write_bytes(data[: int(len(data) * share)])
        assert "did not finish" in refusal(tmp_path / "part.pth")


class Runs:
    """Unpickled, it would call something."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call, ("nothing",)


@pytest.mark.parametrize("way", ["pickle", "zip", "old"])
def test_a_pickle_with_code_is_refused_by_name_and_not_run(tmp_path: Path, way: str) -> None:
    marker, path = tmp_path / "was-run", tmp_path / "evil.pth"
    content = {"model": {"a": 1, "b": Runs(marker.write_text)}, "args": argparse.Namespace(a=1)}
    if way == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=way == "zip")
    assert "was not opened, because it asks to run " in refusal(path)
    assert not marker.exists()


def test_whole_programs_are_named(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    assert "asks to run torch.nn.modules.linear.Linear" in refusal(tmp_path / "module.pth")
    # the first bytes of what YOLO's trainer writes
    yolo = b"\x80\x02}X\x05\x00\x00\x00modelcultralytics.nn.tasks\nDetectionModel\n)\x81s."
    (tmp_path / "yolo.pt").write_bytes(yolo)
    assert "a YOLO model (it asks to run ultralytics.nn.tasks" in refusal(tmp_path / "yolo.pt")


def test_a_network_that_only_nearly_fits_is_told_by_its_first_misfit(tmp_path: Path) -> None:
    state = shapes(of())
    card = Card("", "", of(), ("a", "b", "c"))
    without = {name: value for name, value in state.items() if name != "rpn.head.cls_logits.bias"}
    with pytest.raises(UserError, match=r"has no “rpn\.head\.cls_logits\.bias”"):
        build_from(without, card, MINE)
    with pytest.raises(UserError, match="its “extra” has no place"):
        build_from({**state, "extra": torch.zeros(1)}, card, MINE)
    with pytest.raises(UserError, match=r"“rpn\.head\.cls_logits\.bias” is 4 instead of 3"):
        build_from({**state, "rpn.head.cls_logits.bias": torch.zeros(4)}, card, MINE)


def test_shapes_that_would_not_fit_into_memory_are_refused(tmp_path: Path) -> None:
    huge = {"roi_heads.box_predictor.cls_score.weight": torch.zeros(()).expand(1 << 40, 1024)}
    torch.save(huge, tmp_path / "huge.pth")
    assert "billion numbers" in refusal(tmp_path / "huge.pth")
    many = {"roi_heads.box_predictor.cls_score.weight": torch.zeros(()).expand(900_000_000, 1)}
    torch.save(many, tmp_path / "many.pth")
    assert "impossible number of classes" in refusal(tmp_path / "many.pth")
    wide = shapes(of())
    wide["backbone.fpn.inner_blocks.0.0.weight"] = torch.zeros(()).expand(3_000_000, 256, 1, 1)
    torch.save(wide, tmp_path / "wide.pth")
    assert "does not fit" in refusal(tmp_path / "wide.pth")
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            with archive.open(f"data/{number}", "w", force_zip64=True) as member:
                for _ in range(64):
                    member.write(bytes(1 << 20))
    assert "is a zip archive without weights" in refusal(tmp_path / "bomb.pth")


def test_an_archive_that_says_it_is_huge_is_not_unpacked(tmp_path: Path) -> None:
    data = bytearray(zipped("x/data.pkl"))
    at = data.index(b"PK\x01\x02") + 24  # its size, in the central directory
    data[at : at + 4] = (0xF0000000).to_bytes(4, "little")
    entry = bytes(data[data.index(b"PK\x01\x02") : data.index(b"PK\x05\x06")])
    end = bytearray(data[data.index(b"PK\x05\x06") :])
    end[8:10] = end[10:12] = (2).to_bytes(2, "little")
    end[12:16] = (2 * len(entry)).to_bytes(4, "little")
    start = data.index(b"PK\x01\x02")
    (tmp_path / "bomb.pth").write_bytes(bytes(data[:start]) + 2 * entry + bytes(end))
    assert "would unpack to 8 GB" in refusal(tmp_path / "bomb.pth")


@settings(max_examples=40)
# The pickle modules say so of a damaged string; nobody outside of tests sees it.
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=6), st.booleans())
def test_damaged_files_never_show_more_than_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, place: int, noise: bytes, cut: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    if place % 2:
        torch.save({"model": {"a": torch.zeros(3)}}, path)
    else:
        path.write_bytes(pickle.dumps({"model": {"a": np.zeros(3, np.float32)}}, 4))
    data = bytearray(path.read_bytes())
    place %= len(data)
    data[place : place + len(noise)] = noise
    path.write_bytes(bytes(data[:place] if cut else data))
    with pytest.raises(UserError) as caught:
        load(path)
    assert "\n" not in str(caught.value)
