"""The gestures that canvases are measured by, on ours: a frame is from an event to its picture.

A frame is everything the window's thread does from an input event to the painted picture.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from benchmarks.scenes import COLORS, HEIGHT, VIEW, WIDTH, Scene
from maskgui.core.document import Document, Edit
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas import Canvas

FRAMES = 90
TICK = 1 / 60
SETTLE_S = 60.0
BRUSH_PX = 20.0
"""Radius of the brush on the screen."""

Times = list[tuple[float, float]]
Steps = Iterator[Callable[[], object]]
_NONE, _LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
_MIDDLE = Qt.MouseButton.MiddleButton
_MOVE, _PRESS = QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress
_RELEASE = QEvent.Type.MouseButtonRelease


class Project:
    """The least that a canvas asks for."""

    def __init__(self, shapes: list[Shape]) -> None:
        categories = [Category(n, f"kind {n}", color, n) for n, color in enumerate(COLORS)]
        self.document = Document(categories, [ImageRecord(1, "a.png", WIDTH, HEIGHT)])
        self.document.load(
            1, [Instance(n + 1, 1, n % len(COLORS), shape, n) for n, shape in enumerate(shapes)]
        )
        self._next = 10**6

    def new_id(self) -> int:
        """Return a fresh id."""
        self._next += 1
        return self._next

    def image(self, image_id: int) -> ImageRecord:
        """Return the record."""
        return self.document.image(image_id)

    def detections(self, _: int) -> None:
        """There are none."""

    def unsimplified(self, instance: Instance) -> Shape:
        """None was simplified."""
        return instance.shape


class Paints(QObject):
    """Counts a widget's paints."""

    count = 0

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt
        """Count and let pass."""
        if event.type() == QEvent.Type.Paint:
            self.count += 1
        return False


class Stage:
    """Runs gestures frame by frame on a widget and takes the time of each."""

    def __init__(self, app: QApplication, widget: QWidget) -> None:
        self.app, self.widget = app, widget
        self.paints = Paints()

    def run(self, steps: Steps) -> Times:
        """Return milliseconds for each frame (passed, of processor time), at sixty a second."""
        times = []
        due = time.perf_counter()
        for step in steps:
            start, busy = time.perf_counter(), time.thread_time()
            step()
            self.app.processEvents()
            passed, used = time.perf_counter() - start, time.thread_time() - busy
            times.append((passed * 1e3, used * 1e3))
            due = max(due + TICK, time.perf_counter())
            time.sleep(max(due - time.perf_counter(), 0.0005))
        return times

    def mouse(self, kind: QEvent.Type, at: QPointF, button=_NONE, held=_NONE) -> None:
        """Deliver a mouse event."""
        event = QMouseEvent(kind, at, at, button, held, Qt.KeyboardModifier.NoModifier)
        self.app.sendEvent(self.widget, event)

    def wheel(self, at: QPointF, notches: float) -> None:
        """Deliver a turn of the wheel with Ctrl."""
        turn = QPoint(0, round(120 * notches))
        control, phase = Qt.KeyboardModifier.ControlModifier, Qt.ScrollPhase.NoScrollPhase
        self.app.sendEvent(
            self.widget, QWheelEvent(at, at, QPoint(), turn, _NONE, control, phase, False)
        )


