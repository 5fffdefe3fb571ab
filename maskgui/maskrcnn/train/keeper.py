"""The best weights so far: measured on held-out images, and written with their card."""

import time
from typing import Any

import msgspec
import torch
from torch import Tensor

from maskgui.core.errors import UserError
from maskgui.core.words import counted
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import save_model
from maskgui.maskrcnn.train.prepare import Prepared, TrainOptions
from maskgui.maskrcnn.train.validate import OnImage, predictions, validate

SHARE = 0.1
"""Of the training time, for validation, where the recipe names no interval."""
FIRST = 120.0
"""Seconds of training before the first validation then."""
PROBED = 3
"""Images from which the time of a validation is reckoned, the first of them as a warm-up."""


class Keeper:
    """Validates now and then, and leaves the model file with the highest AP, the latest of equals.

    Without held-out images the latest weights are the best. `cost` is how many seconds the next
    validation will take, as far as is known; `images` how many it measures.
    """

    def __init__(self, options: TrainOptions, prepared: Prepared, device: torch.device) -> None:
        self._options, self._prepared = options, prepared
        self._judge: Any = build(prepared.recipe.model).to(device).eval()
        self._judge.to(memory_format=torch.channels_last)
        self._best, self._threshold = -1.0, 0.5
        self._last = 0.0
        self._kept_step = -1
        held_out = prepared.held_out
        wanted = prepared.recipe.train.validate_images
        self.images = min(wanted, len(held_out)) if held_out is not None else 0
        self.cost = 0.0
        self.figures: dict[str, float] = {}

    def is_due(self, elapsed: float) -> bool:
        """Whether to validate after so many seconds of the run."""
        interval = self._prepared.recipe.train.validate_minutes * 60
        if not interval:
            interval = max(FIRST, self.cost / SHARE)
        return elapsed - self._last > interval

    def plan(self, weights: dict[str, Tensor], seconds: float) -> str:
        """Reckon a validation's cost from its first images; measure no more than `seconds` take.

        Return a sentence where that are fewer images than were wanted, else "".
        """
        held_out, wanted = self._prepared.held_out, self.images
        if held_out is None:
            return ""
        self._judge.load_state_dict(weights)
        taken = []
        for index, sample in enumerate(held_out.samples[:PROBED]):
            started = time.monotonic()
            predictions(self._judge, held_out.image(index), sample.image_id)
            taken.append(time.monotonic() - started)
        warm = taken[1:] or taken
        each = max(sum(warm) / len(warm), 1e-9)
        self.images = max(1, min(wanted, int(seconds / each)))
        self.cost = each * self.images
        if self.images == wanted:
            return ""
        return (
            f"AP is measured on {self.images} of the {wanted} images: all of them would take "
            f"{each * wanted:.0f} s, too much of the minutes given."
        )

    def keep_best(
        self,
        weights: dict[str, Tensor],
        step: int,
        elapsed: float,
        on_image: OnImage | None = None,
    ) -> None:
        """Validate the weights and write them when they are the best so far.

        Nothing is done for the weights of a step that were validated already. `on_image` hears
        (images done, images) and may raise to give up. Raises UserError for weights that are not
        finite.
        """
        if step == self._kept_step and self._options.model_file.is_file():
            return
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
            self._kept_step, self._last = step, elapsed
            return
        self.figures, threshold = validate(self._judge, held_out, self.images, on_image)
        if self.figures["AP"] >= self._best or not self._options.model_file.is_file():
            self._best, self._threshold = self.figures["AP"], threshold
            save_model(self._options.model_file, self._judge, self._card(step))
        self._kept_step = step
        self.cost = time.monotonic() - started
        self._last = elapsed + self.cost

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
            "cost": self.cost,
            "images": self.images,
            "kept_step": self._kept_step,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on with the best of an earlier part of the run."""
        self._best, self.figures = state["best"], dict(state["figures"])
        self._threshold, self._last, self.cost = state["threshold"], state["last"], state["cost"]
        # Checkpoints of the first version lack these two.
        self.images = state.get("images", self.images)
        self._kept_step = state.get("kept_step", -1)

    def _card(self, step: int) -> Card:
        options, data = self._options, self._prepared.data
        held_out, recipe = self._prepared.held_out, self._prepared.recipe
        measured = ""
        if held_out is not None:
            chosen = f"of {options.val.name}" if options.val else "held out of training"
            measured = f"{counted(self.images, 'image')} {chosen}, {counted(step, 'step')}"
        card = Card(
            name=options.model_file.stem,
            title=options.title or options.model_file.stem,
            config=recipe.model,
            categories=data.categories,
            category_ids=data.category_ids,
            score_threshold=self._threshold,
            figures={name: round(value, 4) for name, value in self.figures.items()},
            measured_on=measured,
            data=f"{options.data.name}, {counted(len(data), 'image')}",
            licence=options.licence,
        )
        return msgspec.structs.replace(card, generator=options.generator, command=options.command)
