"""The scripted session: random editing in the real window, told to a log outside of it.

A JSON line goes to the log before each deed, with what is meant, and one after it, when it is on
disk, with what can be seen then. The test kills the process at any moment, starts the next, and
replays the log in a model of its own.

Run as a program it is a server like `window_script`: a JSON line {folder, seed, log, edits} on
stdin forks one child. It closes the window after so many edits, and goes on for ever without.
"""

import json
import os
import random
import sys
import traceback
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer

from maskgui.assist.session import Session
from maskgui.core.shape import Shape
from maskgui.ui.app import make_application
from maskgui.ui.controller import Controller
from maskgui.ui.options import Options
from tests.e2e import session_deeds
from tests.e2e.fork_server import serve
from tests.e2e.replay_shapes import print_of
from tests.e2e.session_person import Person

SIZE = (960, 600)  # the least
STEP_MS = 1
REOPENS = 0.004
"""How often the project is closed and opened again in the same window."""


def rings_of(shape: Shape) -> list[list[list[list[float]]]]:
    return [[ring.tolist() for ring in part.rings] for part in shape.parts]


class Life:
    """One run of the window: deed by deed, each begun when the one before is on disk."""

    def __init__(self, controller: Controller, folder: Path, log: int, seed: int) -> None:
        self.controller = controller
        self.desk = controller.desk
        self.folder = folder
        self.edits = 0
        self.most: int | None = None
        self._log = log
        self._rng = random.Random(seed)
        self._person = Person(controller, self._rng, self._tell)
        self._meant: dict[str, Any] = {}
        self._session: Session | None = None
        self._shapes: dict[int, Shape] = {}
        self._prints: dict[int, tuple[int, Shape]] = {}  # by what the shape is in memory
        self._depths = (0, 0)
        self._timer = QTimer(interval=STEP_MS)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def _step(self) -> None:
        if not self._at_rest():
            return
        if self._session is not self.desk.session:
            self._opened()
        elif self._meant:
            self._done()
        if self.most is not None and self.edits >= self.most:
            self._tell(do="close")
            self._timer.stop()
            self.controller.window.close()
        elif self._rng.random() < REOPENS:
            self._tell(do="reopen")
            self.controller.window.commands["close_project"].trigger()
            self.controller.start([self.folder], None)
        else:
            session_deeds.act(self._person)

    def _at_rest(self) -> bool:
        """Whether the last deed is over, shown and on disk."""
        desk, controller = self.desk, self.controller
        if desk.session is None or desk.image_id is None:
            return False
        if controller.canvas.scene.image_id != desk.image_id or controller.combining.busy:
            return False
        assert desk.session.last_error is None, desk.session.last_error
        assert not controller.canvas.toolbox.active.busy
        return not desk.session.pending

    def _tell(self, **line: Any) -> None:
        self._meant = line
        self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._log, json.dumps(line).encode() + b"\n")  # outlives the process as it is

    def _opened(self) -> None:
        """Tell what a window shows that has just opened the project."""
        self._session = session = self.desk.session
        assert session is not None
        everything = [item for one in self.desk.order for item in session.instances(one)]
        self._shapes = {one.id: one.shape for one in everything}
        self._prints.clear()
        self._depths = depths(session)
        images = [[one, self.desk.image(one).path] for one in self.desk.order]
        self._write({"opened": self._seen(), "images": images})
        self._meant = {}

    def _done(self) -> None:
        """Tell what is on disk now and what is shown; but no outline that undoing brought back."""
        shown, walked = self.desk.instances(), self._meant["do"] in ("undo", "redo")
        changed = [one for one in shown if self._shapes.get(one.id) != one.shape]
        found = self._seen()
        if not walked:
            found["outlines"] = {one.id: rings_of(one.shape) for one in changed}
        if self._meant["do"] == "add_category":
            found["new_kind"] = self.desk.draw_category
        self._shapes.update((one.id, one.shape) for one in changed)
        self.edits += found["depths"][0] > self._depths[0] and not walked
        self._depths = found["depths"]
        self._write({"done": found})
        self._meant = {}

    def _print(self, shape: Shape) -> int:
        """Return the checksum of an outline, made once for each."""
        known = self._prints.get(id(shape))
        if known is None:
            known = self._prints[id(shape)] = (print_of(part.rings for part in shape.parts), shape)
        return known[0]

    def _seen(self) -> dict[str, Any]:
        """What only the window knows, and how long both ways through the history are."""
        scene, session = self.controller.canvas.scene, self.desk.session
        assert session is not None
        return {
            "image": self.desk.image_id,
            "hidden": sorted(scene.hidden),
            "locked": sorted(scene.locked_ids),
            "depths": depths(session),
            "here": [
                [one.id, one.category_id, one.order, one.iscrowd, self._print(one.shape)]
                for one in self.desk.instances()
            ],
        }


def depths(session: Session) -> tuple[int, int]:
    """Return how many steps can be undone and redone."""
    return len(session._timeline.done), len(session._timeline.undone)


def live(folder: Path, log: int, seed: int, edits: int | None) -> None:
    """Open the folder in a window and edit in it."""
    app, themes = make_application()
    controller = Controller(app, themes, Options())
    sys.excepthook = lambda *error: _fault(log, *error)
    controller.options["reduced_motion"] = True
    controller.window.resize(*SIZE)
    controller.window.show()
    life = Life(controller, folder, log, seed)
    life.most = edits
    controller.start([folder], None)
    app.exec()
    controller.close()


def _fault(log: int, *error: Any) -> None:
    """Tell an exception that nobody caught, and end."""
    os.write(log, json.dumps({"fault": "".join(traceback.format_exception(*error))}).encode())
    os._exit(1)


def begin(task: dict[str, Any]) -> None:
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    live(Path(task["folder"]), log, task["seed"], task["edits"])


if __name__ == "__main__":
    serve(begin)
