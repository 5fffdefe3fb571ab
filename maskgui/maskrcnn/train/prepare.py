"""What is settled before the first step: data, recipe, starting weights, all checked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch

from maskgui.core.errors import UserError
from maskgui.core.words import counted
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import CARD, WEIGHTS
from maskgui.maskrcnn.config import Config, Recipe, TrainConfig, read_toml
from maskgui.maskrcnn.models import find_model
from maskgui.maskrcnn.train.dataset import DataSet
from maskgui.maskrcnn.train.reading import read_dataset, read_validation
from maskgui.maskrcnn.train.recipe import default_recipe
from maskgui.maskrcnn.train.record import read_state
from maskgui.maskrcnn.train.start import start_from
from maskgui.maskrcnn.train.step import settle_batch_norm

HELD_OUT = (2, 200)
MOST_PARAMETERS = 1_000_000_000
"""Ten times those of the largest network of the paper."""
MOST_PIXELS = 1_000_000_000
"""Of a batch: 12 GB for the images alone."""
WEIGHTS_NAMES = {WEIGHTS, CARD, ".pth", ".pt"}
"""Ends of a model's name that are replaced by `WEIGHTS`."""


@dataclass(frozen=True)
class TrainOptions:
    """What to train on, with which recipe (None: one that suits), and where the model goes."""

    data: Path
    images: Path
    config: Path | None
    output: Path
    val: Path | None = None
    val_images: Path | None = None
    resume: bool = False
    init: str | None = None  # a model's name or file to start from
    device: str = "auto"
    minutes: float | None = None  # in place of the recipe's
    title: str = ""
    licence: str = ""
    generator: str = ""
    command: str = ""

    @property
    def model_file(self) -> Path:
        """Where the weights go; “exp.1” and “exp.2” are two models."""
        if self.output.suffix in WEIGHTS_NAMES:
            return self.output.with_suffix(WEIGHTS)
        return self.output.with_name(self.output.name + WEIGHTS)

    @property
    def checkpoint(self) -> Path:
        """Where the state of an unfinished run lies."""
        return self.model_file.with_suffix(".checkpoint")

    @property
    def files(self) -> list[Path]:
        """The files that a run writes."""
        beside = [self.model_file.with_suffix(end) for end in (CARD, ".log.csv", ".curves.png")]
        return [self.model_file, self.checkpoint, *beside]


@dataclass(frozen=True)
class Prepared:
    """A run's data, settled recipe, checkpoint to go on from, and sentences for the person.

    `held_out` has objects, the images with some first; None where AP cannot be measured.
    """

    recipe: Recipe
    data: DataSet
    held_out: DataSet | None
    source: tuple[Any, Card] | None
    state: dict[str, Any] | None
    notes: list[str] = field(default_factory=list)

    def network(self) -> Any:
        """Return the network to train, with the weights that it starts from."""
        module = build(self.recipe.model)
        if self.source is not None:
            other, card = self.source
            taken = start_from(module, self.data.categories, other, card.categories)
            self.notes.append(f"Starting from {card.name}: {taken}")
        return module


def prepare(options: TrainOptions, device: str) -> Prepared:
    """Read and check everything that a run needs.

    Raises:
        UserError: the data, the recipe, the starting weights or the checkpoint cannot be used.
    """
    state = read_state(options.checkpoint) if options.resume else None
    data = read_dataset(options.data, options.images)
    if not data.objects:
        raise UserError(f"{options.data} has no object to learn from; label some images first.")
    source = find_model(options.init).load() if options.init and state is None else None
    before = _stored_recipe(options, state) if state is not None else None
    recipe, notes = _recipe(options, data, source[1] if source else None, before, device)
    _check_size(recipe)
    notes = [*data.notes, *notes]
    held_out: DataSet | None = None
    if options.val is not None:
        held_out = read_validation(
            options.val, options.val_images or options.images, data, options.data
        )
        notes += held_out.notes
    else:
        count = held_out_count(len(data), recipe.train)
        if count:
            data, held_out = data.split(count, recipe.train.seed)
    if state is not None and before is not None:
        _check_state(options, state, (before, recipe), data)
    notes.append(_summary(options, data, held_out))
    measured = held_out.measured_first() if held_out is not None and held_out.objects else None
    return Prepared(recipe, data, measured, source, state, notes)


