"""`models`: what can be chosen with `--model`, and fetching it."""

import json
from pathlib import Path

import click

from maskgui.cli.progress import progress


@click.group(invoke_without_command=True)
@click.pass_context
def models(ctx: click.Context) -> None:
    """List, fetch, add and show models."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_command)


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_command(as_json: bool = False) -> None:
    """List the models that ship, that are in the cache, and that can be fetched."""
    from maskgui.maskrcnn.models import list_models

    found = list_models()
    if as_json:
        click.echo(json.dumps([model.to_dict() for model in found]))
        return
    for model in found:
        click.echo(f"{model.name:<24} {model.state:<12} {model.title}")


@models.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Fetch published weights to the user's cache."""
    from maskgui.maskrcnn.models import fetch_model

    with progress("Fetching", unit="B") as update:
        path = fetch_model(name, update)
    click.echo(f"{name} is at {path}.")


@models.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def add(file: Path) -> None:
    """Check a weights file of your own and keep it under its name."""
    from maskgui.maskrcnn.models import add_model

    added = add_model(file)
    click.echo(f"Added {added.name}: choose it with --model {added.name}.")


@models.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a model's card."""
    from maskgui.maskrcnn.models import find_model

    click.echo(find_model(name).card_text())
