"""What a training run leaves on disk on its way: the checkpoint, the CSV and TensorBoard logs."""

import csv
import io
import pickle
from pathlib import Path
from typing import Any

import torch
from tensorboardX import SummaryWriter

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.train.step import LOSSES

FIGURES = ("AP", "AP50", "AP75")
PARTS = (*LOSSES.values(), "total")
COLUMNS = ("step", "seconds", "learning_rate", *PARTS, *FIGURES)

Row = dict[str, float]


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values atomically."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(path, buffer.getvalue())


def read_state(path: Path) -> dict[str, Any]:
    """Return what `write_state` wrote, on the CPU; nothing in the file can run code."""
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist; train without --resume first.") from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is no training checkpoint; train without --resume.") from error
    assert isinstance(state, dict)
    return state


class Log:
    """STEM.log.csv, a row a report, and the same figures as TensorBoard events in
    STEM.tensorboard/."""

    def __init__(self, model: Path, step: int) -> None:
        """Start the logs beside `model`, or go on after `step` in those that are there."""
        self.path = model.with_suffix(".log.csv")
        rows = [row for row in read_rows(self.path) if row["step"] <= step] if step else []
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(_text(row) for row in rows)
        folder = model.with_suffix(".tensorboard")
        if not step and folder.is_dir():
            for old in folder.glob("events.out.tfevents.*"):
                old.unlink()
        self._events = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def write(self, row: Row) -> None:
        """Append one row of COLUMNS; what is missing stays empty."""
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(_text(row))
        for name, value in row.items():
            if name in PARTS or name in FIGURES:
                group = "loss" if name in PARTS else "validation"
                self._events.add_scalar(f"{group}/{name}", value, int(row["step"]))
        if "learning_rate" in row:
            self._events.add_scalar("learning_rate", row["learning_rate"], int(row["step"]))

    def flush(self) -> None:
        """See that all events are on disk."""
        self._events.flush()

    def close(self) -> None:
        """Finish the event file."""
        self._events.close()


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a CSV log; empty cells are left out, a torn last line too."""
    if not path.is_file():
        return []
    rows = []
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            try:
                rows.append({name: float(text) for name, text in line.items() if text})
            except (TypeError, ValueError):
                break
    return [row for row in rows if "step" in row]


def _text(row: Row) -> dict[str, str]:
    return {name: f"{value:.8g}" for name, value in row.items()}
