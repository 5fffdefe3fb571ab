"""Model files: weights as safetensors, and the card of the same stem beside them."""

import hashlib
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.config import read_toml, to_toml

WEIGHTS = ".safetensors"
CARD = ".toml"


def save_model(path: Path, module: nn.Module, card: Card, half: bool = True) -> Card:
    """Write `path` (.safetensors) and its card atomically; return the card with the sha256.

    With `half`, kernels and matrices are stored as float16; biases and norms, whose variances
    float16 can flush to zero, stay float32. A tensor that two names share is stored once.
    """
    weights = save_tensors(_distinct(module.state_dict(), half))
    card = msgspec.structs.replace(
        card,
        sha256=hashlib.sha256(weights).hexdigest(),
        parameters=sum(parameter.numel() for parameter in module.parameters()),
    )
    path = path.with_suffix(WEIGHTS)
    write_atomic(path, weights)
    write_atomic(path.with_suffix(CARD), to_toml(card).encode())
    return card


def load_model(path: Path) -> tuple[MaskRCNN, Card]:
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
    module = build(card.config)
    try:
        load_weights(module, load_tensors(data))
    except (SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{path} does not fit the architecture in its card; fetch or copy both files again."
        ) from error
    return module.eval(), card


def read_card(path: Path) -> Card:
    """Return the card beside the weights file `path`."""
    return read_toml(path.with_suffix(CARD), Card)


def load_weights(module: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load tensors of any float type strictly, giving shared names the one stored tensor."""
    shared = _shared_names(module.state_dict())
    named = {name: weights[kept] for name, kept in shared.items() if kept in weights}
    unknown = {name: value for name, value in weights.items() if name not in shared}
    module.load_state_dict({name: _full(value) for name, value in {**named, **unknown}.items()})


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _distinct(state: dict[str, Tensor], half: bool) -> dict[str, Tensor]:
    tensors = {}
    for name, first in _shared_names(state).items():
        if name == first:
            tensor = state[name].detach().cpu()
            shrink = half and tensor.dtype == torch.float32 and tensor.ndim > 1
            tensors[name] = (tensor.half() if shrink else tensor).contiguous()
    return tensors


def _shared_names(state: dict[str, Tensor]) -> dict[str, str]:
    """Return each name with the first name under which the same storage appears."""
    first: dict[tuple[int, torch.Size], str] = {}
    names = {}
    for name, tensor in state.items():
        key = (tensor.data_ptr(), tensor.shape)
        names[name] = first.setdefault(key, name) if tensor.numel() else name
    return names
