"""detectron2's published Mask R-CNNs, restated: their tensors by name and shape, and their forward.

Restated from its configs (Base-RCNN-FPN.yaml, Base-RCNN-C4.yaml, defaults.py, and the five under
COCO-InstanceSegmentation) and modules (resnet.py, fpn.py, rpn.py, anchor_generator.py, box_head.py,
mask_head.py, fast_rcnn.py, roi_heads.py, batch_norm.py), in plain torch functions and NumPy.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

MEAN_BGR = (103.530, 116.280, 123.675)
SIZES, RATIOS = (32, 64, 128, 256, 512), (0.5, 1.0, 2.0)
EPS = 1e-5


@dataclass(frozen=True)
class Published:
    """What the config of a published model says where models differ."""

    blocks: tuple[int, int, int, int]
    c4: bool = False
    groups: int = 1
    width: int = 64
    """Of one group; the bottleneck of res2 has groups x width channels."""
    std_bgr: tuple[float, float, float] = (1.0, 1.0, 1.0)
    stride_in_1x1: bool = True
    body: str = ""
    categories: int = 80


R50, R101 = (3, 4, 6, 3), (3, 4, 23, 3)
X101_STD = (57.375, 57.120, 58.395)
PUBLISHED = {
    "mask_rcnn_R_50_FPN_3x": Published(R50, body="resnet50"),
    "mask_rcnn_R_101_FPN_3x": Published(R101, body="resnet101"),
    "mask_rcnn_X_101_32x8d_FPN_3x": Published(
        R101, groups=32, width=8, std_bgr=X101_STD, stride_in_1x1=False, body="resnext101_32x8d"
    ),
    "mask_rcnn_R_50_C4_3x": Published(R50, c4=True, body="resnet50"),
    "mask_rcnn_R_101_C4_3x": Published(R101, c4=True, body="resnet101"),
}

Shapes = dict[str, tuple[int, ...]]
State = dict[str, Tensor]


def shapes(model: Published) -> Shapes:
    """Return every tensor of the published file, by name (the anchors and pixel means apart)."""
    body = "backbone." if model.c4 else "backbone.bottom_up."
    found = _conv_bn(f"{body}stem.conv1", 64, 3, 7)
    before, narrow = 64, model.groups * model.width
    for number, count in enumerate(model.blocks):
        stage = "roi_heads.res5" if model.c4 and number == 3 else f"{body}res{number + 2}"
        for block in range(count):
            wide, name = 256 * 2**number, f"{stage}.{block}"
            if block == 0:
                found |= _conv_bn(f"{name}.shortcut", wide, before, 1)
            found |= _conv_bn(f"{name}.conv1", narrow, before, 1)
            found |= _conv_bn(f"{name}.conv2", narrow, narrow // model.groups, 3)
            found |= _conv_bn(f"{name}.conv3", wide, narrow, 1)
            before = wide
        narrow *= 2
    return found | _rpn(model) | (_c4_heads(model) if model.c4 else _fpn_heads(model))


def _conv_bn(name: str, out: int, into: int, side: int) -> Shapes:
    norms = {f"{name}.norm.{part}": (out,) for part in ("weight", "bias", "running_mean")}
    norms[f"{name}.norm.running_var"] = (out,)
    return {f"{name}.weight": (out, into, side, side), **norms}


def _layer(name: str, *shape: int) -> Shapes:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _rpn(model: Published) -> Shapes:
    head, channels = "proposal_generator.rpn_head", 1024 if model.c4 else 256
    count = len(RATIOS) * (len(SIZES) if model.c4 else 1)
    return {
        **_layer(f"{head}.conv", channels, channels, 3, 3),
        **_layer(f"{head}.objectness_logits", count, channels, 1, 1),
        **_layer(f"{head}.anchor_deltas", 4 * count, channels, 1, 1),
    }


def _predictors(model: Published, features: int) -> Shapes:
    return {
        **_layer("roi_heads.box_predictor.cls_score", model.categories + 1, features),
        **_layer("roi_heads.box_predictor.bbox_pred", 4 * model.categories, features),
        **_layer("roi_heads.mask_head.predictor", model.categories, 256, 1, 1),
    }


def _c4_heads(model: Published) -> Shapes:
    deconv = {"roi_heads.mask_head.deconv.weight": (2048, 256, 2, 2)}
    return _predictors(model, 2048) | deconv | {"roi_heads.mask_head.deconv.bias": (256,)}


def _fpn_heads(model: Published) -> Shapes:
    found = _predictors(model, 1024)
    for level in range(2, 6):
        found |= _layer(f"backbone.fpn_lateral{level}", 256, 64 * 2**level, 1, 1)
        found |= _layer(f"backbone.fpn_output{level}", 256, 256, 3, 3)
    for number in range(1, 5):
        found |= _layer(f"roi_heads.mask_head.mask_fcn{number}", 256, 256, 3, 3)
    found |= _layer("roi_heads.box_head.fc1", 1024, 256 * 49)
    found |= _layer("roi_heads.box_head.fc2", 1024, 1024)
    return found | _layer("roi_heads.mask_head.deconv", 256, 256, 2, 2)


def random_state(model: Published, seed: int = 0) -> State:
    """Return random weights that keep the activations of every layer at a sensible size."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes(model).items():
        values = torch.empty(shape)
        if name.endswith("running_var") or name.endswith("norm.weight"):
            values.uniform_(0.5, 1.0, generator=generator)
        elif len(shape) == 1:
            values.normal_(0, 0.1, generator=generator)
        else:
            values.normal_(0, math.prod(shape[1:]) ** -0.5, generator=generator)
        state[name] = values
    stem = next(name for name in state if name.endswith("stem.conv1.weight"))
    state[stem] *= sum(model.std_bgr) / 3 / 60
    return state


