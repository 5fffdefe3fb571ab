"""`open` and `demo`: the commands that show the window."""

import sys
from pathlib import Path

import click

from maskgui.cli.progress import StatusLine
from maskgui.core.errors import UserError


@click.command("open")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--model", metavar="NAME|FILE", help="The model to auto-segment with.")
def open_command(paths: tuple[Path, ...], model: str | None) -> int:
    """Open the window on images, folders, a COCO JSON or a project."""
    for path in paths:
        if not path.exists():
            raise UserError(
                f"There is no file or folder “{path}”; check the name. "
                "The commands are in maskgui --help."
            )
    from maskgui.ui.app import run

    return run(list(paths), model=model)


@click.command("demo")
@click.option("--headless", is_flag=True, help="Do the whole job without a display.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the demo project and what a headless run writes.",
)
def demo(headless: bool, out: Path | None) -> int:
    """Open the demo project; with no display, do the same job headless."""
    from maskgui.assist.demo import has_display, prepare_demo

    folder = prepare_demo(out)
    if headless or not has_display():
        from maskgui.ui.headless import run_headless

        show = StatusLine(sys.stderr.isatty(), seconds=0)
        try:
            return run_headless(folder, "parts", click.echo, show.show)
        finally:
            show.end()
    from maskgui.ui.app import run

    return run([folder], model="parts")
