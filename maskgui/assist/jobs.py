"""A worker thread for what takes long: one for the network, one for files, one for downloads.

The jobs of a worker run one at a time; a person's request goes before the next job of a batch.
Each ends in exactly one reply. Callbacks must be quick and may come from any thread, so a window
passes them on through a queued signal.
"""

import atexit
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from maskgui.core.errors import Cancelled, UserError

log = logging.getLogger(__name__)

LINGER = 20.0
"""Seconds for which Python's exit waits for the stage under way to end."""

_ids = itertools.count(1)


class Priority(IntEnum):
    """Which of two waiting jobs goes first: the lower number."""

    INTERACTIVE = 0
    BATCH = 1


class Outcome(Enum):
    """How a job ended."""

    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Job:
    """Work for the worker; `image_id` and `revision` let its owner drop a stale reply."""

    run: "Callable[[JobContext], Any]"
    image_id: int | None = None
    revision: int = 0
    priority: Priority = Priority.INTERACTIVE
    name: str = ""
    id: int = field(default_factory=lambda: next(_ids))


@dataclass(frozen=True)
class Reply:
    """The one terminal word on a job. `message` is a sentence where it failed."""

    job: Job
    outcome: Outcome
    value: Any = None
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Progress:
    """How far a running job is: what it does now, and the share done (0-1)."""

    job: Job
    stage: str
    done: float


class JobContext:
    """What a running job may ask and tell."""

    def __init__(self, cancel: threading.Event, tell: Callable[[str, float], None]) -> None:
        self.cancel = cancel
        self.progress = tell

    def check(self) -> None:
        """Raise Cancelled when the job should stop."""
        if self.cancel.is_set():
            raise Cancelled


class Worker:
    """Runs jobs on one long-lived thread, started with the first job.

    `on_reply` gets each job's terminal reply, `on_progress` what it tells meanwhile. A cancelled
    job is answered at once, on the canceller's thread; the stage under way still runs to its end,
    unheard.
    """

    def __init__(
        self,
        on_reply: Callable[[Reply], None],
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._on_reply = on_reply
        self._on_progress = on_progress
        self._change = threading.Condition()
        self._queue: list[tuple[int, int, Job]] = []
        self._open: dict[int, tuple[Job, threading.Event]] = {}
        self._running: int | None = None
        self._closed = False
        # A daemon, so that Python's own shutdown does not wait for it without end; see close().
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)

    def submit(self, job: Job) -> int:
        """Queue a job and return its id. After `close` it is answered as cancelled."""
        with self._change:
            self._open[job.id] = (job, threading.Event())
            if not self._closed:
                heapq.heappush(self._queue, (job.priority, job.id, job))
                if not self._thread.is_alive():
                    self._thread.start()
                self._change.notify_all()
                return job.id
        self.cancel(job.id)
        return job.id

    def cancel(self, job_id: int) -> bool:
        """Answer a waiting or running job as cancelled, now; False when it had ended before."""
        with self._change:
            found = self._open.pop(job_id, None)
        if found is None:
            return False
        job, event = found
        event.set()
        self._call(self._on_reply, Reply(job, Outcome.CANCELLED))
        return True

    def stop(self, job_id: int) -> bool:
        """Ask a job to end; its own reply comes when it has. False when it had ended before."""
        with self._change:
            found = self._open.get(job_id)
        if found is not None:
            found[1].set()
        return found is not None

    def cancel_all(self) -> int:
        """Cancel every job that has not ended; return how many."""
        with self._change:
            waiting = list(self._open)
        return sum(self.cancel(job_id) for job_id in waiting)

    @property
    def waiting(self) -> int:
        """How many jobs have not been answered, the running one included."""
        with self._change:
            return len(self._open)

    @property
    def running(self) -> int | None:
        """The id of the job whose work is under way, cancelled or not."""
        return self._running

    def close(self, timeout: float = 0.1) -> bool:
        """Cancel everything and stop; return whether the thread ended within `timeout` seconds.

        A stage of the network cannot be broken off, and a process that ends under it crashes in
        torch's own clean-up. So when it still runs, this returns all the same, and Python's exit
        waits for it, at most LINGER seconds; the window's process leaves without that clean-up.
        """
        with self._change:
            self._closed = True
            self._change.notify_all()
        self.cancel_all()
        if not self._thread.is_alive():
            return True
        self._thread.join(timeout)
        if self._thread.is_alive():
            atexit.register(lambda: self._thread.join(LINGER))
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            with self._change:
                found = self._open.get(job.id)
            if found is not None:
                self._running = job.id
                self._settle(self._perform(job, found[1]))
                self._running = None

    def _next(self) -> Job | None:
        with self._change:
            self._change.wait_for(lambda: self._closed or self._queue)
            return None if self._closed else heapq.heappop(self._queue)[2]

    def _perform(self, job: Job, cancel: threading.Event) -> Reply:
        def tell(stage: str, done: float) -> None:
            if self._on_progress and not cancel.is_set():
                self._call(self._on_progress, Progress(job, stage, done))

        start = time.perf_counter()
        try:
            value = job.run(JobContext(cancel, tell))
        except Cancelled:
            return Reply(job, Outcome.CANCELLED)
        except UserError as error:
            log.info("Job %s failed: %s", job.name, error)
            return Reply(job, Outcome.FAILED, message=str(error))
        except Exception as error:  # a fault in a job is a message, not an exit
            if cancel.is_set():  # nobody waits for it; Python's shutdown breaks a late import
                log.info("Job %s failed after its cancel", job.name, exc_info=True)
                return Reply(job, Outcome.CANCELLED)
            log.exception("Job %s failed", job.name)
            return Reply(job, Outcome.FAILED, message=_sentence(job, error))
        return Reply(job, Outcome.FINISHED, value, seconds=time.perf_counter() - start)

    def _settle(self, reply: Reply) -> None:
        with self._change:
            open_still = self._open.pop(reply.job.id, None) is not None
        if open_still:
            self._call(self._on_reply, reply)

    def _call(self, callback: Callable[[Any], None], value: object) -> None:
        try:
            callback(value)
        except Exception:  # a listener's fault must not end the thread that serves all others
            log.exception("A listener of the worker failed")


def _sentence(job: Job, error: Exception) -> str:
    what = job.name or "A job"
    reason = " ".join(str(error).split())[:200]
    detail = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    return f"{what} failed ({detail}); the log has the details."
