"""Cyclic garbage is collected in the window's own thread, and nowhere else."""

import contextlib
import gc
from collections.abc import Iterator

from PySide6.QtCore import QTimer

from maskgui.core import garbage

EVERY_MS = 500


@contextlib.contextmanager
def collecting_here() -> Iterator[None]:
    """Inside, garbage is collected by a timer of the calling thread's event loop alone.

    Python would collect in whichever thread makes the next object, and Qt's objects must not end
    in another thread than theirs. What there is at the start, the window, is left out for good.
    """
    gc.disable()
    garbage.keep_out_of_collections()
    timer = QTimer(interval=EVERY_MS)
    timer.timeout.connect(garbage.collect_due)
    timer.start()
    try:
        yield
    finally:
        timer.stop()
        gc.enable()
