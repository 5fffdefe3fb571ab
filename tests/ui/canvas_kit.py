"""A canvas on a small document, and hands that work it through Qt's events."""

import time

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from maskgui.core.document import Document
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas import Canvas

GREY = 128
LEFT = Qt.MouseButton.LeftButton
NONE = Qt.MouseButton.NoButton


def square(x, y, side):
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]


def instance(instance_id, *parts, category=7, **fields):
    return Instance(instance_id, 1, category, Shape(parts), instance_id, **fields)


class Project:
    """What a canvas asks for, and the document that its edits change."""

    def __init__(self, *instances, size=(200, 150)):
        self.size = size
        categories = [Category(7, "thing", "#0072b2"), Category(8, "other", "#e69f00", 1)]
        records = [ImageRecord(n, f"{n}.png", *size) for n in (1, 2)]
        self.document = Document(categories, records)
        self.document.load(1, instances)
        self.document.load(2, [])
        self.edits = []
        self._next = 1000

    def new_id(self):
        self._next += 1
        return self._next

    def image(self, image_id):
        return self.document.image(image_id)

    def detections(self, image_id):
        return None

    def unsimplified(self, instance):
        return instance.shape

    def simplified_by(self, instance):
        return ""

    def pixels(self):
        return np.full((self.size[1], self.size[0], 3), GREY, np.uint8)


class Hand:
    """Points, clicks, drags and types on a canvas, in image coordinates."""

    def __init__(self, canvas):
        self.canvas = canvas

    def at(self, x, y):
        spot = self.canvas.view.to_screen(x, y)
        return QPoint(int(spot.x()), int(spot.y()))

    def hover(self, x, y, held=Qt.KeyboardModifier.NoModifier, buttons=NONE):
        spot = QPointF(self.at(x, y))
        event = QMouseEvent(QEvent.Type.MouseMove, spot, spot, NONE, buttons, held)
        QApplication.sendEvent(self.canvas, event)

    def click(self, x, y, held=Qt.KeyboardModifier.NoModifier, button=LEFT):
        self.hover(x, y, held)
        QTest.mouseClick(self.canvas, button, held, self.at(x, y))

    def double_click(self, x, y):
        self.click(x, y)
        QTest.mouseDClick(self.canvas, LEFT, Qt.KeyboardModifier.NoModifier, self.at(x, y))

    def drag(self, start, end, held=Qt.KeyboardModifier.NoModifier, button=LEFT):
        self.hover(*start, held)
        QTest.mousePress(self.canvas, button, held, self.at(*start))
        middle = [(a + b) / 2 for a, b in zip(start, end, strict=True)]
        for spot in (middle, end):
            self.hover(*spot, held, button)
        QTest.mouseRelease(self.canvas, button, held, self.at(*end))

    def stroke(self, points, held=Qt.KeyboardModifier.NoModifier):
        """Press, go through all points, release."""
        self.hover(*points[0], held)
        QTest.mousePress(self.canvas, LEFT, held, self.at(*points[0]))
        for spot in points[1:]:
            self.hover(*spot, held, LEFT)
        QTest.mouseRelease(self.canvas, LEFT, held, self.at(*points[-1]))

    def key(self, key, held=Qt.KeyboardModifier.NoModifier):
        QTest.keyClick(self.canvas, key, held)

    def wheel(self, position, notches, held=Qt.KeyboardModifier.ControlModifier):
        turn = QPoint(0, round(120 * notches))
        phase = Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(position, position, QPoint(), turn, NONE, held, phase, False)
        QApplication.sendEvent(self.canvas, event)


class Desk(Hand):
    """A shown canvas with its project."""

    def __init__(self, qtbot, *instances, size=(200, 150), widget=(640, 480)):
        self.project = Project(*instances, size=size)
        super().__init__(Canvas(self.project))
        # Kept until then: one that Python collects before is never closed, nor is its thread.
        qtbot.addWidget(self.canvas, before_close_func=lambda _: self.canvas.close_threads())
        self.canvas.set_reduced_motion(True)
        self.canvas.edit_requested.connect(self.carry_out)
        self.canvas.resize(*widget)
        self.open(1)
        self.canvas.show()
        self.canvas.set_draw_category(7)
        self.settle()

    def open(self, image_id):
        self.canvas.set_image(image_id, self.project.pixels())
        document = self.project.document
        self.canvas.set_instances(document.instances(image_id), document.categories)

    def carry_out(self, edit):
        self.project.document.apply(edit)
        self.project.edits.append(edit)
        self.canvas.apply_edit(edit)

    def undo(self):
        inverse = self.project.edits.pop().inverse()
        self.project.document.apply(inverse)
        self.canvas.apply_edit(inverse)

    def settle(self):
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            levels = self.canvas._image._pool
            if levels is not None:  # one thread: it has handed over what it was asked before
                levels.submit(int).result()
            QApplication.processEvents()
            if self.canvas.is_settled():
                QApplication.processEvents()
                return
            time.sleep(0.002)
        raise AssertionError("the overlay did not settle")

    def picture(self):
        self.settle()
        return self.picture_at_once()

    def picture_at_once(self):
        """What the canvas shows with the tiles it has."""
        image = self.canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        return rows[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()

    def color_at(self, x, y):
        """The colour on the screen at a point of the image."""
        at = self.at(x, y)
        return tuple(int(v) for v in self.picture()[at.y(), at.x()])

    def ids(self):
        return [one.id for one in self.project.document.instances(1)]

    def shape(self, instance_id):
        return self.project.document.instance(1, instance_id).shape


def holed():
    return instance(1, Polygon(square(20, 20, 80), [square(45, 45, 30)]))
