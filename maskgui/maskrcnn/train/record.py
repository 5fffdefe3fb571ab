"""What a training run leaves on disk on its way: the checkpoint and the log."""

import csv
import io
import pickle
from pathlib import Path
from typing import Any

import torch

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.train.step import LOSSES

FIGURES = ("AP", "AP50", "AP75")
COLUMNS = ("step", "seconds", "learning_rate", *LOSSES, *FIGURES)


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values atomically."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(path, buffer.getvalue())


def read_state(path: Path) -> dict[str, Any]:
    """Return what `write_state` wrote; nothing in the file can run code."""
    try:
        state = torch.load(path, weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; train without --resume first.") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is no training checkpoint; train without --resume.") from error
    assert isinstance(state, dict)
    return state


class Log:
    """A CSV table with one row a report."""

    def __init__(self, path: Path, step: int) -> None:
        """Start the table, or go on after `step` in the one that is there."""
        self._path = path
        rows: list[dict[str, str]] = []
        if step and path.is_file():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def write(
        self,
        step: int,
        seconds: float,
        rate: float,
        losses: dict[str, float],
        figures: dict[str, float],
    ) -> None:
        """Append one row."""
        values = {**losses, **{name: figures[name] for name in FIGURES if name in figures}}
        row = {name: f"{value:.5g}" for name, value in values.items()}
        with self._path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(
                {"step": step, "seconds": f"{seconds:.1f}", "learning_rate": f"{rate:.3g}", **row}
            )
