"""Batches in order, made ahead of the steps that take them: in threads, or in processes for a GPU.

Threads share the images and begin at once, and beside a CPU that computes they cost nothing. A GPU
waits for its next kernel while another thread holds the interpreter lock; so beside one, several
workers are processes.
"""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn.config import Recipe
from maskgui.maskrcnn.train.dataset import DataSet
from maskgui.maskrcnn.train.loader import Batch, make_batch
from maskgui.maskrcnn.train.parallel import Ranks

AHEAD = 2
"""Batches that wait for each worker."""
MOST_WORKERS = 8


class Turns(Dataset["Batch | UserError"]):
    """The batches of one process of a training by step, for worker processes too."""

    def __init__(self, data: DataSet, recipe: Recipe, ranks: Ranks) -> None:
        self.data, self._recipe = data, recipe
        self._size, self._rank = ranks.size, ranks.rank

    def __getitem__(self, step: int) -> Batch | UserError:
        """Return the batch of a step, or why there is none, to be raised by who takes it.

        A DataLoader would wrap what is raised here in a traceback.
        """
        try:
            return make_batch(self.data, self._recipe, step * self._size + self._rank)
        except UserError as error:
            return UserError(str(error))  # not every kind of it can be sent


def batches(
    data: DataSet, recipe: Recipe, steps: range, ranks: Ranks, device: torch.device
) -> Generator[tuple[int, Batch]]:
    """Yield (step, batch) for each of the steps, in order; for a GPU in pinned memory.

    Raises:
        UserError: an image cannot be read.
        Failure: a process that makes batches ended.
    """
    turns, gpu = Turns(data, recipe, ranks), device.type == "cuda"
    workers = recipe.train.workers or default_workers(device)
    if gpu and workers > 1:
        return in_processes(turns, steps, workers, pin=True)
    return in_threads(turns, steps, workers, pin=gpu)


def in_threads(
    turns: Turns, steps: range, workers: int, *, pin: bool
) -> Generator[tuple[int, Batch]]:
    """Yield from threads: OpenCV and most of NumPy let go of the interpreter lock."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="training-data")
    waiting: deque[tuple[int, Future[Batch]]] = deque()

    def make(step: int) -> Batch:
        batch = _made(turns[step])
        return batch.pin_memory() if pin else batch

    try:
        for step in steps:
            waiting.append((step, pool.submit(make, step)))
            if len(waiting) > workers * AHEAD:
                first, batch = waiting.popleft()
                yield first, batch.result()
        while waiting:
            first, batch = waiting.popleft()
            yield first, batch.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_processes(
    turns: Turns, steps: range, workers: int, *, pin: bool
) -> Generator[tuple[int, Batch]]:
    """Yield from processes, fresh ones: a fork of a process with threads can stand still."""
    loader: Callable[..., DataLoader[Batch | UserError]] = DataLoader
    made = iter(
        loader(
            turns,
            batch_size=None,
            sampler=steps,
            num_workers=workers,
            prefetch_factor=AHEAD,
            pin_memory=pin,
            multiprocessing_context="spawn",
            worker_init_fn=_start_worker,
        )
    )
    for step in steps:
        yield step, _made(_next(made))


def _start_worker(_number: int) -> None:
    """Prepare a worker process: Ctrl+C is the parent's to answer, and a core is its share."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    info = get_worker_info()
    assert info is not None and isinstance(info.dataset, Turns)
    info.dataset.data.share_cache(info.num_workers)


def _next(made: Iterator[Batch | UserError]) -> Batch | UserError:
    try:
        return next(made)
    except RuntimeError as error:
        raise Failure(
            f"A process that makes batches ended ({str(error).splitlines()[0]}); give the machine "
            "more shared memory, or set workers = 1 in the recipe's [train]."
        ) from error


def _made(batch: Batch | UserError) -> Batch:
    if isinstance(batch, UserError):
        raise batch
    return batch


def default_workers(device: torch.device) -> int:
    """Return one worker beside a CPU that trains; beside a GPU one a core, at most eight."""
    return 1 if device.type == "cpu" else min(os.cpu_count() or 1, MOST_WORKERS)
