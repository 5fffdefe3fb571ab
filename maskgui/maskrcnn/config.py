"""What network to build and how to train it: frozen, typed, one TOML file on disk."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import tomli_w

from maskgui.core.errors import UserError
from maskgui.core.forms import first_fault

# Bounds are where a value stops making sense or takes more memory than machines have; what only a
# combination makes too large is refused before training (train/prepare.py).
Positive = Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
Side = Annotated[int, msgspec.Meta(ge=1, le=16_384)]
Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Depth = Annotated[int, msgspec.Meta(ge=1, le=1_000)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Factor = Annotated[float, msgspec.Meta(ge=0.01, le=100)]
Mean = Annotated[float, msgspec.Meta(ge=-1_000, le=1_000)]
Deviation = Annotated[float, msgspec.Meta(ge=1e-6, le=1_000)]
Minutes = Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
T = TypeVar("T")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Mask R-CNN: every choice and figure that decides its parameters and its inference.

    Sides and anchor sizes are pixels at the network's scale; `categories` excludes the
    background; training sets it to the number that its data set has. `check` tells which
    choices go together. Sections, figures and tables are those of the paper (arXiv 1703.06870).
    """

    categories: Count = 1
    backbone: Literal[
        "slim", "resnet18", "resnet50", "resnet101", "resnext101_32x8d", "mobilenet_v3_large"
    ] = "slim"
    neck: Literal["fpn", "c4", "c5"] = "fpn"
    """fpn: five levels (Figure 4 right). c4: stride 16, with res5 as the head of boxes and masks
    (Figure 4 left). c5: stride 32, brought to `neck_channels` by a 1 x 1 convolution."""
    norm: Literal["bn", "frozen_bn", "gn"] = "bn"
    """Of the body; with frozen_bn a ResNet's layers before C3 and MobileNet's before C4 are frozen
    too, as torchvision's are; the slim body's convolutions all learn."""
    norm_eps: Fraction = 1e-5
    neck_norm: Literal["body", "none"] = "body"
    """body: the FPN's convolutions are normed as the body's are, unless those are frozen."""
    stride_in_1x1: bool = False
    """A bottleneck's stride lies in its 1 x 1 convolution, as in detectron2's R50 and R101."""
    res5_stride: Literal[1, 2] = 1
    """c4: 1 on RoIs of 7 x 7, as the paper says, or 2 on 14 x 14, as detectron2 does."""
    box_head: Literal["two_fc", "four_conv_fc"] = "two_fc"
    box_side: Literal[7, 14] = 7
    """Rows and columns of a RoI as the box head takes it. 14 shows it finer parts of an object;
    their maxima make 7 x 7 before the fully connected layers, whose shapes stay the same."""
    head_norm: Literal["none", "bn", "gn"] = "none"
    rpn_convs: Literal[1, 2] = 1

    min_side: Side = 480
    max_side: Side = 640
    pixel_mean: tuple[Mean, Mean, Mean] = (0.485, 0.456, 0.406)
    """RGB on a scale of 0-1, as `pixel_std`."""
    pixel_std: tuple[Deviation, Deviation, Deviation] = (0.229, 0.224, 0.225)

    widths: tuple[Positive, Positive, Positive, Positive] = (32, 64, 128, 256)
    """Of the slim body's four stages, as `depths`."""
    depths: tuple[Depth, Depth, Depth, Depth] = (2, 2, 2, 2)
    neck_channels: Positive = 64
    box_features: Positive = 256
    """Of the fully connected layers, those of an MLP mask branch too."""

    mask_branch: Literal["fcn", "mlp", "mlp_fc", "none"] = "fcn"
    """Table 2e; none makes a Faster R-CNN, whose masks are its boxes."""
    mask_classes: Literal["per_class", "agnostic"] = "per_class"
    mask_loss: Literal["sigmoid", "softmax"] = "sigmoid"
    """Table 2b: classes apart, or competing with each other and the background in each pixel."""
    mask_channels: Positive = 64
    mask_side: Literal[14, 28, 56] = 28

    roi_layer: Literal["align", "align_max", "warp", "warp_max", "pool"] = "align"
    """Tables 2c and 2d: RoIAlign, RoIWarp (average or max), RoIPool."""
    roi_aligned: bool = False
    """RoIAlign measures from pixel centres, half a pixel off the paper's first implementation."""
    roi_samples: Annotated[int, msgspec.Meta(ge=0, le=16)] = 2
    """Sampling points of a bin along each axis; 0: as many as the bin has pixels."""
    roi_canonical_side: Side = 112

    anchor_sizes: tuple[Side, ...] = (16, 32, 64, 128, 256)
    """fpn: one for each of the five levels; c4 and c5: all on the one level."""
    anchor_ratios: tuple[Factor, ...] = (0.5, 1.0, 2.0)
    anchor_rounding: bool = True
    """Base anchors have whole coordinates, as torchvision's; detectron2's do not."""

    rpn_candidates: Count = 1000
    proposals: Count = 300
    train_candidates: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    """0: as many as `rpn_candidates`."""
    train_proposals: Count = 600
    train_rois: Count = 128
    score_floor: Fraction = 0.01
    max_detections: Count = 300
    box_nms: Fraction = 0.5


