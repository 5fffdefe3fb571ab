"""The RPN's anchors and head, and the box head (section 3, Figure 4)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, TwoMLPHead
from torchvision.models.detection.rpn import RPNHead

from maskgui.maskrcnn.bodies import Res5, norm_layer
from maskgui.maskrcnn.config import Config

BOX_SIDE = 7
"""Rows and columns of a RoI before the box head's fully connected layers (Figure 4)."""


def anchors(config: Config) -> AnchorGenerator:
    """Return the anchors: with FPN one size on each level, else all sizes on the one level."""
    sizes: list[tuple[int, ...]] = [(size,) for size in config.anchor_sizes]
    if config.neck != "fpn":
        sizes = [config.anchor_sizes]
    kind = AnchorGenerator if config.anchor_rounding else ExactAnchors
    return kind(tuple(sizes), (config.anchor_ratios,) * len(sizes))


class ExactAnchors(AnchorGenerator):  # type: ignore[misc]  # torchvision has no types
    """Anchors whose area is the square of their size, on strides that are powers of two.

    torchvision rounds both: sizes to whole pixels, and the stride of a map whose last row or column
    reaches beyond the image, as the pool level's mostly does, down to image / map.
    """

    def grid_anchors(
        self, grid_sizes: list[list[int]], strides: list[list[Tensor]]
    ) -> list[Tensor]:
        """Return each level's anchors, h * w * A x 4, for maps of h x w."""
        exact = [[stride.log2().ceil().exp2() for stride in pair] for pair in strides]
        levels: list[Tensor] = super().grid_anchors(grid_sizes, exact)
        return levels

    def generate_anchors(
        self,
        scales: list[int],
        aspect_ratios: list[float],
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
    ) -> Tensor:
        """Return A x 4 boxes around the origin, all sizes for each ratio (height / width)."""
        sides = torch.as_tensor(scales, dtype=dtype, device=device)
        roots = torch.as_tensor(aspect_ratios, dtype=dtype, device=device).sqrt()
        widths = (sides[None, :] / roots[:, None]).flatten()
        heights = (sides[None, :] * roots[:, None]).flatten()
        return torch.stack([-widths, -heights, widths, heights], 1) / 2


def rpn_head(config: Config, channels: int) -> RPNHead:
    """Return the RPN's convolutions for maps of `channels`."""
    count = anchors(config).num_anchors_per_location()[0]
    return RPNHead(channels, count, conv_depth=config.rpn_convs)


def box_head(config: Config, channels: int, res5: Res5 | None) -> tuple[nn.Module, int]:
    """Return the box head and how many features F it gives: N x channels x side x side -> N x F.

    Two fully connected layers (v1), four convolutions and one (v2), or res5 and a mean (C4). RoIs
    of `config.box_side`, 7 or 14, reach the fully connected layers as 7 x 7.
    """
    if res5 is not None:
        return Res5BoxHead(res5), res5.out_channels
    features, factor = config.box_features, config.box_side // BOX_SIDE
    if config.box_head == "two_fc":
        return FullyConnectedHead(channels, features, factor), features
    return ConvolutionalHead(channels, features, factor, config), features


class FullyConnectedHead(TwoMLPHead):  # type: ignore[misc]  # torchvision has no types
    """torchvision's head of v1, on the maxima of `factor` x `factor` cells."""

    def __init__(self, channels: int, features: int, factor: int) -> None:
        super().__init__(channels * BOX_SIDE**2, features)
        self._factor = factor

    def forward(self, rois: Tensor) -> Tensor:
        """Return N x F features."""
        found: Tensor = super().forward(_reduced(rois, self._factor))
        return found


class ConvolutionalHead(FastRCNNConvFCHead):  # type: ignore[misc]  # torchvision has no types
    """torchvision's head of v2, whose convolutions see RoIs `factor` times as fine."""

    def __init__(self, channels: int, features: int, factor: int, config: Config) -> None:
        super().__init__(
            (channels, BOX_SIDE, BOX_SIDE),
            [channels] * 4,
            [features],
            norm_layer=norm_layer(config.head_norm),
        )
        self._factor = factor

    def forward(self, rois: Tensor) -> Tensor:
        """Return N x F features."""
        hidden = rois
        for layer in self:
            if isinstance(layer, nn.Flatten):
                hidden = _reduced(hidden, self._factor)
            hidden = layer(hidden)
        return hidden


def _reduced(maps: Tensor, factor: int) -> Tensor:
    """Return N x C x h/factor x w/factor, the maxima of the cells."""
    return F.max_pool2d(maps, factor) if factor > 1 else maps


class Res5BoxHead(nn.Module):
    """res5 and its mean over each RoI (Figure 4 left): N x C x s x s -> N x C'."""

    def __init__(self, res5: Res5) -> None:
        super().__init__()
        self.res5 = res5

    def forward(self, rois: Tensor) -> Tensor:
        """Return N x C' features."""
        hidden: Tensor = self.res5(rois)
        return hidden.mean((2, 3))
