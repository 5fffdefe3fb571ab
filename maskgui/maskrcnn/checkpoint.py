"""Model files: weights as safetensors, and the card of the same stem beside them."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.config import Config, read_toml, to_toml

WEIGHTS = ".safetensors"
CARD = ".toml"

_COUNTER = "num_batches_tracked"


def save_model(path: Path, module: nn.Module, card: Card, half: bool = True) -> Card:
    """Write `path` (.safetensors) and its card atomically; return the card with the sha256.

    With `half`, kernels and matrices are stored as float16; biases and norms, whose variances
    float16 can flush to zero, stay float32. A tensor that two names share is stored once.
    """
    weights = save_tensors(_distinct(module, half))
    card = msgspec.structs.replace(
        card,
        sha256=hashlib.sha256(weights).hexdigest(),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )
    path = path.with_suffix(WEIGHTS)
    write_atomic(path, weights)
    write_atomic(path.with_suffix(CARD), to_toml(card).encode())
    return card


def load_model(path: Path) -> tuple[FasterRCNN, Card]:
    """Return the network in evaluation mode, float32 on the CPU, and its card.

    Raises:
        UserError: a file is missing, the weights are not those the card names, or they do not
            fit the card's architecture.
    """
    path = path.with_suffix(WEIGHTS)
    card = read_card(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise UserError(
            f"{path} is not the file its card {path.with_suffix(CARD).name} describes (the sha256 "
            "differs); fetch or copy both files again."
        )
    try:
        weights = load_tensors(data)
    except SafetensorError as error:
        raise UserError(f"{path} is no safetensors file; fetch or copy it again.") from error
    wrong = misfit(card.config, {name: tensor.shape for name, tensor in weights.items()})
    if wrong:
        raise UserError(
            f"{path} does not fit the architecture in its card ({wrong}); fetch or copy both "
            "files again."
        )
    module = build(card.config)
    load_weights(module, weights)
    return module.eval(), card


def read_card(path: Path) -> Card:
    """Return the card beside the weights file `path`."""
    return read_toml(path.with_suffix(CARD), Card)


def misfit(config: Config, shapes: Mapping[str, torch.Size]) -> str:
    """Return in words the first tensor that the network of `config` has otherwise, or "".

    Takes no memory for the network. A tensor that two names share needs to be there once.
    """
    with torch.device("meta"):
        module = build(config)
    wanted = {name: value.shape for name, value in module.state_dict().items()}
    for name, first in _shared_names(module).items():
        if name not in shapes and first not in shapes and not name.endswith(_COUNTER):
            return f"it has no “{name}”"
    for name, shape in shapes.items():
        if name not in wanted and name.endswith(_COUNTER):
            continue
        if name not in wanted:
            return f"its “{name}” has no place"
        if shape != wanted[name]:
            return f"its “{name}” is {_times(shape)} instead of {_times(wanted[name])}"
    return ""


def load_weights(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load tensors of any float type strictly, giving shared names the one stored tensor."""
    shared = _shared_names(module)
    named = {name: weights[first] for name, first in shared.items() if first in weights}
    named |= {name: value for name, value in weights.items() if name not in named}
    # Some programs leave out the count of training steps, or keep it beside frozen norms.
    counters = {n: v for n, v in module.state_dict().items() if n.endswith(_COUNTER)}
    named = {n: v for n, v in named.items() if n in counters or not n.endswith(_COUNTER)}
    module.load_state_dict({n: _full(v) for n, v in {**counters, **named}.items()})


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _times(shape: torch.Size) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _distinct(module: nn.Module, half: bool) -> dict[str, Tensor]:
    tensors, state = {}, module.state_dict()
    for name, first in _shared_names(module).items():
        if name == first:
            tensor = state[name].detach().cpu()
            shrink = half and tensor.dtype == torch.float32 and tensor.ndim > 1
            tensors[name] = (tensor.half() if shrink else tensor).contiguous()
    return tensors


def _shared_names(module: nn.Module) -> dict[str, str]:
    """Return each tensor's name with the first name under which the same tensor appears."""
    first: dict[int, str] = {}
    state = module.state_dict(keep_vars=True)
    return {name: first.setdefault(id(tensor), name) for name, tensor in state.items()}
