"""2,000 random edits over 50 images, with undo, redo, switches, restarts and kills.

The window runs in processes of its own and tells an outside log what is meant and what it shows
then. A model that shares no code with the application works each deed out from what it holds
itself, judges the window's outlines by it, and takes them over; what is undone and redone comes
from the model's own stacks. At each restart, kill and at the end the project must equal the model
to the last bit.

A seed makes the same session every time, to the last byte of its log: the checksum that is printed
tells. `MASKGUI_SESSION_SEEDS=20` runs sessions of as many seeds, from `FIRST_SEED` on.
"""

import os
import random
import signal
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
from tests.e2e.session_end import CLOSE, KILLS

SCRIPT = Path(__file__).resolve().with_name("session_script.py")
IMAGES, EDITS = 50, 2000
FIRST_SEED = 4
SEEDS = int(os.environ.get("MASKGUI_SESSION_SEEDS", "1"))
PAINTED = 2
"""Which start of the window is painted, too."""
WALKED_BACK = 400
"""Steps that are undone and redone at the end, beyond the last start."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@contextmanager
def windows(places: Path) -> Iterator[ForkServer]:
    """Windows that remember in `places` what they were last set to."""
    running = ForkServer.of_windows(SCRIPT, places)
    try:
        yield running
    finally:
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
        session.look_through()
        for place, name in enumerate(("nut", "bolt", "washer", "gear")):
            added = Category(session.new_id(), name, "#0072b2", place)
            session.apply(Edit("Add category", None, (Change(None, added),)), SYSTEM)
            replay.model.values["category", added.id] = Kind(name, place)
        for image_id, record in session.document.images.items():
            replay.model.values["image", image_id] = Picture(record.path, sizes[record.path])
    return path


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + SEEDS))
def test_a_long_session_equals_its_replay(seed: int, tmp_path: Path) -> None:
    rng, replay = random.Random(seed), Replay()
    folder, log = tmp_path / "bench", tmp_path / "log"
    project = made_project(folder, rng, replay)
    ends = [*KILLS, *(CLOSE for _ in KILLS)]
    rng.shuffle(ends)
    told = 0
    with windows(tmp_path / "places") as forks:
        for number, end in enumerate(ends):
            log.write_bytes(b"")
            task = {"seed": rng.randrange(1 << 30), "edits": EDITS // len(ends) + 1, "end": end}
            task["painted"] = number == PAINTED
            pid = forks.ask(folder=str(folder), log=str(log), **task)
            died = forks.ask(reap=pid)
            assert died == (0 if end == CLOSE else -signal.SIGKILL), log.read_text()[-3000:]
            told = zlib.crc32(log.read_bytes(), told)
            replay.follow(log)
            with Session.open(project) as session:
                replay.settle(session)
                compare(replay.model, session)
            with closing(sqlite3.connect(project)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert replay.model.edits >= EDITS
    walk_back_and_forth(project, replay)
    print(f"seed {seed}: {replay.model.edits} edits, ends {ends}, told {told:08x}")
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
