"""The standard variants are torchvision's: parameters, state_dicts, losses and detections.

The factories only freeze norms and layers when they are given weights; here they are given ours.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import WeightsEnum
from torchvision.models.detection import (
    MaskRCNN,
    MaskRCNN_ResNet50_FPN_V2_Weights,
    MaskRCNN_ResNet50_FPN_Weights,
    fasterrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)
from torchvision.ops import FrozenBatchNorm2d

from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.config import COCO_V1, COCO_V2, Config
from tests.maskrcnn.variants import batch

replace = msgspec.structs.replace
SIZES = {"min_size": 96, "max_size": 128}
FLOOR = {"box_score_thresh": 0.012, "box_detections_per_img": 100}
FEW = {  # RoIs, for v2's convolutions on each take long
    "rpn_post_nms_top_n_train": 60,
    "rpn_post_nms_top_n_test": 30,
    "box_batch_size_per_image": 16,
}

STANDARD = {
    "v1": (COCO_V1, maskrcnn_resnet50_fpn, MaskRCNN_ResNet50_FPN_Weights.COCO_V1, 44_401_393),
    "v2": (COCO_V2, maskrcnn_resnet50_fpn_v2, MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1, 46_359_409),
}


def shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in module.state_dict().items()}


@pytest.mark.parametrize(
    ("config", "factory", "parameters"),
    [
        # Without weights v1's factory has norms that learn, and none in the pyramid.
        (replace(COCO_V1, norm="bn", neck_norm="none"), maskrcnn_resnet50_fpn, 44_454_513),
        (COCO_V2, maskrcnn_resnet50_fpn_v2, 46_359_409),
        (
            replace(COCO_V1, norm="bn", neck_norm="none", mask_branch="none"),
            fasterrcnn_resnet50_fpn,
            41_808_406,
        ),
    ],
)
def test_names_and_shapes_are_the_factories(
    config: Config, factory: Callable[..., Any], parameters: int
) -> None:
    with torch.device("meta"):
        ours, theirs = build(config), factory(weights=None, weights_backbone=None)
    assert list(shapes(ours).items()) == list(shapes(theirs).items())
    learning = {name: p.requires_grad for name, p in ours.named_parameters()}
    assert learning == {name: p.requires_grad for name, p in theirs.named_parameters()}
    assert sum(p.numel() for p in ours.parameters()) == parameters
    for module in (ours, theirs):
        assert module.transform.min_size == (800,)
        assert module.transform.max_size == 1333
        assert module.rpn._pre_nms_top_n["training"] == 2000
        assert module.rpn._post_nms_top_n == {"training": 2000, "testing": 1000}
        assert module.roi_heads.fg_bg_sampler.batch_size_per_image == 512


def stir(module: nn.Module) -> None:
    """Norms as after training: statistics and scales that tell one from another."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d | FrozenBatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            part.weight.data.uniform_(0.6, 1.2)
            part.bias.data.normal_(0, 0.1)


@pytest.fixture(scope="module", params=STANDARD.values(), ids=STANDARD)
def pair(request: pytest.FixtureRequest) -> tuple[MaskRCNN, MaskRCNN]:
    """Our network, and torchvision's factory with our random weights in place of its file."""
    config, factory, weights, parameters = request.param
    torch.manual_seed(0)
    small = replace(
        config,
        min_side=96,
        max_side=128,
        score_floor=0.012,
        max_detections=100,
        train_proposals=60,
        proposals=30,
        train_rois=16,
    )
    ours = build(small)
    stir(ours)
    assert sum(p.numel() for p in ours.parameters()) == parameters
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WeightsEnum, "get_state_dict", lambda *_args, **_kw: ours.state_dict())
        theirs = factory(weights=weights, weights_backbone=None, **SIZES, **FLOOR, **FEW)
    return ours, theirs


def test_a_state_dict_of_torchvisions_loads_strictly(pair: tuple[MaskRCNN, MaskRCNN]) -> None:
    ours, theirs = pair
    before = ours.state_dict()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert list(before) == list(theirs.state_dict())
    eps = [part.eps for part in ours.modules() if isinstance(part, FrozenBatchNorm2d)]
    assert eps == [part.eps for part in theirs.modules() if isinstance(part, FrozenBatchNorm2d)]


def test_the_same_detections(pair: tuple[MaskRCNN, MaskRCNN]) -> None:
    images, _ = batch()
    with torch.inference_mode():
        ours, theirs = (module.eval()(images) for module in pair)
    for one, other in zip(ours, theirs, strict=True):
        assert len(one["boxes"]) > 0
        assert torch.allclose(one["boxes"], other["boxes"], atol=1e-3, rtol=0)
        assert torch.allclose(one["scores"], other["scores"], atol=1e-6)
        assert torch.equal(one["labels"], other["labels"])
        assert torch.allclose(one["masks"], other["masks"], atol=1e-5)


def test_the_same_losses(pair: tuple[MaskRCNN, MaskRCNN]) -> None:
    ours, theirs = (losses_of(module) for module in pair)
    assert ours.keys() == theirs.keys()
    assert len(ours) == 5
    for name, loss in ours.items():
        assert loss.item() == pytest.approx(theirs[name].item(), rel=1e-5), name


def losses_of(module: MaskRCNN) -> dict[str, Tensor]:
    images, targets = batch(categories=90)
    torch.manual_seed(3)  # for the sampling of anchors and RoIs
    with torch.no_grad():
        found: dict[str, Tensor] = module.train()(images, targets)
    return found


def test_what_learns_is_what_the_factory_lets_learn(pair: tuple[MaskRCNN, MaskRCNN]) -> None:
    ours, theirs = pair
    frozen = {name for name, p in ours.named_parameters() if not p.requires_grad}
    if isinstance(ours.backbone.body.bn1, FrozenBatchNorm2d):
        assert frozen == {n for n, p in theirs.named_parameters() if not p.requires_grad}
    else:
        assert not frozen  # fresh norms that learn mean a body to be trained
