"""`scenes`: images to learn from."""

from pathlib import Path

import click

from maskgui.cli.options import FOLDER, overwrite_option
from maskgui.cli.progress import progress
from maskgui.core.words import counted


@click.command()
@click.option("--n", "count", required=True, type=int, help="How many scenes.")
@click.option("--seed", required=True, type=int, help="Seed of the first; each next adds one.")
@click.option("-o", "--out", required=True, type=FOLDER)
@overwrite_option
def scenes(count: int, seed: int, out: Path, overwrite: bool) -> None:
    """Draw demo scenes with exact masks: images and COCO.

    A data set that stands there must be the same scenes.
    """
    from maskgui.scenes import write_scenes

    with progress("Drawing", unit="scene") as update:
        written = write_scenes(out, count, seed, update, overwrite=overwrite)
    click.echo(f"Wrote {counted(count, 'scene')} and {written}.")
