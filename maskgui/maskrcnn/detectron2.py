"""detectron2's Mask R-CNNs (.pkl, .pth) as this program's: names, and everything beside the names.

What its published R50, R101 and X101 models do otherwise than torchvision's, from its
configs/Base-RCNN-FPN.yaml, Base-RCNN-C4.yaml and config/defaults.py:

- images are BGR on a scale of 0-255; R50 and R101 divide by no standard deviation, X101 does;
- a bottleneck's stride lies in its 1 x 1 convolution (R50 and R101, of Caffe's ResNets);
- RoIAlign is aligned to pixel centres, with as many samples as a bin has pixels;
- base anchors are not rounded; where one level has several sizes, a cell's anchors are sorted by
  size and then by ratio, torchvision's by ratio and then by size;
- the background is the last class, and has neither box deltas nor a mask;
- C4: res5 keeps its stride of 2 on RoIs of 14 x 14; masks are 14 x 14.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import torch
from torch import Tensor

from maskgui.core.errors import UserError
from maskgui.maskrcnn.config import COCO_V1, Config

State = dict[str, Tensor]

RES5 = "roi_heads.box_head.res5"

_BLOCK = r"res(?P<stage>\d)\.(?P<block>\d+)\."

_NAMES: tuple[tuple[str, str], ...] = (
    (r"proposal_generator\.rpn_head\.conv\.", "rpn.head.conv.0.0."),
    (r"proposal_generator\.rpn_head\.objectness_logits\.", "rpn.head.cls_logits."),
    (r"proposal_generator\.rpn_head\.anchor_deltas\.", "rpn.head.bbox_pred."),
    (r"roi_heads\.box_head\.fc1\.", "roi_heads.box_head.fc6."),
    (r"roi_heads\.box_head\.fc2\.", "roi_heads.box_head.fc7."),
    (r"roi_heads\.mask_head\.deconv\.", "roi_heads.mask_predictor.conv5_mask."),
    (r"roi_heads\.mask_head\.predictor\.", "roi_heads.mask_predictor.mask_fcn_logits."),
    (r"backbone\.(bottom_up\.)?stem\.conv1\.norm\.", "backbone.body.bn1."),
    (r"backbone\.(bottom_up\.)?stem\.conv1\.", "backbone.body.conv1."),
)
"""Starts of names, theirs and torchvision's, that differ as a whole."""

_IGNORED = re.compile(r"proposal_generator\.anchor_generator\.|pixel_(mean|std)$")

_SAYS_NOT = (
    (r"roi_heads\.box_head\.\d", "a Cascade Mask R-CNN"),
    (r"sem_seg_head\.", "a Panoptic FPN"),
    (r"roi_heads\.keypoint_head\.", "a Keypoint R-CNN"),
    (r".*conv2_offset\.", "a network with deformable convolutions"),
    (r"backbone\.fpn_lateral\d\.norm\.", "a network with norms in its FPN"),
    (r"roi_heads\.box_head\.conv1\.", "a network with convolutions in its box head"),
)


