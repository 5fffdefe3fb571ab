"""One row at one seed: trained for the whole budget, then measured on the validation images."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision

from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn.ablate.bodies import Source, take_body
from maskgui.maskrcnn.ablate.plan import Init, Plan, Task
from maskgui.maskrcnn.ablate.results import Result
from maskgui.maskrcnn.ablate.tables import network
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.config import TrainConfig
from maskgui.maskrcnn.evaluate import evaluate_results
from maskgui.maskrcnn.models import find_model
from maskgui.maskrcnn.train.dataset import DataSet
from maskgui.maskrcnn.train.engine import Engine
from maskgui.maskrcnn.train.feed import batches
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.prepare import held_out_count
from maskgui.maskrcnn.train.reading import read_dataset, read_validation
from maskgui.maskrcnn.train.step import learning_rate, settle_batch_norm
from maskgui.maskrcnn.train.validate import MAX_DETS, predictions, truth_of

CHECK_EVERY = 10
"""Steps between two looks at whether the loss is still a number."""

OnStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Data:
    """The images that all rows learn from, and those that all are measured on."""

    train: DataSet
    val: DataSet


def read_data(
    data: Path, images: Path, val: Path | None, val_images: Path | None, config: TrainConfig
) -> Data:
    """Read the sets; without `val` a tenth of the images is held out, the same for all rows.

    Raises:
        UserError: they cannot be read, do not fit together, or hold nothing to learn from.
    """
    train = read_dataset(data, images)
    if not train.objects:
        raise UserError(f"{data} has no object to learn from; label some images first.")
    if val is not None:
        return Data(train, read_validation(val, val_images or images, train, data))
    count = held_out_count(len(train), config)
    if not count:
        raise UserError(f"{data} has too few images to hold any out; give --val.")
    return Data(*train.split(count, seed=0))


def draw(data: DataSet, count: int) -> DataSet:
    """Return `count` images of the set, or all it has, by a draw that is always the same."""
    order = np.random.default_rng(0).permutation(len(data))[:count]
    samples = [data.samples[index] for index in sorted(order.tolist())]
    return DataSet(samples, data.categories, data.category_ids)


def find_init(name: str) -> Init:
    """Return what the plan keeps of a model to start from."""
    _, card = _loaded(name)
    return Init(name, card.sha256)


@cache
def _loaded(name: str) -> tuple[Source, Card]:
    module, card = find_model(name).load()
    return Source(card.name, module.state_dict()), card


class Trainer:
    """Trains rows of one plan on one device."""

    def __init__(self, plan: Plan, data: Data, device: str) -> None:
        self._plan, self._device = plan, device
        self._train = draw(data.train, plan.train_images)
        self._val = draw(data.val, plan.val_images)
        self._sources = [_loaded(init.name)[0] for init in plan.inits]

    def __call__(self, task: Task, on_step: OnStep) -> Result:
        """Train and measure one row; `on_step` hears (steps done, steps).

        Raises:
            Failure: the loss is no longer a number.
        """
        begun, used = time.monotonic(), time.process_time()
        torch.manual_seed(task.seed)
        module = build(task.recipe.model)
        taken = take_body(module, self._sources)
        self._learn(module, task, taken.taken > 0, on_step)
        segm, bbox = self._measure(module)
        named = network(task.row, self._plan.size)
        train = task.recipe.train
        return Result(
            recipe=task.key,
            data=self._plan.data_hash,
            seed=task.seed,
            row=f"{task.table}: {task.row.name}",
            network=named[0] if named else "",
            segm=segm,
            bbox=bbox,
            steps=train.steps,
            images=train.steps * train.batch,
            seconds=round(time.monotonic() - begun, 1),
            cpu_seconds=round(time.process_time() - used, 1),
            taken=taken.taken,
            tensors=taken.tensors,
            init=taken.source,
            torch=str(torch.__version__),
            torchvision=str(torchvision.__version__),
            device=self._device,
        )

    def _learn(self, module: Any, task: Task, from_weights: bool, on_step: OnStep) -> None:
        """Take all steps, and leave the averaged weights in the network."""
        config = settle_batch_norm(task.recipe.train, from_weights)
        ranks = Ranks(self._device)
        engine = Engine(module, config, ranks.device, ranks, _silent)
        steps = range(config.steps)
        with closing(batches(self._train, task.recipe, steps, ranks, ranks.device)) as made:
            for step, batch in made:
                losses = engine.step(step, batch, learning_rate(config, step, step / config.steps))
                if step % CHECK_EVERY == 0 and not bool(torch.isfinite(losses).all()):
                    raise Failure(
                        f"The loss of “{task.name}” is no longer a number at step {step}; lower "
                        f"learning_rate ({config.learning_rate:g}) in the base recipe."
                    )
                on_step(step + 1, config.steps)
        module.load_state_dict(engine.weights)

    def _measure(self, module: Any) -> tuple[dict[str, float], dict[str, float]]:
        """Return mask and box figures on the validation images; without masks the former are {}."""
        results: list[dict[str, Any]] = []
        for index, sample in enumerate(self._val.samples):
            results += predictions(module, self._val.image(index), sample.image_id)
        masks = module.roi_heads.has_mask()
        kinds = ["segm", "bbox"] if masks else ["bbox"]
        truth = truth_of(self._val.samples, len(self._val.categories))
        found = evaluate_results(truth, results, MAX_DETS, kinds)
        return _rounded(found.segm if masks else {}), _rounded(found.bbox)


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in figures.items()}


def _silent(_sentence: str) -> None:
    return
