"""The slim body of the shipped models: a narrow ResNet for two CPU cores."""

from collections import OrderedDict
from collections.abc import Callable

from torch import nn
from torchvision.models.resnet import BasicBlock
from torchvision.ops.misc import Conv2dNormActivation


def slim_body(
    widths: tuple[int, ...], depths: tuple[int, ...], norm: Callable[[int], nn.Module]
) -> nn.Sequential:
    """Return basic residual stages 'stage0'-'stage3' at strides 4, 8, 16 and 32.

    Args:
        widths: channels of the four stages.
        depths: residual blocks of the four stages.
        norm: from a number of channels to the layer that norms them.

    A stem of two 3 x 3 convolutions keeps the edges of small objects that a ResNet's 7 x 7 and
    max-pooling would blur.
    """
    body = OrderedDict[str, nn.Module]()
    body["stem"] = nn.Sequential(
        Conv2dNormActivation(3, widths[0], 3, stride=2, norm_layer=norm),
        Conv2dNormActivation(widths[0], widths[0], 3, stride=2, norm_layer=norm),
    )
    before = widths[0]
    for number, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        stride = 1 if number == 0 else 2
        body[f"stage{number}"] = _stage(before, width, depth, stride, norm)
        before = width
    network = nn.Sequential(body)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def _stage(
    before: int, width: int, depth: int, stride: int, norm: Callable[[int], nn.Module]
) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != width:
        shortcut = Conv2dNormActivation(
            before, width, 1, stride, norm_layer=norm, activation_layer=None
        )
    blocks = [BasicBlock(before, width, stride, shortcut, norm_layer=norm)]
    blocks += [BasicBlock(width, width, norm_layer=norm) for _ in range(1, depth)]
    return nn.Sequential(*blocks)
