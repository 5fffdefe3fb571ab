"""The models a person can choose: shipped, published by torchvision, or their own files.

Listing needs no torch; loading does, and imports it then.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import platformdirs

from maskgui.core.detections import UNUSED_CATEGORY
from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.config import COCO_V1, COCO_V2, Config, read_toml, to_toml
from maskgui.maskrcnn.download import (
    cache_dir,
    check_name_hash,
    download,
    file_sha256,
)
from maskgui.paths import models_dir

if TYPE_CHECKING:
    from torchvision.models.detection import FasterRCNN

WEIGHTS, CARD = ".safetensors", ".toml"

OnProgress = Callable[[int, int], None]


class Origin(StrEnum):
    """Where a model comes from."""

    SHIPPED = "shipped"
    PUBLISHED = "published"
    OWN = "own"


@dataclass(frozen=True)
class Published:
    """Weights of torchvision's: the file's name, and the enum that knows the rest."""

    file: str
    weights: str
    title: str
    config: Config
    figures: dict[str, float]


PUBLISHED = {
    "coco-v1": Published(
        "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
        "MaskRCNN_ResNet50_FPN_Weights.COCO_V1",
        "COCO, 80 everyday categories (R50-FPN)",
        COCO_V1,
        {"box AP": 0.379, "mask AP": 0.346},
    ),
    "coco-v2": Published(
        "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth",
        "MaskRCNN_ResNet50_FPN_V2_Weights.COCO_V1",
        "COCO, 80 everyday categories (R50-FPN v2, slower and better)",
        COCO_V2,
        {"box AP": 0.474, "mask AP": 0.418},
    ),
}


class OwnCard(msgspec.Struct, frozen=True):
    """What a person writes beside a weights file of theirs; other keys may stand.

    `config` says what the tensors' shapes do not: entries of Config, such as roi_layer or, for a
    slim body, all that differ from the defaults.
    """

    categories: tuple[str, ...] = ()
    config: dict[str, Any] = {}
    sha256: str = ""
    name: str = ""
    title: str = ""
    score_threshold: float = 0.5


@dataclass(frozen=True)
class ModelRef:
    """One model: where its weights are, or would be once fetched."""

    name: str
    title: str
    origin: Origin
    path: Path

    @property
    def ready(self) -> bool:
        """Whether the weights are on this machine."""
        return self.path.is_file()

    @property
    def model_id(self) -> str | None:
        """What its detections remember it by; None while its card is not written."""
        if not self.ready or not _given_card(self.path).sha256:
            return None
        return model_id(self.card())

    @property
    def score_threshold(self) -> float:
        """The score from which its card says to show detections; needs no torch."""
        return _given_card(self.path).score_threshold

    @property
    def state(self) -> str:
        """Where the model stands, in a word or two for lists."""
        if self.origin is Origin.PUBLISHED:
            return "fetched" if self.ready else "to fetch"
        return str(self.origin)

    def card(self) -> Card:
        """Return the model's card; for foreign weights it is written at their first use.

        Raises UserError when there is none, or none yet.
        """
        if _given_card(self.path).sha256:
            return read_toml(self.path.with_suffix(CARD), Card)
        published = PUBLISHED.get(self.name)
        if published is None:
            raise UserError(f"“{self.path}” has no card yet; `models add` makes one.")
        return _published_card(self.name, published)

    def card_text(self) -> str:
        """Return the card as TOML, below a line that says the network in words."""
        card = self.card()
        return f"# {card.variant}\n{to_toml(card)}"

    @property
    def description(self) -> str:
        """The title, and the network in words where a card tells it; needs no torch."""
        if self.origin is Origin.PUBLISHED or self.model_id is None:
            return self.title
        return f"{self.title}: {self.card().variant}"

    def to_dict(self) -> dict[str, Any]:
        """Return what a script wants to know of the model."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "state": self.state,
            "path": str(self.path),
            "ready": self.ready,
        }

    def load(
        self, on_progress: OnProgress | None = None, cancel: threading.Event | None = None
    ) -> tuple[FasterRCNN, Card]:
        """Return the network in evaluation mode on the CPU, and its card; fetch what is missing.

        Raises UserError, in one sentence, for every file that cannot be used.
        """
        from maskgui.maskrcnn import foreign
        from maskgui.maskrcnn.checkpoint import load_model
        from maskgui.maskrcnn.recognise import modern_names

        if self.origin is Origin.PUBLISHED:
            if not self.ready:
                fetch_model(self.name, on_progress, cancel)
            card = _check_published(self, cancel)
            state = modern_names(foreign.read_state(self.path))
            return foreign.build_from(state, card, self.path), card
        given = _given_card(self.path)
        if self.path.suffix == WEIGHTS and given.sha256:
            return load_model(self.path)
        config, state = foreign.understand(foreign.read_state(self.path), self.path, given.config)
        card = _own_card(self, given, config)
        return foreign.build_from(state, card, self.path), card


def model_id(card: Card) -> str:
    """Return what detections remember their model by: its name and 12 digits of its weights."""
    return f"{card.name} {card.sha256[:12]}"


def own_dir() -> Path:
    """Return the folder of models that a person added."""
    return platformdirs.user_data_path("maskgui") / "models"


