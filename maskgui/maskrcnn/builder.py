"""From a Config to a Mask R-CNN, of torchvision's parts wherever they exist."""

from typing import Any

from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

from maskgui.maskrcnn.bodies import backbone
from maskgui.maskrcnn.config import Config, check
from maskgui.maskrcnn.heads import anchors, box_head, rpn_head
from maskgui.maskrcnn.mask_branch import SoftmaxRoIHeads, mask_branch
from maskgui.maskrcnn.roi_layers import roi_layer


def build(config: Config) -> FasterRCNN:
    """Return the network of `config` with fresh weights, in training mode; needs no network access.

    It is a torchvision MaskRCNN, and a plain FasterRCNN where `mask_branch` is "none". Module names
    and shapes are torchvision's, so its published state_dicts load strictly
    (maskrcnn_resnet50_fpn: 44,401,393 parameters, _v2: 46,359,409).

    Raises:
        UserError: the choices do not go together (see `check`).
    """
    check(config)
    net = backbone(config)
    # In this order, because a seed's weights depend on it.
    rpn = rpn_head(config, net.channels)
    head, features = box_head(config, net.channels, net.res5)
    parts: dict[str, Any] = {
        "min_size": config.min_side,
        "max_size": config.max_side,
        "image_mean": list(config.pixel_mean),
        "image_std": list(config.pixel_std),
        "rpn_anchor_generator": anchors(config),
        "rpn_head": rpn,
        "rpn_pre_nms_top_n_train": config.train_candidates or config.rpn_candidates,
        "rpn_pre_nms_top_n_test": config.rpn_candidates,
        "rpn_post_nms_top_n_train": config.train_proposals,
        "rpn_post_nms_top_n_test": config.proposals,
        "box_roi_pool": roi_layer(config.box_side * config.res5_stride, config),
        "box_head": head,
        "box_predictor": FastRCNNPredictor(features, config.categories + 1),
        "box_score_thresh": config.score_floor,
        "box_nms_thresh": config.box_nms,
        "box_detections_per_img": config.max_detections,
        "box_batch_size_per_image": config.train_rois,
    }
    branch = mask_branch(config, net.channels, net.res5)
    if branch is None:
        return FasterRCNN(net.module, **parts)
    model = MaskRCNN(
        net.module,
        mask_roi_pool=branch.roi_pool,
        mask_head=branch.head,
        mask_predictor=branch.predictor,
        **parts,
    )
    if config.mask_loss == "softmax":
        model.roi_heads = SoftmaxRoIHeads.of(model.roi_heads)
    return model