# ---- the forward


def frozen_bn(x: Tensor, state: State, name: str) -> Tensor:
    """batch_norm.py: (x - mean) / sqrt(var + 1e-5) * weight + bias."""
    weight, bias, mean, var = (
        state[f"{name}.{part}"][:, None, None]
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    return (x - mean) / (var + EPS).sqrt() * weight + bias


def _conv_norm(x: Tensor, state: State, name: str, stride: int = 1, groups: int = 1) -> Tensor:
    weight = state[f"{name}.weight"]
    x = F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=groups)
    return frozen_bn(x, state, f"{name}.norm")


def bottleneck(x: Tensor, state: State, name: str, stride: int, model: Published) -> Tensor:
    """resnet.py: BottleneckBlock with its stride in the 1 x 1 or in the 3 x 3 convolution."""
    first, second = (stride, 1) if model.stride_in_1x1 else (1, stride)
    hidden = _conv_norm(x, state, f"{name}.conv1", first).relu()
    hidden = _conv_norm(hidden, state, f"{name}.conv2", second, model.groups).relu()
    hidden = _conv_norm(hidden, state, f"{name}.conv3")
    if f"{name}.shortcut.weight" in state:
        x = _conv_norm(x, state, f"{name}.shortcut", stride)
    return (hidden + x).relu()


