"""Weights that others wrote (.pth): opened without running code, and understood by their shapes."""

import argparse
import io
import pickle
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
import torch
from torch import Tensor
from torchvision.models.detection import MaskRCNN, MaskRCNN_ResNet50_FPN_Weights

from maskgui.core.detections import UNUSED_CATEGORY
from maskgui.core.errors import UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import load_weights
from maskgui.maskrcnn.config import COCO_V1, COCO_V2, Config

EXPECTED = "a state_dict of torchvision's maskrcnn_resnet50_fpn or maskrcnn_resnet50_fpn_v2"

State = dict[str, Tensor]

CLASSES = "roi_heads.box_predictor.cls_score.weight"
MASKS = "roi_heads.mask_predictor.mask_fcn_logits.weight"

_WEIGHTS_NEED = re.compile(
    r"collections\.OrderedDict|argparse\.Namespace|torch\._utils\._rebuild_\w+|torch\.\w*Storage"
    r"|torch\.(Size|device|[a-z]*float\w*|u?int\w*|long)|torch\.serialization\._get_layout"
)

# What a file holds instead, by names that only such files have.
OTHERS = (
    ("roi_heads.keypoint_head", "a Keypoint R-CNN"),
    ("roi_heads.box_predictor", "a box detector (Faster R-CNN) without a mask branch"),
    ("head.classification_head", "a RetinaNet"),
    ("proposal_generator.rpn_head", "a detectron2 model"),
    ("rpn_head.rpn_conv", "an mmdetection model"),
    ("model.0.conv", "a YOLO model"),
    ("image_encoder", "a Segment Anything model"),
    ("fc.weight", "an image classifier"),
    ("classifier", "an image classifier"),
)


def read_state(path: Path) -> State:
    """Return the tensors of a state_dict or of the reference trainer's {"model": ..., "args": ...}.

    Nothing but tensors, plain containers and that trainer's argparse.Namespace is unpickled.

    Raises:
        UserError: the file cannot be read, would run code, or holds no tensors by name.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickles it did not write itself
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise UserError(_refusal(path)) from error
    state = found.get("model", found) if isinstance(found, Mapping) else found
    if not isinstance(state, Mapping) or not _are_tensors(state):
        kind = _kind(state)
        raise UserError(f"“{path}” holds {kind} instead of named tensors; expected {EXPECTED}.")
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def recognise(state: Mapping[str, Tensor], path: Path) -> Config:
    """Return the architecture and the number of categories that the tensors' shapes tell.

    Raises UserError in one sentence that names what the file holds when it is something else.
    """
    if CLASSES not in state or MASKS not in state:
        raise UserError(f"“{path}” holds {_guess(state)}; expected {EXPECTED}.")
    if state["backbone.body.layer3.5.conv3.weight"].shape[0] != 1024 or (
        "backbone.body.layer3.6.conv1.weight" in state
    ):
        raise UserError(f"“{path}” has another backbone than ResNet-50; expected {EXPECTED}.")
    base = COCO_V1 if "roi_heads.box_head.fc6.weight" in state else COCO_V2
    learned_norms = "backbone.body.bn1.num_batches_tracked" in state
    return msgspec.structs.replace(
        base,
        categories=state[CLASSES].shape[0] - 1,
        norm="bn" if learned_norms else "frozen_bn",
        norm_eps=1e-5,
    )


def build_from(state: State, card: Card, path: Path) -> MaskRCNN:
    """Return the network of `card` with these weights, in evaluation mode."""
    module = build(card.config)
    try:
        load_weights(module, state)
    except RuntimeError as error:
        # The first line says only that there are errors; the second names the first tensor.
        first = [*str(error).splitlines(), ""][1].strip()
        raise UserError(f"“{path}” does not fit ({first[:160]}); expected {EXPECTED}.") from error
    return module.eval()


def coco_categories() -> tuple[str, ...]:
    """Return COCO's 90 names as torchvision numbers them; UNUSED_CATEGORY in the gaps."""
    names = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:]
    return tuple(UNUSED_CATEGORY if name == "N/A" else name for name in names)


def _are_tensors(state: Mapping[Any, Any]) -> bool:
    return bool(state) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    )


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        names = ", ".join(f"“{name}”" for name in list(value)[:3])
        return f"a dictionary of {names or 'nothing'}"
    return f"a {type(value).__name__}"


def _guess(state: Mapping[str, Tensor]) -> str:
    for start, what in OTHERS:
        if any(name.startswith(start) for name in state):
            return what
    first = next(iter(state))
    return f"{len(state)} tensors of another kind of network (such as “{first}”)"


def _refusal(path: Path) -> str:
    calls = sorted(_foreign_globals(path))
    if calls:
        named = ", ".join(calls[:3]) + (", ..." if len(calls) > 3 else "")
        return (
            f"“{path}” was not opened, because it asks to run {named}; save the weights alone "
            "(torch.save(model.state_dict(), ...)) or as safetensors."
        )
    return f"“{path}” is damaged or no PyTorch weights file; expected {EXPECTED}."


def _foreign_globals(path: Path) -> set[str]:
    """Return the functions and classes that a pickle names and a weights file has no use for.

    The pickle's instructions are listed, not run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".pkl")]
            named = {one for name in members for one in _globals(io.BytesIO(archive.read(name)))}
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        with path.open("rb") as file:
            named = set(_globals(file))
    return {name for name in named if not _WEIGHTS_NEED.fullmatch(name)}


def _globals(file: IO[bytes]) -> Iterator[str]:
    """Yield what the pickles at the start of a stream import; old files are several in a row."""
    strings: list[str] = []
    try:
        while True:
            for code, argument, _ in pickletools.genops(file):
                if isinstance(argument, str) and "UNICODE" in code.name:
                    strings.append(argument)
                if code.name == "GLOBAL":
                    yield str(argument).replace(" ", ".")
                elif code.name == "STACK_GLOBAL":
                    yield ".".join(strings[-2:])
    except (ValueError, IndexError, OverflowError):
        return  # no pickle, or no more of them