class OurCanvas:
    """Our canvas with a scene on it; every gesture leaves the instances as they were."""

    def __init__(self, app: QApplication, scene: Scene, pixels: NDArray[np.uint8]) -> None:
        self._app = app
        self._project = Project([Shape([Polygon(ring)]) for ring in scene.rings()])
        self.canvas = Canvas(self._project)
        self.canvas.set_reduced_motion(True)
        self.canvas.edit_requested.connect(self._apply)
        self.canvas.resize(*VIEW)
        self.canvas.set_image(1, pixels)
        document = self._project.document
        self.canvas.set_instances(document.instances(1), document.categories)
        self.canvas.show()
        self._stage = Stage(app, self.canvas)
        self._undo: list[Edit] = []
        self._middle = QPointF(VIEW[0] / 2, VIEW[1] / 2)
        self.canvas.installEventFilter(self._stage.paints)
        app.processEvents()
        self.settle()

    def _apply(self, edit: Edit) -> None:
        self._undo.append(self._project.document.apply(edit))
        self.canvas.apply_edit(edit)

    def close(self) -> None:
        """End the canvas and its threads."""
        self.canvas.close()

    def look(self, scale: float | None) -> None:
        """Show the whole image (None) or its middle at a scale, and wait for the picture."""
        self.canvas.fit()
        if scale is not None:
            self.canvas.zoom_at(self._middle, scale / self.canvas.view.scale)
        self._app.processEvents()
        self.settle()

    def settle(self) -> tuple[float, float] | None:
        """Wait for the whole picture; ms to its first tile and to all, None if it was there."""
        canvas, start = self.canvas, time.perf_counter()
        first: list[float] = []
        whole: list[float] = []
        painted = canvas.tile_painted.connect(lambda: first.append(time.perf_counter()))
        settled = canvas.settled.connect(lambda: whole.append(time.perf_counter()))
        while not canvas.is_settled():
            if time.perf_counter() - start > SETTLE_S:
                raise SystemExit("the overlay did not settle")
            self._app.processEvents()
            time.sleep(0.001)
        canvas.disconnect(painted)
        canvas.disconnect(settled)
        if not first or not whole:
            return None
        return (first[0] - start) * 1e3, (whole[-1] - start) * 1e3

    def fresh(self, scale: float | None) -> tuple[float, float]:
        """Zoom to a scale that was not shown before; return ms to the first tile and to all."""
        target = 0.97 * (self.canvas.view.fit_state()[0] if scale is None else scale)
        self.look(None)
        self.canvas.zoom_at(self._middle, target / self.canvas.view.scale)
        found = self.settle()
        if found is None:
            raise SystemExit("nothing was left to paint after a zoom")
        return found

    def frames(self, gesture: str, frames: int = FRAMES) -> Times:
        """Run a gesture in the present view; return (passed, of processor time) ms a frame."""
        painted = self._stage.paints.count
        steps = getattr(self, gesture)(frames)
        self.settle()
        times = self._stage.run(steps)
        self._end()
        few = self._stage.paints.count - painted < len(times) // 2
        if few and gesture != "hover":  # between instances nothing changes
            raise SystemExit(f"“{gesture}” was not painted frame by frame")
        return times

    def _end(self) -> None:
        """Let go, and take back what was edited."""
        self._stage.mouse(_RELEASE, self._middle, _LEFT)
        self._stage.mouse(_RELEASE, self._middle, _MIDDLE)
        while self._undo:
            edit = self._undo.pop()
            self._project.document.apply(edit)
            self.canvas.apply_edit(edit)
        self.canvas.selection.clear()
        self.canvas.set_tool("select")

    # ---- gestures: each prepares, then yields one step a frame

    def repaint(self, frames: int) -> Steps:
        """Paint the picture again as it is."""
        return (self.canvas.update for _ in range(frames))

    def hover(self, frames: int) -> Steps:
        """Move the pointer across instances."""
        for n in range(frames):
            at = self._middle + QPointF(4 * n - 180, 120 * np.sin(n / 9))
            yield lambda at=at: self._stage.mouse(_MOVE, at)

    def pan(self, frames: int) -> Steps:
        """Drag with the middle button along a curve."""
        self._stage.mouse(_PRESS, self._middle, _MIDDLE, _MIDDLE)
        for n in range(frames):
            at = self._middle + QPointF(-5 * n, 90 * np.sin(n / 12))
            yield lambda at=at: self._stage.mouse(_MOVE, at, held=_MIDDLE)

    def zoom(self, frames: int) -> Steps:
        """Zoom in and out again with the wheel."""
        for n in range(frames):
            notches = 0.5 if (n // 15) % 2 == 0 else -0.5
            yield lambda notches=notches: self._stage.wheel(self._middle, notches)

    def vertex(self, frames: int) -> Steps:
        """Drag a vertex of the instance nearest the middle of the view."""
        instance = self._nearest()
        self.canvas.selection.set({instance.id})
        self.canvas.set_tool("vertex")
        return self._drag(self._on_screen(instance), frames)

    def brush(self, frames: int) -> Steps:
        """Paint onto the instance nearest the middle of the view."""
        instance = self._nearest()
        self.canvas.selection.set({instance.id})
        self.canvas.set_tool("brush")
        self.canvas.set_option("radius", BRUSH_PX / self.canvas.view.logical_scale)
        return self._drag(self._on_screen(instance), frames)

    def _drag(self, start: QPointF, frames: int) -> Steps:
        self.settle()
        self._stage.mouse(_MOVE, start)
        self._stage.mouse(_PRESS, start, _LEFT, _LEFT)
        for n in range(frames):
            at = start + QPointF(40 * np.sin(n / 8), 40 * np.cos(n / 8) - 40)
            yield lambda at=at: self._stage.mouse(_MOVE, at, held=_LEFT)

    def select(self, frames: int) -> Steps:
        """Select one instance after the other."""
        ids = [one.id for one in self._project.document.instances(1)]
        for n in range(frames):
            chosen = {ids[7 * n % len(ids)]}
            yield lambda chosen=chosen: self.canvas.selection.set(chosen)

    def _on_screen(self, instance: Instance) -> QPointF:
        x, y = instance.shape.parts[0].exterior[10]
        return self.canvas.view.to_screen(x, y)

    def _nearest(self) -> Instance:
        def distance(instance: Instance) -> float:
            apart = self._on_screen(instance) - self._middle
            return apart.x() ** 2 + apart.y() ** 2

        return min(self._project.document.instances(1), key=distance)
