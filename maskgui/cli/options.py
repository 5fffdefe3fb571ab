"""What several commands take: files, folders, and leave to replace what stands there."""

from pathlib import Path

import click

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)

overwrite_option = click.option(
    "--overwrite",
    is_flag=True,
    help="Replace what is there, also what this command did not write itself.",
)
