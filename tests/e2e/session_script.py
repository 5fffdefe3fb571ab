"""The scripted session: random editing in the real window, told to a log outside of it.

A JSON line goes to the log before each deed, with what is meant, and one after it, when it is on
disk, with what can be seen then. The test replays the log in a model of its own.

A deed begins when the window has come to rest, so that a seed makes the same session on a machine
of any speed: nothing of it hangs on how long a thread or a timer takes.

Run as a program it is a server like `window_script`: a JSON line {folder, seed, log, edits, end,
painted} on stdin forks one child. After so many edits it comes to one of the ends of `session_end`.
A window that is not painted takes half the time, and does the same.
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
from tests.e2e.session_end import CLOSE, GESTURE, WRITING, WRITTEN, die, die_writing
from tests.e2e.session_person import Person

SIZE = (960, 600)  # the least
STEP_MS = 1
RESTS = 2
"""Looks in a row that must find the window at rest: timers of no length run out between them."""
REOPENS = 0.004
"""How often the project is closed and opened again in the same window."""


def rings_of(shape: Shape) -> list[list[list[list[float]]]]:
    return [[ring.tolist() for ring in part.rings] for part in shape.parts]


class Life:
    """One run of the window: deed by deed, each begun when the one before is on disk."""

    def __init__(self, controller: Controller, task: dict[str, Any], log: int) -> None:
        self.controller = controller
        self.desk = controller.desk
        self._folder = Path(task["folder"])
        self._left: int = task["edits"]
        self._end: str = task["end"]
        self._log = log
        self._rests = 0
        self._dies_untold = False
        self._rng = random.Random(task["seed"])
        self._person = Person(controller, self._rng, self._tell)
        self._meant: dict[str, Any] = {}
        self._session: Session | None = None
        self._told: dict[int, int] = {}  # the checksum of each instance's outline
        self._prints: dict[int, tuple[int, Shape]] = {}  # by what the shape is in memory
        self._depths = (0, 0)
        self._timer = QTimer(interval=STEP_MS)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def _step(self) -> None:
        self._rests = self._rests + 1 if self._at_rest() else 0
        if self._rests < RESTS:
            return
        self._rests = 0
        if self._session is not self.desk.session:
            self._opened()
        elif self._meant:
            self._done()
        if self._left > 0 and self._rng.random() < REOPENS:
            self._tell(do="reopen")
            self.controller.window.commands["close_project"].trigger()
            self.controller.start([self._folder], None)
        elif self._left > 0 or not self._ended():
            session_deeds.act(self._person)

    def _ended(self) -> bool:
        """Close the window, or say where in what it does next it is killed."""
        end, self._end = self._end, ""
        if end == CLOSE:
            self._tell(do="close")
            self._timer.stop()
            self.controller.window.close()
        elif end == GESTURE:
            self._person.hand.events_left = self._rng.randint(0, 12)
        elif end == WRITING:
            assert self._session is not None
            die_writing(self._session.project._writer.connection, self._rng)
        elif end == WRITTEN:
            self._dies_untold = True
        return end == CLOSE

    def _at_rest(self) -> bool:
        """Whether the last deed is over, shown and on disk; at first, all sizes are known."""
        desk, controller = self.desk, self.controller
        if desk.session is None or desk.image_id is None:
            return False
        if controller.canvas.scene.image_id != desk.image_id or controller.combining.busy:
            return False
        if self._session is not desk.session and not _measured(desk.session):
            return False
        assert desk.session.last_error is None, desk.session.last_error
        assert not controller.canvas.toolbox.active.busy
        return not (desk.session.pending or desk._burst.isActive())

    def _tell(self, **line: Any) -> None:
        self._meant = line
        self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._log, json.dumps(line).encode() + b"\n")  # outlives the process as it is

    def _opened(self) -> None:
        """Tell what a window shows that has just opened the project."""
        self._session = session = self.desk.session
        assert session is not None
        self._prints.clear()
        everything = [item for one in self.desk.order for item in session.instances(one)]
        self._told = {one.id: self._print(one.shape) for one in everything}
        self._depths = depths(session)
        images = [[one, self.desk.image(one).path] for one in self.desk.order]
        self._write({"opened": self._seen(), "images": images})
        self._meant = {}

    def _done(self) -> None:
        """Tell what is on disk now and what is shown; but no outline that undoing brought back."""
        shown, walked = self.desk.instances(), self._meant["do"] in ("undo", "redo")
        changed = [one for one in shown if self._told.get(one.id) != self._print(one.shape)]
        found = self._seen()
        if not walked:
            found["outlines"] = {one.id: rings_of(one.shape) for one in changed}
        if self._meant["do"] == "add_category":
            found["new_kind"] = self.desk.draw_category
        self._told.update((one.id, self._print(one.shape)) for one in changed)
        if found["depths"] != self._depths and self._dies_untold:
            die()
        self._left -= found["depths"][0] > self._depths[0] and not walked
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


def _measured(session: Session) -> bool:
    """Whether all sizes are known, which are read beside the window."""
    return all(one.width and one.file_size for one in session.document.images.values())


def live(task: dict[str, Any]) -> None:
    """Open the task's folder in a window and edit in it."""
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    app, themes = make_application()
    controller = Controller(app, themes, Options())
    sys.excepthook = lambda *error: _fault(log, *error)
    controller.options["reduced_motion"] = True
    controller.window.resize(*SIZE)
    controller.window.show()
    controller.window.setUpdatesEnabled(task["painted"])
    life = Life(controller, task, log)
    controller.start([Path(task["folder"])], None)
    app.exec()
    del life
    controller.close()


def _fault(log: int, *error: Any) -> None:
    """Tell an exception that nobody caught, and end."""
    os.write(log, json.dumps({"fault": "".join(traceback.format_exception(*error))}).encode())
    os._exit(1)


if __name__ == "__main__":
    serve(live)