BOTTLENECKS = ("resnet50", "resnet101", "resnext101_32x8d")
RESNETS = ("resnet18", *BOTTLENECKS)
FPN_LEVELS = 5


def check(config: Config) -> None:
    """Raise UserError, in one sentence, for choices that do not go together."""
    for refused, reason in _refusals(config):
        if refused:
            raise UserError(f"This network cannot be built: {reason}.")


def _refusals(config: Config) -> Iterator[tuple[bool, str]]:
    c4, masks = config.neck == "c4", config.mask_branch != "none"
    yield (
        c4 and config.backbone not in RESNETS,
        f'neck = "c4" needs the res5 of a ResNet and {config.backbone} has none; choose another '
        'backbone or neck = "fpn"',
    )
    yield (
        c4 and (config.box_head, config.head_norm, config.box_side) != ("two_fc", "none", 7),
        'with neck = "c4" res5 is the head; leave box_head, head_norm and box_side out',
    )
    yield not c4 and config.res5_stride != 1, 'res5_stride belongs to neck = "c4"; leave it out'
    yield (
        config.stride_in_1x1 and config.backbone not in BOTTLENECKS,
        f"stride_in_1x1 belongs to bottlenecks and {config.backbone} has none; leave it out",
    )
    yield (
        config.mask_loss == "softmax" and config.mask_classes == "agnostic",
        'mask_loss = "softmax" lets the classes compete and mask_classes = "agnostic" has none; '
        "choose one of them",
    )
    yield (
        not masks and (config.mask_loss, config.mask_classes) != ("sigmoid", "per_class"),
        'mask_branch = "none" has no masks; leave mask_loss and mask_classes out',
    )
    yield (
        config.roi_aligned and config.roi_layer not in ("align", "align_max"),
        f'roi_aligned belongs to RoIAlign, not to roi_layer = "{config.roi_layer}"; leave it out',
    )
    yield (
        config.roi_samples == 0 and config.roi_layer.endswith("_max"),
        f'roi_layer = "{config.roi_layer}" needs a fixed number of sampling points; set '
        "roi_samples to 1 or more",
    )
    yield (
        config.neck == "fpn" and len(config.anchor_sizes) != FPN_LEVELS,
        f'neck = "fpn" has {FPN_LEVELS} levels, but anchor_sizes has {len(config.anchor_sizes)} '
        "sizes; give one for each level",
    )
    yield (
        not config.anchor_sizes or not config.anchor_ratios,
        "anchor_sizes and anchor_ratios need at least one entry each; add one",
    )


COCO_V1 = Config(
    categories=90,
    backbone="resnet50",
    norm="frozen_bn",
    norm_eps=0.0,
    min_side=800,
    max_side=1333,
    neck_channels=256,
    box_features=1024,
    mask_channels=256,
    anchor_sizes=(32, 64, 128, 256, 512),
    roi_canonical_side=224,
    proposals=1000,
    train_candidates=2000,
    train_proposals=2000,
    train_rois=512,
)
"""torchvision's MaskRCNN_ResNet50_FPN_Weights.COCO_V1 (frozen batch norm with eps 0)."""

