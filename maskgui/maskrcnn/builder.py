"""From a Config to a Mask R-CNN, of torchvision's parts throughout."""

from torch import nn
from torchvision.models import resnet50
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN, _resnet_fpn_extractor
from torchvision.models.detection.faster_rcnn import (
    FastRCNNConvFCHead,
    FastRCNNPredictor,
    TwoMLPHead,
)
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.slim import slim_backbone

BOX_POOL = 7
LEVELS = ["0", "1", "2", "3"]


def build(config: Config) -> MaskRCNN:
    """Return the network of `config` with fresh weights, in training mode; needs no network access.

    Module names and shapes are torchvision's, so its published state_dicts load strictly
    (maskrcnn_resnet50_fpn: 44,401,393 parameters, _v2: 46,359,409).
    """
    categories = config.categories + 1
    anchors = AnchorGenerator(
        tuple((size,) for size in config.anchor_sizes),
        (config.anchor_ratios,) * len(config.anchor_sizes),
    )
    model = MaskRCNN(
        _backbone(config),
        min_size=config.min_side,
        max_size=config.max_side,
        rpn_anchor_generator=anchors,
        rpn_head=_rpn_head(config),
        rpn_pre_nms_top_n_train=config.rpn_candidates,
        rpn_pre_nms_top_n_test=config.rpn_candidates,
        rpn_post_nms_top_n_train=config.train_proposals,
        rpn_post_nms_top_n_test=config.proposals,
        box_roi_pool=_roi_align(BOX_POOL, config),
        box_head=_box_head(config),
        box_predictor=FastRCNNPredictor(config.box_features, categories),
        box_score_thresh=config.score_floor,
        box_nms_thresh=config.box_nms,
        box_detections_per_img=config.max_detections,
        box_batch_size_per_image=config.train_rois,
        mask_roi_pool=_roi_align(config.mask_side // 2, config),
        mask_head=_mask_head(config),
        mask_predictor=MaskRCNNPredictor(config.mask_channels, config.mask_channels, categories),
    )
    if config.norm_eps != 1e-5:
        overwrite_eps(model, config.norm_eps)
    return model


def _backbone(config: Config) -> BackboneWithFPN:
    if config.backbone == "slim":
        return slim_backbone(config.widths, config.depths, config.neck_channels)
    if config.norm == "frozen_bn":
        body = resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
        return _resnet_fpn_extractor(body, trainable_layers=3)
    body = resnet50(weights=None, norm_layer=nn.BatchNorm2d)
    return _resnet_fpn_extractor(body, trainable_layers=5, norm_layer=nn.BatchNorm2d)


def _rpn_head(config: Config) -> RPNHead:
    return RPNHead(config.neck_channels, len(config.anchor_ratios), conv_depth=config.rpn_convs)


def _roi_align(side: int, config: Config) -> MultiScaleRoIAlign:
    return MultiScaleRoIAlign(
        LEVELS, side, sampling_ratio=2, canonical_scale=config.roi_canonical_side
    )


def _box_head(config: Config) -> nn.Module:
    channels, features = config.neck_channels, config.box_features
    head: nn.Module = TwoMLPHead(channels * BOX_POOL**2, features)
    if config.box_head == "four_conv_fc":
        head = FastRCNNConvFCHead(
            (channels, BOX_POOL, BOX_POOL),
            [channels] * 4,
            [features],
            norm_layer=_head_norm(config),
        )
    return head


def _mask_head(config: Config) -> MaskRCNNHeads:
    layers = [config.mask_channels] * 4
    return MaskRCNNHeads(config.neck_channels, layers, dilation=1, norm_layer=_head_norm(config))


def _head_norm(config: Config) -> type[nn.Module] | None:
    return nn.BatchNorm2d if config.head_norm == "bn" else None
