"""The one thread that writes: work in the order posted, what has piled up in one transaction."""

import logging
import sqlite3
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

log = logging.getLogger(__name__)

Work = Callable[[sqlite3.Connection], None]
Look = Callable[[sqlite3.Connection], sqlite3.Connection]

RETRY_SECONDS = 1.0

LOOK_SECONDS = 2.0
"""How often the file is looked at while nothing is written."""

JOINED_SECONDS = 0.02
"""How long a transaction goes on taking up work that waits; what one costs is its way to disk."""


class Stopped(Exception):
    """Work was posted after the end."""


@dataclass(frozen=True)
class _Task:
    work: Work
    images: frozenset[int]


class Writer:
    """Owns the only write connection from construction until `stop`.

    Work that the disk refuses stays at the head of the queue and is tried again each second, so
    that nothing is lost or overtaken; `error` holds the reason meanwhile. Usable from any thread.

    look: called on the thread before each transaction, at a `flush`, and every LOOK_SECONDS; it
    returns the connection to use, or raises when nothing that is written now would last.
    """

    def __init__(self, connection: sqlite3.Connection, look: Look = lambda same: same) -> None:
        self.connection = connection
        self._look = look
        self._state = threading.Condition()
        self._tasks: deque[_Task] = deque()
        self._pending_images: Counter[int] = Counter()
        self._looks_asked = 0
        self._looks_done = 0
        self._looks_failed = 0  # how many were asked when the last attempt that failed began
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
        """Queue one transaction. `images` are those whose instances it writes.

        Raises Stopped where nothing is taken any more.
        """
        task = _Task(work, frozenset(images))
        with self._state:
            if self._stopping:
                raise Stopped
            self._tasks.append(task)
            self._pending_images.update(task.images)
            self._state.notify_all()

    def flush(self, timeout: float, *, last: bool = False) -> bool:
        """Wait until all that was posted is on disk, in a file that is still there.

        False on time-out, or when an attempt that began after this was asked fails. `last`: where
        it is True, nothing is taken from that moment on, so that no other thread's work comes
        between this and `stop`, to be lost.
        """
        deadline = time.monotonic() + timeout
        with self._state:
            self._hurry = True
            self._looks_asked += 1
            asked = self._looks_asked
            self._state.notify_all()
            while not self._is_through(asked) and self._looks_failed < asked:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._state.wait(left)
            is_through = self._is_through(asked)
            self._stopping = self._stopping or (last and is_through)
            return is_through

    def _is_through(self, asked: int) -> bool:
        return not self._tasks and (self._looks_done >= asked or self._stopping)

    def stop(self) -> None:
        """End the thread after its present transaction; `connection` is the caller's again.

        What still waits is given up: only a `flush` that was the last leaves nothing.
        """
        with self._state:
            self._stopping = True
            self._state.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (asked := self._next()) is not None:
            try:
                self.connection = self._look(self.connection)
                count = self._commit()
            except Exception as error:  # noqa: BLE001 - whatever it is, the work must not be lost
                self._failed(error, asked)
            else:
                self._done(count, asked)

    def _next(self) -> int | None:
        """Wait for something to do; return how many looks it answers, None at the end."""
        with self._state:
            asked = self._looks_asked > self._looks_done
            if not (self._tasks or self._stopping or asked or self._error):
                self._hurry = False
                self._state.wait(LOOK_SECONDS)
            return None if self._stopping else self._looks_asked

    def _commit(self) -> int:
        """Write the head of the queue and what waits behind it; return how many were written.

        After a failure it is one at a time, so that what can be written is.
        """
        if not self._tasks:
            return 0
        until = time.monotonic() + (JOINED_SECONDS if self._error is None else 0.0)
        count = 0
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            while count == 0 or (count < len(self._tasks) and time.monotonic() < until):
                self._tasks[count].work(self.connection)  # only this thread takes from the queue
                count += 1
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        return count

    def _done(self, count: int, asked: int) -> None:
        with self._state:
            for _ in range(count):
                self._pending_images -= Counter(self._tasks.popleft().images)
            self._looks_done = asked
            self._error = None
            self._state.notify_all()

    def _failed(self, error: Exception, asked: int) -> None:
        with self._state:
            if type(error) is not type(self._error):
                log.error("an edit could not be written", exc_info=error)
            self._error = error
            self._looks_failed = asked
            self._hurry = self._looks_asked > asked
            self._state.notify_all()
            self._state.wait_for(lambda: self._hurry or self._stopping, RETRY_SECONDS)
