"""The command line: `maskgui ...`, the same as `python main.py ...` in a checkout.

Subcommands import what they need when they run, so that `--help` is quick and nothing here
loads Qt or torch unless the command uses it.
"""

import logging
import sys

import click

from maskgui import __version__
from maskgui.cli.progress import say
from maskgui.core.errors import Cancelled, Failure, UserError
from maskgui.log import log_file, log_to_file

BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130

COMMANDS = {
    "open": "maskgui.cli.window:open_command",
    "demo": "maskgui.cli.window:demo",
    "segment": "maskgui.cli.segment:segment",
    "import": "maskgui.cli.datasets:import_command",
    "export": "maskgui.cli.datasets:export_command",
    "train": "maskgui.cli.training:train",
    "evaluate": "maskgui.cli.evaluate:evaluate",
    "ablate": "maskgui.cli.ablate:ablate",
    "scenes": "maskgui.cli.learning:scenes",
    "models": "maskgui.cli.models:models",
    "doctor": "maskgui.cli.doctor:doctor",
}


class LazyGroup(click.Group):
    """Finds subcommands by name when they are used; any other first word is a path to open."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the subcommands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module_name, attribute = COMMANDS[cmd_name].split(":")
        module = __import__(module_name, fromlist=[attribute])
        command = getattr(module, attribute)
        return command if isinstance(command, click.Command) else None

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `open` before the paths where no subcommand was named."""
        if not args or (args[0] not in COMMANDS and not self._is_group_option(args[0])):
            args = ["open", *args]
        return super().parse_args(ctx, args)

    def _is_group_option(self, word: str) -> bool:
        return word in {"--help", "-h", "--version"}


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a subcommand, the window opens on the given paths.",
)
@click.version_option(__version__, prog_name="MaskGUI")
def cli() -> None:
    """Label images with Mask R-CNN: auto-segment, correct by hand, export COCO."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Return 0 for success, 2 for bad input, 1 for a failure, 130 for Ctrl+C."""
    log_to_file()
    try:
        result = cli.main(arguments, prog_name="maskgui", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Failure as error:
        say(str(error))
        return FAILED
    except UserError as error:
        say(str(error))
        return BAD_INPUT
    except (KeyboardInterrupt, click.Abort, Cancelled):
        say("Stopped.")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line between a fault and the person
        return _report_fault(error)
    return result if isinstance(result, int) else 0


def _report_fault(error: Exception) -> int:
    logging.getLogger(__name__).error("A command failed", exc_info=error)
    say(f"MaskGUI failed: {type(error).__name__}: {error}. The details are in {log_file()}.")
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
