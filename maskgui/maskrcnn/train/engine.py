"""The network with all that a step changes: weights, optimiser, loss scale, averaged weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from maskgui.core.errors import Failure
from maskgui.maskrcnn.config import TrainConfig
from maskgui.maskrcnn.train.loader import Batch
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.step import (
    Average,
    keep_outputs_float,
    losses,
    optimiser,
    precision,
    set_training,
)


class Engine:
    """Takes steps with one network on one device.

    `module` is moved to the device and trained in place. `on_note` hears, in a sentence, when the
    device's memory is too small for the batch.
    """

    def __init__(
        self,
        module: Any,
        config: TrainConfig,
        device: torch.device,
        ranks: Ranks,
        on_note: Callable[[str], None],
    ) -> None:
        self.module = module.to(device, memory_format=torch.channels_last)
        self._config, self._device, self._ranks = config, device, ranks
        self._note = on_note
        self._dtype = precision(config, device)
        self._optimiser = optimiser(module, config)
        self._scaler = torch.amp.GradScaler(
            device.type, enabled=device.type == "cuda" and self._dtype == torch.float16
        )
        self._average = Average(module, config.ema_decay) if config.ema_decay else None
        self._pieces = 1
        keep_outputs_float(module)
        self._set_training()

    @property
    def weights(self) -> dict[str, Tensor]:
        """The tensors to keep: averaged where an average is taken."""
        values: dict[str, Tensor] = (
            self._average.values if self._average else self.module.state_dict()
        )
        return values

    def step(self, step: int, batch: Batch, rate: float) -> Tensor:
        """Take one step at the learning rate given; return the losses, in `LOSSES`' order."""
        found = self._gradients(step, batch.to(self._device))
        self._ranks.average(self.module)
        self._scaler.unscale_(self._optimiser)
        if self._config.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.module.parameters(), self._config.clip_norm)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._scaler.step(self._optimiser)
        self._scaler.update()
        if self._average:
            self._average.update(step)
        return found

    def _set_training(self) -> None:
        set_training(self.module, self._config.batch_norm == "eval")

    def _gradients(self, step: int, batch: Batch) -> Tensor:
        """Compute the gradients, in as many pieces as memory asks for; return the losses."""
        while True:
            torch.manual_seed(
                self._config.seed + step * self._ranks.size + self._ranks.rank
            )  # samplers of anchors and RoIs: a resumed run draws the same
            if not self.module.training:  # somebody has measured it in between
                self._set_training()
            self._optimiser.zero_grad(set_to_none=True)
            pieces = batch.parts(self._pieces)
            try:
                return torch.stack([self._backward(p, len(batch.targets)) for p in pieces]).sum(0)
            except torch.OutOfMemoryError as error:
                if len(pieces) == len(batch.targets):
                    raise Failure(
                        f"The {self._device.type.upper()} has no memory for a single image of the "
                        f"batch; make crop ({self._config.crop}) smaller in the recipe's [train]."
                    ) from error
            self._shrink(len(batch.targets))

    def _backward(self, piece: Batch, whole: int) -> Tensor:
        found = torch.stack(list(losses(self.module, piece, self._dtype).values()))
        found = found * (len(piece.targets) / whole)
        torch.autograd.backward(self._scaler.scale(found.sum()))
        return found.detach()

    def _shrink(self, images: int) -> None:
        """Halve the pieces, saying so the first time; gradients of all pieces still make a step."""
        first = self._pieces == 1
        self._pieces = min(self._pieces * 2, images)
        self._optimiser.zero_grad(set_to_none=True)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if first:
            self._note(
                f"The {self._device.type.upper()} ran out of memory: the batch of {images} now "
                "goes through in smaller pieces, slower. A step still learns from every image, but "
                "each piece takes the means of its losses, and its batch norm, by itself."
            )

    def state(self) -> dict[str, Any]:
        """Return what `load_state` restores."""
        return {
            "module": self.module.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "scaler": self._scaler.state_dict(),
            "average": self._average.values if self._average else {},
            "pieces": self._pieces,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go back to a stored state, wherever its tensors lay."""
        self.module.load_state_dict(state["module"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._scaler.load_state_dict(state["scaler"])
        self._pieces = state["pieces"]
        if self._average:
            for name, value in state["average"].items():
                self._average.values[name].copy_(value)
