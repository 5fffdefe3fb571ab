"""`evaluate`: how good predictions are, as text, JSON and a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgui.cli.options import FILE, FOLDER, overwrite_option
from maskgui.cli.progress import progress, say
from maskgui.core.errors import UserError

if TYPE_CHECKING:
    from maskgui.assist.evaluation import Report


AUTHOR = "evaluate"
"""Whose seal the page carries."""
COLUMNS = ("AP", "AP50", "AP75")
WIDEST = 40  # letters of a category's name in a column


@click.command()
@click.option("--gt", required=True, type=FILE, help="COCO JSON of the truth.")
@click.option("--pred", type=FILE, help="COCO results, or a data set with scores.")
@click.option(
    "--images", type=FOLDER, help="Folder of the images: to run --model on, and for pictures."
)
@click.option("--model", metavar="NAME|FILE", help="The model to evaluate.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--max-dets", default=100, show_default=True, type=click.IntRange(1))
@click.option("--boundary", is_flag=True, help="Also score the boundaries of masks.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--html", "html", type=FILE, help="Write a page with curves and the worst mistakes.")
@overwrite_option
def evaluate(
    gt: Path,
    pred: Path | None,
    images: Path | None,
    model: str | None,
    device: str,
    max_dets: int,
    boundary: bool,
    as_json: bool,
    html: Path | None,
    overwrite: bool,
) -> None:
    """Print box and mask AP of predictions, or of a model run on the images.

    Boxes of --model are the network's own; those that `segment` writes lie around the masks.
    """
    from maskgui.assist.evaluation import evaluate_file, evaluate_model
    from maskgui.core.seal import require_place

    if pred is not None and model is not None:
        raise UserError("Both --pred and --model are given; score one of them at a time.")
    if images is not None and not images.is_dir():
        raise UserError(f"There is no folder “{images}”; check --images.")
    if html is not None:
        if any(path is not None and html.absolute() == path.absolute() for path in (gt, pred)):
            raise UserError(f"--html would write over “{html}”; give another file.")
        require_place(html, AUTHOR, overwrite)
    if pred is not None:
        report = evaluate_file(gt, pred, max_dets, boundary)
    elif images is not None and model is not None:
        with progress("Segmenting") as update:
            report = evaluate_model(gt, images, model, device, max_dets, update, boundary)
    else:
        raise UserError("Nothing to evaluate: give --pred, or --images with --model.")
    click.echo(json.dumps(report.to_dict()) if as_json else _text(report))
    if html is not None:
        _write_page(report, html, images, overwrite)
        say(f"Wrote {html}.")


def _write_page(report: Report, html: Path, images: Path | None, overwrite: bool) -> None:
    from maskgui.assist.evaluation.page import page
    from maskgui.core.seal import write_sealed_html

    write_sealed_html(html, page(report, images).encode(), AUTHOR, overwrite)


def _text(report: Report) -> str:
    """Lay out all figures, the categories' and the mistakes' counts as text."""
    found = report.scored.evaluation
    kinds = {"mask": found.segm, "edge": found.boundary, "box": found.bbox}
    lines = [*report.notes, " " * 5 + "".join(f"{name:>8}" for name in found.bbox)]
    lines += [
        f"{label:<5}" + "".join(f"{_number(value):>8}" for value in table.values())
        for label, table in kinds.items()
        if table
    ]
    return "\n".join([*lines, "", *_categories(report), "", _mistakes(report)])


def _categories(report: Report) -> list[str]:
    names = report.truth.names
    tables = report.scored.evaluation.per_category
    shown = [(label, tables[kind]) for kind, label in (("segm", "mask"), ("bbox", "box"))
             if kind in tables]  # fmt: skip
    cut = {name: name if len(name) <= WIDEST else f"{name[: WIDEST - 1]}…" for name in names}
    width = max((len(name) for name in cut.values()), default=0)
    head = " " * width + "".join(
        f"{label + ' ' + key:>11}" for label, _ in shown for key in COLUMNS
    )
    return [head] + [
        f"{cut[name]:<{width}}"
        + "".join(f"{_number(table[name][key]):>11}" for _, table in shown for key in COLUMNS)
        for name in names
    ]


def _mistakes(report: Report) -> str:
    mistakes = report.mistakes
    counts = ", ".join(f"{len(entries)} {kind}" for kind, entries in mistakes.of_kind.items())
    return (
        f"From score {mistakes.score:.2f} on (the highest F1): precision {mistakes.precision:.3f}, "
        f"recall {mistakes.recall:.3f}; {mistakes.right} right, {counts}."
    )


def _number(value: float) -> str:
    return "-" if value < 0 else f"{value:.3f}"