COCO_V2 = msgspec.structs.replace(
    COCO_V1, norm="bn", norm_eps=1e-5, box_head="four_conv_fc", head_norm="bn", rpn_convs=2
)
"""torchvision's MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1."""


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network is trained. Probabilities and strengths are 0-1, sides are pixels."""

    steps: Positive = 4000
    minutes: Minutes = 0.0
    """Shorten the schedule to this much training time; 0 means `steps` alone decide."""
    batch: Annotated[int, msgspec.Meta(ge=1, le=1_024)] = 4
    """Images a step in each process."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=4_294_967_295)] = 0
    workers: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    """Threads that make batches; 0: one beside a CPU, up to eight beside a GPU."""

    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: Fraction = 0.9
    """SGD's."""
    learning_rate: Annotated[float, msgspec.Meta(gt=0, le=1e10)] = 1e-3
    weight_decay: Annotated[float, msgspec.Meta(ge=0, le=1_000)] = 0.05
    warmup_steps: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 200
    """The warm-up ends at a fifth of the schedule at the latest, however short that is."""
    schedule: Literal["cosine", "step"] = "cosine"
    drops: tuple[Fraction, ...] = (0.75,)
    """Where the step schedule takes a tenth of the rate, as shares of the schedule."""
    clip_norm: Annotated[float, msgspec.Meta(ge=0, le=1e10)] = 5.0
    """Longest gradient of a step; 0: any."""
    ema_decay: Fraction = 0.998
    """Of the averaged weights that are kept; 0: the plain weights are."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of the convolutions; auto: bfloat16 where the device is quick at it, else float32."""
    batch_norm: Literal["auto", "train", "eval"] = "auto"
    """eval keeps the statistics as they are; auto does so where training starts from other
    weights with fewer than 8 images a process."""

    crop: Annotated[int, msgspec.Meta(ge=32, le=8_192)] = 320
    scale: tuple[Factor, Factor] = (0.8, 1.25)
    """Smallest and largest factor between the image and the network's picture of it."""
    flip: bool = True
    flip_vertical: bool = True
    quarter_turns: bool = True
    colour: Fraction = 0.3
    grey: Fraction = 0.0
    invert: Fraction = 0.0
    blur: Fraction = 0.1
    noise: Fraction = 0.1
    copy_paste: Fraction = 0.0
    """Share of the views onto which objects of another image are pasted."""

    hold_out: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000_000)] = -1
    """Images kept out of training for validation when no validation set is given; -1: a tenth,
    at least 2 and at most 200."""
    validate_minutes: Minutes = 0.0
    """Time between two validations; 0: as often as takes a tenth of the time."""
    validate_images: Positive = 60
    """How many images AP is measured on; those with objects come first."""
    save_minutes: Annotated[float, msgspec.Meta(gt=0, le=1_000_000)] = 2.0


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A training file: the network under [model], the training under [train]."""

    model: Config = Config()
    train: TrainConfig = TrainConfig()


def read_toml(path: Path, kind: type[T]) -> T:
    """Return the TOML file at `path` as a `kind`; UserError names what is wrong with it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; save it as TOML in UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UserError(f"{path} cannot be used: it is no TOML ({error}); mend that.") from error
    return from_table(table, kind, path)


def from_table(table: object, kind: type[T], path: Path, *place: str) -> T:
    """Return plain values, the part of the file `path` at `place`, as a `kind`.

    Raises UserError, which names the first entry that is wrong and what it may be.
    """
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        fault = first_fault(table, kind, place) or f"an entry is of the wrong kind ({error})"
        raise UserError(f"{path} cannot be used: {fault}; mend that entry.") from error


def to_toml(value: msgspec.Struct) -> str:
    """Return a struct as TOML text that `read_toml` takes back unchanged."""
    return tomli_w.dumps(_without_none(msgspec.to_builtins(value)))


def _without_none(table: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in table.items() if value is not None}
