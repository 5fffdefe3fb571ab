"""detectron2's weights: every tensor of every published model is taken, and every difference to
torchvision's networks is honoured, each held against detectron2_reference by itself."""

import copy
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.image_list import ImageList

from maskgui.core.errors import UserError
from maskgui.maskrcnn import load
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import load_model, misfit, save_model
from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.detectron2 import convert
from maskgui.maskrcnn.foreign import build_from, default_categories, read_state, understand
from maskgui.maskrcnn.heads import anchors
from tests.maskrcnn import detectron2_reference as d2

HERE = Path("model.pkl")
HEIGHT, WIDTH = 96, 128
BOXES = torch.tensor([[4.0, 6.5, 60.2, 50.0], [30.0, 2.0, 120.0, 90.0], [70.0, 40.0, 84.0, 77.0]])


def network(name: str) -> tuple[d2.Published, d2.State, FasterRCNN, Config]:
    """Random weights of a published architecture with 3 categories, as theirs and as ours."""
    model = msgspec.structs.replace if False else d2.PUBLISHED[name]
    model = d2.Published(**{**vars(model), "categories": 3})
    state = d2.random_state(model)
    config, named = convert(state, HERE)
    card = Card("d2", "d2", config, ("a", "b", "c"))
    return model, state, build_from(named, card, HERE), config


Net = tuple[d2.Published, d2.State, FasterRCNN, Config]


@pytest.fixture(scope="module")
def fpn() -> Net:
    return network("mask_rcnn_R_50_FPN_3x")


@pytest.fixture(scope="module")
def c4() -> Net:
    return network("mask_rcnn_R_50_C4_3x")


@pytest.fixture(scope="module")
def x101() -> Net:
    return network("mask_rcnn_X_101_32x8d_FPN_3x")


@pytest.fixture(scope="module", params=["fpn", "c4"])
def either(request: pytest.FixtureRequest) -> Net:
    net: Net = request.getfixturevalue(request.param)
    return net


def image() -> Tensor:
    """3 x H x W, BGR, whole numbers of 0-255, as detectron2 takes it."""
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=generator).float()


def as_ours(module: FasterRCNN, bgr: Tensor) -> Tensor:
    """The same image as this program takes it (RGB, 0-1), normalised, 1 x 3 x H x W."""
    normalised: Tensor = module.transform.normalize(bgr.flip(0) / 255)
    return normalised[None]


# ---- every tensor of every model


@pytest.mark.parametrize("name", d2.PUBLISHED)
def test_every_published_tensor_is_taken_and_every_parameter_filled(name: str) -> None:
    model = d2.PUBLISHED[name]
    shapes = d2.shapes(model)
    marked = {
        key: torch.tensor(float(number)).expand(shape)
        for number, (key, shape) in enumerate(shapes.items(), 1)
    }
    config, named = convert(marked, HERE)
    assert misfit(config, {key: value.shape for key, value in named.items()}) == ""
    assert len(named) == len(shapes)
    marks = [int(value.flatten()[-1]) for value in named.values()]
    assert sorted(marks) == list(range(1, len(shapes) + 1))
    assert (config.backbone, config.neck) == (model.body, "c4" if model.c4 else "fpn")
    assert config.categories == 80
    assert config.stride_in_1x1 is model.stride_in_1x1
    assert config.mask_side == (14 if model.c4 else 28)
    assert config.rpn_candidates == (6000 if model.c4 else 1000)


def test_the_reference_lists_the_published_number_of_tensors() -> None:
    # 53 convolutions, each with a weight and a norm of four; 8 FPN, 3 RPN, 2 fc, 4 mask
    # convolutions, 2 box predictors, deconvolution and mask predictor, each weight and bias.
    assert len(d2.shapes(d2.PUBLISHED["mask_rcnn_R_50_FPN_3x"])) == 53 * 5 + 2 * 21
    assert len(d2.shapes(d2.PUBLISHED["mask_rcnn_R_101_FPN_3x"])) == 104 * 5 + 2 * 21
    assert len(d2.shapes(d2.PUBLISHED["mask_rcnn_R_50_C4_3x"])) == 53 * 5 + 2 * 7


