"""Training and evaluation as the command line asks for them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec

from maskgui.assist.segment import segment_files
from maskgui.core.detections import SCORE_FLOOR
from maskgui.core.errors import Cancelled, UserError

if TYPE_CHECKING:
    from maskgui.maskrcnn.train import TrainOptions, TrainProgress

Figures = dict[str, Any]
"""{"segm": {"AP": ..., ...}, "bbox": {...}, "categories": {"segm": {name: AP}, ...}}"""


def train_model(
    options: TrainOptions,
    on_progress: Callable[[TrainProgress], None],
    on_line: Callable[[str], None],
) -> Path:
    """Train, saying losses and AP in lines now and then; return the model file.

    The first Ctrl+C writes a checkpoint and raises Cancelled.
    """
    from maskgui.maskrcnn.train import train

    cancel = threading.Event()
    told: dict[str, float] = {}

    def report(now: TrainProgress) -> None:
        nonlocal told
        on_progress(now)
        if now.validation and now.validation != told:
            told = dict(now.validation)
            on_line(_line(now))

    before = signal.getsignal(signal.SIGINT)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, stop)
    try:
        return train(options, report, cancel)
    except Cancelled:
        on_line(f"Stopped; the same command with --resume goes on from {options.output.parent}.")
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _line(now: TrainProgress) -> str:
    losses = "  ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
    figures = "  ".join(f"{name} {value:.3f}" for name, value in now.validation.items())
    return f"step {now.step}/{now.steps}  {losses}  |  validation {figures}"


def evaluate_file(gt: Path, pred: Path, max_dets: int) -> Figures:
    """Score a COCO result list or data set. Raises UserError for files that cannot be used."""
    from maskgui.maskrcnn.evaluate import evaluate

    if max_dets < 1:
        raise UserError(f"--max-dets {max_dets} leaves nothing to score: give 1 or more.")
    limits = (min(1, max_dets), min(10, max_dets), max_dets)
    figures: Figures = msgspec.to_builtins(evaluate(gt, pred, limits))
    return figures


def evaluate_model(
    gt: Path,
    images: Path,
    model: str,
    device: str,
    max_dets: int,
    folder: Path,
    on_progress: Callable[[int, int], None],
) -> Figures:
    """Run a model on a folder of images and score what it finds; `folder` takes the file."""
    found = folder / "found.json"
    segment_files([images], model, found, score=SCORE_FLOOR, device=device, on_progress=on_progress)
    return evaluate_file(gt, found, max_dets)
