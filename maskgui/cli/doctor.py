"""`doctor`: what works on this machine and what does not, one line each."""

import sys

import click

from maskgui import __version__


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check Python, torch, the devices, Qt, the models and the folders."""
    from maskgui.assist.doctor import examine

    click.echo(f"MaskGUI {__version__}, Python {sys.version.split()[0]}, {sys.platform}")
    findings = examine()
    for finding in findings:
        mark = "ok  " if finding.good else "FAIL"
        click.echo(f"{mark} {finding.what}: {finding.detail}")
    ctx.exit(0 if all(finding.good for finding in findings) else 1)
