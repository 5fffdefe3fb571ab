"""When Python looks for cyclic garbage, so that it neither stops the window nor ends its parts.

A full collection walks every object with the interpreter lock held, and destroys what it finds
in whatever thread it happens to run: a widget or timer that ends in a worker brings Qt down.
"""

import atexit
import contextlib
import gc
import threading
from collections.abc import Iterator

_paused = threading.Event()


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Collect nothing inside, and leave what is there at the end out of all later collections.

    For work that makes very many objects which then live as long as the process: importing torch
    makes some hundred thousand, and each full collection among them takes 60-180 ms.
    """
    was_on = gc.isenabled()
    gc.disable()
    _paused.set()
    try:
        yield
    finally:
        keep_out_of_collections()
        _paused.clear()
        if was_on:
            gc.enable()


def keep_out_of_collections() -> None:
    """Take all objects there are for permanent, until the process ends."""
    gc.freeze()
    # At the end libraries look for objects that nobody collected, and complain on stderr.
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)


def collect_due() -> None:
    """Collect the generations that Python's own thresholds say are due, in the calling thread."""
    if _paused.is_set():
        return
    due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
    if all(due):
        gc.collect(2)
    elif due[0]:
        gc.collect(1 if due[1] else 0)