def test_each_tensor_lies_where_its_name_says() -> None:
    state = d2.random_state(d2.Published(d2.R50, categories=2))
    _, named = convert(state, HERE)
    for ours, theirs in {
        "backbone.body.layer3.5.conv2.weight": "backbone.bottom_up.res4.5.conv2.weight",
        "backbone.body.layer3.5.bn3.running_var": (
            "backbone.bottom_up.res4.5.conv3.norm.running_var"
        ),
        "backbone.body.layer1.0.downsample.0.weight": "backbone.bottom_up.res2.0.shortcut.weight",
        "backbone.body.layer1.0.downsample.1.bias": (
            "backbone.bottom_up.res2.0.shortcut.norm.bias"
        ),
        "backbone.fpn.inner_blocks.3.0.weight": "backbone.fpn_lateral5.weight",
        "backbone.fpn.layer_blocks.0.0.bias": "backbone.fpn_output2.bias",
        "rpn.head.conv.0.0.weight": "proposal_generator.rpn_head.conv.weight",
        "roi_heads.box_head.fc7.bias": "roi_heads.box_head.fc2.bias",
        "roi_heads.mask_head.2.0.weight": "roi_heads.mask_head.mask_fcn3.weight",
        "roi_heads.mask_predictor.conv5_mask.weight": "roi_heads.mask_head.deconv.weight",
    }.items():
        assert torch.equal(named[ours], state[theirs]), ours


# ---- each difference by itself


@pytest.mark.parametrize("name", ["fpn", "x101"])
def test_colour_order_and_scale(name: str, request: pytest.FixtureRequest) -> None:
    model, state, module, _ = request.getfixturevalue(name)
    body = module.backbone.body
    with torch.no_grad():
        ours = body.maxpool(body.relu(body.bn1(body.conv1(as_ours(module, image())))))
        theirs = d2.stem(image(), state, model)
        swapped = d2.stem(image().flip(0), state, model)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(ours, swapped, rtol=1e-2, atol=1e-2)


def test_pixel_statistics_are_those_of_the_configs(fpn: Net, x101: Net) -> None:
    imagenet = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    assert fpn[3].pixel_mean == pytest.approx(imagenet[0], abs=1e-6)
    assert fpn[3].pixel_std == pytest.approx((1 / 255,) * 3)
    assert x101[3].pixel_mean == pytest.approx(imagenet[0], abs=1e-6)
    assert x101[3].pixel_std == pytest.approx(imagenet[1], abs=1e-6)


def test_statistics_in_the_file_count_more_than_the_published(fpn: Net) -> None:
    kept = {"pixel_mean": torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)}
    kept["pixel_std"] = torch.tensor([51.0, 102.0, 255.0]).view(3, 1, 1)
    config, _ = convert({**fpn[1], **kept}, HERE)
    assert config.pixel_mean == pytest.approx((3 / 255, 2 / 255, 1 / 255))
    assert config.pixel_std == pytest.approx((1.0, 0.4, 0.2))


@pytest.mark.parametrize("name", ["fpn", "x101"])
def test_the_place_of_the_stride(name: str, request: pytest.FixtureRequest) -> None:
    model, state, module, config = request.getfixturevalue(name)
    x = torch.randn(1, 256, 15, 18, generator=torch.Generator().manual_seed(1))
    prefix = "backbone.bottom_up.res3.0"
    other = d2.Published(**{**vars(model), "stride_in_1x1": not model.stride_in_1x1})
    with torch.no_grad():
        ours = module.backbone.body.layer2[0](x)
        theirs = d2.bottleneck(x, state, prefix, 2, model)
        misplaced = d2.bottleneck(x, state, prefix, 2, other)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ours, misplaced, rtol=1e-2, atol=1e-2)
    assert config.stride_in_1x1 is model.stride_in_1x1


def test_frozen_norms_keep_their_eps(fpn: Net) -> None:
    _, state, module, _ = fpn
    name = "backbone.bottom_up.stem.conv1.norm"
    norm = copy.deepcopy(module.backbone.body.bn1)
    small = {**state, f"{name}.running_var": torch.full((64,), 1e-5)}
    norm.running_var.copy_(small[f"{name}.running_var"])
    x = torch.randn(1, 64, 4, 5, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(norm(x), d2.frozen_bn(x, small, name), rtol=1e-4)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in module.modules())


def test_norms_of_old_files_have_no_statistics(fpn: Net) -> None:
    old = {name: value for name, value in fpn[1].items() if ".running_" not in name}
    config, named = convert(old, HERE)
    assert misfit(config, {name: value.shape for name, value in named.items()}) == ""
    assert torch.equal(named["backbone.body.layer4.2.bn3.running_var"], torch.ones(2048))
    assert torch.equal(named["backbone.body.layer4.2.bn3.running_mean"], torch.zeros(2048))


