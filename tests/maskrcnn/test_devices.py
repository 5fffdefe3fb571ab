"""Devices, and what is said when torch is not usable."""

import subprocess
import sys
from typing import Any

import pytest
import torch
import torchvision

from maskgui.core.errors import UserError
from maskgui.maskrcnn import devices
from maskgui.maskrcnn.devices import available_devices, check_torch, device_name, pick_device


def test_torch_and_torchvision_of_this_environment_fit() -> None:
    assert check_torch() is None


def test_a_torchvision_of_another_build_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def nms(*_: Any) -> None:
        raise RuntimeError("operator torchvision::nms does not exist\nmore")

    monkeypatch.setattr(torchvision.ops, "nms", nms)
    said = check_torch()
    assert said is not None
    assert "torchvision::nms does not exist); install both from the same package index." in said
    assert "\n" not in said


def test_a_missing_torch_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named '{name}'")

    monkeypatch.setattr(devices.importlib, "import_module", missing)
    assert check_torch() == (
        "torch and torchvision cannot be loaded (No module named 'torch'); install them again."
    )


@pytest.mark.parametrize(
    ("cuda", "mps", "found", "auto"),
    [
        (True, False, ["cuda", "cpu"], "cuda"),
        (False, True, ["mps", "cpu"], "cpu"),  # MPS is a choice, not a default
        (False, False, ["cpu"], "cpu"),
    ],
)
def test_what_is_there_and_what_auto_takes(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, found: list[str], auto: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert available_devices() == found
    assert pick_device() == auto
    assert [pick_device(name) for name in found] == found


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="“cuda” is not available on this machine; choose cpu"):
        pick_device("cuda")
    with pytest.raises(UserError, match="no device “tpu”; choose one of auto, cuda"):
        pick_device("tpu")
    assert device_name("cpu") == "CPU"


def test_preloading_leaves_an_import_that_works() -> None:
    code = "from maskgui.maskrcnn.devices import *; preload_torch(); assert check_torch() is None"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
