"""Frame times of the canvas with 1,000 polygons of 100 vertices on an 8000 x 6000 image.

A frame is everything the window's thread does from an input event to the painted picture. Beside
our canvas the same gestures run on a QGraphicsView with one plain item a polygon, in the same
process. Run `python benchmarks/canvas.py [--json]`; offscreen unless QT_QPA_PLATFORM says else.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import shapely
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen, QPixmap, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QGraphicsPolygonItem,
    QGraphicsScene,
    QGraphicsView,
    QWidget,
)

from maskgui.core.document import Document
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas import Canvas
from maskgui.ui.canvas.outlines import Outlines, polygon_of

WIDTH, HEIGHT = 8000, 6000
VIEW = (1600, 1000)
FRAMES = 90
TICK = 1 / 60
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
Row = dict[str, float | str]
Times = list[tuple[float, float]]


def scene_shapes(count: int = 1000, vertices: int = 100) -> list[Shape]:
    """Wobbly outlines of 40-180 px radius all over the image, seeded."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    shapes = []
    for _ in range(count):
        radius = rng.uniform(40, 180)
        wobble = radius * (1 + 0.25 * np.sin(3 * turn + rng.uniform(0, 6)))
        wobble += rng.normal(0, 0.03 * radius, vertices)
        middle = rng.uniform((260, 260), (WIDTH - 260, HEIGHT - 260))
        ring = middle + np.stack([np.cos(turn) * wobble, np.sin(turn) * wobble], axis=1)
        shapes.append(Shape([Polygon(ring)]))
    return shapes


def photo() -> np.ndarray:
    """An image with detail at all scales."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 255, (60, 80, 3), np.uint8)
    image = np.repeat(np.repeat(coarse, 100, axis=0), 100, axis=1)
    image[::7, :, 0] //= 2
    image[:, ::5, 1] //= 2
    return np.ascontiguousarray(image)


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


def mouse(kind: QEvent.Type, at: QPointF, button: Qt.MouseButton, held: Qt.MouseButton):
    """Return a mouse event."""
    return QMouseEvent(kind, at, at, button, held, Qt.KeyboardModifier.NoModifier)


def wheel(at: QPointF, notches: float) -> QWheelEvent:
    """Return a wheel event with Ctrl."""
    return QWheelEvent(
        at,
        at,
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


class Stage:
    """Runs gestures frame by frame on a widget and takes the time of each."""

    def __init__(self, app: QApplication, widget: QWidget) -> None:
        self.app, self.widget = app, widget

    def run(self, steps: Iterator[Callable[[], None]]) -> Times:
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

    def send(self, event: QEvent) -> None:
        """Deliver an event to the widget."""
        self.app.sendEvent(self.widget, event)


def row(approach: str, gesture: str, times: Times) -> Row:
    """Sum up frame times; `cpu_p95_ms` tells them apart from a busy machine's."""
    passed, used = zip(*times, strict=True)
    return {
        "approach": approach,
        "gesture": gesture,
        "median_ms": round(float(np.median(passed)), 2),
        "p95_ms": round(float(np.percentile(passed, 95)), 2),
        "worst_ms": round(max(passed), 2),
        "cpu_p95_ms": round(float(np.percentile(used, 95)), 2),
    }


def settle(app: QApplication, canvas: Canvas, limit: float = 10.0) -> tuple[float, float]:
    """Wait for the settled overlay. Return milliseconds to its first tile and to the whole."""
    start = time.perf_counter()
    first: list[float] = []
    whole: list[float] = []
    canvas.tile_painted.connect(lambda: first.append(time.perf_counter()))
    canvas.settled.connect(lambda: whole.append(time.perf_counter()))
    while not (whole and canvas.is_settled()) and time.perf_counter() - start < limit:
        app.processEvents()
        time.sleep(0.001)
    canvas.tile_painted.disconnect()
    canvas.settled.disconnect()
    if not whole or not first:
        raise SystemExit("the overlay did not settle")
    return ((first[0] - start) * 1e3, (whole[-1] - start) * 1e3)


