"""The image work of tools, carried out off the main thread; only the newest request counts."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from maskgui.core.errors import UserError
from maskgui.tools.base import Pixels, Request
from maskgui.tools.windows import Window

log = logging.getLogger(__name__)

PixelSource = Callable[[Window], Pixels]
"""Returns the upright RGB pixels of a window (H x W x 3 uint8); called on the thread.

May raise UserError.
"""
UNEXPECTED = "something went wrong with the image there; the log has the details"


class _Piece(NamedTuple):
    request: Request
    pixels: PixelSource


class ImageWork(QObject):
    """One thread and one place in the queue: a newer request takes the place of one that waits.

    What is under way is not stopped; its result is told like any other, and the tool drops it
    when it is stale.
    """

    done = Signal(int, object)  # ticket, and the result or a UserError; on the main thread
    _finished = Signal(int, object)  # the same, from the thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool: ThreadPoolExecutor | None = None
        self._waiting: _Piece | None = None
        self._running = False
        self._closed = False
        self._finished.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a request is under way or waits."""
        return self._running

    def ask(self, request: Request, pixels: PixelSource) -> None:
        """Carry out a request on the pixels of the image that is shown now."""
        self._waiting = _Piece(request, pixels)
        if not self._running:
            self._start()

    def drop(self) -> None:
        """Forget what waits: another image is shown."""
        self._waiting = None

    def close(self) -> None:
        """Wait for the thread; nothing is told any more."""
        self._closed = True
        self._waiting = None
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _start(self) -> None:
        piece, self._waiting = self._waiting, None
        self._running = piece is not None
        if piece is None or self._closed:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "image-work")
        ticket = piece.request.ticket
        future = self._pool.submit(_carry_out, piece)
        future.add_done_callback(
            lambda found: None if found.cancelled() else self._tell(ticket, found.result())
        )

    def _tell(self, ticket: int, result: object) -> None:
        """On the thread: hand the result over."""
        if not self._closed:
            self._finished.emit(ticket, result)

    def _take(self, ticket: int, result: object) -> None:
        if self._closed:
            return
        self._start()
        self.done.emit(ticket, result)


def _carry_out(piece: _Piece) -> object:
    """Cut and work. Whatever goes wrong comes back as one sentence, so that no tool waits on."""
    try:
        return piece.request.work(np.ascontiguousarray(piece.pixels(piece.request.box)))
    except UserError as error:
        return error
    except Exception:
        log.exception("Image work of a tool failed")
        return UserError(UNEXPECTED)


def cut_from(rgb: Pixels) -> PixelSource:
    """Return the source that cuts windows from an image in memory."""

    def cut(window: Window) -> Pixels:
        x0, y0, x1, y1 = window
        return rgb[y0:y1, x0:x1]

    return cut
