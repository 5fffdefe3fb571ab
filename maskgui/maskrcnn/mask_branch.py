"""The mask branch: from RoIs to m x m masks (section 3, Figure 4, Tables 2b, 2e and section 4.2).

Every branch ends in logits N x (K + 1) x m x m, of which the label 1..K of a RoI picks its own;
channel 0, the background's, is used by the softmax alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import (
    RoIHeads,
    fastrcnn_loss,
    project_masks_on_boxes,
)
from torchvision.ops import MultiScaleRoIAlign

from maskgui.maskrcnn.bodies import Res5, norm_layer
from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.roi_layers import roi_layer

MLP_SIDE = 14
"""Rows and columns of a RoI as an MLP takes it, at most; res5 gives half as many."""


@dataclass(frozen=True)
class MaskBranch:
    """What a Mask R-CNN has more than a Faster R-CNN."""

    roi_pool: MultiScaleRoIAlign
    head: nn.Module
    predictor: nn.Module


def mask_branch(config: Config, channels: int, res5: Res5 | None) -> MaskBranch | None:
    """Return the branch of `config` on maps of `channels`, sharing `res5` where there is one."""
    if config.mask_branch == "none":
        return None
    if config.mask_branch == "fcn":
        return _fcn(config, channels, res5)
    return _mlp(config, channels, res5)


def _fcn(config: Config, channels: int, res5: Res5 | None) -> MaskBranch:
    """Four 3 x 3 convolutions (or res5), a 2 x 2 deconvolution of stride 2, a 1 x 1 convolution."""
    pool = roi_layer(config.mask_side // 2 * config.res5_stride, config)
    head: nn.Module
    if res5 is not None:
        head, width = Res5MaskHead(res5), res5.out_channels
    else:
        width = config.mask_channels
        head = MaskRCNNHeads(
            channels, [width] * 4, dilation=1, norm_layer=norm_layer(config.head_norm)
        )
    kind = AgnosticMaskPredictor if config.mask_classes == "agnostic" else MaskRCNNPredictor
    predictor = kind(width, config.mask_channels, config.categories + 1)
    predictor.conv5_mask = Deconvolution.of(predictor.conv5_mask)
    return MaskBranch(pool, head, predictor)


def _mlp(config: Config, channels: int, res5: Res5 | None) -> MaskBranch:
    """Two or three hidden fully connected layers and the output's (Table 2e)."""
    side = min(config.mask_side // 2, MLP_SIDE)
    if res5 is not None:
        side = MLP_SIDE // 2
        channels = res5.out_channels
    features = config.box_features
    layers: list[nn.Module] = [] if res5 is None else [Res5MaskHead(res5)]
    layers.append(TwoMLPHead(channels * side**2, features))
    if config.mask_branch == "mlp_fc":
        layers += [nn.Linear(features, features), nn.ReLU(inplace=True)]
    predictor = MLPMaskPredictor(
        features,
        config.mask_side,
        config.categories + 1,
        agnostic=config.mask_classes == "agnostic",
    )
    pool = roi_layer(side * config.res5_stride, config)
    return MaskBranch(pool, nn.Sequential(*layers), predictor)


class Deconvolution(nn.ConvTranspose2d):
    """The 2 x 2 deconvolution of stride 2: N x C x s x s -> N x C' x 2s x 2s.

    Its outputs do not overlap, so it is a 1 x 1 convolution to four times the channels, dealt out.
    On a CPU that takes under half the time of the deconvolution's own gradient.
    """

    @classmethod
    def of(cls, layer: nn.ConvTranspose2d) -> "Deconvolution":
        """Return the same layer, sharing its parameters."""
        made = cls(layer.in_channels, layer.out_channels, 2, 2, device="meta")
        made.weight, made.bias = layer.weight, layer.bias
        return made

    def forward(self, input: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Return the enlarged maps."""
        learns_here = torch.is_grad_enabled() and input.device.type == "cpu"
        if not learns_here or not len(input):  # pixel_shuffle has no gradient for an empty batch
            return super().forward(input, output_size)
        assert self.bias is not None
        kernel = self.weight.permute(1, 2, 3, 0).reshape(-1, self.in_channels, 1, 1)
        return F.pixel_shuffle(F.conv2d(input, kernel, self.bias.repeat_interleave(4)), 2)


class Res5MaskHead(nn.Module):
    """The box head's res5 for masks (Figure 4 left): N x C x s x s -> N x C' x s' x s'."""

    def __init__(self, res5: Res5) -> None:
        super().__init__()
        self.res5 = res5

    def forward(self, rois: Tensor) -> Tensor:
        """Return res5 of the RoIs."""
        hidden: Tensor = self.res5(rois)
        return hidden


class AgnosticMaskPredictor(MaskRCNNPredictor):  # type: ignore[misc]  # torchvision has no types
    """One mask for whatever class: N x C x s x s -> N x (K + 1) x 2s x 2s, all channels the same.

    Args:
        in_channels: C.
        dim_reduced: channels after the deconvolution.
        num_classes: K + 1.
    """

    def __init__(self, in_channels: int, dim_reduced: int, num_classes: int) -> None:
        super().__init__(in_channels, dim_reduced, 1)
        self.num_classes = num_classes

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the one mask under each class."""
        mask: Tensor = super().forward(hidden)
        return mask.expand(-1, self.num_classes, -1, -1)


class MLPMaskPredictor(nn.Module):
    """The fully connected output of Table 2e's MLPs: N x F -> N x (K + 1) x m x m."""

    def __init__(self, features: int, side: int, num_classes: int, agnostic: bool) -> None:
        super().__init__()
        self.side, self.num_classes = side, num_classes
        self.channels = 1 if agnostic else num_classes
        self.masks = nn.Linear(features, self.channels * side**2)

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the logits; a class-agnostic mask stands under each class."""
        masks: Tensor = self.masks(hidden)
        shaped = masks.view(len(hidden), self.channels, self.side, self.side)
        return shaped.expand(-1, self.num_classes, -1, -1)


class SoftmaxRoIHeads(RoIHeads):  # type: ignore[misc]  # torchvision has no types
    """RoIHeads whose classes compete in each pixel of a mask (Table 2b, "softmax").

    A pixel of a RoI belongs to the RoI's class or to the background: a softmax over the K + 1
    channels, trained by the multinomial cross-entropy of that.
    """

    @classmethod
    def of(cls, heads: RoIHeads) -> "SoftmaxRoIHeads":
        """Return the same heads, sharing their modules, with the softmax."""
        matcher, sampler = heads.proposal_matcher, heads.fg_bg_sampler
        return cls(
            heads.box_roi_pool,
            heads.box_head,
            heads.box_predictor,
            matcher.high_threshold,
            matcher.low_threshold,
            sampler.batch_size_per_image,
            sampler.positive_fraction,
            heads.box_coder.weights,
            heads.score_thresh,
            heads.nms_thresh,
            heads.detections_per_img,
            heads.mask_roi_pool,
            heads.mask_head,
            heads.mask_predictor,
        )

    def forward(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None = None,
    ) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """Return (results, losses) as RoIHeads does: losses in training, results else."""
        if self.training:
            return [], self._losses(features, proposals, image_shapes, targets)
        logits, deltas = self._classify(features, proposals, image_shapes)
        boxes, scores, labels = self.postprocess_detections(logits, deltas, proposals, image_shapes)
        masks = softmax_masks(self._mask_logits(features, boxes, image_shapes), torch.cat(labels))
        per_image = torch.split(masks[:, None], [len(one) for one in boxes])
        names = ("boxes", "labels", "scores", "masks")
        rows = zip(boxes, labels, scores, per_image, strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows], {}

    def _losses(
        self,
        features: dict[str, Tensor],
        proposals: list[Tensor],
        image_shapes: list[tuple[int, int]],
        targets: list[dict[str, Tensor]] | None,
    ) -> dict[str, Tensor]:
        proposals, matched, labels, wanted = self.select_training_samples(proposals, targets)
        assert targets is not None  # select_training_samples has refused that
        logits, deltas = self._classify(features, proposals, image_shapes)
        classifier, box = fastrcnn_loss(logits, deltas, labels, wanted)
        positive = [torch.where(one > 0)[0] for one in labels]
        boxes = [one[kept] for one, kept in zip(proposals, positive, strict=True)]
        matched = [one[kept] for one, kept in zip(matched, positive, strict=True)]
        mask = softmax_mask_loss(
            self._mask_logits(features, boxes, image_shapes),
            boxes,
            [target["masks"] for target in targets],
            [target["labels"] for target in targets],
            matched,
        )
        return {"loss_classifier": classifier, "loss_box_reg": box, "loss_mask": mask}

    def _classify(
        self,
        features: dict[str, Tensor],
        boxes: list[Tensor],
        image_shapes: list[tuple[int, int]],
    ) -> tuple[Tensor, Tensor]:
        pooled = self.box_roi_pool(features, boxes, image_shapes)
        logits, deltas = self.box_predictor(self.box_head(pooled))
        return logits, deltas

    def _mask_logits(
        self,
        features: dict[str, Tensor],
        boxes: list[Tensor],
        image_shapes: list[tuple[int, int]],
    ) -> Tensor:
        pooled = self.mask_roi_pool(features, boxes, image_shapes)
        logits: Tensor = self.mask_predictor(self.mask_head(pooled))
        return logits


def softmax_masks(logits: Tensor, labels: Tensor) -> Tensor:
    """Return N x m x m: how probable each RoI's own class is against all others and the background.

    Args:
        logits: N x (K + 1) x m x m.
        labels: N, 1..K.
    """
    return logits.softmax(1)[torch.arange(len(labels), device=labels.device), labels]


def softmax_mask_loss(
    logits: Tensor,
    boxes: Sequence[Tensor],
    masks: Sequence[Tensor],
    labels: Sequence[Tensor],
    matched: Sequence[Tensor],
) -> Tensor:
    """Return the mean cross-entropy over the pixels of all RoIs, a scalar.

    A target pixel that the object covers by a share y is the class's by y, the background's by
    1 - y. Each sequence has one entry an image.

    Args:
        logits: N x (K + 1) x m x m for the N RoIs of all images.
        boxes: n x 4, the RoIs.
        masks: g x H x W, the objects.
        labels: g, 1..K.
        matched: n, each RoI's object.
    """
    if not len(logits):
        return logits.sum() * 0
    side = logits.shape[-1]
    wanted = torch.cat(
        [
            project_masks_on_boxes(mask, box, index, side)
            for mask, box, index in zip(masks, boxes, matched, strict=True)
        ]
    )
    own = torch.cat([one[index] for one, index in zip(labels, matched, strict=True)])
    log = F.log_softmax(logits, 1)
    of_class = log[torch.arange(len(own), device=own.device), own]
    return -(wanted * of_class + (1 - wanted) * log[:, 0]).mean()