def test_roi_align_is_aligned_and_adaptive(either: Net) -> None:
    model, _, module, _ = either
    generator = torch.Generator().manual_seed(2)
    strides = (16,) if model.c4 else (4, 8, 16, 32)
    levels = [
        torch.randn(1, 5, HEIGHT // one, WIDTH // one, generator=generator) for one in strides
    ]
    named = OrderedDict((str(number), level) for number, level in enumerate(levels))
    side = 14 if model.c4 else 7
    for layer, out in ((module.roi_heads.box_roi_pool, side), (module.roi_heads.mask_roi_pool, 14)):
        ours = layer(named, [BOXES], [(HEIGHT, WIDTH)])
        assert torch.allclose(ours, d2.pool(levels, BOXES, out, model), atol=1e-5)


def test_the_background_is_first_and_has_no_box_and_no_mask(either: Net) -> None:
    model, state, module, _ = either
    heads, count = module.roi_heads, model.categories
    scores = state["roi_heads.box_predictor.cls_score.weight"]
    boxes = state["roi_heads.box_predictor.bbox_pred.bias"].view(count, 4)
    masks = state["roi_heads.mask_head.predictor.weight"]
    ours = heads.box_predictor.cls_score.weight
    assert torch.equal(ours[0], scores[count])
    for category in range(count):
        assert torch.equal(ours[category + 1], scores[category])
        moved = heads.box_predictor.bbox_pred.bias.view(-1, 4)[category + 1]
        assert torch.equal(moved, boxes[category])
        last = heads.mask_predictor.mask_fcn_logits.weight
        assert torch.equal(last[category + 1], masks[category])


def test_anchors_are_not_rounded_and_the_rpns_rows_follow_their_order(either: Net) -> None:
    model, state, _, _ = either
    sizes = d2.SIZES if model.c4 else d2.SIZES[1:2]
    theirs = d2.cell_anchors(sizes)
    head = "proposal_generator.rpn_head"
    numbered = {
        **state,
        f"{head}.objectness_logits.bias": torch.arange(len(theirs)).float(),
        f"{head}.anchor_deltas.bias": torch.arange(len(theirs) * 4).float(),
    }
    config, named = convert(numbered, HERE)
    level = torch.zeros(1, 256, 2, 3)
    levels = [level] if model.c4 else [level] * 5
    images = ImageList(torch.zeros(1, 3, 32, 48), [(32, 48)])
    ours = anchors(config)(images, levels)[0]
    count = len(theirs)
    if not model.c4:
        ours = ours[2 * 3 * 3 :]  # the second level
    order = named["rpn.head.cls_logits.bias"].long().numpy()
    assert np.allclose(ours[:count].numpy(), theirs[order], atol=1e-4)
    deltas = named["rpn.head.bbox_pred.bias"].view(-1, 4).long().numpy()
    assert np.array_equal(deltas, order[:, None] * 4 + np.arange(4))
    assert (np.abs(theirs - np.round(theirs)) > 0.1).any()  # rounding would have shown


def test_c4s_res5_keeps_its_stride_and_serves_both_heads(c4: Net) -> None:
    model, state, module, _ = c4
    rois = torch.randn(2, 1024, 14, 14, generator=torch.Generator().manual_seed(3))
    heads = module.roi_heads
    with torch.no_grad():
        theirs = d2.res5(rois, state, model)
        assert torch.allclose(heads.box_head(rois), theirs.mean((2, 3)), rtol=1e-3, atol=1e-4)
        assert torch.allclose(heads.mask_head(rois), theirs, rtol=1e-3, atol=1e-4)
    assert heads.box_head.res5 is heads.mask_head.res5


# ---- the whole forward


def test_the_whole_forward(either: Net) -> None:
    model, state, module, _ = either
    with torch.no_grad():
        theirs = d2.features(image(), state, model)
        ours = module.backbone(as_ours(module, image()))
        for one, two in zip(ours.values(), theirs, strict=True):
            assert torch.allclose(one, two, rtol=1e-3, atol=1e-3 * float(two.abs().max()))
        _compare_rpn(module, theirs, d2.rpn(theirs, state, model))
        _compare_heads(module, theirs, state, model)


def _compare_rpn(module: FasterRCNN, levels: list[Tensor], theirs: tuple[Tensor, Tensor]) -> None:
    """Ours sorts a cell's anchors by ratio and then by size, theirs the other way round."""
    logits, deltas = module.rpn.head(levels)
    images = ImageList(torch.zeros(1, 3, HEIGHT, WIDTH), [(HEIGHT, WIDTH)])
    grid = module.rpn.anchor_generator(images, levels)
    flat = torch.cat([one.permute(0, 2, 3, 1).flatten() for one in logits])
    moved = torch.cat(
        [one.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2).reshape(-1, 4) for one in deltas]
    )
    boxes = module.rpn.box_coder.decode(moved, grid)[:, 0]
    sizes = 5 if len(levels) == 1 else 1
    by_size = torch.arange(len(flat)).view(-1, 3, sizes).transpose(1, 2).flatten()
    assert torch.allclose(flat[by_size], theirs[0], rtol=1e-3, atol=1e-4)
    assert torch.allclose(boxes[by_size], theirs[1], rtol=1e-3, atol=2e-2)


