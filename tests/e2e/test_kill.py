"""kill -9 at any moment of editing loses at most the gesture in hand, and the project opens."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from maskgui.assist.session import Session

sys.path.insert(0, str(Path(__file__).resolve().parent))
from editing_script import held, replay

SCRIPT = Path(__file__).resolve().with_name("editing_script.py")
REPOSITORY = SCRIPT.parents[2]
PROJECTS, KILLS_EACH = 5, 10

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


class Editors:
    """A server process that forks the editing children."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )

    def ask(self, **task: Any) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def editors() -> Iterator[Editors]:
    running = Editors()
    yield running
    running.close()


def wait_for_first_step(log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (log.exists() and log.stat().st_size):
        time.sleep(0.002)


@pytest.mark.parametrize("number", range(PROJECTS))
def test_killed_at_random_moments(number: int, editors: Editors, tmp_path: Path) -> None:
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
            wait_for_first_step(log)
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