def is_detectron2(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are those of a detectron2 R-CNN."""
    return any(name.startswith("proposal_generator.") for name in state)


def convert(state: Mapping[str, Tensor], path: Path) -> tuple[Config, State]:
    """Return the architecture and the tensors under this program's names, ready to load strictly.

    Raises UserError in one sentence that says what the file holds when it is another network.
    """
    config = _recognise(state, path)
    named = {_rename(name): value for name, value in state.items() if not _IGNORED.match(name)}
    _fill_norms(named)
    stem = "backbone.body.conv1.weight"
    named[stem] = named[stem].flip(1)  # its channels, from BGR to RGB
    _move_background(named, config)
    if len(config.anchor_sizes) > 1 and config.neck == "c4":
        _sort_anchors(named, len(config.anchor_sizes), len(config.anchor_ratios))
    return config, named


def _recognise(state: Mapping[str, Tensor], path: Path) -> Config:
    fpn = "backbone.fpn_lateral2.weight" in state
    body = "backbone.bottom_up." if fpn else "backbone."
    config = msgspec.structs.replace(
        COCO_V1,
        **_backbone(state, body, path),
        **_inputs(state),
        categories=state["roi_heads.box_predictor.cls_score.weight"].shape[0] - 1,
        norm="bn" if f"{body}stem.conv1.norm.num_batches_tracked" in state else "frozen_bn",
        norm_eps=1e-5,
        neck_norm="none",
        roi_aligned=True,
        roi_samples=0,
        anchor_rounding=False,
    )
    if _mask_rows(state) == 1 and config.categories > 1:
        config = msgspec.structs.replace(config, mask_classes="agnostic")
    if fpn:
        return config
    return msgspec.structs.replace(
        config, neck="c4", res5_stride=2, mask_side=14, rpn_candidates=6000
    )


def _backbone(state: Mapping[str, Tensor], body: str, path: Path) -> dict[str, object]:
    """Return the config's `backbone` and `stride_in_1x1`."""
    _refuse_others(state, path)
    grouped = state[f"{body}res2.0.conv2.weight"].shape[:2] == (256, 8)
    blocks = len({name.split(".res4.")[1].split(".")[0] for name in state if ".res4." in name})
    known = {(False, 6): "resnet50", (False, 23): "resnet101", (True, 23): "resnext101_32x8d"}
    if (grouped, blocks) not in known:
        raise UserError(
            f"“{path}” holds a detectron2 model with another backbone ({blocks} blocks in res4); "
            "expected R50, R101 or X101 32x8d."
        )
    return {"backbone": known[grouped, blocks], "stride_in_1x1": not grouped}


def _refuse_others(state: Mapping[str, Tensor], path: Path) -> None:
    expected = "expected a detectron2 Mask R-CNN: R50-FPN, R101-FPN, X101-FPN, R50-C4 or R101-C4"
    for start, what in _SAYS_NOT:
        if any(re.match(start, name) for name in state):
            raise UserError(f"“{path}” holds {what} of detectron2; {expected}.")
    fpn = "backbone.fpn_lateral2.weight" in state
    needed = (
        "roi_heads.box_predictor.cls_score.weight",
        "roi_heads.mask_head.predictor.weight",
        "backbone.bottom_up.res2.0.conv2.weight" if fpn else "backbone.res2.0.conv2.weight",
        "roi_heads.box_head.fc1.weight" if fpn else "roi_heads.res5.0.conv1.weight",
    )
    missing = [name for name in needed if name not in state]
    if missing:
        raise UserError(f"“{path}” holds a detectron2 model without “{missing[0]}”; {expected}.")


def _inputs(state: Mapping[str, Tensor]) -> dict[str, object]:
    """Return the config's `pixel_mean` and `pixel_std`: RGB on a scale of 0-1.

    Newer files do not hold them; then they are those of the published configs.
    """
    mean = state.get("pixel_mean", torch.tensor([103.530, 116.280, 123.675]))
    grouped = any(
        name.endswith("res2.0.conv2.weight") and value.shape[1] == 8
        for name, value in state.items()
    )
    published = [57.375, 57.120, 58.395] if grouped else [1.0, 1.0, 1.0]
    deviation = state.get("pixel_std", torch.tensor(published))
    scaled = ((values.double().flatten().flip(0) / 255).tolist() for values in (mean, deviation))
    return dict(zip(("pixel_mean", "pixel_std"), map(tuple, scaled), strict=True))


def _mask_rows(state: Mapping[str, Tensor]) -> int:
    return state["roi_heads.mask_head.predictor.weight"].shape[0]


def _rename(name: str) -> str:
    for start, ours in _NAMES:
        if found := re.match(start, name):
            return ours + name[found.end() :]
    if found := re.match(r"backbone\.fpn_(lateral|output)(\d)\.", name):
        blocks = {"lateral": "inner_blocks", "output": "layer_blocks"}[found[1]]
        return f"backbone.fpn.{blocks}.{int(found[2]) - 2}.0.{name[found.end() :]}"
    if found := re.match(r"roi_heads\.mask_head\.mask_fcn(\d)\.", name):
        return f"roi_heads.mask_head.{int(found[1]) - 1}.0.{name[found.end() :]}"
    if found := re.match(rf"backbone\.(bottom_up\.)?{_BLOCK}", name):
        stage = f"backbone.body.layer{int(found['stage']) - 1}.{found['block']}."
        return stage + _within_block(name[found.end() :])
    if found := re.match(rf"roi_heads\.{_BLOCK}", name):
        return f"{RES5}.{found['block']}." + _within_block(name[found.end() :])
    return name


def _within_block(name: str) -> str:
    """Return a layer of a bottleneck by torchvision's name."""
    name = re.sub(r"^conv(\d)\.norm\.", r"bn\1.", name)
    name = re.sub(r"^shortcut\.norm\.", "downsample.1.", name)
    return re.sub(r"^shortcut\.", "downsample.0.", name)


def _fill_norms(named: State) -> None:
    """Complete norms whose mean and variance are already in their weight and bias.

    Files of before 2020 leave them out; detectron2 then takes 0 and 1 and adds eps all the same.
    """
    for name in [name for name in named if re.search(r"\.(bn\d|downsample\.1)\.weight$", name)]:
        start = name.removesuffix("weight")
        named.setdefault(f"{start}running_mean", torch.zeros_like(named[name]))
        named.setdefault(f"{start}running_var", torch.ones_like(named[name]))


def _move_background(named: State, config: Config) -> None:
    """Put the background, their last class, first; box deltas and masks get a row of zeros for it.

    No one reads those rows.
    """
    for kind in ("weight", "bias"):
        scores = f"roi_heads.box_predictor.cls_score.{kind}"
        named[scores] = named[scores].roll(1, 0)
        rows = {f"roi_heads.box_predictor.bbox_pred.{kind}": 4}
        if config.mask_classes == "per_class":
            rows[f"roi_heads.mask_predictor.mask_fcn_logits.{kind}"] = 1
        for name, count in rows.items():
            named[name] = torch.cat([torch.zeros_like(named[name][:count]), named[name]])


def _sort_anchors(named: State, sizes: int, ratios: int) -> None:
    """Bring the RPN's rows from size-major to torchvision's ratio-major order of anchors."""
    for name, per_anchor in (("cls_logits", 1), ("bbox_pred", 4)):
        for kind in ("weight", "bias"):
            full = f"rpn.head.{name}.{kind}"
            rows = named[full]
            by_size = rows.reshape(sizes, ratios, per_anchor, *rows.shape[1:])
            named[full] = by_size.transpose(0, 1).reshape(rows.shape)
