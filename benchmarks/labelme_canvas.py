"""labelme's own canvas in its own process: gestures come in and frame times go out, as JSON lines.

Runs on labelme's interpreter (PyQt5), see `peer.py`. The canvas lies in a scroll area that
follows its wishes to zoom and scroll, as in labelme's window, whose lists and docks are left out.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from labelme._shape import Shape
from labelme.widgets.canvas import Canvas
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QColor, QImage, QMouseEvent, QPixmap, QWheelEvent
from PyQt5.QtWidgets import QApplication, QScrollArea

from benchmarks.scenes import COLORS, HEIGHT, VIEW, WIDTH, Scene, photo

NO_BUTTON, LEFT, MIDDLE = Qt.NoButton, Qt.LeftButton, Qt.MiddleButton
Steps = Iterator[Callable[[], None]]


class Peer:
    """One scene on labelme's canvas."""

    def __init__(self, app: QApplication, scene: Scene, pixmap: QPixmap) -> None:
        self.app = app
        self.area = QScrollArea()
        self.canvas = Canvas()
        self.area.setWidget(self.canvas)
        self.area.setWidgetResizable(True)
        self.canvas.zoom_request.connect(self._zoom)
        self.canvas.pan_request.connect(self._pan)
        self.area.resize(*VIEW)
        self.canvas.load_pixmap(pixmap)
        self.canvas.load_shapes([_shape(n, ring) for n, ring in enumerate(scene.rings())])
        self.area.show()
        self._scale(self._fitting())

    # ---- what labelme's window does for its canvas

    def _scale(self, scale: float) -> None:
        self.canvas.scale = scale
        self.canvas.adjustSize()
        self.canvas.update()

    def _zoom(self, delta: int, at: QPointF) -> None:
        before = self.canvas.width()
        self._scale(self.canvas.scale * (1.1 if delta > 0 else 1 / 1.1))
        factor = self.canvas.width() / before - 1
        self._pan(QPoint(-round(at.x() * factor), -round(at.y() * factor)))

    def _pan(self, step: QPoint) -> None:
        across, down = self.area.horizontalScrollBar(), self.area.verticalScrollBar()
        across.setValue(across.value() - step.x())
        down.setValue(down.value() - step.y())

    def _fitting(self) -> float:
        view = self.area.viewport()
        return min(view.width() / WIDTH, view.height() / HEIGHT) * 0.995

    # ---- gestures

    def look(self, scale: float | None) -> None:
        """Show the whole image (None) or its middle at a scale."""
        self._scale(self._fitting() if scale is None else scale)
        self.app.processEvents()
        for bar in (self.area.horizontalScrollBar(), self.area.verticalScrollBar()):
            bar.setValue((bar.minimum() + bar.maximum()) // 2)
        self.app.processEvents()

    def middle(self) -> QPointF:
        """Return the middle of what is in view, in the canvas' coordinates."""
        view = self.area.viewport().rect().center()
        return QPointF(self.canvas.mapFrom(self.area.viewport(), view))

    def on_screen(self, point: QPointF) -> QPointF:
        """Return where a point of the image lies on the canvas."""
        return (point + self.canvas._compute_image_origin_offset()) * self.canvas.scale

    def send(self, kind: QEvent.Type, at: QPointF, button: int, held: int) -> None:
        """Deliver a mouse event at a point of the canvas."""
        place = QPointF(self.canvas.mapToGlobal(at.toPoint()))
        event = QMouseEvent(kind, at, at, place, button, held, Qt.NoModifier)
        self.app.sendEvent(self.canvas, event)

    def move(self, at: QPointF, held: int = NO_BUTTON) -> None:
        """Move the pointer."""
        self.send(QEvent.MouseMove, at, NO_BUTTON, held)

    def repaint(self) -> Steps:
        """Paint the picture again as it is."""
        while True:
            yield self.canvas.update

    def hover(self) -> Steps:
        """Move the pointer across instances."""
        start = self.middle()
        for n in range(10**6):
            at = start + QPointF(40 * n % 400 - 180, 120 * np.sin(n))
            yield lambda at=at: self.move(at)

    def pan(self) -> Steps:
        """Drag with the middle button along a curve."""
        start = self.middle()
        self.send(QEvent.MouseButtonPress, start, MIDDLE, MIDDLE)
        at = QPointF(start)
        for n in range(10**6):
            step = QPointF(-5, 90 * (np.sin((n + 1) / 12) - np.sin(n / 12)))
            # The canvas moves below the pointer, which is seen from the canvas here.
            yield lambda step=step: self._drag_by(at, step)

    def _drag_by(self, at: QPointF, step: QPointF) -> None:
        place = self.canvas.mapToGlobal((at + step).toPoint())
        at += step
        self.move(QPointF(at), MIDDLE)
        moved = self.canvas.mapFromGlobal(place)
        at.setX(moved.x())
        at.setY(moved.y())

    def zoom(self) -> Steps:
        """Zoom in and out again with the wheel."""
        for n in range(10**6):
            delta = 60 if (n // 15) % 2 == 0 else -60
            yield lambda delta=delta: self._wheel(delta)

    def _wheel(self, delta: int) -> None:
        at = self.middle()
        event = QWheelEvent(
            at,
            at,
            QPoint(),
            QPoint(0, delta),
            NO_BUTTON,
            Qt.ControlModifier,
            Qt.NoScrollPhase,
            False,
        )
        self.app.sendEvent(self.canvas, event)

    def vertex(self) -> Steps:
        """Drag a vertex of the instance nearest the middle of the view."""
        shape = self._nearest(self.middle())
        start = self.on_screen(shape.points[10])
        self.move(start)
        self.send(QEvent.MouseButtonPress, start, LEFT, LEFT)
        for n in range(10**6):
            at = start + QPointF(40 * np.sin(n / 8), 40 * np.cos(n / 8) - 40)
            yield lambda at=at: self.move(at, LEFT)

    def select(self) -> Steps:
        """Select one instance after the other."""
        shapes = self.canvas.shapes
        for n in range(10**6):
            chosen = [shapes[7 * n % len(shapes)]]
            yield lambda chosen=chosen: self._select(chosen)

    def _select(self, chosen: list[Shape]) -> None:
        for shape in self.canvas.selected_shapes:
            shape.selected = False
        self.canvas.selected_shapes = chosen
        chosen[0].selected = True
        self.canvas.update()

    def _nearest(self, at: QPointF) -> Shape:
        def distance(shape: Shape) -> float:
            apart = self.on_screen(shape.points[10]) - at
            return apart.x() ** 2 + apart.y() ** 2

        return min(self.canvas.shapes, key=distance)

    def run(self, gesture: str, frames: int, seconds: float) -> dict:
        """Return (passed, processor) ms of each frame; 2 at least."""
        times: list[tuple[float, float]] = []
        end = time.perf_counter() + seconds
        for step in getattr(self, gesture)():
            start, busy = time.perf_counter(), time.thread_time()
            step()
            self.app.processEvents()
            passed, used = time.perf_counter() - start, time.thread_time() - busy
            times.append((passed * 1e3, used * 1e3))
            if len(times) >= frames or (len(times) >= 2 and time.perf_counter() > end):
                break
        button = MIDDLE if gesture == "pan" else LEFT
        self.send(QEvent.MouseButtonRelease, self.middle(), button, NO_BUTTON)
        return {"times": times}


def _shape(number: int, ring: np.ndarray) -> Shape:
    """Return a polygon in the colours that labelme's window would give it."""
    shape = Shape(label=f"kind {number % len(COLORS)}", shape_type="polygon")
    for x, y in ring.tolist():
        shape.add_point(QPointF(x, y))
    shape.close()
    color = QColor(COLORS[number % len(COLORS)])
    shape.line_color, shape.vertex_fill_color = color, color
    shape.fill_color, shape.select_fill_color = QColor(color), QColor(color)
    shape.fill_color.setAlpha(128)
    shape.select_fill_color.setAlpha(155)
    return shape


def main() -> None:
    """Answer commands until there are no more."""
    app = QApplication([])
    pixels = photo()
    image = QImage(pixels.data, WIDTH, HEIGHT, WIDTH * 3, QImage.Format_RGB888)
    pixmap = QPixmap.fromImage(image)
    peers: dict[Scene, Peer] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        scene = Scene(asked["instances"], asked["vertices"])
        if scene not in peers:
            peers[scene] = Peer(app, scene, pixmap)
        peer = peers[scene]
        peer.look(asked["scale"])
        print(json.dumps(peer.run(asked["gesture"], asked["frames"], asked["seconds"])), flush=True)


if __name__ == "__main__":
    main()