def held_out_count(images: int, config: TrainConfig) -> int:
    """Return how many images to keep out of training: by itself a tenth, 2 to 200, none of < 4."""
    if config.hold_out >= 0:
        return config.hold_out
    if images < 2 * HELD_OUT[0]:
        return 0
    return min(max(round(images / 10), HELD_OUT[0]), HELD_OUT[1])


def _recipe(
    options: TrainOptions,
    data: DataSet,
    start: Card | None,
    before: Recipe | None,
    device: str,
) -> tuple[Recipe, list[str]]:
    """Return the recipe, and sentences on what is otherwise than its file says.

    A run that goes on keeps its limit of minutes (`before` is its recipe), unless there is another.
    """
    if options.config is not None:
        recipe = read_toml(options.config, Recipe)
    elif before is not None:
        recipe = before
    else:
        recipe = default_recipe(start.config if start else None, data, device)
    train = recipe.train
    if train.scale[0] > train.scale[1]:
        raise UserError(
            f"“scale” in [train] of {options.config} is {list(train.scale)}; give the smaller "
            "factor first."
        )
    notes = []
    minutes = options.minutes
    if minutes is None:
        minutes = (before or recipe).train.minutes
    if before is not None and minutes:
        notes.append(f"Going on to {minutes:g} minutes in all, those before the stop included.")
    count, said = len(data.categories), recipe.model.categories
    if options.config is not None and said not in (Config().categories, count):
        notes.append(
            f"“categories” in [model] of {options.config} is {said}, but the data has {count}: the "
            "network gets as many as the data."
        )
    train = settle_batch_norm(
        msgspec.structs.replace(train, minutes=minutes), options.init is not None
    )
    return Recipe(msgspec.structs.replace(recipe.model, categories=count), train), notes


def _check_size(recipe: Recipe) -> None:
    """Refuse what no machine has the memory for, before taking any."""
    pixels = recipe.train.batch * recipe.train.crop**2
    if pixels > MOST_PIXELS:
        raise UserError(
            f"A batch of {recipe.train.batch} views of {recipe.train.crop} x {recipe.train.crop} "
            f"pixels is too large for any memory; make batch or crop in [train] smaller."
        )
    with torch.device("meta"):
        numbers = sum(parameter.numel() for parameter in build(recipe.model).parameters())
    if numbers > MOST_PARAMETERS:
        raise UserError(
            f"This network would have {numbers / 1e9:.0f} billion parameters; make widths, "
            "neck_channels, mask_channels or box_features in [model] smaller."
        )


def _stored_recipe(options: TrainOptions, state: dict[str, Any]) -> Recipe:
    try:
        return msgspec.json.decode(state["recipe"], type=Recipe)
    except (msgspec.MsgspecError, TypeError) as error:
        raise UserError(
            f"The recipe in {options.checkpoint} cannot be used ({error}); train without --resume."
        ) from error


def _check_state(
    options: TrainOptions, state: dict[str, Any], recipes: tuple[Recipe, Recipe], data: DataSet
) -> None:
    """Refuse a checkpoint of another recipe (but for its minutes) or of other data."""
    place = options.checkpoint
    before, now = recipes
    if (state["images"], state["categories"]) != (len(data), list(data.categories)):
        raise UserError(
            f"{place} was made on {state['images']} images, the data has {len(data)} or other "
            "categories; resume on the same data, or train without --resume."
        )
    unlimited = [msgspec.structs.replace(one.train, minutes=0.0) for one in (before, now)]
    if before.model != now.model or unlimited[0] != unlimited[1]:
        raise UserError(
            f"{place} was made with another recipe than {options.config}; "
            "resume with the same file, or train without --resume."
        )


def _summary(options: TrainOptions, data: DataSet, held_out: DataSet | None) -> str:
    said = (
        f"Training on {counted(len(data), 'image')} with {counted(data.objects, 'object')} of "
        f"{counted(len(data.categories), 'category', 'categories')}"
    )
    if held_out is None:
        return f"{said}; too few to hold any out, so AP is not measured."
    if not held_out.objects:
        chosen = f"of {options.val.name}" if options.val is not None else "held out"
        return (
            f"{said}; none of the {len(held_out)} images {chosen} has an object, so AP is not "
            "measured and the latest weights are kept."
        )
    if options.val is not None:
        return f"{said}; AP is measured on {options.val.name}, {counted(len(held_out), 'image')}."
    return f"{said}; {len(held_out)} more are held out to measure AP and choose the best weights."
