"""torchvision's Mask R-CNN in four steps, so that a run can stop between them.

The steps compute what the network's own `forward` does for one image, whatever its variant, up to
the m x m soft masks: these are never pasted into the image.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNPredictor
from torchvision.ops import MultiScaleRoIAlign

from maskgui.maskrcnn.mask_branch import AgnosticMaskPredictor, SoftmaxRoIHeads, softmax_masks

BOX_MASK_SIDE = 56
"""Rows and columns of the full masks of a network without a mask branch: their outlines cut the
corners of the boxes by half a cell, so the cells are small."""

Size = tuple[int, int]
"""(height, width) in pixels."""


@dataclass(frozen=True)
class Features:
    """What the backbone made of one image.

    levels: name -> 1 x C x h x w float32. resized: the image at the network's scale, without
    the padding that makes `padded`. original: the image itself.
    """

    levels: "OrderedDict[str, Tensor]"
    original: Size
    resized: Size
    padded: Size


@dataclass(frozen=True)
class Found:
    """Boxes N x 4 at the network's scale, scores N, labels N (1..K), the best first."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor

    def only(self, keep: Tensor) -> "Found":
        """Return those where `keep` (N, bool) is set."""
        return Found(self.boxes[keep], self.scores[keep], self.labels[keep])


def network_size(model: FasterRCNN, original: Size, shrink: float = 1.0) -> Size:
    """Return the size that torchvision's transform gives an image, `shrink` times as large."""
    transform = model.transform
    shortest, longest = min(original), max(original)
    scale = min(transform.min_size[-1] / shortest, transform.max_size / longest) * shrink
    # interpolate() truncates the product when it computes a size from a factor.
    return max(1, int(original[0] * scale)), max(1, int(original[1] * scale))


