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
from maskgui.core.files import require_writable
from maskgui.core.seal import Standing

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
    Failure where a file of the run cannot be written, UserError where another model stands that
    neither --resume nor `overwrite` is for.
    """
    from maskgui.maskrcnn.train import train

    for path in options.files:
        require_writable(path)
    if not (options.resume or overwrite):
        _require_same(options)
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


def _require_same(options: TrainOptions) -> None:
    """Refuse to train over a model, unless its card says that the same command made it."""
    from maskgui.maskrcnn.checkpoint import read_card

    model = options.model_file
    if not model.exists():
        return
    try:
        same = read_card(model).command == options.command
    except UserError:
        same = False
    if not same:
        raise Standing(model, "a model that the same command made")
