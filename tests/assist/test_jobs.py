"""The worker: order, cancel, exactly one reply, faults as messages, and a clean end."""

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from maskgui.assist.jobs import Job, JobContext, Outcome, Priority, Progress, Reply, Worker
from maskgui.core.errors import UserError

WAIT = 10.0


class Desk:
    """A worker with everything it says, and a way to wait for it."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.progress: list[Progress] = []
        self._told = threading.Condition()
        self.worker = Worker(self._reply, self.progress.append)

    def _reply(self, reply: Reply) -> None:
        with self._told:
            self.replies.append(reply)
            self._told.notify_all()

    def wait_for(self, count: int) -> list[Reply]:
        with self._told:
            assert self._told.wait_for(lambda: len(self.replies) >= count, WAIT)
            return list(self.replies)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    assert desk.worker.close(WAIT)


class Stage:
    """Work that goes on until it is let go, whatever anybody wants."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def __call__(self, context: JobContext) -> str:
        self.entered.set()
        assert self.go.wait(WAIT)
        context.progress("late", 0.5)
        return "late"


def test_a_job_ends_in_its_value_and_tells_its_progress(desk: Desk) -> None:
    def run(context: JobContext) -> int:
        context.progress("half", 0.5)
        return 42

    job = Job(run, image_id=908400553664, revision=3)
    assert desk.worker.submit(job) == job.id
    (reply,) = desk.wait_for(1)
    assert (reply.outcome, reply.value) == (Outcome.FINISHED, 42)
    assert (reply.job.image_id, reply.job.revision) == (908400553664, 3)
    assert [(told.job.id, told.stage, told.done) for told in desk.progress] == [
        (job.id, "half", 0.5)
    ]


def test_a_person_goes_before_the_next_of_a_batch(desk: Desk) -> None:
    stage = Stage()
    desk.worker.submit(Job(stage, name="first", priority=Priority.BATCH))
    assert stage.entered.wait(WAIT)
    for name in ("batch 1", "batch 2"):
        desk.worker.submit(Job(lambda _: None, name=name, priority=Priority.BATCH))
    for name in ("person 1", "person 2"):
        desk.worker.submit(Job(lambda _: None, name=name))
    stage.go.set()
    order = [reply.job.name for reply in desk.wait_for(5)]
    assert order == ["first", "person 1", "person 2", "batch 1", "batch 2"]


def test_a_cancel_is_answered_while_the_stage_still_runs(desk: Desk) -> None:
    stage = Stage()
    job = desk.worker.submit(Job(stage))
    assert stage.entered.wait(WAIT)
    assert desk.worker.cancel(job)
    assert [reply.outcome for reply in desk.replies] == [Outcome.CANCELLED]
    assert not desk.worker.cancel(job)
    stage.go.set()
    desk.worker.submit(Job(lambda _: "next"))
    # The late value is dropped, and so is its progress.
    assert [reply.value for reply in desk.wait_for(2)] == [None, "next"]
    assert desk.progress == []


def test_a_job_that_is_asked_to_stop_says_itself_how_it_ended(desk: Desk) -> None:
    stage = Stage()
    job = desk.worker.submit(Job(stage))
    assert stage.entered.wait(WAIT)
    assert desk.worker.stop(job)
    assert desk.replies == []
    waiting = desk.worker.submit(Job(lambda context: context.check()))
    assert desk.worker.stop(waiting)
    stage.go.set()
    assert [reply.outcome for reply in desk.wait_for(2)] == [Outcome.FINISHED, Outcome.CANCELLED]
    assert not desk.worker.stop(job)


def test_a_waiting_job_that_is_cancelled_never_runs(desk: Desk) -> None:
    stage, ran = Stage(), threading.Event()
    desk.worker.submit(Job(stage))
    assert stage.entered.wait(WAIT)
    waiting = desk.worker.submit(Job(lambda _: ran.set()))
    assert desk.worker.cancel(waiting)
    stage.go.set()
    outcomes = {reply.job.id: reply.outcome for reply in desk.wait_for(2)}
    assert outcomes[waiting] is Outcome.CANCELLED
    desk.worker.submit(Job(lambda _: None))
    desk.wait_for(3)
    assert not ran.is_set()


