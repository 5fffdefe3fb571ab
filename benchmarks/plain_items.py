"""The same scene on a QGraphicsView with one plain item a polygon: what Qt gives without effort."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QGraphicsPolygonItem, QGraphicsScene, QGraphicsView

from benchmarks.gestures import Stage, Times
from benchmarks.scenes import COLORS, HEIGHT, VIEW, WIDTH, Scene
from maskgui.ui.canvas.outlines import polygon_of

FRAMES = 30


def measure_items(app: QApplication, scene: Scene, pixels: NDArray[np.uint8]) -> dict[str, Times]:
    """Return frame times by gesture."""
    graphics = QGraphicsScene()
    image = QImage(pixels.data, WIDTH, HEIGHT, WIDTH * 3, QImage.Format.Format_RGB888)
    graphics.addPixmap(QPixmap.fromImage(image))
    items = []
    rings = scene.rings()
    for n, ring in enumerate(rings):
        item = QGraphicsPolygonItem(polygon_of(ring))
        pen = QPen(QColor(COLORS[n % len(COLORS)]), 2)
        pen.setCosmetic(True)
        fill = QColor(pen.color())
        fill.setAlphaF(0.22)
        item.setPen(pen)
        item.setBrush(fill)
        graphics.addItem(item)
        items.append(item)
    view = QGraphicsView(graphics)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
    view.resize(*VIEW)
    view.fitInView(graphics.sceneRect(), Qt.AspectRatioMode.KeepAspectRatio)
    view.show()
    app.processEvents()
    stage = Stage(app, view)
    factors = (1.1 if (n // 15) % 2 == 0 else 1 / 1.1 for n in range(FRAMES))
    found = {"zoom from whole image": stage.run(lambda by=by: view.scale(by, by) for by in factors)}
    ring = rings[len(rings) // 2].copy()
    item = items[len(rings) // 2]

    def drag(n: int) -> None:
        ring[10] += (3 * np.sin(n / 3), 3)
        item.setPolygon(polygon_of(ring))

    found["vertex drag, whole image"] = stage.run(lambda n=n: drag(n) for n in range(FRAMES))
    view.scale(1 / view.transform().m11(), 1 / view.transform().m11())
    bar = view.horizontalScrollBar()
    found["pan, 100 %"] = stage.run(lambda: bar.setValue(bar.value() + 5) for _ in range(FRAMES))
    view.close()
    return found
