"""The worker as the window uses it: replies come on the main thread, each to who asked."""

from collections.abc import Callable
from dataclasses import dataclass
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


class Jobs:
    """Hands jobs to the one worker and its replies to their owners."""

    def __init__(self, main: MainThread) -> None:
        self._main = main
        self._open: dict[int, Ending] = {}
        self._worker = Worker(
            lambda reply: main.post(lambda: self._reply(reply)),
            lambda progress: main.post(lambda: self._progress(progress)),
        )

    def submit(self, job: Job, ending: Ending) -> int:
        """Queue a job."""
        self._open[job.id] = ending
        self._worker.submit(job)
        return job.id

    def run(self, work: Callable[[Any], Any], name: str, ending: Ending) -> int:
        """Queue `work(context)` as a job of its own."""
        return self.submit(Job(work, name=name), ending)

    def cancel(self, job_id: int) -> None:
        """Answer a job as cancelled, now."""
        self._worker.cancel(job_id)

    @property
    def busy(self) -> bool:
        """Whether a job has not been answered."""
        return bool(self._open)

    def close(self) -> None:
        """Cancel everything; neither the screen nor the closing waits for the stage under way."""
        self._open.clear()
        self._worker.close()

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
