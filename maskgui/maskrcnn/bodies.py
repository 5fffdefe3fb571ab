"""Bodies (backbones) and necks: from images to the maps that RoIs are cut from (section 3).

A body's stages C2-C5 have strides 4, 8, 16 and 32. The necks make of them: FPN five levels '0'-'3'
and 'pool' (strides 4-64), C4 and C5 one map '0' (strides 16 and 32).
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import cast

import torchvision
from torch import Tensor, nn
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from maskgui.maskrcnn.config import RESNETS, Config
from maskgui.maskrcnn.slim import slim_body

Norm = Callable[[int], nn.Module]
"""From a number of channels to the layer that norms them."""

MOBILE_STAGES = (2, 4, 7, 13)
"""The blocks of MobileNetV3-large in which stages C2-C5 begin, as torchvision's FPN takes them."""

MOBILE_LAST = ("16", 960)
"""Its last convolution, at stride 32, and the channels of that."""

GROUPS = 32
"""Of GroupNorm (Wu and He 2018), as far as that leaves two channels or more for each."""


@dataclass(frozen=True)
class Body:
    """A network of named children, run in order; `stages` names those that end in C2-C5."""

    network: nn.Module
    stages: tuple[str, str, str, str]
    channels: tuple[int, ...]


def norm_layer(kind: str, eps: float = 1e-5) -> Norm | None:
    """Return what norms a number of channels: 'bn', 'frozen_bn', 'gn'; None for 'none'."""
    kinds: dict[str, Norm | None] = {
        "bn": partial(nn.BatchNorm2d, eps=eps),
        "frozen_bn": partial(FrozenBatchNorm2d, eps=eps),
        "gn": partial(_group_norm, eps=eps),
        "none": None,
    }
    return kinds[kind]


def _group_norm(channels: int, eps: float) -> nn.GroupNorm:
    return nn.GroupNorm(math.gcd(GROUPS, channels // 2, channels), channels, eps)


class Res5(nn.Sequential):
    """A ResNet's last stage as a head on RoIs (Figure 4 left): N x C x s x s -> N x C' x s' x s'.

    s' is s / `stride`; the stride lies in the first block, as in the ResNet itself.
    """

    def __init__(self, stage: nn.Sequential, out_channels: int, stride: int) -> None:
        super().__init__(*stage)
        self.out_channels = out_channels
        if stride == 1:
            for part in self[0].modules():
                if isinstance(part, nn.Conv2d):
                    part.stride = (1, 1)


@dataclass(frozen=True)
class Backbone:
    """Body and neck as one module: B x 3 x h x w -> {name: B x `channels` x h' x w'}.

    Its parameters are named `body.*` and `fpn.*`, as torchvision's. `res5` is there for C4.
    """

    module: nn.Module
    channels: int
    res5: Res5 | None = None


def backbone(config: Config) -> Backbone:
    """Return what `config` says of body and neck."""
    body = _body(config)
    if config.neck == "fpn":
        return Backbone(_pyramid(body, config), config.neck_channels)
    if config.neck == "c4":
        stage = cast(nn.Sequential, body.network.layer4)
        res5 = Res5(stage, body.channels[3], config.res5_stride)
        return Backbone(
            OneMap(body.network, body.stages[2], body.channels[2]), body.channels[2], res5
        )
    last, channels = body.stages[3], body.channels[3]
    if config.backbone == "mobilenet_v3_large":
        last, channels = MOBILE_LAST
    reduced = config.neck_channels
    return Backbone(OneMap(body.network, last, channels, reduced), reduced)


def _pyramid(body: Body, config: Config) -> BackboneWithFPN:
    normed = config.neck_norm == "body" and config.norm != "frozen_bn"
    return BackboneWithFPN(
        body.network,
        {name: str(number) for number, name in enumerate(body.stages)},
        list(body.channels),
        config.neck_channels,
        norm_layer=norm_layer(config.norm, config.norm_eps) if normed else None,
    )


class OneMap(nn.Module):
    """A body up to one of its stages, and a 1 x 1 convolution to `reduced` channels if given."""

    def __init__(
        self, network: nn.Module, stage: str, channels: int, reduced: int | None = None
    ) -> None:
        super().__init__()
        self.body = IntermediateLayerGetter(network, {stage: "0"})
        self.reduce = nn.Identity() if reduced is None else nn.Conv2d(channels, reduced, 1)
        self.out_channels = reduced or channels

    def forward(self, images: Tensor) -> Mapping[str, Tensor]:
        """Return {'0': B x out_channels x h x w} for images B x 3 x H x W."""
        return OrderedDict({"0": self.reduce(self.body(images)["0"])})


def _body(config: Config) -> Body:
    norm = norm_layer(config.norm, config.norm_eps)
    assert norm is not None
    if config.backbone == "slim":
        network = slim_body(config.widths, config.depths, norm)
        return Body(network, ("stage0", "stage1", "stage2", "stage3"), config.widths)
    if config.backbone in RESNETS:
        return _resnet(config, norm)
    return _mobilenet(config, norm)


def _resnet(config: Config, norm: Norm) -> Body:
    network: ResNet = getattr(torchvision.models, config.backbone)(weights=None, norm_layer=norm)
    if config.stride_in_1x1:
        for part in network.modules():
            if isinstance(part, Bottleneck):
                part.conv1.stride, part.conv2.stride = part.conv2.stride, (1, 1)
    if config.norm == "frozen_bn":
        _freeze(network.conv1, network.layer1)
    first = network.inplanes // 8
    return Body(
        network,
        ("layer1", "layer2", "layer3", "layer4"),
        tuple(first * 2**number for number in range(4)),
    )


def _mobilenet(config: Config, norm: Norm) -> Body:
    network = torchvision.models.mobilenet_v3_large(weights=None, norm_layer=norm).features
    if config.norm == "frozen_bn":
        _freeze(*network[: MOBILE_STAGES[2]])
    channels = tuple(network[block].out_channels for block in MOBILE_STAGES)
    c2, c3, c4, c5 = map(str, MOBILE_STAGES)
    return Body(network, (c2, c3, c4, c5), channels)


def _freeze(*parts: nn.Module) -> None:
    """Freeze what torchvision's factories do: norms that do not learn go with trained weights."""
    for part in parts:
        part.requires_grad_(False)