def stem(bgr: Tensor, state: State, model: Published) -> Tensor:
    """rcnn.py, resnet.py: normalise 3 x H x W (BGR, 0-255), first convolution and pooling."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN_BGR, model.std_bgr))
    name = "backbone.stem.conv1" if model.c4 else "backbone.bottom_up.stem.conv1"
    hidden = _conv_norm(((bgr - mean) / std)[None], state, name, 2).relu()
    return F.max_pool2d(hidden, 3, 2, 1)


def features(bgr: Tensor, state: State, model: Published) -> list[Tensor]:
    """Return [res4] of a C4 model, or [p2, ..., p6]."""
    x, maps = stem(bgr, state, model), []
    body = "backbone." if model.c4 else "backbone.bottom_up."
    for number, count in enumerate(model.blocks[: 3 if model.c4 else 4]):
        for block in range(count):
            stride = 2 if number and not block else 1
            x = bottleneck(x, state, f"{body}res{number + 2}.{block}", stride, model)
        maps.append(x)
    return [x] if model.c4 else _pyramid(maps, state)


def _pyramid(maps: list[Tensor], state: State) -> list[Tensor]:
    levels: list[Tensor] = []
    above = None
    for level, x in zip(range(5, 1, -1), reversed(maps), strict=True):
        merged = F.conv2d(x, *_both(state, f"backbone.fpn_lateral{level}"))
        if above is not None:
            merged = merged + above.repeat_interleave(2, 2).repeat_interleave(2, 3)
        above = merged
        levels.insert(0, F.conv2d(merged, *_both(state, f"backbone.fpn_output{level}"), padding=1))
    return [*levels, levels[-1][:, :, ::2, ::2]]


def _both(state: State, name: str) -> tuple[Tensor, Tensor]:
    return state[f"{name}.weight"], state[f"{name}.bias"]


def cell_anchors(sizes: tuple[int, ...]) -> NDArray[np.float64]:
    """anchor_generator.py: A x 4 around the origin, all ratios of each size, not rounded."""
    boxes = []
    for size in sizes:
        for ratio in RATIOS:
            width = math.sqrt(size**2 / ratio)
            height = ratio * width
            boxes.append([-width / 2, -height / 2, width / 2, height / 2])
    return np.array(boxes)


def rpn(levels: list[Tensor], state: State, model: Published) -> tuple[Tensor, Tensor]:
    """Return objectness (A) and boxes (A x 4) of all anchors: levels, then rows, columns, cells."""
    scores, boxes = [], []
    for number, x in enumerate(levels):
        head = "proposal_generator.rpn_head"
        hidden = F.conv2d(x, *_both(state, f"{head}.conv"), padding=1).relu()
        logits = F.conv2d(hidden, *_both(state, f"{head}.objectness_logits"))[0]
        deltas = F.conv2d(hidden, *_both(state, f"{head}.anchor_deltas"))[0]
        stride = 16 if model.c4 else 4 * 2**number
        cells = torch.tensor(cell_anchors(SIZES if model.c4 else SIZES[number : number + 1]))
        rows, columns = torch.arange(x.shape[2]) * stride, torch.arange(x.shape[3]) * stride
        y, x0 = torch.meshgrid(rows, columns, indexing="ij")
        places = torch.stack([x0, y, x0, y], -1)[:, :, None] + cells
        scores.append(logits.permute(1, 2, 0).flatten())
        moved = deltas.unflatten(0, (-1, 4)).permute(2, 3, 0, 1)
        boxes.append(decode(moved.reshape(-1, 4), places.reshape(-1, 4).float(), (1, 1, 1, 1)))
    return torch.cat(scores), torch.cat(boxes)


def decode(deltas: Tensor, boxes: Tensor, weights: tuple[float, ...]) -> Tensor:
    """box_regression.py: N x 4 deltas on N x 4 boxes."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    dx, dy, dw, dh = (deltas / torch.tensor(weights)).unbind(1)
    limit = math.log(1000 / 16)
    x = dx * width + boxes[:, 0] + width / 2
    y = dy * height + boxes[:, 1] + height / 2
    width, height = dw.clamp(max=limit).exp() * width, dh.clamp(max=limit).exp() * height
    return torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 1)


