"""The workers as the window uses them: replies come on the main thread, each to who asked."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from maskgui.assist.jobs import Job, Outcome, Progress, Reply, Worker
from maskgui.ui.threads import MainThread


@dataclass(frozen=True)
class Ending:
    """What happens when a job ends; exactly one of the three is called."""

    done: Callable[[Reply], object]
    failed: Callable[[str], object]
    cancelled: Callable[[], object] = lambda: None
    progress: Callable[[str, float], object] = lambda _stage, _done: None


class Lane(Enum):
    """What waits for what: jobs of one lane run one after the other, lanes beside each other."""

    NETWORK = "network"
    FILES = "files"
    DOWNLOADS = "downloads"


FILES_SECONDS = 2.0
"""How long closing waits for file work to put away what it has half done."""


class Jobs:
    """Hands jobs to the worker of their lane and its replies to their owners.

    File work does not wait behind the first load of a network. All lanes may post edits: the
    session takes them one at a time, and only the project's writer touches its file.
    """

    def __init__(self, main: MainThread) -> None:
        self._main = main
        self._open: dict[int, Ending] = {}
        self._workers = {
            lane: Worker(
                lambda reply: main.post(lambda: self._reply(reply)),
                lambda progress: main.post(lambda: self._progress(progress)),
            )
            for lane in Lane
        }

    def submit(self, job: Job, ending: Ending, lane: Lane = Lane.NETWORK) -> int:
        """Queue a job."""
        self._open[job.id] = ending
        self._workers[lane].submit(job)
        return job.id

    def run(
        self,
        work: Callable[[Any], Any],
        name: str,
        ending: Ending,
        lane: Lane = Lane.NETWORK,
    ) -> int:
        """Queue `work(context)` as a job of its own."""
        return self.submit(Job(work, name=name), ending, lane)

    def cancel(self, job_id: int) -> None:
        """Answer a job as cancelled, now."""
        any(worker.cancel(job_id) for worker in self._workers.values())

    def stop(self, job_id: int) -> None:
        """Ask a job to end; it answers when it has, and says how."""
        any(worker.stop(job_id) for worker in self._workers.values())

    def awaits(self, job_id: int | None) -> bool:
        """Whether the reply to a job is still to come; not after `close`."""
        return job_id in self._open

    @property
    def busy(self) -> bool:
        """Whether a job has not been answered."""
        return bool(self._open)

    def close(self) -> bool:
        """Cancel everything; return whether all threads ended.

        Neither the screen nor the closing waits for a network's stage under way.
        """
        self._open.clear()
        waits = {Lane.FILES: FILES_SECONDS}
        ended = [worker.close(waits.get(lane, 0.1)) for lane, worker in self._workers.items()]
        return all(ended)

    def _reply(self, reply: Reply) -> None:
        ending = self._open.pop(reply.job.id, None)
        if ending is None:
            return
        if reply.outcome is Outcome.FINISHED:
            ending.done(reply)
        elif reply.outcome is Outcome.FAILED:
            ending.failed(reply.message)
        else:
            ending.cancelled()

    def _progress(self, progress: Progress) -> None:
        ending = self._open.get(progress.job.id)
        if ending is not None:
            ending.progress(progress.stage, progress.done)
