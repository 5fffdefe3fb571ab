"""`train`: learning from a COCO data set, with what happens shown while it does."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgui.cli.numbers import FiniteRange
from maskgui.cli.options import FILE, FOLDER, overwrite_option
from maskgui.cli.progress import StatusLine, duration
from maskgui.core.errors import Cancelled, Failure, UserError

if TYPE_CHECKING:
    from maskgui.maskrcnn.train import TrainProgress

BAD_INPUT = 2
FOLLOWER_WAIT = 10.0
"""Seconds that another process of torchrun's waits, in silence, to be ended with the first one:
that one says what is wrong with the data, and would be ended itself if this one went before."""


@click.command()
@click.option("--data", required=True, type=FILE, help="COCO JSON to learn from.")
@click.option("--images", required=True, type=FOLDER, help="Folder of its images.")
@click.option("--val", type=FILE, help="COCO JSON to choose the best weights on.")
@click.option("--val-images", type=FOLDER, help="Folder of the validation images.")
@click.option("--config", type=FILE, help="Network and training settings, TOML.")
@click.option("-o", "--out", required=True, type=FILE, help="The model file to write.")
@click.option("--resume", is_flag=True, help="Continue a run that was stopped.")
@click.option("--init", metavar="NAME|FILE", help="Start from these weights.")
@click.option("--minutes", type=FiniteRange(min=0), help="Train and measure no longer than this.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@overwrite_option
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON lines.")
def train(
    data: Path,
    images: Path,
    val: Path | None,
    val_images: Path | None,
    config: Path | None,
    out: Path,
    resume: bool,
    init: str | None,
    minutes: float | None,
    device: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Train a Mask R-CNN on a COCO data set.

    Without --config, settings that suit the data are taken: fine-tuning with --init, else the
    small network from scratch. A tenth of the images is held out unless --val is given. On
    several GPUs or processors: torchrun --nproc-per-node N main.py train ...

    What stands at OUT is never trained over without --overwrite: --resume goes on with a training
    that was stopped.
    """
    from maskgui.assist.learning import leads, train_model
    from maskgui.maskrcnn.train import TrainOptions

    given = {"config": config and config.name, "init": init, "minutes": minutes}
    named = "".join(f" --{name} {value}" for name, value in given.items() if value is not None)
    options = TrainOptions(
        data,
        images,
        config,
        out,
        val,
        val_images,
        resume,
        init,
        device,
        minutes,
        command=f"main.py train --data {data.name} --images {images.name}{named} -o {out.name}",
    )
    show = JsonLines() if as_json else Lines(sys.stderr.isatty())
    try:
        written = train_model(options, show.progress, show.note, overwrite)
    except Cancelled:
        show.note(f"Stopped; the same command with --resume goes on from {options.checkpoint}.")
        raise
    except Failure:
        raise
    except UserError as error:
        if leads():
            raise
        time.sleep(FOLLOWER_WAIT)
        raise click.exceptions.Exit(BAD_INPUT) from error
    finally:
        show.end()
    if leads():
        show.wrote(written)


class Lines(StatusLine):
    """Progress for people, on stderr; new validation figures get a line that stays."""

    def __init__(self, live: bool) -> None:
        super().__init__(live)
        self._told: dict[str, float] = {}

    def progress(self, now: TrainProgress) -> None:
        """Show how training stands."""
        if now.validation and now.validation != self._told:
            self._told = now.validation
            self.note(validation_line(now))
        self.show(status_line(now))

    def wrote(self, path: Path) -> None:
        """Say where the model is, and how good."""
        from maskgui.maskrcnn.checkpoint import read_card

        click.echo(f"Wrote {path}, its card, its log (CSV, TensorBoard) and curves.")
        card = read_card(path)
        shown = [f"{n} {card.figures[n]:.3f}" for n in ("AP", "AP50", "AP75") if n in card.figures]
        if shown:
            click.echo(f"It reaches {', '.join(shown)} on {card.measured_on}.")


class JsonLines:
    """Progress for scripts, on stdout: one JSON object a line, told apart by `event`."""

    def progress(self, now: TrainProgress) -> None:
        """Print a row of the log, or how far measuring AP is."""
        if now.measuring is not None:
            done, images = now.measuring
            left = now.seconds_left
            self._write("measuring", step=now.step, done=done, images=images, seconds_left=left)
        elif now.logged:
            fields = {k: v for k, v in asdict(now).items() if k not in ("logged", "measuring")}
            self._write("progress", **fields)

    def note(self, sentence: str) -> None:
        """Print a sentence."""
        self._write("note", text=sentence)

    def end(self) -> None:
        """Do nothing: every line is whole."""

    def wrote(self, path: Path) -> None:
        """Print where the model is."""
        self._write("done", model=str(path))

    def _write(self, event: str, **fields: object) -> None:
        click.echo(json.dumps({"event": event, **fields}))


def status_line(now: TrainProgress) -> str:
    """Return progress, the losses by name, speed and time left in one line."""
    if now.measuring is not None:
        done, images = now.measuring
        left = duration(now.seconds_left)
        return f"step {now.step}/{now.steps}  measuring AP, image {done + 1}/{images}  {left} left"
    parts = "  ".join(
        f"{name.replace('_', ' ')} {value:.3f}"
        for name, value in now.losses.items()
        if name != "total"
    )
    return (
        f"step {now.step}/{now.steps}  epoch {now.epoch:.1f}  {duration(now.seconds_left)} left  "
        f"{now.images_per_second:.1f} images/s  loss {now.losses['total']:.3f} ({parts})"
    )


def validation_line(now: TrainProgress) -> str:
    """Return the AP on the held-out images, and whether it is the best so far."""
    figures = ", ".join(f"{name} {now.validation[name]:.3f}" for name in ("AP", "AP50", "AP75"))
    best = "the best so far, kept" if now.validation["AP"] >= now.best else f"best {now.best:.3f}"
    return f"step {now.step}: {figures} on the held-out images ({best})"
