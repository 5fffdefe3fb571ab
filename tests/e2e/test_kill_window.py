"""kill -9 of the real window at any moment of work in it loses at most the gesture in hand."""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.assist.session import SYSTEM, Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category
from maskgui.core.errors import UserError
from tests.e2e.fork_server import ForkServer
from tests.e2e.window_script import MODEL, SIZE, digest

SCRIPT = Path(__file__).resolve().with_name("window_script.py")
PROJECTS, KILLS_EACH = 10, 5
"""50 kills: a life costs a start of the window, and holds some tens of gestures."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    running = ForkServer.of_windows(SCRIPT, tmp_path_factory.mktemp("places"))
    yield running
    running.close()


def made_project(folder: Path) -> Path:
    """A folder of three images with its project: two categories and a model's map to them."""
    folder.mkdir()
    for number in range(3):
        pixels = np.full((*SIZE, 3), 60 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    path = folder / f"{folder.name}.maskgui"
    with Session.create(path, folder) as session:
        session.look_through()
        ids = [session.new_id() for _ in range(2)]
        for place, (one, name) in enumerate(zip(ids, ("nut", "bolt"), strict=True)):
            added = Category(one, name, "#0072b2", place)
            session.apply(Edit("Add category", None, (Change(None, added),)), SYSTEM)
        session.set_category_map(MODEL, dict(zip(("nut", "bolt"), ids, strict=True)))
    return path


def states_in(log: Path) -> list[str]:
    return [line.split()[1] for line in log.read_text().splitlines()]


def wait_for_states(log: Path, count: int, seen: set[str]) -> None:
    """Wait for so many states that no life had before: not every gesture has an effect."""
    deadline = time.monotonic() + 120
    while len({*states_in(log)} - seen) < count:
        assert time.monotonic() < deadline, "the window does not work"
        time.sleep(0.005)


@pytest.mark.parametrize("number", range(PROJECTS))
def test_a_window_killed_at_random_moments(
    number: int, windows: ForkServer, tmp_path: Path
) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    folder, log = tmp_path / "bench", tmp_path / "log"
    project = made_project(folder)
    with Session.open(project) as session:
        state = digest(session)
    seen: set[str] = set()
    for kill in range(KILLS_EACH):
        log.write_bytes(b"")
        pid = windows.ask(folder=str(folder), seed=rng.randrange(1 << 30), log=str(log))
        if kill:  # the first one also dies while it opens
            wait_for_states(log, rng.randint(2, 10), seen)
        time.sleep(rng.uniform(0, 0.2) if kill else rng.uniform(0, 2.0))
        os.kill(pid, signal.SIGKILL)
        assert windows.ask(reap=pid) == -signal.SIGKILL, "the window itself failed"
        told = log.read_text().splitlines()
        seen.update(states_in(log))
        state = check(project, state, told)
    assert len(seen) > KILLS_EACH, "the window worked"
    print(len(seen), "states")


def check(project: Path, before: str, told: list[str]) -> str:
    """Open what the kill left; return its state, from which at most one gesture is missing."""
    states = [before, *(line.split()[1] for line in told)]
    last_is_on_disk = not told or told[-1].startswith("disk")
    allowed = {states[-1]} if last_is_on_disk else {states[-1], states[-2]}
    with Session.open(project) as session:
        found = digest(session)
    with closing(sqlite3.connect(project)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    if found not in allowed:
        assert came_from(project, states[-1]), f"after {told[-3:]} something is missing"
    return found


def came_from(project: Path, state: str) -> bool:
    """Whether the project is one gesture beyond a state: one that was on disk, but not yet told."""
    for way in ("undo", "redo", "run"):
        copy = project.with_name("copy.maskgui")
        copy.write_bytes(project.read_bytes())
        try:
            with Session.open(copy) as session:
                with suppress(UserError):
                    if way == "run":
                        session.undo_batch(session.batches()[-1].job)
                    else:
                        getattr(session, way)()
                if digest(session) == state:
                    return True
        finally:
            copy.unlink()
    return False