def measure_canvas(app: QApplication, shapes: list[Shape], pixels: np.ndarray) -> list[Row]:
    """Pan, zoom and drag a vertex on our canvas."""
    project = Project(shapes)
    canvas = Canvas(project)
    canvas.set_reduced_motion(True)
    canvas.edit_requested.connect(
        lambda edit: (project.document.apply(edit), canvas.apply_edit(edit))
    )
    canvas.resize(*VIEW)
    canvas.set_image(1, pixels)
    canvas.set_instances(project.document.instances(1), project.document.categories)
    canvas.show()
    app.processEvents()
    settle(app, canvas)
    stage = Stage(app, canvas)
    rows: list[Row] = []
    middle = QPointF(VIEW[0] / 2, VIEW[1] / 2)
    for name, scale in (("whole image", None), ("100 %", 1.0), ("400 %", 4.0)):
        canvas.fit()
        if scale is not None:
            canvas.zoom_at(middle, scale / canvas.view.scale)
        settle_if_needed(app, canvas)
        rows.append(row("canvas", f"pan, {name}", stage.run(pan_steps(stage, middle))))
        rows.append(row("canvas", f"hover, {name}", stage.run(hover_steps(stage, middle))))
        rows.append(row("canvas", f"zoom from {name}", stage.run(zoom_steps(stage, middle))))
        # A scale that was not shown before: nothing is left over from earlier.
        target = 0.97 * (canvas.view.fit_state()[0] if scale is None else scale)
        canvas.fit()
        canvas.zoom_at(middle, target / canvas.view.scale)
        first, whole = settle(app, canvas)
        rows.append(
            {
                "approach": "canvas",
                "gesture": f"settled after zoom, {name}",
                "first_ms": round(first),
                "whole_ms": round(whole),
            }
        )
    canvas.fit()
    settle_if_needed(app, canvas)
    rows.append(row("canvas", "vertex drag, whole image", drag_vertex(stage, canvas, 500)))
    canvas.zoom_to(canvas.scene.instance(500).shape.bounds)
    settle_if_needed(app, canvas)
    rows.append(row("canvas", "vertex drag, zoomed in", drag_vertex(stage, canvas, 500)))
    canvas.close()
    return rows


def settle_if_needed(app: QApplication, canvas: Canvas) -> None:
    """Wait until nothing is left to paint."""
    app.processEvents()
    if not canvas.is_settled():
        settle(app, canvas)


def pan_steps(stage: Stage, start: QPointF) -> Iterator[Callable[[], None]]:
    """Drag with the middle button along a curve."""
    button = Qt.MouseButton.MiddleButton
    stage.send(mouse(QEvent.Type.MouseButtonPress, start, button, button))
    for n in range(FRAMES):
        at = start + QPointF(-5 * n, 90 * np.sin(n / 12))
        yield lambda at=at: stage.send(
            mouse(QEvent.Type.MouseMove, at, Qt.MouseButton.NoButton, button)
        )
    stage.send(mouse(QEvent.Type.MouseButtonRelease, start, button, Qt.MouseButton.NoButton))


def hover_steps(stage: Stage, start: QPointF) -> Iterator[Callable[[], None]]:
    """Move the pointer across instances."""
    none = Qt.MouseButton.NoButton
    for n in range(FRAMES):
        at = start + QPointF(4 * n - 180, 120 * np.sin(n / 9))
        yield lambda at=at: stage.send(mouse(QEvent.Type.MouseMove, at, none, none))


