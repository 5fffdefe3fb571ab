"""Every variant trains, predicts, is saved and loaded, and finds the same afterwards."""

import copy
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models.detection import FasterRCNN, MaskRCNN

from maskgui.core.detections import CERTAIN
from maskgui.core.errors import UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import load_model, save_model
from maskgui.maskrcnn.config import COCO_V1, Config, check
from maskgui.maskrcnn.mask_branch import SoftmaxRoIHeads
from maskgui.maskrcnn.predictor import Predictor
from maskgui.maskrcnn.vectorize import shapes
from tests.maskrcnn.variants import (
    RGB,
    SMALL,
    batch,
    by_itself,
    in_stages,
    narrow_resnets,
    settle_norms,
    small,
)

CHOICES = {
    "resnet18": small(backbone="resnet18"),
    "resnet18, frozen norms": small(backbone="resnet18", norm="frozen_bn", norm_eps=0.0),
    "resnet18, C5": small(backbone="resnet18", neck="c5", norm="gn"),
    "mobilenet": small(backbone="mobilenet_v3_large"),
    "mobilenet, C5, frozen norms": small(
        backbone="mobilenet_v3_large", neck="c5", norm="frozen_bn"
    ),
    "resnet50 as detectron2's C4": small(
        backbone="resnet50",
        neck="c4",
        stride_in_1x1=True,
        res5_stride=2,
        roi_aligned=True,
        roi_samples=0,
        anchor_rounding=False,
        pixel_mean=(0.4, 0.45, 0.5),
        pixel_std=(1 / 255, 1 / 255, 1 / 255),
    ),
    "group norm": small(norm="gn", box_head="four_conv_fc", head_norm="gn"),
    "frozen slim": small(norm="frozen_bn"),
    "no norm in the neck": small(neck_norm="none"),
    "v2's heads": small(box_head="four_conv_fc", head_norm="bn", rpn_convs=2),
    "four convolutions, no norm": small(box_head="four_conv_fc"),
    "finer RoIs for two layers": small(box_side=14),
    "finer RoIs for v2's heads": small(box_side=14, box_head="four_conv_fc", head_norm="bn"),
    "28": small(mask_side=28),
    "56": small(mask_side=56),
    "MLP, 28": small(mask_side=28, mask_branch="mlp"),
    "MLP + fc, 56": small(mask_side=56, mask_branch="mlp_fc"),
    "agnostic": small(mask_classes="agnostic"),
    "agnostic MLP": small(mask_classes="agnostic", mask_branch="mlp"),
    "agnostic C4": small(backbone="resnet18", neck="c4", mask_classes="agnostic"),
    "softmax": small(mask_loss="softmax"),
    "softmax MLP": small(mask_loss="softmax", mask_branch="mlp"),
    "softmax C4": small(backbone="resnet18", neck="c4", mask_loss="softmax"),
    "aligned": small(roi_aligned=True, roi_samples=0),
    "aligned max": small(roi_layer="align_max", roi_aligned=True, roi_samples=1),
    "exact anchors": small(anchor_rounding=False),
}
PAIRS = {
    f"{neck}, {layer}, {branch}": small(
        backbone="resnet18" if neck == "c4" else "slim",
        neck=neck,
        roi_layer=layer,
        mask_branch=branch,
    )
    for neck, layer, branch in product(
        ("fpn", "c4", "c5"),
        ("align", "align_max", "warp", "warp_max", "pool"),
        ("fcn", "mlp", "mlp_fc", "none"),
    )
}
EVERY = {**CHOICES, **PAIRS}


