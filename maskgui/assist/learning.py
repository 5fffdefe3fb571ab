"""Training as the command line asks for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from maskgui.core.files import require_writable

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
) -> Path:
    """Train and return the model file.

    `on_note` hears sentences: what the data lacks, what is held out, what memory forced. The
    first Ctrl+C (or a polite request to end) writes a checkpoint and raises Cancelled. Raises
    Failure where a file of the run cannot be written.
    """
    from maskgui.maskrcnn.train import train

    for path in options.files:
        require_writable(path)
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
