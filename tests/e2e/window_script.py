"""Scripted work in the real window, offscreen, to be killed at any moment.

Gestures are real events on the canvas, the lists and the sliders; the network's worker answers with
canned detections. A line goes to the log after each gesture, with a digest of the document, and one
when it is on disk; the next gesture begins only then, so at most one is ever in hand.

Run as a program it is a server like `editing_script`: a JSON line {folder, seed, log} on stdin
forks one child, its pid comes back; {"reap": pid} waits for it. Imports are paid for once.
"""

import hashlib
import os
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest

from maskgui.assist.jobs import Job, Priority
from maskgui.assist.segmenter import SegmentImage, SegmentResult
from maskgui.assist.session import Session
from maskgui.core.detections import CERTAIN, Detections
from maskgui.core.entities import encode_value
from maskgui.core.stamp import file_stamp
from maskgui.maskrcnn.vectorize import shapes
from maskgui.ui.app import make_application
from maskgui.ui.controller import Controller
from maskgui.ui.options import Options
from tests.e2e.fork_server import serve

MODEL = "parts 0123456789ab"
SIZE = (240, 320)
STEP_MS = 5
GESTURES = ("polygon", "box", "drag", "delete", "undo", "redo", "image", "review", "run", "slide")


def digest(session: Session) -> str:
    """Return what the document holds, but for facts that are read from the image files."""
    facts = {"width": 0, "height": 0, "file_size": 0}
    found = hashlib.sha1(encode_value(sorted(session.document.categories, key=lambda c: c.id)))
    for image_id, record in sorted(session.document.images.items()):
        found.update(encode_value(msgspec.structs.replace(record, **facts)))
        instances = sorted(session.project.instances(image_id), key=lambda one: one.id)
        if session.document.is_loaded(image_id):
            instances = sorted(session.instances(image_id), key=lambda one: one.id)
        found.update(encode_value(instances))
    return found.hexdigest()


