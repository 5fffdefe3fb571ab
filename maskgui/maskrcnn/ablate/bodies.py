"""Starting a row as the paper starts from ImageNet: the body trained beforehand, all else fresh."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from maskgui.maskrcnn.bodies import Res5

BODY = "backbone.body."
RES5 = BODY + "layer4."
"""What C4 has as the head on its RoIs."""


@dataclass(frozen=True)
class Source:
    """Trained weights by tensor name, and the name to tell people."""

    name: str
    weights: Mapping[str, Tensor]


@dataclass(frozen=True)
class Taken:
    """How many of the body's tensors were taken over, and from which model ("" for none)."""

    taken: int
    tensors: int
    source: str


@torch.no_grad()
def take_body(module: Any, sources: Sequence[Source]) -> Taken:
    """Copy the body's tensors of the same name and shape from the source that has the most.

    res5 of a C4 network is the body's last stage, wherever it stands. A residual block that the
    trained body lacks starts as the identity: its last norm's weight is zero (Goyal et al. 2017,
    section 5.1), so that a deeper body begins with what the shallower one computes.
    """
    body = _body_tensors(module)
    fits = [(_fitting(body, source), source.name) for source in sources]
    names, source = max(fits, key=lambda one: len(one[0]), default=({}, ""))
    if not names:
        return Taken(0, len(body), "")
    for name, tensor in names.items():
        body[name].copy_(tensor)
    for name, block in module.backbone.body.named_modules():
        if isinstance(block, (BasicBlock, Bottleneck)):
            known = any(tensor.startswith(f"{BODY}{name}.") for tensor in names)
            if not known:
                _start_as_identity(block)
    return Taken(len(names), len(body), source)


def _body_tensors(module: Any) -> dict[str, Tensor]:
    """Return the tensors of C1-C5 by their names in a body: views that can be written to."""
    found = {BODY + name: value for name, value in module.backbone.body.state_dict().items()}
    res5 = getattr(module.roi_heads.box_head, "res5", None)
    if isinstance(res5, Res5):
        found |= {RES5 + name: value for name, value in res5.state_dict().items()}
    return {name: value for name, value in found.items() if value.is_floating_point()}


def _fitting(body: Mapping[str, Tensor], source: Source) -> dict[str, Tensor]:
    weights = source.weights
    return {
        name: weights[name]
        for name, own in body.items()
        if name in weights and weights[name].shape == own.shape
    }


def _start_as_identity(block: nn.Module) -> None:
    last = block.get_parameter(("bn3" if isinstance(block, Bottleneck) else "bn2") + ".weight")
    last.zero_()
