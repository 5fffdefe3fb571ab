"""Training from start to finish: steps, log, checkpoints, validation, and the best weights."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import torch
from torchvision.models.detection import MaskRCNN

from maskgui.core.errors import Cancelled, UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import WEIGHTS, save_model
from maskgui.maskrcnn.config import Recipe, read_toml
from maskgui.maskrcnn.models import find_model
from maskgui.maskrcnn.train.dataset import DataSet, read_dataset
from maskgui.maskrcnn.train.loader import Batch, batches
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.record import Log, read_state, write_state
from maskgui.maskrcnn.train.step import (
    LOSSES,
    Average,
    keep_outputs_float,
    learning_rate,
    losses,
    optimiser,
)
from maskgui.maskrcnn.train.validate import validate

REPORT_EVERY = 10


@dataclass(frozen=True)
class TrainOptions:
    """What to train on, with which recipe, and where the model goes."""

    data: Path
    images: Path
    config: Path
    output: Path
    val: Path | None = None
    val_images: Path | None = None
    resume: bool = False
    init: str | None = None  # a model's name or file to start from
    title: str = ""
    licence: str = ""
    generator: str = ""
    command: str = ""


@dataclass(frozen=True)
class TrainProgress:
    """How training stands; losses are means since the last report, `validation` the latest AP."""

    step: int
    steps: int
    epoch: float
    losses: dict[str, float]
    learning_rate: float
    images_per_second: float
    seconds_left: float
    validation: dict[str, float] = field(default_factory=dict)


Report = Callable[[TrainProgress], None]


def train(
    options: TrainOptions, on_progress: Report | None = None, cancel: threading.Event | None = None
) -> Path:
    """Train and return the path of the model file with the best weights.

    Beside it lie the card, `STEM.log.csv` and, until the end, `STEM.checkpoint`, from which
    `resume` goes on: optimiser, schedule, averaged weights and data position are stored, and all
    randomness is drawn from the seed and the step, so the resumed run equals an unbroken one.

    Raises:
        UserError: the data, the recipe or the checkpoint cannot be used, or the loss diverged.
        Cancelled: `cancel` was set; a checkpoint has been written.
    """
    recipe = read_toml(options.config, Recipe)
    data, held_out = _data(options, recipe)
    recipe = msgspec.structs.replace(
        recipe, model=msgspec.structs.replace(recipe.model, categories=len(data.categories))
    )
    run = _Run(options, recipe, data, held_out)
    stop = threading.Event()
    try:
        run.steps(on_progress, cancel or threading.Event(), stop)
    finally:
        stop.set()
    return run.finish()


def _data(options: TrainOptions, recipe: Recipe) -> tuple[DataSet, DataSet | None]:
    data = read_dataset(options.data, options.images)
    if options.val is not None:
        held_out = read_dataset(options.val, options.val_images or options.images)
        if held_out.categories != data.categories:
            raise UserError(
                f"{options.val} has other categories than {options.data}; give both the same list."
            )
        return data, held_out
    if recipe.train.hold_out:
        return data.split(recipe.train.hold_out, recipe.train.seed)
    return data, None


class _Run:
    """The state of one training run."""

    def __init__(
        self, options: TrainOptions, recipe: Recipe, data: DataSet, held_out: DataSet | None
    ) -> None:
        self.options, self.recipe, self.data, self.held_out = options, recipe, data, held_out
        self.config = recipe.train
        self.ranks = Ranks()
        self.output = options.output.with_suffix(WEIGHTS)
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.checkpoint = self.output.with_suffix(".checkpoint")
        torch.manual_seed(self.config.seed)
        self.module = build(recipe.model)
        if options.init is not None:
            _start_from(self.module, options.init)
        self.module.to(memory_format=torch.channels_last)
        self.optimiser = optimiser(self.module, self.config)
        self.average = Average(self.module, self.config.ema_decay)
        keep_outputs_float(self.module)
        self.judge = build(recipe.model)
        self.step, self.elapsed, self.best = 0, 0.0, -1.0
        self.figures: dict[str, float] = {}
        self.threshold = 0.5
        if options.resume:
            self._resume()
        if self.ranks.leads:
            self.log = Log(self.output.with_suffix(".log.csv"), self.step)

    def steps(self, report: Report | None, cancel: threading.Event, stop: threading.Event) -> None:
        """Take the remaining steps."""
        started = time.monotonic() - self.elapsed
        saved = validated = mark = self.elapsed
        sums = dict.fromkeys(LOSSES, 0.0)
        ahead = range(self.step, self.config.steps)
        for step, batch in batches(self.data, self.recipe, ahead, self.ranks, stop):
            progress, stopped = self.ranks.agreed(self.progress(), cancel.is_set())
            if stopped:
                self.save()
                raise Cancelled(f"Training stopped at step {self.step}; go on with --resume.")
            if progress >= 1:
                break
            rate = learning_rate(self.config, step, progress)
            for name, value in self._one_step(step, batch, rate).items():
                sums[name] += value / REPORT_EVERY
            self.step, self.elapsed = step + 1, time.monotonic() - started
            if not self.ranks.leads or self.step % REPORT_EVERY:
                continue
            images = REPORT_EVERY * self.config.batch * self.ranks.size
            self._report(report, sums, rate, images / (self.elapsed - mark))
            sums = dict.fromkeys(LOSSES, 0.0)
            if self.elapsed - validated > self.config.validate_minutes * 60:
                self.keep_best()
                validated = self.elapsed = time.monotonic() - started
            if self.elapsed - saved > self.config.save_minutes * 60:
                self.save()
                saved = self.elapsed
            mark = self.elapsed

    def progress(self) -> float:
        """Return how much of the schedule is done, 0 to 1, by steps or by time."""
        done = self.step / self.config.steps
        if self.config.minutes:
            done = max(done, self.elapsed / (self.config.minutes * 60))
        return min(done, 1.0)

    def _one_step(self, step: int, batch: Batch, rate: float) -> dict[str, float]:
        torch.manual_seed(self.config.seed + step * self.ranks.size + self.ranks.rank)
        self.module.train()
        parts = losses(self.module, batch, self.config.bf16)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(parts.values())).sum())
        self.ranks.average(self.module)
        norm = torch.nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip_norm)
        if not torch.isfinite(norm):
            raise UserError(
                f"The loss is no longer a number at step {step}; lower learning_rate in "
                f"{self.options.config} and train again."
            )
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.average.update(self.module, step)
        return {name: float(value.detach()) for name, value in parts.items()}

    def _report(
        self, report: Report | None, sums: dict[str, float], rate: float, speed: float
    ) -> None:
        done = max(self.progress(), 1e-9)
        state = TrainProgress(
            self.step,
            self.config.steps,
            self.step * self.config.batch * self.ranks.size / len(self.data),
            dict(sums),
            rate,
            speed,
            self.elapsed * (1 - done) / done,
            self.figures,
        )
        self.log.write(self.step, self.elapsed, rate, sums, self.figures)
        if report is not None:
            report(state)

    def keep_best(self) -> None:
        """Validate the averaged weights and write them when they are the best so far."""
        self.judge.load_state_dict(self.average.values)
        self.judge.eval()
        if self.held_out is not None:
            self.figures, self.threshold = validate(
                self.judge, self.held_out, self.config.validate_images
            )
            if self.figures["AP"] <= self.best:
                return
            self.best = self.figures["AP"]
        save_model(self.output, self.judge, self._card())

    def _card(self) -> Card:
        options = self.options
        measured = ""
        if self.held_out is not None:
            count = min(self.config.validate_images, len(self.held_out))
            measured = f"{count} images held out of training, {self.step} steps"
        return Card(
            name=self.output.stem,
            title=options.title or self.output.stem,
            config=self.recipe.model,
            categories=self.data.categories,
            category_ids=self.data.category_ids,
            score_threshold=self.threshold,
            figures={name: round(value, 4) for name, value in self.figures.items()},
            measured_on=measured,
            data=f"{options.data.name}, {len(self.data)} images",
            licence=options.licence,
            generator=options.generator,
            command=options.command,
        )

    def save(self) -> None:
        """Write everything that going on needs."""
        if not self.ranks.leads:
            return
        write_state(
            self.checkpoint,
            {
                "recipe": msgspec.json.encode(self.recipe).decode(),
                "images": len(self.data),
                "module": self.module.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average.values,
                "step": self.step,
                "elapsed": self.elapsed,
                "best": self.best,
                "figures": self.figures,
            },
        )

    def _resume(self) -> None:
        state = read_state(self.checkpoint)
        if state["recipe"] != msgspec.json.encode(self.recipe).decode():
            raise UserError(
                f"{self.checkpoint} was made with another recipe than {self.options.config}; "
                "resume with the same file, or train without --resume."
            )
        if state["images"] != len(self.data):
            raise UserError(
                f"{self.checkpoint} was made on {state['images']} images, the data has "
                f"{len(self.data)}; resume on the same data, or train without --resume."
            )
        self.module.load_state_dict(state["module"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.values = state["average"]
        self.step, self.elapsed = state["step"], state["elapsed"]
        self.best, self.figures = state["best"], state["figures"]

    def finish(self) -> Path:
        """Validate a last time, leave the best weights, and drop the checkpoint."""
        if not self.ranks.leads:
            return self.output
        self.keep_best()
        self.checkpoint.unlink(missing_ok=True)
        self.log.write(self.step, self.elapsed, 0.0, {}, self.figures)
        return self.output


def _start_from(module: MaskRCNN, name: str) -> None:
    """Take over every tensor of another model, by its name or file, that has the same shape."""
    source, _ = find_model(name).load()
    own = module.state_dict()
    fitting = {
        name: value
        for name, value in source.state_dict().items()
        if name in own and own[name].shape == value.shape
    }
    module.load_state_dict({**own, **fitting})
