"""The processes that train rows side by side, one thread each: rows are independent, so two
processes on two cores waste less than two threads in one."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from queue import Empty
from typing import Any

import torch

from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn.ablate.plan import Plan
from maskgui.maskrcnn.ablate.runner import Progress, Report, work
from maskgui.maskrcnn.ablate.tables import chosen_tables
from maskgui.maskrcnn.ablate.trainer import Trainer, read_data

THREADS = "OMP_NUM_THREADS"
ORPHANED = 3
"""Exit status of a process whose parent is gone."""
LOOK = 1.0


@dataclass(frozen=True)
class Job:
    """What a process needs to know to take part."""

    folder: Path
    plan: Plan
    table: str
    data: Path
    images: Path
    val: Path | None
    val_images: Path | None
    device: str


def run_jobs(job: Job, count: int, report: Report) -> None:
    """Train what is left in `count` processes, and return when nothing is.

    Raises:
        Failure: a process could not go on; the others are ended, their finished rows are kept.
    """
    context = multiprocessing.get_context("spawn")
    heard: Any = context.Queue()
    with _one_thread_each():
        workers = [
            context.Process(target=_take_part, args=(job, heard), name=f"ablate-{number}")
            for number in range(count)
        ]
        for worker in workers:
            worker.start()
    try:
        while any(worker.is_alive() for worker in workers) or not heard.empty():
            _hear(heard, report)
            if any(worker.exitcode not in (0, None) for worker in workers):
                _hear(heard, report)
                raise Failure(
                    "A process ended before its row was trained; the same command with --resume "
                    "goes on."
                )
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


def _hear(heard: Any, report: Report) -> None:
    try:
        told = heard.get(timeout=LOOK)
    except Empty:
        return
    if isinstance(told, str):
        raise Failure(told)
    report(told)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start now compute on one thread."""
    before = os.environ.get(THREADS)
    os.environ[THREADS] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[THREADS]
        else:
            os.environ[THREADS] = before


def _take_part(job: Job, heard: Any) -> None:
    """Train rows until none is left; the body of a process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's to answer
    torch.set_num_threads(1)
    try:
        data = read_data(job.data, job.images, job.val, job.val_images, job.plan.base.train)
        trainer = Trainer(job.plan, data, job.device)

        def report(progress: Progress) -> None:
            heard.put(progress)

        work(job.folder, job.plan, chosen_tables(job.table), trainer, report)
    except UserError as error:
        heard.put(str(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(ORPHANED)
