"""`scenes`: images to learn from."""

from pathlib import Path

import click

from maskgui.cli.progress import progress

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


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
