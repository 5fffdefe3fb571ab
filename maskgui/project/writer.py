"""The one thread that writes: each piece of work is its own transaction, in the order posted."""

import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

log = logging.getLogger(__name__)

Work = Callable[[sqlite3.Connection], None]

RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class _Task:
    work: Work
    images: frozenset[int]


class Writer:
    """Owns the only write connection from construction until `stop`.

    Work that the disk refuses stays at the head of the queue and is tried again each second, so
    that nothing is lost or overtaken; `error` holds the reason meanwhile. Usable from any thread.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._state = threading.Condition()
        self._tasks: deque[_Task] = deque()
        self._pending_images: Counter[int] = Counter()
        self._failures = 0
        self._hurry = False
        self._stopping = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="project-writer", daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """How many pieces of work are not on disk yet."""
        with self._state:
            return len(self._tasks)

    @property
    def error(self) -> Exception | None:
        """Why the last attempt failed; None once the disk takes the work again."""
        with self._state:
            return self._error

    def is_pending(self, image_id: int) -> bool:
        """Whether work on an image is not on disk yet."""
        with self._state:
            return image_id in self._pending_images

    def post(self, work: Work, images: Iterable[int] = ()) -> None:
        """Queue one transaction. `images` are those whose instances it writes."""
        task = _Task(work, frozenset(images))
        with self._state:
            if self._stopping:
                raise RuntimeError("the project is closed")
            self._tasks.append(task)
            self._pending_images.update(task.images)
            self._state.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until all that was posted is on disk; False on time-out or when the disk refuses."""
        deadline = time.monotonic() + timeout
        with self._state:
            self._hurry = True
            failures = self._failures
            self._state.notify_all()
            while self._tasks and self._failures == failures:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._state.wait(left)
            return not self._tasks

    def stop(self) -> None:
        """End the thread after its present piece of work; the connection is the caller's again."""
        with self._state:
            self._stopping = True
            self._state.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._commit(task.work)
            except Exception as error:  # noqa: BLE001 - whatever it is, the work must not be lost
                self._failed(error)
            else:
                self._done(task)

    def _next(self) -> _Task | None:
        with self._state:
            while not self._tasks and not self._stopping:
                self._hurry = False
                self._state.wait()
            return None if self._stopping else self._tasks[0]

    def _commit(self, work: Work) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _done(self, task: _Task) -> None:
        with self._state:
            self._tasks.popleft()
            self._pending_images -= Counter(task.images)
            self._error = None
            self._state.notify_all()

    def _failed(self, error: Exception) -> None:
        with self._state:
            if type(error) is not type(self._error):
                log.error("an edit could not be written", exc_info=error)
            self._error = error
            self._failures += 1
            self._hurry = False
            self._state.notify_all()
            self._state.wait_for(lambda: self._hurry or self._stopping, RETRY_SECONDS)