def _compare_heads(
    module: FasterRCNN, levels: list[Tensor], state: d2.State, model: d2.Published
) -> None:
    heads = module.roi_heads
    named = OrderedDict((str(number), level) for number, level in enumerate(levels[:4]))
    pooled = heads.box_roi_pool(named, [BOXES], [(HEIGHT, WIDTH)])
    logits, deltas = heads.box_predictor(heads.box_head(pooled))
    scores, boxes = d2.box_outputs(levels, BOXES, state, model)
    assert torch.allclose(logits.softmax(1)[:, 1:], scores[:, :-1], rtol=1e-3, atol=1e-5)
    decoded = heads.box_coder.decode(deltas, [BOXES])
    assert torch.allclose(decoded[:, 1:], boxes, rtol=1e-4, atol=1e-2)
    masks = heads.mask_predictor(heads.mask_head(heads.mask_roi_pool(named, [BOXES], [(96, 128)])))
    theirs = d2.masks(levels, BOXES, state, model)
    assert masks.shape[-1] == (14 if model.c4 else 28)
    assert torch.allclose(masks.sigmoid()[:, 1:], theirs, rtol=1e-3, atol=1e-4)


# ---- files


def numpy_file(state: d2.State, path: Path, **more: Any) -> Path:
    content = {"model": {name: value.numpy() for name, value in state.items()}, **more}
    path.write_bytes(pickle.dumps(content, 4))
    return path


def test_both_kinds_of_file_load_save_and_load_again(c4: Net, tmp_path: Path) -> None:
    _, state, module, _ = c4
    cells = {"proposal_generator.anchor_generator.cell_anchors.0": torch.zeros(15, 4)}
    whole = {**state, **cells}
    pkl = numpy_file(whole, tmp_path / "model_final.pkl", __author__="Detectron2 Model Zoo")
    torch.save({"model": whole, "iteration": 7, "optimizer": {}}, tmp_path / "model_final.pth")
    first = understand(read_state(pkl), pkl)[1]
    loaded, card = load(tmp_path / "model_final.pth")
    assert card.variant == "R50-C4, RoIAlign, 3 categories"
    for name, value in first.items():
        assert torch.equal(value, loaded.state_dict()[name]), name
    save_model(tmp_path / "kept", loaded, card, half=False)
    # res5 stands in the file once: 4 bytes a number, and the header
    numbers = sum(value.numel() for value in state.values())
    assert (tmp_path / "kept.safetensors").stat().st_size < 4.02 * numbers + 100_000
    again, _ = load_model(tmp_path / "kept")
    assert again.roi_heads.box_head.res5 is again.roi_heads.mask_head.res5
    for name, value in module.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_a_model_of_coco_has_cocos_names(fpn: Net) -> None:
    names, ids = default_categories(msgspec.structs.replace(fpn[3], categories=80))
    assert len(names) == len(ids) == 80
    assert (names[0], ids[0], names[-1], ids[-1]) == ("person", 1, "toothbrush", 90)
    assert (names[11], ids[11]) == ("stop sign", 13)  # 12 is unused
    assert default_categories(fpn[3])[0] == ("category 1", "category 2", "category 3")


def test_a_class_agnostic_mask_stays_one(fpn: Net) -> None:
    single = dict(fpn[1])
    for kind in ("weight", "bias"):
        name = f"roi_heads.mask_head.predictor.{kind}"
        single[name] = single[name][:1]
    config, named = convert(single, HERE)
    assert config.mask_classes == "agnostic"
    assert misfit(config, {name: value.shape for name, value in named.items()}) == ""


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"roi_heads.box_head.0.fc1.weight": (1024, 12544)}, "a Cascade Mask R-CNN"),
        ({"sem_seg_head.p2.0.weight": (1, 1)}, "a Panoptic FPN"),
        ({"roi_heads.keypoint_head.score_lowres.weight": (1, 1)}, "a Keypoint R-CNN"),
        ({"backbone.fpn_lateral2.norm.weight": (256,)}, "norms in its FPN"),
        ({"backbone.bottom_up.res4.6.conv1.weight": (1,)}, "another backbone (7 blocks"),
    ],
)
def test_other_detectron2_models_are_named(
    fpn: Net, extra: dict[str, tuple[int, ...]], words: str
) -> None:
    state = {**fpn[1], **{name: torch.zeros(shape) for name, shape in extra.items()}}
    with pytest.raises(UserError) as caught:
        understand(state, HERE)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_detector_without_masks_and_caffe2_are_named(fpn: Net, tmp_path: Path) -> None:
    boxes = {name: value for name, value in fpn[1].items() if "mask_head" not in name}
    with pytest.raises(UserError, match=r"without “roi_heads\.mask_head\.predictor"):
        understand(boxes, HERE)
    path = tmp_path / "old.pkl"
    path.write_bytes(pickle.dumps({"blobs": {"conv1_w": np.zeros(3)}}, 2))
    with pytest.raises(UserError, match="Detectron 1"):
        read_state(path)