def test_faults_are_sentences_and_the_worker_lives_on(desk: Desk) -> None:
    def person(_: JobContext) -> None:
        raise UserError("“a.png” is not an image; choose another.")

    def bug(_: JobContext) -> None:
        raise ZeroDivisionError("division\nby zero")

    desk.worker.submit(Job(person))
    desk.worker.submit(Job(bug, name="Segmenting “b.png”"))
    desk.worker.submit(Job(lambda context: context.cancel.is_set()))
    first, second, third = desk.wait_for(3)
    assert (first.outcome, first.message) == (
        Outcome.FAILED,
        "“a.png” is not an image; choose another.",
    )
    assert second.message == (
        "Segmenting “b.png” failed (ZeroDivisionError: division by zero); the log has the details."
    )
    assert (third.outcome, third.value) == (Outcome.FINISHED, False)


def test_a_listener_that_fails_does_not_end_the_worker() -> None:
    seen = []

    def listener(reply: Reply) -> None:
        seen.append(reply.value)
        raise KeyError(reply.value)

    worker = Worker(listener)
    worker.submit(Job(lambda _: 1))
    worker.submit(Job(lambda _: 2))
    deadline = time.monotonic() + WAIT
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen == [1, 2]
    assert worker.close(WAIT)


def test_every_job_gets_exactly_one_reply_under_random_cancels(desk: Desk) -> None:
    jobs = [Job(lambda context: context.check() or time.sleep(0.0005)) for _ in range(200)]
    cancellers = [
        threading.Thread(target=lambda part=part: [desk.worker.cancel(j.id) for j in part])
        for part in (jobs[::3], jobs[::2])
    ]
    for job in jobs:
        desk.worker.submit(job)
    for thread in cancellers:
        thread.start()
    for thread in cancellers:
        thread.join()
    replies = desk.wait_for(len(jobs))
    assert sorted(reply.job.id for reply in replies) == [job.id for job in jobs]
    assert desk.worker.waiting == 0


def test_close_cancels_what_waits_and_refuses_more() -> None:
    desk = Desk()
    stage = Stage()
    desk.worker.submit(Job(stage))
    assert stage.entered.wait(WAIT)
    desk.worker.submit(Job(lambda _: None))
    assert not desk.worker.close(0.01)
    assert [reply.outcome for reply in desk.replies] == [Outcome.CANCELLED] * 2
    desk.worker.submit(Job(lambda _: None))
    assert [reply.outcome for reply in desk.replies] == [Outcome.CANCELLED] * 3
    stage.go.set()
    assert desk.worker.close(WAIT)


def test_close_before_any_job() -> None:
    assert Desk().worker.close()


ENDING = """
    import sys, threading, time
    from maskgui.assist import jobs

    busy, closed = threading.Event(), threading.Event()

    def stage(context):
        {work}

    worker = jobs.Worker(lambda reply: print(reply.outcome.value, flush=True))
    jobs.LINGER = {linger}
    worker.submit(jobs.Job(stage))
    assert busy.wait(60)
    assert not worker.close()
    closed.set()
    print("closed", flush=True)
    sys.exit(3)
"""

TORCH_STAGE = """import torch
        x, layer = torch.randn(1, 64, 96, 96), torch.nn.Conv2d(64, 64, 3)
        busy.set()
        while not closed.is_set(): layer(x)
        end = time.perf_counter() + 1
        while time.perf_counter() < end: layer(x)"""

IMPORT_STAGE = """busy.set()
        import torch
        closed.wait()"""

HANGING_STAGE = """busy.set()
        time.sleep(60)"""


@pytest.mark.parametrize(
    ("work", "linger"),
    [
        pytest.param(TORCH_STAGE, 20.0, id="a stage of torch's ends by itself"),
        pytest.param(IMPORT_STAGE, 20.0, id="torch is being imported"),
        pytest.param(HANGING_STAGE, 0.5, id="a stage that hangs is left behind"),
    ],
)
def test_a_process_ends_cleanly_under_a_running_stage(work: str, linger: float) -> None:
    """No stage ends before `close` has returned: one that waited for it would never return."""
    source = textwrap.dedent(ENDING.format(work=work, linger=linger))
    done: Any = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stdout.split() == ["cancelled", "closed"]
    assert done.stderr == ""
    assert done.returncode == 3
