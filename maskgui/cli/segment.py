"""`segment`: images in, a COCO data set with scores out, without a project."""

import json
from pathlib import Path

import click

from maskgui.cli.numbers import FiniteRange
from maskgui.cli.options import FILE, overwrite_option
from maskgui.cli.progress import progress, say
from maskgui.core.words import counted


@click.command()
@click.argument("sources", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", required=True, metavar="NAME|FILE", help="See `models list`.")
@click.option("-o", "--out", required=True, type=FILE)
@click.option("--score", default=0.5, show_default=True, type=FiniteRange(0, 1))
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option(
    "--polygons/--rle",
    default=False,
    help="Write masks as polygons, or as RLE (the default: exact, holes included).",
)
@click.option(
    "--map",
    "map_file",
    type=FILE,
    help="JSON object from the model's category names to yours; null leaves one out.",
)
@click.option("--resume", is_flag=True, help="Continue a run that was stopped.")
@overwrite_option
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def segment(
    sources: tuple[Path, ...],
    model: str,
    out: Path,
    score: float,
    device: str,
    polygons: bool,
    map_file: Path | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Outline every object in images or folders and write a COCO data set.

    A file that stands at OUT is replaced when `segment` wrote it and nobody changed it since.
    """
    from maskgui.assist.segment import read_category_map, segment_files

    mapping = read_category_map(map_file) if map_file else None
    with progress("Segmenting") as update:
        report = segment_files(
            list(sources),
            model,
            out,
            score=score,
            device=device,
            form="polygons" if polygons else "rle",
            category_map=mapping,
            resume=resume,
            overwrite=overwrite,
            on_progress=update,
        )
    for problem in report.problems:
        say(problem)
    if as_json:
        counts = {
            "out": str(out),
            "images": report.images,
            "annotations": report.annotations,
            "problems": list(report.problems),
        }
        click.echo(json.dumps(counts))
    else:
        annotations = counted(report.annotations, "annotation")
        click.echo(f"Wrote {annotations} on {counted(report.images, 'image')} to {out}.")
