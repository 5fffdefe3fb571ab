"""`train`, `evaluate` and `scenes`: making models and knowing how good they are."""

import json
import tempfile
from pathlib import Path
from typing import Any

import click

from maskgui.cli.progress import progress, say
from maskgui.core.errors import UserError

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--data", required=True, type=FILE, help="COCO JSON to learn from.")
@click.option("--images", required=True, type=FOLDER, help="Folder of its images.")
@click.option("--val", type=FILE, help="COCO JSON to choose the best weights on.")
@click.option("--val-images", type=FOLDER, help="Folder of the validation images.")
@click.option("--config", required=True, type=FILE, help="Network and training settings, TOML.")
@click.option("-o", "--out", required=True, type=FILE, help="The model file to write.")
@click.option("--resume", is_flag=True, help="Continue a run that was stopped.")
@click.option("--init", metavar="NAME|FILE", help="Start from these weights.")
def train(
    data: Path,
    images: Path,
    val: Path | None,
    val_images: Path | None,
    config: Path,
    out: Path,
    resume: bool,
    init: str | None,
) -> None:
    """Train a Mask R-CNN on a COCO data set."""
    from maskgui.assist.learning import train_model
    from maskgui.maskrcnn.train import TrainOptions

    options = TrainOptions(
        data,
        images,
        config,
        out,
        val,
        val_images,
        resume,
        init,
        command=f"train --config {config.name} --data {data.name}",
    )
    with progress("Training", unit="step") as update:
        train_model(options, lambda now: update(now.step, now.steps), on_line=say)
    click.echo(f"Wrote {out} and its card.")


@click.command()
@click.option("--gt", required=True, type=FILE, help="COCO JSON of the truth.")
@click.option("--pred", type=FILE, help="COCO results, or a data set with scores.")
@click.option("--images", type=FOLDER, help="Folder of the images, to run --model on.")
@click.option("--model", metavar="NAME|FILE", help="The model to evaluate.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--max-dets", default=100, show_default=True, type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def evaluate(
    gt: Path,
    pred: Path | None,
    images: Path | None,
    model: str | None,
    device: str,
    max_dets: int,
    as_json: bool,
) -> None:
    """Print box and mask AP of predictions, or of a model run on the images."""
    from maskgui.assist.learning import evaluate_file, evaluate_model

    if pred is not None:
        figures = evaluate_file(gt, pred, max_dets)
    elif images is not None and model is not None:
        with tempfile.TemporaryDirectory() as folder, progress("Segmenting") as update:
            figures = evaluate_model(gt, images, model, device, max_dets, Path(folder), update)
    else:
        raise UserError("Nothing to evaluate: give --pred, or --images with --model.")
    click.echo(json.dumps(figures) if as_json else _table(figures))


def _table(figures: dict[str, dict[str, Any]]) -> str:
    """Lay out {"segm": {"AP": ...}, "bbox": ..., "categories": {"segm": {name: AP}}} as text."""
    names = list(figures["segm"])
    lines = [" " * 5 + "".join(f"{name:>8}" for name in names)]
    for kind, label in (("segm", "mask"), ("bbox", "box")):
        lines.append(f"{label:<5}" + "".join(f"{figures[kind].get(n, -1):8.3f}" for n in names))
    per_category = figures["categories"].get("segm", {})
    width = max((len(name) for name in per_category), default=0)
    lines += [f"{name:<{width}}  {ap:.3f}" for name, ap in per_category.items()]
    return "\n".join(lines)


@click.command()
@click.option("--n", "count", required=True, type=int, help="How many scenes.")
@click.option("--seed", required=True, type=int, help="Seed of the first; each next adds one.")
@click.option("-o", "--out", required=True, type=FOLDER)
def scenes(count: int, seed: int, out: Path) -> None:
    """Draw demo scenes with exact masks: images and COCO."""
    from maskgui.scenes import write_scenes

    with progress("Drawing", unit="scene") as update:
        written = write_scenes(out, count, seed, update)
    click.echo(f"Wrote {count} scenes and {written}.")