def list_models() -> list[ModelRef]:
    """Return the models that ship, those that can be fetched, and the person's own."""
    found = [_ref(path, Origin.SHIPPED) for path in sorted(models_dir().glob(f"*{WEIGHTS}"))]
    found += [
        ModelRef(name, published.title, Origin.PUBLISHED, cache_dir() / published.file)
        for name, published in PUBLISHED.items()
    ]
    taken = {model.name for model in found}
    own = [_ref(path, Origin.OWN) for path in sorted(own_dir().glob(f"*{WEIGHTS}"))]
    return found + [model for model in own if model.name not in taken]


def find_model(name_or_path: str) -> ModelRef:
    """Return a model by its name in the list, or by the path of a weights file.

    Raises UserError, naming the models there are, when it is neither.
    """
    models = list_models()
    for model in models:
        if model.name == name_or_path:
            return model
    path = Path(name_or_path)
    if path.suffix == CARD:
        path = path.with_suffix(WEIGHTS)
    if path.is_file():
        return _ref(path.resolve(), Origin.OWN)
    names = ", ".join(model.name for model in models)
    raise UserError(f"There is no model or file “{name_or_path}”; choose {names}, or a file.")


def fetch_model(
    name: str, on_progress: OnProgress | None = None, cancel: threading.Event | None = None
) -> Path:
    """Fetch a published model's weights from their official address; return the file.

    Raises UserError for a name that cannot be fetched, Failure without a network.
    """
    model = find_model(name)
    if model.origin is not Origin.PUBLISHED:
        return model.path
    if not model.ready:
        from torchvision.models import get_weight

        download(get_weight(PUBLISHED[name].weights).url, model.path, on_progress, cancel)
    _check_published(model, cancel)
    return model.path


def add_model(file: Path) -> ModelRef:
    """Check a weights file and keep a copy, as safetensors with a card, under its name.

    Raises UserError when it cannot be used or the name is taken by a shipped model.
    """
    if not file.is_file():
        raise UserError(f"“{file}” is no file; give the path of the weights.")
    name = file.stem
    if any(model.name == name and model.origin is not Origin.OWN for model in list_models()):
        raise UserError(f"“{name}” is the name of a model that ships; rename “{file}” first.")
    from maskgui.maskrcnn.checkpoint import save_model

    module, card = _ref(file.resolve(), Origin.OWN).load()
    target = own_dir() / f"{name}{WEIGHTS}"
    save_model(target, module, msgspec.structs.replace(card, name=name), half=False)
    return _ref(target, Origin.OWN)


def _ref(path: Path, origin: Origin) -> ModelRef:
    title = path.stem
    card = path.with_suffix(CARD)
    if card.is_file():
        title = read_toml(card, OwnCard).title or title
    return ModelRef(path.stem, title, origin, path)


def _check_published(model: ModelRef, cancel: threading.Event | None) -> Card:
    """Verify the file against its name, and write its card when it is used for the first time."""
    digest = file_sha256(model.path, cancel)
    check_name_hash(model.path, digest, model.path)
    card = msgspec.structs.replace(
        _published_card(model.name, PUBLISHED[model.name]), sha256=digest
    )
    place = model.path.with_suffix(CARD)
    if not place.is_file() or read_toml(place, Card) != card:
        write_atomic(place, to_toml(card).encode())
    return card


def _published_card(name: str, published: Published) -> Card:
    from maskgui.maskrcnn.foreign import coco_categories

    categories = coco_categories()
    return Card(
        name=name,
        title=published.title,
        config=published.config,
        categories=categories,
        category_ids=tuple(range(1, len(categories) + 1)),
        figures=published.figures,
        measured_on="COCO val2017, as published by torchvision",
        data="COCO train2017",
        licence="weights BSD-3-Clause (torchvision); images of COCO under their own terms",
    )


def _given_card(weights: Path) -> OwnCard:
    """Return what a person wrote beside their weights; nothing is an empty card."""
    beside = weights.with_suffix(CARD)
    return read_toml(beside, OwnCard) if beside.is_file() else OwnCard()


def _own_card(model: ModelRef, given: OwnCard, config: Config) -> Card:
    """Return the card of a person's weights; without names the categories are numbered."""
    from maskgui.maskrcnn.foreign import default_categories

    names, ids = default_categories(config)
    if given.categories and len(given.categories) != config.categories:
        raise UserError(
            f"{model.path.with_suffix(CARD)} names {len(given.categories)} categories, but "
            f"“{model.path.name}” has {config.categories}; mend the list."
        )
    return Card(
        given.name or model.name,
        given.title or model.title,
        config,
        given.categories or names,
        file_sha256(model.path),
        category_ids=() if given.categories else ids,
        score_threshold=given.score_threshold,
    )


def load(name_or_path: str | Path) -> tuple[FasterRCNN, Card]:
    """Return a network in evaluation mode on the CPU, and its card, by name or weights file.

    The file may be this program's, torchvision's, the reference trainer's or detectron2's.
    Raises UserError, in one sentence, for every file that cannot be used.
    """
    return find_model(str(name_or_path)).load()


def usable_categories(categories: Iterable[str]) -> tuple[str, ...]:
    """Return a model's category names that stand for something, each once, in their order."""
    return tuple(dict.fromkeys(name for name in categories if name != UNUSED_CATEGORY))