def roi_align(x: NDArray[np.float32], box: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """ROIAlignV2: C x h x w and a box in its pixels -> C x side x side.

    Pixel centres lie at 0.5; each bin takes the mean of ceil(its size) samples along each axis.
    """
    x0, y0, x1, y1 = box - 0.5
    sides = (y1 - y0) / side, (x1 - x0) / side
    counts = [max(1, math.ceil(one)) for one in sides]
    axes = [
        [start + (bin_ + (k + 0.5) / n) * size for bin_ in range(side) for k in range(n)]
        for start, size, n in zip((y0, x0), sides, counts, strict=True)
    ]
    samples = np.stack(
        [np.stack([_bilinear(x, row, column) for column in axes[1]], -1) for row in axes[0]], -2
    )
    shape = (len(x), side, counts[0], side, counts[1])
    mean: NDArray[np.float32] = samples.reshape(shape).mean((2, 4))
    return mean


def _bilinear(x: NDArray[np.float32], row: float, column: float) -> NDArray[np.float32]:
    height, width = x.shape[1:]
    if not (-1 <= row <= height and -1 <= column <= width):
        return np.zeros(len(x), np.float32)
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    top, left = int(row), int(column)
    below, right = min(top + 1, height - 1), min(left + 1, width - 1)
    a, b = row - top, column - left
    upper = x[:, top, left] * (1 - b) + x[:, top, right] * b
    lower = x[:, below, left] * (1 - b) + x[:, below, right] * b
    value: NDArray[np.float32] = upper * (1 - a) + lower * a
    return value


def pool(levels: list[Tensor], boxes: Tensor, side: int, model: Published) -> Tensor:
    """poolers.py: each box from the level that its size belongs to."""
    pooled = []
    for box in boxes:
        level = 0
        if not model.c4:
            size = float(((box[2] - box[0]) * (box[3] - box[1])).sqrt())
            level = min(max(math.floor(4 + math.log2(size / 224 + 1e-8)), 2), 5) - 2
        stride = 16 if model.c4 else 4 * 2**level
        pooled.append(roi_align(levels[level][0].numpy(), (box / stride).numpy(), side))
    return torch.from_numpy(np.stack(pooled))


def res5(x: Tensor, state: State, model: Published) -> Tensor:
    """roi_heads.py: Res5ROIHeads' shared transform, 14 x 14 to 7 x 7."""
    for block in range(3):
        x = bottleneck(x, state, f"roi_heads.res5.{block}", 1 if block else 2, model)
    return x


def box_outputs(
    levels: list[Tensor], boxes: Tensor, state: State, model: Published
) -> tuple[Tensor, Tensor]:
    """Return class scores N x (K + 1), background last, and boxes N x K x 4."""
    if model.c4:
        hidden = res5(pool(levels, boxes, 14, model), state, model).mean((2, 3))
    else:
        hidden = pool(levels, boxes, 7, model).flatten(1)
        hidden = F.linear(hidden, *_both(state, "roi_heads.box_head.fc1")).relu()
        hidden = F.linear(hidden, *_both(state, "roi_heads.box_head.fc2")).relu()
    logits = F.linear(hidden, *_both(state, "roi_heads.box_predictor.cls_score"))
    deltas = F.linear(hidden, *_both(state, "roi_heads.box_predictor.bbox_pred"))
    moved = [
        decode(deltas[:, 4 * k : 4 * k + 4], boxes, (10, 10, 5, 5)) for k in range(model.categories)
    ]
    return logits.softmax(1), torch.stack(moved, 1)


def masks(levels: list[Tensor], boxes: Tensor, state: State, model: Published) -> Tensor:
    """Return probabilities N x K x m x m."""
    head = "roi_heads.mask_head"
    hidden = pool(levels, boxes, 14, model)
    if model.c4:
        hidden = res5(hidden, state, model)
    else:
        for number in range(1, 5):
            layer = _both(state, f"{head}.mask_fcn{number}")
            hidden = F.conv2d(hidden, *layer, padding=1).relu()
    hidden = F.conv_transpose2d(hidden, *_both(state, f"{head}.deconv"), stride=2).relu()
    return F.conv2d(hidden, *_both(state, f"{head}.predictor")).sigmoid()
