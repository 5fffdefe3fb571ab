"""The best weights so far: measured on held-out images, and written with their card."""

import time
from typing import Any

import msgspec
import torch
from torch import Tensor

from maskgui.core.errors import UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import save_model
from maskgui.maskrcnn.train.prepare import Prepared, TrainOptions
from maskgui.maskrcnn.train.validate import validate

SHARE = 0.1
"""Of the training time, for validation, where the recipe names no interval."""
FIRST = 120.0
"""Seconds of training before the first validation then."""


class Keeper:
    """Validates now and then, and leaves the model file with the highest AP.

    Without held-out images the latest weights are the best.
    """

    def __init__(self, options: TrainOptions, prepared: Prepared, device: torch.device) -> None:
        self._options, self._prepared = options, prepared
        self._judge: Any = build(prepared.recipe.model).to(device).eval()
        self._judge.to(memory_format=torch.channels_last)
        self._best, self._threshold = -1.0, 0.5
        self._last, self._cost = 0.0, 0.0
        self.figures: dict[str, float] = {}

    def is_due(self, elapsed: float) -> bool:
        """Whether to validate after so many seconds of the run."""
        interval = self._prepared.recipe.train.validate_minutes * 60
        if not interval:
            interval = max(FIRST, self._cost / SHARE)
        return elapsed - self._last > interval

    def keep_best(self, weights: dict[str, Tensor], step: int, elapsed: float) -> None:
        """Validate the weights and write them when they are the best so far.

        Raises UserError for weights that are not finite.
        """
        if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
            raise UserError(
                f"The weights are no longer numbers at step {step}; lower learning_rate in the "
                "recipe's [train] and train again."
            )
        started = time.monotonic()
        self._judge.load_state_dict(weights)
        held_out = self._prepared.held_out
        if held_out is None:
            save_model(self._options.model_file, self._judge, self._card(step))
            return
        count = self._prepared.recipe.train.validate_images
        self.figures, threshold = validate(self._judge, held_out, count)
        if self.figures["AP"] > self._best or not self._options.model_file.is_file():
            self._best, self._threshold = self.figures["AP"], threshold
            save_model(self._options.model_file, self._judge, self._card(step))
        self._cost = time.monotonic() - started
        self._last = elapsed + self._cost

    @property
    def best(self) -> float:
        """The AP of the weights that were written; -1 before."""
        return self._best

    def state(self) -> dict[str, Any]:
        """Return what `load_state` restores."""
        return {
            "best": self._best,
            "figures": self.figures,
            "threshold": self._threshold,
            "last": self._last,
            "cost": self._cost,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on with the best of an earlier part of the run."""
        self._best, self.figures = state["best"], dict(state["figures"])
        self._threshold, self._last, self._cost = state["threshold"], state["last"], state["cost"]

    def _card(self, step: int) -> Card:
        options, data = self._options, self._prepared.data
        held_out, recipe = self._prepared.held_out, self._prepared.recipe
        measured = ""
        if held_out is not None:
            count = min(recipe.train.validate_images, len(held_out))
            measured = f"{count} images held out of training, {step} steps"
        card = Card(
            name=options.model_file.stem,
            title=options.title or options.model_file.stem,
            config=recipe.model,
            categories=data.categories,
            category_ids=data.category_ids,
            score_threshold=self._threshold,
            figures={name: round(value, 4) for name, value in self.figures.items()},
            measured_on=measured,
            data=f"{options.data.name}, {len(data)} images",
            licence=options.licence,
        )
        return msgspec.structs.replace(card, generator=options.generator, command=options.command)
