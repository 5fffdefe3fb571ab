"""What network to build and how to train it: frozen, typed, one TOML file on disk."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
import tomli_w

from maskgui.core.errors import UserError

Positive = Annotated[int, msgspec.Meta(gt=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
T = TypeVar("T")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One Mask R-CNN: every figure that decides its parameters and its inference.

    Sides and anchor sizes are pixels at the network's scale; `categories` excludes the
    background; training sets it to the number that its data set has.
    """

    categories: Positive = 1
    backbone: Literal["slim", "resnet50"] = "slim"
    norm: Literal["bn", "frozen_bn"] = "bn"
    norm_eps: Annotated[float, msgspec.Meta(ge=0)] = 1e-5
    box_head: Literal["two_fc", "four_conv_fc"] = "two_fc"
    head_norm: Literal["none", "bn"] = "none"
    rpn_convs: Literal[1, 2] = 1

    min_side: Positive = 480
    max_side: Positive = 640

    widths: tuple[Positive, Positive, Positive, Positive] = (32, 64, 128, 256)
    depths: tuple[Positive, Positive, Positive, Positive] = (2, 2, 2, 2)
    neck_channels: Positive = 64
    box_features: Positive = 256
    mask_channels: Positive = 64
    mask_side: Literal[14, 28, 56] = 28

    anchor_sizes: tuple[Positive, Positive, Positive, Positive, Positive] = (16, 32, 64, 128, 256)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    roi_canonical_side: Positive = 112

    rpn_candidates: Positive = 1000
    proposals: Positive = 300
    train_proposals: Positive = 600
    train_rois: Positive = 128
    score_floor: Fraction = 0.01
    max_detections: Positive = 300
    box_nms: Fraction = 0.5


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
    train_proposals=2000,
    train_rois=512,
)
"""torchvision's MaskRCNN_ResNet50_FPN_Weights.COCO_V1 (frozen batch norm with eps 0)."""

COCO_V2 = msgspec.structs.replace(COCO_V1, norm="bn", norm_eps=1e-5, box_head="four_conv_fc", head_norm="bn", rpn_convs=2)
"""torchvision's MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1."""


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a network is trained. Probabilities and strengths are 0-1, sides are pixels."""

    steps: Positive = 4000
    minutes: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """Shorten the schedule to this much training time; 0 means `steps` alone decide."""
    batch: Positive = 4
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0

    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.05
    warmup_steps: Annotated[int, msgspec.Meta(ge=0)] = 200
    clip_norm: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    ema_decay: Fraction = 0.998
    bf16: bool = True

    crop: Positive = 320
    scale: tuple[float, float] = (0.8, 1.25)
    """Smallest and largest factor between the image and the network's picture of it."""
    flip_vertical: bool = True
    quarter_turns: bool = True
    colour: Fraction = 0.3
    grey: Fraction = 0.0
    invert: Fraction = 0.0
    blur: Fraction = 0.1
    noise: Fraction = 0.1

    hold_out: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Images kept out of training for validation when no validation set is given."""
    validate_minutes: Annotated[float, msgspec.Meta(gt=0)] = 5.0
    validate_images: Positive = 60
    save_minutes: Annotated[float, msgspec.Meta(gt=0)] = 2.0


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A training file: the network under [model], the training under [train]."""

    model: Config = Config()
    train: TrainConfig = TrainConfig()


def read_toml(path: Path, kind: type[T]) -> T:
    """Return the TOML file at `path` as a `kind`; UserError names what is wrong with it."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), kind)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text; save it as TOML in UTF-8.") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UserError(f"{path} cannot be used: {error}; mend that entry.") from error


def to_toml(value: msgspec.Struct) -> str:
    """Return a struct as TOML text that `read_toml` takes back unchanged."""
    return tomli_w.dumps(_without_none(msgspec.to_builtins(value)))


def _without_none(table: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in table.items() if value is not None}