@pytest.mark.parametrize("name", EVERY)
def test_trains_predicts_saves_and_loads(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != "resnet18":
        narrow_resnets(monkeypatch)
    config = EVERY[name]
    torch.manual_seed(0)
    module = build(config)
    train(module)
    settle_norms(module)
    found, expected = in_stages(module), by_itself(module)
    assert len(found["boxes"]) > 0
    assert torch.allclose(found["boxes"], expected["boxes"], atol=1e-3, rtol=0)
    assert torch.allclose(found["scores"], expected["scores"], atol=1e-5)
    assert torch.equal(found["labels"], expected["labels"])
    if config.mask_branch == "none":
        assert "masks" not in expected
        assert (found["masks"] == 1).all()
    else:
        assert found["masks"].shape[1:] == (config.mask_side, config.mask_side)
        assert torch.allclose(found["masks"], expected["masks"], atol=1e-5)

    names = tuple("abc")
    save_model(tmp_path / "net", module, Card("net", "Net", config, names), half=False)
    loaded, card = load_model(tmp_path / "net")
    assert card.config == config
    again = in_stages(loaded)
    assert all(torch.equal(found[name], again[name]) for name in found)


def train(module: FasterRCNN) -> None:
    """Two steps; every loss is finite and reaches every parameter that learns."""
    module.train()
    images, targets = batch()
    learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(learning, lr=1e-4)
    for _ in range(2):
        losses = module(images, targets)
        assert isinstance(module, MaskRCNN) == ("loss_mask" in losses)
        assert all(torch.isfinite(loss) for loss in losses.values())
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                assert parameter.grad is not None, name
                assert torch.isfinite(parameter.grad).all(), name
        for part in (module.backbone, module.rpn.head, *heads_of(module)):
            assert any(p.grad is not None and p.grad.any() for p in part.parameters())
        optimiser.step()


@pytest.mark.parametrize("name", EVERY)
def test_learns_from_images_without_objects(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small batch of crops often shows nothing: no RoI then reaches the mask branch."""
    narrow_resnets(monkeypatch)
    torch.manual_seed(0)
    module = build(EVERY[name]).train()
    images, targets = batch()
    losses = module(images, [{key: value[:0] for key, value in one.items()} for one in targets])
    torch.stack(list(losses.values())).sum().backward()
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert not losses["loss_box_reg"].any()
    assert "loss_mask" not in losses or not losses["loss_mask"].any()
    learned = [p.grad for p in module.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in learned)


def heads_of(module: FasterRCNN) -> list[nn.Module]:
    heads = module.roi_heads
    named = (heads.box_head, heads.box_predictor, heads.mask_head, heads.mask_predictor)
    return [part for part in named if part is not None]


FOLDED = ("resnet18", "mobilenet", "v2's heads", "frozen slim", "softmax C4", "group norm")


@pytest.mark.parametrize("name", [*FOLDED, "c4, warp, mlp", "fpn, align, none"])
def test_the_predictor_finds_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_resnets(monkeypatch)
    torch.manual_seed(0)
    module = build(EVERY[name]).eval()
    expected = by_itself(copy.deepcopy(module))
    predictor = Predictor(module, Card("net", "Net", EVERY[name], tuple("abc")))
    found = predictor.detect(RGB, limit=SMALL.max_detections)
    # Folding rounds each norm anew.
    assert np.abs(found.boxes - expected["boxes"].numpy()).max() < 2e-2
    assert np.abs(found.scores - expected["scores"].numpy()).max() < 1e-4
    if "masks" in expected:
        wanted = (expected["masks"] * CERTAIN).round().numpy()
        assert np.abs(found.masks.astype(float) - wanted).max() <= 1e-3 * CERTAIN


def test_a_box_detectors_outlines_are_its_boxes() -> None:
    torch.manual_seed(0)
    config = small(mask_branch="none")
    found = Predictor(build(config), Card("net", "Net", config, tuple("abc"))).detect(RGB)
    outlines = shapes(found, range(len(found)), image_size=RGB.shape[:2])
    assert len(outlines) == len(found) > 0
    for outline, (x0, y0, x1, y1) in zip(outlines, found.boxes, strict=True):
        rings = np.concatenate([part.exterior for part in outline.parts])
        assert np.abs(rings.min(0) - (x0, y0)).max() < 2
        assert np.abs(rings.max(0) - (x1, y1)).max() < 2


REFUSED = {
    "needs the res5 of a ResNet and slim": {"neck": "c4"},
    "needs the res5 of a ResNet and mobilenet": {"neck": "c4", "backbone": "mobilenet_v3_large"},
    "compete": {"mask_loss": "softmax", "mask_classes": "agnostic"},
    "has no masks": {"mask_branch": "none", "mask_loss": "softmax"},
    "res5 is the head": {"neck": "c4", "backbone": "resnet18", "box_head": "four_conv_fc"},
    "box_side out": {"neck": "c4", "backbone": "resnet18", "box_side": 14},
    "res5_stride belongs": {"res5_stride": 2},
    "belongs to bottlenecks and resnet18": {"backbone": "resnet18", "stride_in_1x1": True},
    "belongs to RoIAlign": {"roi_layer": "pool", "roi_aligned": True},
    "fixed number of sampling points": {"roi_layer": "warp_max", "roi_samples": 0},
    "5 levels, but anchor_sizes has 2": {"anchor_sizes": (8, 16)},
    "at least one entry": {"neck": "c5", "anchor_sizes": ()},
}


@pytest.mark.parametrize(("words", "choices"), REFUSED.items(), ids=REFUSED)
def test_what_makes_no_sense_is_refused(words: str, choices: dict[str, object]) -> None:
    with pytest.raises(UserError, match=words) as told:
        build(small(**choices))
    assert str(told.value).count(".") == 1


@pytest.mark.parametrize("kind", ["two_fc", "four_conv_fc"])
def test_finer_rois_keep_the_weights_shapes_and_reach_the_layers_as_maxima(kind: str) -> None:
    torch.manual_seed(0)
    coarse, fine = (build(small(box_head=kind, box_side=side)) for side in (7, 14))
    fine.load_state_dict(coarse.state_dict())
    rois = torch.rand(3, SMALL.neck_channels, 14, 14)
    seen, head = fine.roi_heads.box_head(rois), coarse.roi_heads.box_head
    if kind == "two_fc":
        assert torch.equal(seen, head(F.max_pool2d(rois, 2)))
    else:
        convolutions = nn.Sequential(*list(head)[:4])
        rest = nn.Sequential(*list(head)[4:])
        assert torch.equal(seen, rest(F.max_pool2d(convolutions(rois), 2)))
    assert tuple(fine.roi_heads.box_roi_pool.output_size) == (14, 14)


def test_every_standard_choice_passes() -> None:
    for config in (Config(), COCO_V1, *EVERY.values()):
        check(config)


@pytest.mark.parametrize(
    ("choices", "parameters"),
    [
        ({"backbone": "resnet101"}, 63_341_297),
        ({"backbone": "resnext101_32x8d", "stride_in_1x1": True}, 107_485_937),
        ({"neck": "c4", "anchor_sizes": (32, 64, 128, 256, 512), "mask_side": 14}, 36_023_085),
        ({"backbone": "resnet101", "neck": "c4", "mask_side": 14}, 54_962_989),
        ({"backbone": "mobilenet_v3_large"}, 21_248_817),
    ],
)
def test_big_bodies_build(choices: dict[str, object], parameters: int) -> None:
    with torch.device("meta"):
        module = build(msgspec.structs.replace(COCO_V1, **choices))
    assert sum(parameter.numel() for parameter in module.parameters()) == parameters


def test_c4_shares_res5_between_box_and_mask() -> None:
    module = build(EVERY["c4, align, fcn"])
    heads = module.roi_heads
    assert heads.box_head.res5 is heads.mask_head.res5
    assert all(
        part.stride == (1, 1) for part in heads.box_head.modules() if isinstance(part, nn.Conv2d)
    )
    box, mask = heads.box_roi_pool.output_size, heads.mask_roi_pool.output_size
    assert box == mask == (7, 7)


def test_the_stride_moves_to_the_1x1() -> None:
    body = build(small(backbone="resnet50", stride_in_1x1=True)).backbone.body
    for name, stride in (("layer1", 1), ("layer2", 2), ("layer3", 2), ("layer4", 2)):
        first, *rest = body[name]
        assert first.conv1.stride == (stride, stride)
        assert first.conv2.stride == (1, 1)
        assert all(block.conv1.stride == block.conv2.stride == (1, 1) for block in rest)


def test_anchors_of_each_neck() -> None:
    exact = build(small(anchor_rounding=False)).rpn.anchor_generator.cell_anchors
    assert len(exact) == 5
    for size, boxes in zip((8, 16, 32, 64, 96), exact, strict=True):
        sides = boxes[:, 2:] - boxes[:, :2]
        assert torch.allclose(sides.prod(1), torch.full((3,), float(size**2)))
        assert torch.allclose(sides[:, 1] / sides[:, 0], torch.tensor([0.5, 1.0, 2.0]))
    rounded = build(small()).rpn.anchor_generator.cell_anchors
    for one, other in zip(exact, rounded, strict=True):
        assert torch.equal(one.round(), other)
    single = build(small(neck="c5")).rpn.anchor_generator
    assert single.num_anchors_per_location() == [15]


def test_the_config_reaches_the_network() -> None:
    config = small(pixel_mean=(0.1, 0.2, 0.3), pixel_std=(0.4, 0.5, 0.6), train_candidates=77)
    module = build(config)
    assert module.transform.image_mean == [0.1, 0.2, 0.3]
    assert module.transform.image_std == [0.4, 0.5, 0.6]
    assert module.rpn._pre_nms_top_n == {"training": 77, "testing": 60}
    assert isinstance(build(small(mask_loss="softmax")).roi_heads, SoftmaxRoIHeads)
    norms = [m for m in build(small(norm_eps=1e-3)).backbone.modules() if hasattr(m, "eps")]
    assert norms
    assert {norm.eps for norm in norms} == {1e-3}
