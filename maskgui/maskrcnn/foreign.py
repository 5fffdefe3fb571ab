"""Weights that others wrote (.pth, .pkl, .safetensors): opened without running code, and
understood by the names and shapes of their tensors."""

import argparse
import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models.detection import FasterRCNN, MaskRCNN_ResNet50_FPN_Weights

from maskgui.core.detections import UNUSED_CATEGORY
from maskgui.core.errors import UserError
from maskgui.maskrcnn import detectron2, recognise, unpickle
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import load_weights, misfit
from maskgui.maskrcnn.config import Config, from_table
from maskgui.maskrcnn.sniffing import BROKEN_ZIP, EXPECTED, file_kind

State = dict[str, Tensor]

MOST_ELEMENTS = 1_000_000_000
"""Of all tensors together: ten times the largest published model."""

# What PyTorch's own weights files name; the reference trainer's options are the one addition.
_WEIGHTS_NEED = (
    r"collections\.OrderedDict|argparse\.Namespace|torch\._utils\._rebuild_\w+|torch\.\w*Storage"
    r"|_?_?builtins?(__)?\.set|torch\.(Size|device|[a-z]*float\w*|u?int\w*|long)"
    r"|torch\.serialization\._get_layout"
)

LARGEST_FLOAT = 8
"""Bytes of a number that tensors can hold; NumPy has longer ones."""

_TRAINERS = (("ultralytics.", "a YOLO model"), ("models.yolo.", "a YOLO model"))
"""Whole programs in a pickle, by the names of their modules."""

PLAIN = "save the weights as plain tensors of float32"

_LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How PyTorch files before 1.6 begin, after the pickle's protocol."""


def read_state(path: Path) -> State:
    """Return the tensors of a state_dict, or of the `model` in a checkpoint.

    Takes PyTorch's files, of which nothing but tensors, plain containers and the reference
    trainer's argparse.Namespace is unpickled; detectron2's pickles of arrays; and safetensors.

    Raises:
        UserError: the file cannot be read, would run code, would not fit into memory, or holds no
            tensors by name; one sentence that says what it is and what was expected.
    """
    try:
        content = _content(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"{path} cannot be read ({reason}); check the path.") from error
    state = _named_tensors(content, path)
    for name, tensor in state.items():
        kind = _odd_kind(tensor)
        if kind:
            raise UserError(f"“{path}” holds “{name}” as {kind}; {PLAIN}.")
    elements = sum(tensor.numel() for tensor in state.values())
    if elements > MOST_ELEMENTS:
        raise UserError(
            f"“{path}” describes a network of {elements / 1e9:.0f} billion numbers; {EXPECTED}."
        )
    return {name.removeprefix("module."): tensor for name, tensor in state.items()}


def understand(
    state: Mapping[str, Tensor], path: Path, given: Mapping[str, Any] | None = None
) -> tuple[Config, State]:
    """Return the architecture that names and shapes tell, and the tensors by this program's names.

    Args:
        state: the tensors of a file.
        path: the file, for messages.
        given: entries of Config that a card beside the file adds or corrects; a slim body, whose
            strides have no shape, needs them.

    Raises:
        UserError: it is something else (named in one sentence), or `given` is no part of a config.
    """
    given = given or {}
    if detectron2.is_detectron2(state):
        config, named = detectron2.convert(state, path)
    else:
        named = recognise.modern_names(state)
        if "backbone" in given:
            config = Config(categories=recognise.categories(named, path))
        else:
            config = recognise.recognise(named, path)
    table = {**msgspec.to_builtins(config), **given}
    return from_table(table, Config, path.with_suffix(".toml"), "config"), named


def build_from(state: Mapping[str, Tensor], card: Card, path: Path) -> FasterRCNN:
    """Return the network of `card` with these weights, in evaluation mode.

    The shapes are compared before any memory is taken. Raises UserError with the first misfit, or
    the first tensor of other than finite floats.
    """
    wrong = misfit(card.config, {name: tensor.shape for name, tensor in state.items()})
    if wrong:
        raise UserError(f"“{path}” does not fit: {wrong}; {EXPECTED}.")
    module = build(card.config)
    _check_numbers(state, module.state_dict(), path)
    load_weights(module, dict(state))
    return module.eval()


