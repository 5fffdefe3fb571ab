"""The slim backbone of the shipped models: a narrow ResNet with a pyramid, for two CPU cores."""

from collections import OrderedDict

from torch import nn
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.resnet import BasicBlock
from torchvision.ops.misc import Conv2dNormActivation


def slim_backbone(
    widths: tuple[int, ...], depths: tuple[int, ...], neck_channels: int
) -> BackboneWithFPN:
    """Return basic residual stages at strides 4, 8, 16 and 32, joined by an FPN.

    Args:
        widths: channels of the four stages.
        depths: residual blocks of the four stages.
        neck_channels: channels of every pyramid level.

    The output is levels '0'-'3' (strides 4-32) and 'pool' (stride 64), as torchvision's ResNets
    give them. A stem of two 3 x 3 convolutions keeps the edges of small objects that 7 x 7 and
    max-pooling would blur.
    """
    body = OrderedDict[str, nn.Module]()
    body["stem"] = nn.Sequential(
        Conv2dNormActivation(3, widths[0], 3, stride=2),
        Conv2dNormActivation(widths[0], widths[0], 3, stride=2),
    )
    before = widths[0]
    for number, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        body[f"stage{number}"] = _stage(before, width, depth, stride=1 if number == 0 else 2)
        before = width
    for module in nn.Sequential(body).modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return BackboneWithFPN(
        nn.Sequential(body),
        {f"stage{number}": str(number) for number in range(len(widths))},
        list(widths),
        neck_channels,
        norm_layer=nn.BatchNorm2d,
    )


def _stage(before: int, width: int, depth: int, stride: int) -> nn.Sequential:
    shortcut = None
    if stride != 1 or before != width:
        shortcut = Conv2dNormActivation(before, width, 1, stride, activation_layer=None)
    blocks = [BasicBlock(before, width, stride, shortcut)]
    blocks += [BasicBlock(width, width) for _ in range(1, depth)]
    return nn.Sequential(*blocks)
