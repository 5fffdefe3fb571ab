"""Small networks of every variant, a batch to train them on, and what they find by themselves."""

from functools import partial
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
import torchvision
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

from maskgui.maskrcnn import stages
from maskgui.maskrcnn.config import Config

SMALL = Config(
    categories=3,
    min_side=96,
    max_side=128,
    widths=(8, 8, 16, 16),
    depths=(1, 1, 1, 1),
    neck_channels=16,
    box_features=16,
    mask_channels=16,
    mask_side=14,
    anchor_sizes=(8, 16, 32, 64, 96),
    roi_canonical_side=48,
    rpn_candidates=60,
    proposals=8,
    train_proposals=20,
    train_rois=8,
    max_detections=8,
)
SIZE = (96, 128)
"""The pictures' height and width: at the network's scale, so that nothing is resized."""

RGB: NDArray[np.uint8] = np.repeat(
    np.repeat(np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8), 8, 0), 8, 1
)


def small(**choices: Any) -> Config:
    """SMALL with other choices."""
    return msgspec.structs.replace(SMALL, **choices)


def batch(categories: int = 3) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Two pictures with two and three objects: rectangles without a corner."""
    rng = np.random.default_rng(1)
    images = [torch.from_numpy(rng.random((3, *SIZE), np.float32)) for _ in range(2)]
    targets = []
    for count in (2, 3):
        corner = torch.from_numpy(rng.uniform(4, 50, (count, 2)).astype(np.float32))
        side = torch.from_numpy(rng.uniform(14, 42, (count, 2)).astype(np.float32))
        boxes = torch.cat([corner, corner + side], 1)
        masks = torch.zeros(count, *SIZE, dtype=torch.uint8)
        for mask, (x0, y0, x1, y1) in zip(masks, boxes.int().tolist(), strict=True):
            mask[y0:y1, x0:x1] = 1
            mask[y0 : (y0 + y1) // 2, x0 : (x0 + x1) // 2] = 0
        labels = torch.from_numpy(rng.integers(1, categories + 1, count))
        targets.append({"boxes": boxes, "labels": labels, "masks": masks})
    return images, targets


@torch.no_grad()
def settle_norms(module: FasterRCNN) -> None:
    """Let frozen norms hold the statistics of what they see in RGB, as trained ones do.

    Without, a deep body's maps fade to nothing, and all places of a picture score the same.
    """

    def hold(norm: nn.Module, inputs: tuple[Tensor]) -> None:
        norm.running_mean.copy_(inputs[0].mean((0, 2, 3)))
        norm.running_var.copy_(inputs[0].var((0, 2, 3)).clamp(min=1e-3))

    norms = [part for part in module.modules() if isinstance(part, FrozenBatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(hold) for norm in norms]
    stages.compute_features(module, RGB)
    for hook in hooks:
        hook.remove()


@torch.inference_mode()
def by_itself(module: FasterRCNN) -> dict[str, Tensor]:
    """What the network's own forward finds in RGB; `masks` are m x m, none for a box detector."""
    module.eval()
    small_masks: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: object, output: Any) -> None:
        if "masks" in output[0][0]:  # before they are pasted into the picture
            small_masks.append(output[0][0]["masks"][:, 0])

    hook = module.roi_heads.register_forward_hook(keep)
    found = dict(module([torch.from_numpy(RGB).permute(2, 0, 1) / 255])[0])
    hook.remove()
    if small_masks:
        found["masks"] = small_masks[0]
    return found


@torch.inference_mode()
def in_stages(module: FasterRCNN) -> dict[str, Tensor]:
    """The same by the stages of a prediction."""
    module.eval()
    heads = module.roi_heads
    features = stages.compute_features(module, RGB)
    proposals = stages.propose_regions(module, features)
    found = stages.classify_boxes(
        module, features, proposals, heads.score_thresh, heads.detections_per_img
    )
    return {
        "boxes": stages.to_image(found.boxes, features),
        "scores": found.scores,
        "labels": found.labels,
        "masks": stages.predict_masks(module, features, found.boxes, found.labels),
    }


class Narrow(ResNet):
    """A ResNet with an eighth of the channels and one block a stage."""

    def __init__(self, block: Any, *, weights: None, norm_layer: Any) -> None:
        super().__init__(block, [1, 1, 1, 1], norm_layer=norm_layer)
        assert weights is None

    def _make_layer(self, block: Any, planes: int, *args: Any, **choices: Any) -> nn.Sequential:
        return super()._make_layer(block, planes // 8, *args, **choices)


def narrow_resnets(patch: pytest.MonkeyPatch) -> None:
    """Let resnet18 and resnet50 be narrow ones."""
    patch.setattr(torchvision.models, "resnet18", partial(Narrow, BasicBlock))
    patch.setattr(torchvision.models, "resnet50", partial(Narrow, Bottleneck))