def zoom_steps(stage: Stage, middle: QPointF) -> Iterator[Callable[[], None]]:
    """Zoom in and out again with the wheel."""
    for n in range(FRAMES):
        notches = 0.5 if (n // 15) % 2 == 0 else -0.5
        yield lambda notches=notches: stage.send(wheel(middle, notches))


def drag_vertex(stage: Stage, canvas: Canvas, instance_id: int) -> Times:
    """Select an instance and drag one of its vertices about."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    canvas.selection.set({instance_id})
    canvas.set_tool("vertex")
    settle_if_needed(stage.app, canvas)
    x, y = canvas.scene.instance(instance_id).shape.parts[0].exterior[10]
    start = canvas.view.to_screen(x, y)
    stage.send(mouse(QEvent.Type.MouseMove, start, none, none))
    stage.send(mouse(QEvent.Type.MouseButtonPress, start, left, left))

    def steps() -> Iterator[Callable[[], None]]:
        for n in range(FRAMES):
            at = start + QPointF(40 * np.sin(n / 8), 40 * np.cos(n / 8) - 40)
            yield lambda at=at: stage.send(mouse(QEvent.Type.MouseMove, at, none, left))

    times = stage.run(steps())
    stage.send(mouse(QEvent.Type.MouseButtonRelease, start, left, none))
    return times


def measure_items(app: QApplication, shapes: list[Shape], pixels: np.ndarray) -> list[Row]:
    """The same on a QGraphicsView with one item a polygon."""
    scene = QGraphicsScene()
    image = QImage(pixels.data, WIDTH, HEIGHT, WIDTH * 3, QImage.Format.Format_RGB888)
    scene.addPixmap(QPixmap.fromImage(image))
    items = []
    for n, shape in enumerate(shapes):
        item = QGraphicsPolygonItem(polygon_of(shape.parts[0].exterior))
        pen = QPen(QColor(COLORS[n % len(COLORS)]), 2)
        pen.setCosmetic(True)
        fill = QColor(pen.color())
        fill.setAlphaF(0.22)
        item.setPen(pen)
        item.setBrush(fill)
        scene.addItem(item)
        items.append(item)
    view = QGraphicsView(scene)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
    view.resize(*VIEW)
    view.fitInView(scene.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)
    view.show()
    app.processEvents()
    stage = Stage(app, view)
    zoom = (lambda n=n: view.scale(*([1.1 if (n // 15) % 2 == 0 else 1 / 1.1] * 2))
            for n in range(30))  # fmt: skip
    rows = [row("plain items", "zoom from whole image", stage.run(zoom))]
    ring = shapes[500].parts[0].exterior.copy()

    def drag(n: int) -> None:
        ring[10] += (3 * np.sin(n / 3), 3)
        items[500].setPolygon(polygon_of(ring))

    rows.append(
        row("plain items", "vertex drag, whole image",
            stage.run(lambda n=n: drag(n) for n in range(30)))
    )  # fmt: skip
    view.scale(1 / view.transform().m11(), 1 / view.transform().m11())
    bar = view.horizontalScrollBar()
    steps = (lambda: bar.setValue(bar.value() + 5) for _ in range(30))
    rows.append(row("plain items", "pan, 100 %", stage.run(steps)))
    view.close()
    return rows


def vertex_error(shapes: list[Shape]) -> float:
    """Return how far, in screen pixels, a vertex lies from the outline painted instead of it."""
    worst = 0.0
    for scale in (0.165, 0.3, 0.7, 1.0, 2.9):
        paths = Outlines().paths(list(enumerate(shapes)), scale)
        for shape, path in zip(shapes, paths, strict=True):
            points = [
                (path.elementAt(i).x, path.elementAt(i).y) for i in range(path.elementCount())
            ]
            line = shapely.LineString(points)
            distance = shapely.distance(line, shapely.points(shape.parts[0].exterior))
            worst = max(worst, float(distance.max()) * scale)
    return worst


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    chosen = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    shapes, pixels = scene_shapes(), photo()
    rows = measure_canvas(app, shapes, pixels)
    rows += measure_items(app, shapes, pixels)
    error = round(vertex_error(shapes), 3)
    if chosen.json:
        print(json.dumps({"rows": rows, "vertex_error_px": error}, indent=1))
        return
    for line in rows:
        figures = "  ".join(f"{key[:-3]} {value:7.1f}" for key, value in line.items()
                            if isinstance(value, int | float))  # fmt: skip
        print(f"{line['approach']:12} {line['gesture']:34} {figures}")
    print(f"settled picture: vertices at most {error} screen px from a full repaint's")


if __name__ == "__main__":
    main()
