"""A network's config, read off the names and shapes of its tensors.

What has no tensor cannot be read: RoI layer, mask side, softmax, input size, anchor sizes. These
take torchvision's values, or those in a card beside the weights. The slim body, whose values are
never torchvision's, needs such a card.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from torch import Tensor

from maskgui.core.errors import UserError
from maskgui.maskrcnn.config import COCO_V1, Config
from maskgui.maskrcnn.sniffing import EXPECTED, network_kind

State = dict[str, Tensor]
Choices = dict[str, object]

SCORES = "roi_heads.box_predictor.cls_score.weight"
MASKS = "roi_heads.mask_predictor.mask_fcn_logits.weight"
MLP_MASKS = "roi_heads.mask_predictor.masks.weight"
RES5 = "roi_heads.box_head.res5."
BODY = "backbone.body."

MOST_CATEGORIES = 100_000


def modern_names(state: Mapping[str, Tensor]) -> State:
    """Return the tensors under torchvision's names of today.

    Those of before 0.13, which the published v1 file still has, lack the numbers of the layers.
    """
    return {_modern(name): tensor for name, tensor in state.items()}


def _modern(name: str) -> str:
    name = re.sub(r"^(rpn\.head\.conv)\.(weight|bias)$", r"\1.0.0.\2", name)
    name = re.sub(r"^(backbone\.fpn\.\w+_blocks\.\d)\.(weight|bias)$", r"\1.0.\2", name)
    layer = re.match(r"(roi_heads\.mask_head\.)mask_fcn(\d)\.", name)
    return f"{layer[1]}{int(layer[2]) - 1}.0.{name[layer.end() :]}" if layer else name


def recognise(state: Mapping[str, Tensor], path: Path) -> Config:
    """Return the config that tensors of torchvision's or this program's names tell.

    Raises UserError in one sentence that names what the file holds when it is something else.
    """
    choices: Choices = {"categories": categories(state, path), "norm_eps": 1e-5}
    choices |= _body(state, path)
    choices |= _neck(state)
    choices |= _heads(state)
    choices |= _masks(state, path)
    if choices["norm"] == "frozen_bn":
        choices.pop("neck_norm", None)  # such necks have no norms either way
    return msgspec.structs.replace(COCO_V1, **choices)


def categories(state: Mapping[str, Tensor], path: Path) -> int:
    """Return K. Raises UserError where there is no box predictor, or a senseless one."""
    if SCORES not in state:
        raise UserError(f"“{path}” holds {network_kind(state)}; {EXPECTED}.")
    scores = state[SCORES]
    if scores.ndim != 2 or not 2 <= scores.shape[0] <= MOST_CATEGORIES:
        raise UserError(f"“{path}” has an impossible number of classes; {EXPECTED}.")
    return scores.shape[0] - 1


def _body(state: Mapping[str, Tensor], path: Path) -> Choices:
    """Return `backbone` and `norm`."""
    if f"{BODY}stem.0.0.weight" in state:
        raise UserError(
            f"“{path}” has the slim body, whose input and anchor sizes are not in its tensors; put "
            f"the card that was saved with it beside it as {path.with_suffix('.toml').name}."
        )
    if f"{BODY}0.0.weight" in state:
        return {"backbone": "mobilenet_v3_large", "norm": _norm(state, f"{BODY}0.1.")}
    blocks = _count(state, rf"{re.escape(BODY)}layer3\.(\d+)\.conv2\.weight")
    second = state.get(f"{BODY}layer1.0.conv2.weight")
    bottleneck = f"{BODY}layer1.0.conv3.weight" in state
    grouped = second is not None and tuple(second.shape[:2]) == (256, 8)
    known = {
        (2, False, False): "resnet18",
        (6, True, False): "resnet50",
        (23, True, False): "resnet101",
        (23, True, True): "resnext101_32x8d",
    }
    if (blocks, bottleneck, grouped) not in known:
        raise UserError(f"“{path}” has an unknown body ({blocks} blocks in layer3); {EXPECTED}.")
    name = known[blocks, bottleneck, grouped]
    return {"backbone": name, "norm": _norm(state, f"{BODY}bn1.")}


def _neck(state: Mapping[str, Tensor]) -> Choices:
    """Return `neck`, `rpn_convs` and what else of these the shapes tell."""
    rpn: Choices = {"rpn_convs": 2 if "rpn.head.conv.1.0.weight" in state else 1}
    inner = "backbone.fpn.inner_blocks.0"
    if f"{inner}.0.weight" in state:
        normed = f"{inner}.1.weight" in state
        channels = state[f"{inner}.0.weight"].shape[0]
        neck_norm = "body" if normed else "none"
        return {"neck": "fpn", "neck_channels": channels, "neck_norm": neck_norm, **rpn}
    reduced = state.get("backbone.reduce.weight")
    if reduced is None:
        return {"neck": "c4", **rpn}
    return {"neck": "c5", "neck_channels": reduced.shape[0], **rpn}


def _heads(state: Mapping[str, Tensor]) -> Choices:
    """Return `box_head`, `head_norm` and `box_features`."""
    if "roi_heads.box_head.fc6.weight" in state:
        features = state["roi_heads.box_head.fc6.weight"].shape[0]
        return {"box_head": "two_fc", "box_features": features, "head_norm": _head_norm(state)}
    if "roi_heads.box_head.0.0.weight" in state:
        features = state[SCORES].shape[1]
        norm = _head_norm(state)
        return {"box_head": "four_conv_fc", "box_features": features, "head_norm": norm}
    return {"box_head": "two_fc", "head_norm": "none"}


def _head_norm(state: Mapping[str, Tensor]) -> str:
    for head in ("roi_heads.box_head.0.1.", "roi_heads.mask_head.0.1."):
        if f"{head}weight" in state:
            return _norm(state, head)
    return "none"


def _masks(state: Mapping[str, Tensor], path: Path) -> Choices:
    """Return what of the mask branch the shapes tell."""
    c4 = any(name.startswith(RES5) for name in state)
    if MASKS in state:
        choices: Choices = {
            "mask_channels": state[MASKS].shape[1],
            "mask_classes": "agnostic" if state[MASKS].shape[0] == 1 else "per_class",
        }
        return {**choices, "mask_side": 14} if c4 else choices
    if MLP_MASKS in state:
        return _mlp(state, c4)
    if any(name.startswith("roi_heads.mask_") for name in state):
        raise UserError(f"“{path}” holds {network_kind(state)}; {EXPECTED}.")
    if not any(name.startswith("roi_heads.keypoint") for name in state):
        return {"mask_branch": "none"}
    raise UserError(f"“{path}” holds a Keypoint R-CNN; {EXPECTED}.")


def _mlp(state: Mapping[str, Tensor], c4: bool) -> Choices:
    """Return kind, side and classes of a fully connected mask branch.

    Four classes at 14 px and one mask at 28 px have as many rows; the side of the RoIs, in the
    width of the first layer, tells them apart.
    """
    pixels, classes = state[MLP_MASKS].shape[0], state[SCORES].shape[0]
    head = "roi_heads.mask_head."
    inputs = next((v.shape[1] for n, v in state.items() if re.match(rf"{head}\d\.fc6\.w", n)), 0)
    channels = next((v.shape[1] for n, v in state.items() if n == "rpn.head.conv.0.0.weight"), 0)
    choices: Choices = {"box_features": state[MLP_MASKS].shape[1]}
    choices["mask_branch"] = "mlp_fc" if f"{head}{2 if c4 else 1}.weight" in state else "mlp"
    for side in (14, 28, 56):
        fits = c4 or inputs == channels * min(side // 2, 14) ** 2
        if fits and pixels in (side**2, classes * side**2):
            agnostic = pixels == side**2
            kind = "agnostic" if agnostic else "per_class"
            return {**choices, "mask_side": side, "mask_classes": kind}
    return choices


def _norm(state: Mapping[str, Tensor], start: str) -> str:
    """Return which norm has the tensors that begin with `start`."""
    if f"{start}running_mean" not in state:
        return "gn"
    return "bn" if f"{start}num_batches_tracked" in state else "frozen_bn"


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    return sum(re.fullmatch(pattern, name) is not None for name in state)
