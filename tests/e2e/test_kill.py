"""kill -9 at any moment of editing loses at most the gesture in hand, and the project opens."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maskgui.assist.session import Session
from tests.e2e.editing_script import held, replay
from tests.e2e.fork_server import ForkServer

SCRIPT = Path(__file__).resolve().with_name("editing_script.py")
PROJECTS, KILLS_EACH = 5, 10

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def editors() -> Iterator[ForkServer]:
    running = ForkServer(SCRIPT)
    yield running
    running.close()


def wait_for_steps(log: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while log.stat().st_size < count:
        assert time.monotonic() < deadline, "nothing is edited"
        time.sleep(0.002)


@pytest.mark.parametrize("number", range(PROJECTS))
def test_killed_at_random_moments(number: int, editors: ForkServer, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    project, log = tmp_path / "k.maskgui", tmp_path / "log"
    Session.create(project, tmp_path).close()
    rounds: list[tuple[int, int]] = []
    for kill in range(KILLS_EACH):
        log.unlink(missing_ok=True)
        log.touch()
        reopen = kill % 5 == 4
        trial = rng.randrange(1 << 30)
        pid = editors.ask(
            project=str(project), log=str(log), rounds=[*rounds, (trial, 0)], reopen=reopen
        )
        if kill % 5 != 0:  # the others also die while they open the project
            wait_for_steps(log, rng.randint(2, 4))
        time.sleep(rng.uniform(0, 0.25))
        os.kill(pid, signal.SIGKILL)
        assert editors.ask(reap=pid) == -signal.SIGKILL, "the editing itself failed"
        acknowledged = log.stat().st_size
        steps = check(project, rounds, trial, acknowledged)
        rounds.append((trial, steps))
    assert sum(steps for _, steps in rounds) > KILLS_EACH


def check(
    project: Path,
    rounds: list[tuple[int, int]],
    trial: int,
    acknowledged: int,
) -> int:
    """Open what the kill left; return how many steps it holds, all acknowledged ones at least."""
    with Session.open(project) as session:
        found = held(session)
        walks = (len(session._timeline.done), len(session._timeline.undone))
    with closing(sqlite3.connect(project)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    for steps in (acknowledged, acknowledged + 1):
        model = replay([*rounds, (trial, steps)])
        if found == model.state and walks == (len(model.done), len(model.undone)):
            return steps
    raise AssertionError(f"after {acknowledged} steps of {trial} on {rounds} something is missing")
