"""Batch norms folded into the convolutions before them: the same function, fewer passes."""

from itertools import pairwise

import torch
from torch import nn
from torchvision.ops import FrozenBatchNorm2d


def fold_norms(module: nn.Module) -> int:
    """Fold, in place, every batch norm that directly follows a convolution; return how many.

    The norms use their running statistics (evaluation mode). torchvision registers a norm right
    after the convolution it follows, in residual blocks as in sequences, and so is it found.
    """
    folded = 0
    for parent in list(module.modules()):
        children = list(parent.named_children())
        for (_, conv), (name, norm) in pairwise(children):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d | FrozenBatchNorm2d):
                _fold(conv, norm)
                setattr(parent, name, nn.Identity())
                folded += 1
    return folded


@torch.no_grad()
def _fold(conv: nn.Conv2d, norm: nn.BatchNorm2d | FrozenBatchNorm2d) -> None:
    # In double precision, so that folding adds no rounding of its own.
    variance = _double(norm.running_var) + norm.eps
    factor = _double(norm.weight) / variance.sqrt()
    bias = torch.zeros_like(factor) if conv.bias is None else _double(conv.bias)
    bias = (bias - _double(norm.running_mean)) * factor + _double(norm.bias)
    weight = conv.weight.double() * factor[:, None, None, None]
    conv.weight = nn.Parameter(weight.to(conv.weight), requires_grad=False)
    conv.bias = nn.Parameter(bias.to(conv.weight), requires_grad=False)


def _double(value: object) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise TypeError("a batch norm without statistics or weights cannot be folded")
    return value.double()
