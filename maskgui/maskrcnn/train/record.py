"""What a training run leaves on disk on its way: the checkpoint, the CSV and TensorBoard logs."""

import csv
import io
from pathlib import Path
from typing import Any

import torch
from tensorboardX import SummaryWriter

from maskgui.core.errors import UserError
from maskgui.core.files import unwritable, write_atomic
from maskgui.maskrcnn.train.step import LOSSES
from maskgui.maskrcnn.unpickle import BROKEN

FIGURES = ("AP", "AP50", "AP75")
PARTS = (*LOSSES.values(), "total")
COLUMNS = ("step", "seconds", "learning_rate", *PARTS, *FIGURES)
TAGS = {name: f"loss/{name}" for name in PARTS} | {n: f"validation/{n}" for n in FIGURES}

STATE = {"recipe", "images", "categories", "module", "optimiser", "keeper", "step", "elapsed"}
"""Of what a checkpoint holds, what tells it from another file."""

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
        raise UserError(
            f"There is no stopped training to go on with (no {path}); train without --resume."
        ) from error
    except (*BROKEN, OSError, RuntimeError) as error:
        raise UserError(f"{path} is no training checkpoint; train without --resume.") from error
    if not isinstance(state, dict) or not state.keys() >= STATE:
        raise UserError(f"{path} is no training checkpoint; train without --resume.")
    return state


class Log:
    """STEM.log.csv, a row a report, and the same figures as TensorBoard events in
    STEM.tensorboard/."""

    def __init__(self, model: Path, step: int) -> None:
        """Start the logs beside `model`, or go on after `step` of the CSV that is there.

        Events are written anew from its rows: those of a killed process may be torn or go further
        than its checkpoint. Raises Failure where they cannot be written.
        """
        self.path = model.with_suffix(".log.csv")
        rows = [row for row in read_rows(self.path) if row["step"] <= step] if step else []
        folder = model.with_suffix(".tensorboard")
        try:
            for old in folder.glob("events.out.tfevents.*"):
                old.unlink()
            self._events = SummaryWriter(str(folder))
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            with self.path.open("w", newline="") as file:
                csv.DictWriter(file, COLUMNS).writeheader()
        except OSError as error:
            raise unwritable(self.path, error) from error
        for row in rows:
            self.write(row)

    def write(self, row: Row) -> None:
        """Append one row of COLUMNS; what is missing stays empty. Raises Failure."""
        try:
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, COLUMNS).writerow({n: f"{v:.8g}" for n, v in row.items()})
        except OSError as error:
            raise unwritable(self.path, error) from error
        for name, value in row.items():
            if name not in ("step", "seconds"):
                self._events.add_scalar(TAGS.get(name, name), value, int(row["step"]))

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
