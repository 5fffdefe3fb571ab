"""The way back to the main thread, and a helper thread for what would hold it up."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from maskgui.core.errors import Cancelled, UserError

log = logging.getLogger(__name__)


class MainThread(QObject):
    """Runs what other threads post on the thread that this was made on."""

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._closed = False
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, work: Callable[[], object]) -> None:
        """Run `work` on the main thread soon; may be called from any thread."""
        if not self._closed:
            self._posted.emit(work)

    def close(self) -> None:
        """Drop what is still to come: the window is going."""
        self._closed = True

    def _run(self, work: Callable[[], object]) -> None:
        if not self._closed:
            work()


class Background:
    """One helper thread for files and folders; each piece of work ends in one call back."""

    def __init__(self, main: MainThread) -> None:
        self._main = main
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="files")
        self.closing = False  # work that takes long looks at it and ends

    def run(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], object],
        failed: Callable[[str], object],
    ) -> None:
        """Do `work` off the main thread, then `done(result)` or `failed(sentence)` on it."""
        self._pool.submit(work).add_done_callback(lambda future: self._settle(future, done, failed))

    def _settle(
        self, future: Future, done: Callable[[Any], object], failed: Callable[[str], object]
    ) -> None:
        if future.cancelled():
            return
        error = future.exception()
        if error is None:
            result = future.result()
            self._main.post(lambda: done(result))
        elif not isinstance(error, Cancelled):
            text = sentence(error)
            self._main.post(lambda: failed(text))

    def close(self) -> None:
        """Take nothing more and wait for what is under way."""
        self.closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)


def sentence(error: BaseException) -> str:
    """Return what a person should read of an error; the rest goes to the log."""
    if isinstance(error, UserError):
        return str(error)
    log.error("Unexpected error", exc_info=error)
    return f"Something went wrong ({type(error).__name__}: {error}); the log has the details."
