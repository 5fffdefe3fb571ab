"""Training as the command line asks for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from maskgui.core.errors import UserError
from maskgui.core.files import file_identity, require_writable

if TYPE_CHECKING:
    from maskgui.maskrcnn.train import TrainOptions, TrainProgress

STOPS = (signal.SIGINT, signal.SIGTERM)


def leads() -> bool:
    """Whether this process, of those that torchrun may have started, speaks and writes."""
    return os.environ.get("RANK", "0") == "0"


def train_model(
    options: TrainOptions,
    on_progress: Callable[[TrainProgress], None],
    on_note: Callable[[str], None],
    overwrite: bool = False,
) -> Path:
    """Train and return the model file.

    `on_note` hears sentences: what the data lacks, what is held out, what memory forced. The
    first Ctrl+C (or a polite request to end) writes a checkpoint and raises Cancelled. Raises
    Failure where a file of the run cannot be written, UserError where a model or a stopped training
    stands that neither --resume nor `overwrite` is for.
    """
    from maskgui.maskrcnn.train import train

    for path in options.files:
        require_writable(path)
    _require_free(options, overwrite)
    cancel = threading.Event()
    before = {number: signal.getsignal(number) for number in STOPS}

    def stop(_signal: int, _frame: FrameType | None) -> None:
        cancel.set()
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in STOPS:
        signal.signal(number, stop)
    try:
        return train(options, on_progress, cancel, on_note)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _require_free(options: TrainOptions, overwrite: bool) -> None:
    """Refuse a place where hours of work stand; the same command's, too."""
    card = options.model_file.with_suffix(".toml")
    recipe = options.config and file_identity(options.config)
    if recipe is not None and recipe == file_identity(card):
        raise UserError(
            f"The model's card would take the place of the recipe “{options.config}”; give another "
            "name with -o."
        )
    if options.resume or overwrite:
        return
    anew = "give another name with -o, or add --overwrite to begin anew."
    if options.checkpoint.exists():
        raise UserError(
            f"“{options.checkpoint}” is a training that was stopped; add --resume to go on with "
            f"it, {anew}"
        )
    for path in (options.model_file, card):
        if path.exists():
            raise UserError(
                f"“{path}” is there already and is no stopped training, to go on with --resume; "
                f"{anew}"
            )