def _check_numbers(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    """Raise UserError for the first tensor that has no finite fractions where the network has."""
    for name, tensor in state.items():
        if name not in wanted or not wanted[name].is_floating_point():
            continue
        if not tensor.is_floating_point():
            kind = str(tensor.dtype).removeprefix("torch.")
            raise UserError(
                f"“{path}” holds “{name}” as {kind}, and the network takes floats; {PLAIN}."
            )
        if not bool(torch.isfinite(tensor.float()).all()):
            raise UserError(
                f"“{path}” is of no use: its “{name}” holds values that are not finite numbers, as "
                "a training that diverged leaves; take an earlier checkpoint."
            )


def _odd_kind(tensor: Tensor) -> str:
    """Return in words what a tensor is that has no plain values to copy, "" for a plain one."""
    kinds = {
        "a tensor without values (device meta)": tensor.is_meta,
        "a sparse tensor": tensor.layout is not torch.strided,
        "a quantised tensor": tensor.is_quantized,
    }
    return next((words for words, fits in kinds.items() if fits), "")


def coco_categories() -> tuple[str, ...]:
    """Return COCO's 90 names as torchvision numbers them; UNUSED_CATEGORY in the gaps."""
    names = MaskRCNN_ResNet50_FPN_Weights.COCO_V1.meta["categories"][1:]
    return tuple(UNUSED_CATEGORY if name == "N/A" else name for name in names)


def default_categories(config: Config) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return names and ids for weights without a card.

    90 categories are COCO's with the gaps, as torchvision has them, and 80 in a detectron2 model
    (known by its unrounded anchors) COCO's without; others are numbered.
    """
    used = [(name, number) for number, name in enumerate(coco_categories(), 1)]
    if config.categories < len(used):
        used = [pair for pair in used if pair[0] != UNUSED_CATEGORY]
    from_detectron2 = not config.anchor_rounding
    if config.categories == 90 or (from_detectron2 and config.categories == len(used)):
        return tuple(name for name, _ in used), tuple(number for _, number in used)
    return tuple(f"category {number}" for number in range(1, config.categories + 1)), ()


def _content(path: Path) -> object:
    """Return what the file holds, by its first bytes rather than its name."""
    if path.stat().st_size > unpickle.LARGEST_FILE:
        size = path.stat().st_size / 1e9
        raise UserError(f"“{path}” has {size:.0f} GB, too many for one model; {EXPECTED}.")
    if path.suffix == ".safetensors":
        return _from_safetensors(path)
    with path.open("rb") as file:
        head = file.read(32)
    if head[:1] == b"\x80" and _LEGACY not in head:
        return _from_pickle(path)
    return _from_torch(path)


def _from_safetensors(path: Path) -> State:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(f"“{path}” {file_kind(path)}; {EXPECTED}.") from error


def _from_pickle(path: Path) -> object:
    try:
        return unpickle.read_arrays(path.read_bytes())
    except unpickle.Refused as error:
        raise UserError(_refusal(path, [str(error)])) from error
    except unpickle.Damaged as error:
        raise UserError(f"“{path}” {file_kind(path)}; {EXPECTED}.") from error


def _from_torch(path: Path) -> object:
    _check_unpacked_size(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickles it did not write itself
            return torch.load(path, map_location="cpu", weights_only=True)
    except (*unpickle.BROKEN, RuntimeError, AssertionError, OSError) as error:
        calls = sorted(_foreign_globals(path))
        kind = _refusal(path, calls) if calls else f"“{path}” {file_kind(path)}; {EXPECTED}."
        raise UserError(kind) from error


def _check_unpacked_size(path: Path) -> None:
    """Refuse an archive that says it unpacks to more than any model has."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except BROKEN_ZIP:
        return  # not an archive; torch.load tells what is wrong with it
    if unpacked > unpickle.LARGEST_FILE:
        raise UserError(
            f"“{path}” was not opened, because it would unpack to {unpacked / 1e9:.0f} GB; "
            f"{EXPECTED}."
        )


def _named_tensors(content: object, path: Path) -> State:
    """Return the tensors by name that a file's content is, or has under `model`."""
    state = content.get("model", content) if isinstance(content, Mapping) else content
    if not isinstance(state, Mapping) or not state:
        raise UserError(f"“{path}” holds {_kind(content)} instead of named tensors; {EXPECTED}.")
    if "blobs" in state:
        raise UserError(f"“{path}” holds a Detectron 1 (Caffe2) model; {EXPECTED}.")
    tensors = {name: _tensor(value) for name, value in state.items()}
    named = {
        name: tensor
        for name, tensor in tensors.items()
        if tensor is not None and isinstance(name, str)
    }
    if len(named) < len(state):
        raise UserError(f"“{path}” holds {_kind(state)} instead of named tensors; {EXPECTED}.")
    return named


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind == "f" and value.dtype.itemsize > LARGEST_FLOAT:
            value = value.astype(np.float64)
        return torch.from_numpy(np.array(value))
    return None


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        if "param_groups" in value or ("optimizer" in value and "model" not in value):
            return "the state of an optimiser"
        names = ", ".join(f"“{name}”" for name in list(value)[:3])
        return f"a dictionary of {names or 'nothing'}"
    return f"a {type(value).__name__}"


def _refusal(path: Path, calls: list[str]) -> str:
    named = ", ".join(calls[:3]) + (", ..." if len(calls) > 3 else "")
    for start, what in _TRAINERS:
        if any(call.startswith(start) for call in calls):
            return f"“{path}” holds {what} (it asks to run {named}); {EXPECTED}."
    return (
        f"“{path}” was not opened, because it asks to run {named}; save the weights alone "
        "(torch.save(model.state_dict(), ...)) or as safetensors."
    )


def _foreign_globals(path: Path) -> set[str]:
    """Return the functions and classes that a pickle names and a weights file has no use for.

    The pickle's instructions are listed, not run.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(".pkl")]
            named = {
                one
                for name in members
                for one in unpickle.named_globals(io.BytesIO(archive.read(name)))
            }
    except BROKEN_ZIP:
        named = set(unpickle.named_globals(io.BytesIO(path.read_bytes())))
    return {name for name in named if not re.fullmatch(_WEIGHTS_NEED, name)}
