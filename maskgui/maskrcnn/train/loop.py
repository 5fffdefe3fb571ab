"""Training from start to finish: steps, reports, checkpoints, validation, and the best weights."""

import contextlib
import threading
import time
from pathlib import Path

import msgspec
import torch

from maskgui.core.errors import Cancelled, UserError
from maskgui.core.files import sole_writer
from maskgui.maskrcnn.devices import pick_device
from maskgui.maskrcnn.train.curves import draw_curves
from maskgui.maskrcnn.train.engine import Engine
from maskgui.maskrcnn.train.feed import batches
from maskgui.maskrcnn.train.keeper import Keeper
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.prepare import Prepared, TrainOptions, prepare
from maskgui.maskrcnn.train.progress import Note, Report, TrainProgress
from maskgui.maskrcnn.train.record import FIGURES, Log, write_state
from maskgui.maskrcnn.train.step import learning_rate, loss_names

LOG_EVERY = 10
"""Steps between two rows of the log."""
SHOW_SECONDS = 1.0
PLANNED_AT = MEASURED = 0.25
"""Of a limited time: when to reckon what measuring AP costs, and how much of it that may take."""


def train(
    options: TrainOptions,
    on_progress: Report | None = None,
    cancel: threading.Event | None = None,
    on_note: Note | None = None,
) -> Path:
    """Train and return the path of the model file with the best weights.

    Beside it lie the card, `STEM.log.csv`, `STEM.tensorboard/`, `STEM.curves.png` and, until the
    end, `STEM.checkpoint`, from which `resume` goes on: optimiser, schedule, averaged weights and
    data position are stored, and all randomness is drawn from the seed and the step, so the
    resumed run equals an unbroken one. Under torchrun each process takes its share of the
    images; only the first reports and writes.

    Raises:
        UserError: the data, the recipe or the checkpoint cannot be used, the loss diverged, or
            another training writes the same model.
        Failure: the device has no memory for a single image.
        Cancelled: `cancel` was set; a checkpoint has been written.
    """
    device = pick_device(options.device)
    with contextlib.ExitStack() as stack:
        ranks = Ranks(device)
        stack.callback(ranks.leave)
        if ranks.leads:
            stack.enter_context(sole_writer(options.model_file, "Another training"))
        prepared = prepare(options, device)
        run = _Run(options, prepared, ranks, on_note or _silent, cancel or threading.Event())
        return run.all_steps(on_progress)


def _silent(_sentence: str) -> None:
    return


