"""`ablate`: the paper's ablations in kind, on a COCO data set."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from maskgui.cli.numbers import FiniteRange
from maskgui.cli.options import FILE, FOLDER
from maskgui.cli.progress import StatusLine, duration

if TYPE_CHECKING:
    from maskgui.maskrcnn.ablate.runner import Progress
    from maskgui.maskrcnn.ablate.start import Wishes
    from maskgui.maskrcnn.ablate.tables import Size

TABLE_NAMES = ("backbone", "masks", "roi-c4", "roi-c5", "head", "agnostic", "multitask", "all")


@click.command()
@click.option("--table", type=click.Choice(TABLE_NAMES), default="all", show_default=True)
@click.option("--data", type=FILE, help="COCO JSON to learn from.")
@click.option("--images", type=FOLDER, help="Folder of its images.")
@click.option("--val", type=FILE, help="COCO JSON to measure on; else a tenth is held out.")
@click.option("--val-images", type=FOLDER, help="Folder of the validation images.")
@click.option("-o", "--out", required=True, type=FOLDER, help="Folder of results and TABLE.md.")
@click.option("--config", type=FILE, help="What all rows have in common, TOML.")
@click.option("--seeds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--steps", type=click.IntRange(min=1), help="Steps of every row.")
@click.option("--minutes", type=FiniteRange(min=0, min_open=True), help="A row, of 2 cores.")
@click.option("--init", "inits", multiple=True, metavar="NAME|FILE", help="Body to start from.")
@click.option("--networks", type=click.Choice(("small", "paper")), default="small")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--resume", is_flag=True, help="Go on where an ablation stopped.")
@click.option("--report-only", is_flag=True, help="Write TABLE.md from the results; train nothing.")
@click.option("--into", type=FILE, help="Also put the tables between this file's marks.")
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
@click.pass_context
def ablate(
    context: click.Context,
    table: str,
    data: Path | None,
    images: Path | None,
    val: Path | None,
    val_images: Path | None,
    out: Path,
    config: Path | None,
    seeds: int,
    steps: int | None,
    minutes: float | None,
    inits: tuple[str, ...],
    networks: Size,
    jobs: int,
    device: str,
    resume: bool,
    report_only: bool,
    into: Path | None,
    as_json: bool,
) -> None:
    """Train the rows of the paper's ablation tables at one small, fixed budget.

    Every row takes the same number of steps on the same images, with each of the seeds, and two
    seeds more where rows lie within one spread of each other. Results lie in FOLDER after every
    row; two commands may work in one folder. --networks paper takes ResNet-50 and larger.
    """
    from maskgui.maskrcnn.ablate.report import put_into, summarise, write_report

    if not report_only:
        if data is None or images is None:
            raise click.UsageError("--data and --images are needed to train; or --report-only.")
        if steps is not None and minutes is not None:
            raise click.UsageError("--steps and --minutes both set the budget; give one of them.")
        from maskgui.maskrcnn.ablate.start import Wishes

        _train(
            Wishes(
                *(table, data, images, val, val_images, out, config, seeds, steps, minutes),
                inits=inits,
                size=networks,
                jobs=jobs,
                device=device,
                resume=resume,
                command=_command(context),
            )
        )
    place = write_report(out)
    if into is not None:
        put_into(into, out)
    if as_json:
        click.echo(json.dumps(summarise(out)))
    else:
        click.echo(f"Wrote {place}.")


def _train(wishes: Wishes) -> None:
    from maskgui.maskrcnn.ablate.start import start

    show = Display(sys.stderr.isatty(), wishes.jobs)
    try:
        start(wishes, show.progress, show.note)
    finally:
        show.end()


def _command(context: click.Context) -> str:
    """Return the command as people repeat it, without this machine's folders."""
    parts = ["main.py ablate"]
    for option in context.command.params:
        name = str(option.name)
        if (
            name == "resume"
            or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE
        ):
            continue
        given = context.params[name]
        for value in given if isinstance(given, tuple) else (given,):
            told = Path(value).name if isinstance(value, Path) or name == "inits" else value
            parts.append(option.opts[0] if value is True else f"{option.opts[0]} {told}")
    return " ".join(parts)


class Display(StatusLine):
    """Progress on stderr; each finished row gets a line that stays."""

    def __init__(self, live: bool, jobs: int) -> None:
        super().__init__(live)
        self._jobs = jobs

    def progress(self, now: Progress) -> None:
        """Show a step of a row, or its figures when it is done."""
        if now.result is not None:
            self.note(f"{now.name}: {figures_line(now)}; {self._left(now)}")
            return
        self.show(f"{now.name}: step {now.step}/{now.steps}; {self._left(now)}")

    def _left(self, now: Progress) -> str:
        return f"{now.left} left, about {duration(now.seconds_left / self._jobs)}"


def figures_line(now: Progress) -> str:
    """Return AP, AP50 and AP75 of masks, or of boxes, of a finished row, and its seconds."""
    assert now.result is not None
    kind, figures = ("", now.result.segm) if now.result.segm else ("box ", now.result.bbox)
    told = ", ".join(f"{kind}{name} {figures[name]:.3f}" for name in ("AP", "AP50", "AP75"))
    return f"{told} in {duration(now.result.seconds)}"