def compute_features(
    model: FasterRCNN, rgb: NDArray[np.uint8], shrink: float = 1.0, autocast: bool = False
) -> Features:
    """Resize, normalise and pad the image (H x W x 3 uint8), and run backbone and FPN.

    With `autocast` the backbone computes in bfloat16; its levels come back as float32.
    """
    device = next(model.parameters()).device
    original = (rgb.shape[0], rgb.shape[1])
    resized = network_size(model, original, shrink)
    # torch takes no read-only array, such as a cached image, without a warning.
    writable = np.require(rgb, requirements=["C", "W"])
    pixels = torch.from_numpy(writable).to(device).permute(2, 0, 1)[None]
    image = _resize(pixels, resized).div_(255)
    transform = model.transform
    mean = torch.tensor(transform.image_mean, device=device)[:, None, None]
    deviation = torch.tensor(transform.image_std, device=device)[:, None, None]
    image.sub_(mean).div_(deviation)
    step = int(transform.size_divisible)
    padded = (-(-resized[0] // step) * step, -(-resized[1] // step) * step)
    image = F.pad(image, (0, padded[1] - resized[1], 0, padded[0] - resized[0]))
    image = image.contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
        levels = model.backbone(image)
    # RoIAlign copies anything that is not contiguous, once for each call and level.
    return Features(
        OrderedDict((name, level.float().contiguous()) for name, level in levels.items()),
        original,
        resized,
        padded,
    )


def _resize(pixels: Tensor, size: Size) -> Tensor:
    """Resize 1 x 3 x H x W uint8 to float32 as torchvision does: bilinear, no antialiasing.

    Rows first, and only those that are read: a large image is never held as floats.
    """
    height, width = pixels.shape[-2:]
    above, below, share = _taps(height, size[0], pixels.device)
    upper = pixels[:, :, above].float()
    rows = upper.lerp_(pixels[:, :, below].float(), share[:, None])
    left, right, share = _taps(width, size[1], pixels.device)
    return rows[..., left].lerp_(rows[..., right], share)


def _taps(source: int, target: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each target pixel its two source pixels and the second one's share."""
    centres = (torch.arange(target, device=device) + 0.5) * (source / target) - 0.5
    centres = centres.clamp_(0, source - 1)
    first = centres.long()
    return first, (first + 1).clamp_(max=source - 1), centres - first


def propose_regions(model: FasterRCNN, features: Features) -> Tensor:
    """Return the RPN's proposals, P x 4, at the network's scale."""
    # Of the batch the RPN reads the shape only.
    batch = features.levels["0"].new_empty(()).expand(1, 3, *features.padded)
    images = ImageList(batch, [features.resized])
    proposals, _ = model.rpn(images, features.levels)
    return cast(Tensor, proposals[0])


def classify_boxes(
    model: FasterRCNN, features: Features, proposals: Tensor, floor: float, limit: int
) -> Found:
    """Return at most `limit` boxes with scores above `floor`, after NMS for each category."""
    heads = model.roi_heads
    pooled = _pool(heads.box_roi_pool, features, proposals)
    logits, deltas = heads.box_predictor(heads.box_head(pooled))
    # torchvision's own defaults (0.05, 100) would cut silently.
    heads.score_thresh, heads.detections_per_img = floor, limit
    boxes, scores, labels = heads.postprocess_detections(
        logits, deltas, [proposals], [features.resized]
    )
    return Found(boxes[0], scores[0], labels[0])


def predict_masks(model: FasterRCNN, features: Features, boxes: Tensor, labels: Tensor) -> Tensor:
    """Return N x m x m probabilities of each box's own category.

    Without a mask branch (a Faster R-CNN) an object is taken to fill its box: all ones.

    Args:
        boxes: N x 4 at the network's scale.
        labels: N, 1..K.
    """
    heads = model.roi_heads
    if not heads.has_mask():
        return boxes.new_ones(len(boxes), BOX_MASK_SIDE, BOX_MASK_SIDE)
    pooled = _pool(heads.mask_roi_pool, features, boxes)
    pooled = pooled.contiguous(memory_format=torch.channels_last)
    hidden = heads.mask_head(pooled)
    if isinstance(heads, SoftmaxRoIHeads):
        return softmax_masks(heads.mask_predictor(hidden), labels)
    return _chosen_logits(heads.mask_predictor, hidden, labels).sigmoid()


def _chosen_logits(predictor: nn.Module, hidden: Tensor, labels: Tensor) -> Tensor:
    """Return the logits N x m x m of each box's own category.

    A last 1 x 1 convolution is applied for that category only.
    """
    if isinstance(predictor, AgnosticMaskPredictor) or not isinstance(predictor, MaskRCNNPredictor):
        every: Tensor = predictor(hidden)
        return every[torch.arange(len(labels), device=labels.device), labels]
    upsample, relu, output = cast(nn.Sequential, predictor)
    hidden = relu(upsample(hidden))
    last = cast(nn.Conv2d, output)
    weight = last.weight[labels, :, 0, 0]  # N x C
    by_pixel = hidden.permute(0, 2, 3, 1).flatten(1, 2)  # N x m*m x C
    logits = torch.bmm(by_pixel, weight[:, :, None]).view(len(labels), *hidden.shape[-2:])
    return logits if last.bias is None else logits + last.bias[labels, None, None]


def to_image(boxes: Tensor, features: Features) -> Tensor:
    """Return boxes N x 4 in coordinates of the original image.

    x and y have separate ratios, because both sides are rounded to whole pixels; the padding
    takes no part.
    """
    ratio_y = features.original[0] / features.resized[0]
    ratio_x = features.original[1] / features.resized[1]
    return boxes * boxes.new_tensor([ratio_x, ratio_y, ratio_x, ratio_y])


def _pool(pool: MultiScaleRoIAlign, features: Features, boxes: Tensor) -> Tensor:
    # It keeps the scales of the first image it sees; and only the padded size divides evenly.
    pool.scales, pool.map_levels = None, None
    pooled: Tensor = pool(features.levels, [boxes], [features.padded])
    return pooled
