"""Crowd regions in training: what lies in one is neither an object nor background.

COCO marks with iscrowd regions whose objects are not outlined one by one. Anchors and proposals
that lie in one and meet no outlined object are taken out of both losses.
"""

from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import (
    RegionProposalNetwork,
    concat_box_prediction_layers,
)

INSIDE = 0.5
"""Share in crowd regions, of a box's pixels within the image, from which it lies there."""

Targets = list[dict[str, Tensor]]


def in_crowd(boxes: Tensor, crowd: Tensor) -> Tensor:
    """Return which boxes (N x 4, pixels) lie in the crowd region (S x S, 0 or 1): N, bool."""
    height, width = crowd.shape
    sums = torch.zeros(height + 1, width + 1, device=crowd.device)
    sums[1:, 1:] = crowd.float().cumsum(0).cumsum(1)
    left, right = (boxes[:, k].round().long().clamp(0, width) for k in (0, 2))
    top, bottom = (boxes[:, k].round().long().clamp(0, height) for k in (1, 3))
    covered = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    inside = (right - left) * (bottom - top)
    return (inside > 0) & (covered >= INSIDE * inside)


def propose(
    rpn: RegionProposalNetwork, images: ImageList, features: dict[str, Tensor], targets: Targets
) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Return proposals and the RPN's losses, without negative anchors in crowd regions.

    `RegionProposalNetwork.forward` of torchvision 0.29 step by step, with one line more: it offers
    no place for labels of one's own.
    """
    levels = list(features.values())
    objectness, deltas = rpn.head(levels)
    anchors = rpn.anchor_generator(images, levels)
    per_level = [int(level[0].numel()) for level in objectness]
    objectness, deltas = concat_box_prediction_layers(objectness, deltas)
    boxes = rpn.box_coder.decode(deltas.detach(), anchors).view(len(anchors), -1, 4)
    proposals, _ = rpn.filter_proposals(boxes, objectness, images.image_sizes, per_level)
    labels, matched = rpn.assign_targets_to_anchors(anchors, targets)
    for label, places, target in zip(labels, anchors, targets, strict=True):
        label[(label == 0) & in_crowd(places, target["crowd"])] = -1
    wanted = rpn.box_coder.encode(matched, anchors)
    scores, boxes_loss = rpn.compute_loss(objectness, deltas, labels, wanted)
    return proposals, {"loss_objectness": scores, "loss_rpn_box_reg": boxes_loss}


def without_crowd(heads: RoIHeads, proposals: list[Tensor], targets: Targets) -> list[Tensor]:
    """Return the proposals less those that would be negatives inside crowd regions."""
    kept: list[Tensor] = []
    for boxes, target in zip(proposals, targets, strict=True):
        arguments: Any = ([boxes], [target["boxes"]], [target["labels"]])
        _, labels = heads.assign_targets_to_proposals(*arguments)
        kept.append(boxes[(labels[0] != 0) | ~in_crowd(boxes, target["crowd"])])
    return kept
