"""A model's card: what its weights are, written as TOML beside them."""

import msgspec

from maskgui.core.detections import UNUSED_CATEGORY
from maskgui.maskrcnn.config import Config


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a person or the program must know about a weights file of the same stem.

    `categories` are the network's 1..K in order; `category_ids` the ids they had in the data set
    that the model was trained on. `figures` are AP as fractions, measured as `measured_on` says.
    """

    name: str
    title: str
    config: Config
    categories: tuple[str, ...]
    sha256: str = ""
    category_ids: tuple[int, ...] = ()
    score_threshold: float = 0.5
    figures: dict[str, float] = {}
    measured_on: str = ""
    data: str = ""
    licence: str = ""
    generator: str = ""
    command: str = ""
    parameters: int = 0

    @property
    def variant(self) -> str:
        """The network in words, such as "R50-C4, RoIAlign, 80 categories"."""
        used = sum(name != UNUSED_CATEGORY for name in self.categories)
        count = "1 category" if used == 1 else f"{used} categories"
        return ", ".join([*variant_words(self.config), count])


_BODIES = {
    "slim": "slim",
    "resnet18": "R18",
    "resnet50": "R50",
    "resnet101": "R101",
    "resnext101_32x8d": "X101",
    "mobilenet_v3_large": "MobileNetV3",
}
_ROI_LAYERS = {
    "align": "RoIAlign",
    "align_max": "RoIAlign (max)",
    "warp": "RoIWarp",
    "warp_max": "RoIWarp (max)",
    "pool": "RoIPool",
}
_BRANCHES = {"fcn": "", "mlp": "MLP masks", "mlp_fc": "MLP + fc masks", "none": "no masks"}


def variant_words(config: Config) -> list[str]:
    """Return the paper's words for the choices of a config; its defaults go without saying."""
    words = [f"{_BODIES[config.backbone]}-{config.neck.upper()}", _ROI_LAYERS[config.roi_layer]]
    if config.box_head == "four_conv_fc":
        words.append("four-convolution box head")
    if config.box_side == 14:
        words.append("14 x 14 RoIs for boxes")
    words.append(_BRANCHES[config.mask_branch])
    if config.mask_classes == "agnostic":
        words.append("class-agnostic masks")
    if config.mask_loss == "softmax":
        words.append("softmax masks")
    if config.norm == "gn":
        words.append("GroupNorm")
    return [word for word in words if word]
