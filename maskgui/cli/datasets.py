"""`import` and `export`: COCO into a project and out of it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgui.cli.options import FILE, FOLDER, overwrite_option
from maskgui.cli.progress import progress, say
from maskgui.core.errors import Failure, UserError

if TYPE_CHECKING:
    from maskgui.assist.session import Session

AUTHOR = "import"
"""Whose seal the report carries."""
PROJECT_SUFFIX = ".maskgui"
FLUSH_SECONDS = 60.0


@click.command("import")
@click.argument("project", type=FILE)
@click.argument("coco", type=click.Path(path_type=Path))
@click.option(
    "--images",
    type=FOLDER,
    help="Folder of the images; without it: beside the JSON, then by name below it.",
)
@click.option("--report", type=FILE, help="Write every repair and skip as JSON.")
@overwrite_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def import_command(
    project: Path,
    coco: Path,
    images: Path | None,
    report: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Bring a COCO data set into PROJECT, which is created if it is absent.

    What the project has stays; --overwrite is for the file of --report.
    """
    from maskgui.assist.importing import import_coco
    from maskgui.assist.session import Session
    from maskgui.core.seal import require_place, write_sealed_json
    from maskgui.project import delete_project

    if project.suffix != PROJECT_SUFFIX:
        raise UserError(f"“{project}” is no project name: end it in {PROJECT_SUFFIX}.")
    if images is not None and not images.is_dir():
        raise UserError(f"There is no folder “{images}”; check --images.")
    if report is not None:
        if report.absolute() == coco.absolute():
            raise UserError(f"--report would write over “{coco}”; give another file.")
        require_place(report, AUTHOR, overwrite)
    root = images or coco.parent
    fresh = not project.exists()
    session = Session.create(project, root) if fresh else Session.open(project)
    try:
        with progress("Importing", unit="annotation") as update:
            result = import_coco(session, coco, images, update)
        _write_all(session, coco)
    except BaseException:  # Ctrl+C too: half a data set is no project
        session.close(discard=True)
        if fresh:
            delete_project(project)
        raise
    session.close()
    if report:
        write_sealed_json(report, result.to_json(), AUTHOR, overwrite)
    if as_json:
        click.echo(result.to_json().decode())
        return
    for line in result.lines(limit=20):
        say(line)
    click.echo(result.summary())


def _write_all(session: "Session", coco: Path) -> None:
    if not session.flush(FLUSH_SECONDS):
        raise Failure(f"Not all of {coco.name} could be written: {session.last_error}")


@click.command("export")
@click.argument("project", type=FILE)
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", default="coco", type=click.Choice(["coco"]))
@click.option(
    "--segmentation",
    default="polygons",
    show_default=True,
    type=click.Choice(["polygons", "keyhole", "rle"]),
    help="Form of masks that were made or changed here; RLE where polygons are not exact.",
)
@click.option("--reviewed-only", is_flag=True, help="Only images marked reviewed.")
@click.option("--no-proposals", is_flag=True, help="Leave out what no person has touched.")
@click.option("--copy-images", is_flag=True, help="Copy the images beside the JSON, upright.")
@overwrite_option
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def export_command(
    project: Path,
    out: Path,
    form: str,
    segmentation: str,
    reviewed_only: bool,
    no_proposals: bool,
    copy_images: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write PROJECT as a COCO data set to a folder or a .json file.

    An earlier export of the same project is replaced when nobody changed it since.
    """
    from maskgui.assist.exporting import ExportOptions, export_coco
    from maskgui.assist.session import Session

    options = ExportOptions(
        segmentation=segmentation,  # type: ignore[arg-type]
        reviewed_only=reviewed_only,
        proposals=not no_proposals,
        copy_images=copy_images,
        overwrite=overwrite,
    )
    session = Session.open(project, read_only=True)
    try:
        with progress("Exporting") as update:
            result = export_coco(session.project, out, options, update)
    finally:
        session.close()
    click.echo(json.dumps(result.counts()) if as_json else result.summary())