class CannedSegmenter:
    """Finds squares where its dice say, in the worker's thread."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def job(self, request: SegmentImage, priority: Priority = Priority.INTERACTIVE) -> Job:
        corners = [(self._rng.randint(0, 270), self._rng.randint(0, 190)) for _ in range(6)]
        scores = sorted((self._rng.random() for _ in corners), reverse=True)
        masks = np.zeros((len(corners), 28, 28), np.uint16)
        masks[:, 4:24, 4:24] = CERTAIN
        found = Detections(
            MODEL,
            ("nut", "bolt"),
            np.array([(x, y, x + 40, y + 40) for x, y in corners], np.float32),
            np.array(scores, np.float32),
            np.arange(len(corners), dtype=np.int32) % 2,
            masks,
        )

        def run(_: object) -> SegmentResult:
            stamp = file_stamp(request.path)
            chosen = [i for i, score in enumerate(scores) if score >= request.threshold]
            made = shapes(found, chosen, request.mask_threshold, image_size=SIZE)
            outlines = dict(zip(chosen, made, strict=True))
            return SegmentResult(request, *SIZE, found, outlines, "cpu", 0.1, stamp)

        return Job(run, request.image_id, request.revision, priority, "Segmenting")


class Hand:
    """Does one random gesture after the other in a window."""

    def __init__(self, controller: Controller, seed: int, log: int) -> None:
        self._controller = controller
        self._rng = random.Random(seed)
        self._log = log
        self._written = True
        self._waiting = False
        self._timer = QTimer(interval=STEP_MS)
        self._timer.timeout.connect(self._step)
        self._timer.start()

    def _step(self) -> None:
        controller = self._controller
        desk, canvas = controller.desk, controller.canvas
        if desk.image_id is None or canvas.scene.image_id != desk.image_id:
            return
        if desk.session.pending or controller.jobs.busy:
            return
        if self._waiting:
            self._waiting = False
            self._tell("done")
            return
        if not self._written:
            self._written = True
            self._tell("disk")
            return
        gesture = self._rng.choice(GESTURES)
        getattr(self, f"_{gesture}")()
        self._written = False
        self._waiting = controller.jobs.busy
        if not self._waiting:
            self._tell("done")

    def _tell(self, what: str) -> None:
        os.write(self._log, f"{what} {digest(self._controller.desk.session)}\n".encode())

    def _place(self) -> QPoint:
        canvas, rng = self._controller.canvas, self._rng
        return canvas.view.to_screen(rng.uniform(5, 315), rng.uniform(5, 235)).toPoint()

    def _key(self, key: Qt.Key) -> None:
        self._controller.canvas.setFocus()
        QTest.keyClick(self._controller.canvas, key)

    def _drag_from(self, start: QPoint, end: QPoint, modifier: Qt.KeyboardModifier) -> None:
        canvas, left = self._controller.canvas, Qt.MouseButton.LeftButton
        QTest.mouseMove(canvas, start)
        QTest.mousePress(canvas, left, modifier, start)
        QTest.mouseMove(canvas, (start + end) / 2)
        QTest.mouseMove(canvas, end)
        QTest.mouseRelease(canvas, left, modifier, end)

    def _category(self) -> None:
        self._controller.desk.selection.clear()
        self._key(self._rng.choice([Qt.Key.Key_1, Qt.Key.Key_2]))

    def _polygon(self) -> None:
        self._category()
        self._key(Qt.Key.Key_P)
        canvas = self._controller.canvas
        for _ in range(self._rng.randint(3, 8)):
            place = self._place()
            QTest.mouseMove(canvas, place)
            QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
        self._key(Qt.Key.Key_Return)
        self._key(Qt.Key.Key_Escape)

    def _box(self) -> None:
        self._category()
        self._key(Qt.Key.Key_R)
        self._drag_from(self._place(), self._place(), Qt.KeyboardModifier.NoModifier)
        self._key(Qt.Key.Key_Escape)

    def _choose(self) -> bool:
        mine = self._controller.desk.instances()
        if mine:
            self._controller.desk.selection.set([self._rng.choice(mine).id])
        return bool(mine)

    def _drag(self) -> None:
        if self._choose():
            self._key(Qt.Key.Key_V)
            (chosen,) = self._controller.desk.selected()
            x, y = chosen.shape.parts[0].exterior.mean(axis=0)
            start = self._controller.canvas.view.to_screen(float(x), float(y)).toPoint()
            self._drag_from(start, self._place(), Qt.KeyboardModifier.ControlModifier)

    def _delete(self) -> None:
        if self._choose():
            self._controller.canvas.setFocus()
            self._controller.window.commands["delete"].trigger()

    def _undo(self) -> None:
        self._controller.window.commands["undo"].trigger()

    def _redo(self) -> None:
        self._controller.window.commands["redo"].trigger()

    def _image(self) -> None:
        self._key(self._rng.choice([Qt.Key.Key_A, Qt.Key.Key_D]))

    def _review(self) -> None:
        self._controller.window.commands["reviewed_next"].trigger()

    def _run(self) -> None:
        self._controller.window.commands["segment"].trigger()

    def _slide(self) -> None:
        sliders = self._controller.window.side.sliders
        if sliders.score.isEnabled():
            sliders.score.setSliderDown(True)
            sliders.score.setValue(self._rng.randint(10, 90))
            sliders.score.setSliderDown(False)


def work_until_killed(folder: Path, seed: int, log: int) -> None:
    """Open the folder's project in a window and do gestures in it, without end."""
    app, themes = make_application()
    controller = Controller(app, themes, Options())
    controller.options["reduced_motion"] = True
    controller.window.resize(1280, 720)
    controller.window.show()
    controller.models.current = SimpleNamespace(
        name="parts", model_id=MODEL, ready=True, score_threshold=0.5
    )
    controller.models.recall = lambda: None
    controller.segmenting._segmenter = CannedSegmenter(random.Random(seed + 1))
    controller.start([folder], None)
    hand = Hand(controller, seed, log)
    app.exec()
    del hand


def begin(task: dict[str, Any]) -> None:
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    work_until_killed(Path(task["folder"]), task["seed"], log)
    os._exit(1)


if __name__ == "__main__":
    serve(begin)