class _Run:
    """The state of one training run."""

    def __init__(
        self,
        options: TrainOptions,
        prepared: Prepared,
        ranks: Ranks,
        note: Note,
        cancel: threading.Event,
    ) -> None:
        self.options, self.prepared, self.ranks = options, prepared, ranks
        self.note, self.cancel = note, cancel
        self.config = prepared.recipe.train
        self.output = options.model_file
        self.output.parent.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(self.config.seed)
        module = prepared.network()
        if ranks.leads:
            for sentence in prepared.notes:
                note(sentence)
        heard = note if ranks.leads else _silent
        self.engine = Engine(module, self.config, ranks.device, ranks, heard)
        self.names = loss_names(module)
        self.step, self.elapsed = 0, 0.0
        self.sums = torch.zeros(len(self.names), device=ranks.device)
        if prepared.state is not None:
            state = prepared.state
            self.engine.load_state(state)
            self.step, self.elapsed = state["step"], state["elapsed"]
            self.sums = state["sums"].to(ranks.device)
        if ranks.leads:
            self._lead()

    def _lead(self) -> None:
        """Open what only the first process writes."""
        self.keeper = Keeper(self.options, self.prepared, self.ranks.device)
        if self.prepared.state is not None:
            self.keeper.load_state(self.prepared.state["keeper"])
        else:  # an earlier run's must not be what --resume finds after this one was killed
            self.options.checkpoint.unlink(missing_ok=True)
        self.log = Log(self.output, self.step)
        self.saved = self.mark = self.shown = self.elapsed
        self.marked_step = self.step

    def all_steps(self, report: Report | None) -> Path:
        """Take the remaining steps, keep the best weights, and return their file."""
        try:
            self._steps(report)
            if self.ranks.leads:
                self._finish(report)
        finally:
            if self.ranks.leads:
                self.log.close()
        return self.output

    def _steps(self, report: Report | None) -> None:
        self.started = time.monotonic() - self.elapsed
        recipe, ahead = self.prepared.recipe, range(self.step, self.config.steps)
        made = batches(self.prepared.data, recipe, ahead, self.ranks, self.ranks.device)
        with contextlib.closing(made):
            for step, batch in made:
                progress, stopped = self.ranks.agreed(self._progress(), self.cancel.is_set())
                if stopped:
                    self._stop()
                if progress >= 1:
                    return
                rate = learning_rate(self.config, step, progress)
                self.sums += self.engine.step(step, batch, rate)
                self.step, self.elapsed = step + 1, self._clock()
                self._after_step(report, rate)

    def _clock(self) -> float:
        """Return the seconds that the run has taken, those before a resume included."""
        return time.monotonic() - self.started

    def _progress(self) -> float:
        """Return how much of the schedule is done, 0 to 1, by steps or by time.

        Of a limited time, measuring AP at the end is set aside.
        """
        done = self.step / self.config.steps
        if self.config.minutes:
            done = max(done, self.elapsed / max(self._training_seconds(), 1e-9))
        return min(done, 1.0)

    def _training_seconds(self) -> float:
        """Return when, in seconds of the run, its last measurement must begin."""
        seconds = self.config.minutes * 60
        return seconds - self.keeper.cost if self.ranks.leads else seconds

    def _plan(self, *, due: bool) -> None:
        """Reckon what measuring AP costs, once, before it is due, where the time is limited."""
        seconds = self.config.minutes * 60
        if not seconds or self.keeper.cost or not (due or self.elapsed > PLANNED_AT * seconds):
            return
        told = self.keeper.plan(self.engine.weights, MEASURED * seconds)
        if told:
            self.note(told)
        self.elapsed = self._clock()

    def _after_step(self, report: Report | None, rate: float) -> None:
        """Report, log, validate and save, whichever is due."""
        if self.ranks.leads:
            self._plan(due=self.keeper.is_due(self.elapsed))
        if self.step % LOG_EVERY:
            if self.ranks.leads and report and self.elapsed - self.shown > SHOW_SECONDS:
                means = self._means(self.sums, self.step % LOG_EVERY)
                self._show(report, means, rate, self._speed(), logged=False)
            return
        means = self._means(self.ranks.mean(self.sums), LOG_EVERY)
        self.sums = torch.zeros_like(self.sums)
        if not self.ranks.leads:
            return
        speed = self._speed()
        self._write_row(means, rate)
        self._show(report, means, rate, speed, logged=True)
        due = self.keeper.is_due(self.elapsed) and self._has_time()
        if due and self._measure(report, self._seconds_left()):
            self._show(report, means, rate, speed, logged=True)
        if self.elapsed - self.saved > self.config.save_minutes * 60:
            self._save()
        self.elapsed = self.mark = self._clock()
        self.marked_step = self.step

    def _has_time(self) -> bool:
        """Whether AP can be measured now and once more at the end."""
        limited = bool(self.config.minutes)
        return not limited or self.elapsed + self.keeper.cost < self._training_seconds()

    def _measure(self, report: Report | None, later: float) -> bool:
        """Measure AP and keep the best weights; False where a wish to stop came in between.

        `later` are the seconds that the run takes after it.
        """
        began = self._clock()

        def on_image(done: int, total: int) -> None:
            if self.cancel.is_set():
                raise Cancelled
            now = self._clock()
            each = (now - began) / done if done else self.keeper.cost / total
            if report is not None and each and now - self.shown > SHOW_SECONDS:
                self.shown = now
                left = each * (total - done) + later
                report(self._standing(seconds_left=left, measuring=(done, total)))

        try:
            self.keeper.keep_best(self.engine.weights, self.step, began, on_image)
        except Cancelled:
            return False
        finally:
            self.elapsed = self._clock()
        self._write_figures()
        return True

    def _seconds_left(self) -> float:
        """Return how long the rest of the run will take, its last measurement included."""
        done = max(self._progress(), 1e-9)
        return self.elapsed * (1 - done) / done + self.keeper.cost

    def _speed(self) -> float:
        """Return images a second, of all processes, since the last row of the log."""
        images = (self.step - self.marked_step) * self.config.batch * self.ranks.size
        return images / max(self.elapsed - self.mark, 1e-9)

    def _means(self, sums: torch.Tensor, steps: int) -> dict[str, float]:
        values = dict(zip(self.names, (sums / steps).tolist(), strict=True))
        values["total"] = sum(values.values())
        if values["total"] - values["total"] != 0:  # infinite or not a number
            raise UserError(
                f"The loss is no longer a number at step {self.step}; lower learning_rate "
                f"({self.config.learning_rate:g}) in the recipe's [train] and train again."
            )
        return values

    def _show(
        self,
        report: Report | None,
        means: dict[str, float],
        rate: float,
        speed: float,
        *,
        logged: bool,
    ) -> None:
        self.shown = self.elapsed
        if report is not None:
            report(self._standing(means, rate, speed, self._seconds_left(), logged=logged))

    def _standing(
        self,
        means: dict[str, float] | None = None,
        rate: float = 0.0,
        speed: float = 0.0,
        seconds_left: float = 0.0,
        *,
        logged: bool = False,
        measuring: tuple[int, int] | None = None,
    ) -> TrainProgress:
        done = max(self._progress(), 1e-9)
        seen = self.step * self.config.batch * self.ranks.size
        return TrainProgress(
            self.step,
            min(self.config.steps, max(self.step, round(self.step / done))),
            seen / len(self.prepared.data),
            means or {},
            rate,
            speed,
            seconds_left,
            dict(self.keeper.figures),
            self.keeper.best,
            logged,
            measuring,
        )

    def _write_row(self, means: dict[str, float], rate: float) -> None:
        self.log.write({"step": self.step, "seconds": self.elapsed, "learning_rate": rate, **means})

    def _write_figures(self) -> None:
        figures = {n: v for n, v in self.keeper.figures.items() if n in FIGURES}
        if figures:
            self.log.write({"step": self.step, "seconds": self.elapsed, **figures})

    def _stop(self) -> None:
        if self.ranks.leads:
            self._means(self.sums, 1)  # weights that are no numbers are not worth keeping
            self._save()
        raise Cancelled(f"Training stopped at step {self.step}; go on with --resume.")

    def _save(self) -> None:
        """Write everything that going on needs."""
        write_state(
            self.options.checkpoint,
            {
                "recipe": msgspec.json.encode(self.prepared.recipe).decode(),
                "images": len(self.prepared.data),
                "categories": list(self.prepared.data.categories),
                **self.engine.state(),
                "keeper": self.keeper.state(),
                "step": self.step,
                "elapsed": self.elapsed,
                "sums": self.sums,
            },
        )
        draw_curves(self.log.path, self.output.with_suffix(".curves.png"))
        self.saved = self.elapsed

    def _finish(self, report: Report | None) -> None:
        """Validate a last time, leave the best weights, and drop the checkpoint."""
        self._plan(due=True)
        if not self._measure(report, 0.0):
            self._stop()
        draw_curves(self.log.path, self.output.with_suffix(".curves.png"))
        self.options.checkpoint.unlink(missing_ok=True)
