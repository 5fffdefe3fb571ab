"""A person's hand on the window: real pointer and key events, and a pointer that is seen."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QColor,
    QCursor,
    QImage,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from maskgui.ui import icons
from maskgui.ui.controller import Controller

LEFT, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
PLAIN = Qt.KeyboardModifier.NoModifier
DARK, BRIGHT = QColor("#111214"), QColor("#ffffff")
ARROW = ((0, 0), (0, 17), (4, 13.2), (6.6, 19.2), (9.4, 18), (6.8, 12.2), (12.2, 12.2))
GLYPHS = {
    Qt.CursorShape.PointingHandCursor: ("hand-pointing-fill", QPoint(9, 2)),
    Qt.CursorShape.SizeAllCursor: ("arrows-out-cardinal-bold", QPoint(11, 11)),
    Qt.CursorShape.OpenHandCursor: ("hand-fill", QPoint(11, 11)),
    Qt.CursorShape.ClosedHandCursor: ("hand-grabbing-fill", QPoint(11, 11)),
}
GLYPH_SIDE = 22
CROSS = 11

Point = tuple[float, float]


class Hand:
    """Works the window by events; places on the canvas are given in image coordinates."""

    def __init__(self, controller: Controller, after: Callable[[], object] = lambda: None) -> None:
        """`after` is called after each step of a movement, as to take a picture."""
        self._window = controller.window
        self._canvas = controller.canvas
        self._after = after
        self._button = NO_BUTTON
        self._spot = QPoint(self._canvas.width() // 2, self._canvas.height() // 2)
        self._over: QWidget = self._canvas

    def place(self, x: float, y: float) -> QPoint:
        """Return where a point of the image lies on the canvas."""
        return self._canvas.view.to_screen(x, y).toPoint()

    def hover(self, x: float, y: float) -> None:
        """Be at a point of the image at once."""
        self._go(self._canvas, self.place(x, y))

    def glide(self, x: float, y: float, steps: int = 6) -> None:
        """Move to a point of the image, slowly at both ends."""
        self.glide_to(self._canvas, self.place(x, y), steps)

    def glide_to(self, widget: QWidget, spot: QPoint, steps: int = 6) -> None:
        """Move to a place of any part of the window."""
        end = widget.mapTo(self._window, spot)
        start = self._over.mapTo(self._window, self._spot)
        for step in range(1, steps + 1):
            share = step / steps
            eased = share * share * (3 - 2 * share)
            at = start + (QPointF(end - start) * eased).toPoint()
            over = widget if step == steps else self._window.childAt(at) or widget
            self._go(over, over.mapFrom(self._window, at))
            self._after()

    def press(self, x: float, y: float) -> None:
        """Go to a point of the image and press there."""
        self.hover(x, y)
        QTest.mousePress(self._canvas, LEFT, PLAIN, self._spot)
        self._button = LEFT

    def trace(self, points: Iterable[Point]) -> None:
        """Move through points of the image, one step each."""
        for point in points:
            self.hover(*point)
            self._after()

    def release(self) -> None:
        """Let the button go where the pointer is."""
        QTest.mouseRelease(self._over, LEFT, PLAIN, self._spot)
        self._button = NO_BUTTON

    def click(self, x: float, y: float) -> None:
        """Click a point of the image."""
        self.press(x, y)
        self.release()

    def wheel(self, notches: int, held: Qt.KeyboardModifier = PLAIN) -> None:
        """Turn the wheel where the pointer is."""
        spot = QPointF(self._spot)
        turn, phase = QPoint(0, 120 * notches), Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(spot, spot, QPoint(), turn, NO_BUTTON, held, phase, False)
        QApplication.sendEvent(self._canvas, event)

    def type(self, keys: str) -> None:
        """Press a key with its modifiers, written as in the key list: "Shift+G"."""
        pressed = QKeySequence(keys)[0]
        QTest.keyClick(self._canvas, pressed.key(), pressed.keyboardModifiers())

    def picture(self) -> QImage:
        """Return the window as it is, with the pointer."""
        picture = self._window.grab().toImage()
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_pointer(painter, self._over.cursor(), self._over.mapTo(self._window, self._spot))
        painter.end()
        return picture

    def _go(self, over: QWidget, spot: QPoint) -> None:
        at = QPointF(spot)
        self._over, self._spot = over, spot
        event = QMouseEvent(QEvent.Type.MouseMove, at, at, NO_BUTTON, self._button, PLAIN)
        QApplication.sendEvent(over, event)


def draw_pointer(painter: QPainter, cursor: QCursor, at: QPoint) -> None:
    """Draw what the system would draw as the pointer: a picture of a window leaves it out."""
    shape = cursor.shape()
    if shape is Qt.CursorShape.BitmapCursor:
        painter.drawPixmap(at - cursor.hotSpot(), cursor.pixmap())
    elif shape is Qt.CursorShape.CrossCursor:
        for color, width in ((DARK, 3), (BRIGHT, 1)):
            painter.setPen(QPen(color, width))
            painter.drawLine(at - QPoint(CROSS, 0), at + QPoint(CROSS, 0))
            painter.drawLine(at - QPoint(0, CROSS), at + QPoint(0, CROSS))
    elif shape in GLYPHS:
        name, hot = GLYPHS[shape]
        for color, way in ((BRIGHT, 1), (DARK, 0)):
            _draw_glyph(painter, icons.pixmap(name, color.name(), GLYPH_SIDE), at - hot, way)
    else:
        painter.setPen(QPen(BRIGHT, 1.2))
        painter.setBrush(DARK)
        painter.drawPolygon(QPolygonF([QPointF(at) + QPointF(x, y) for x, y in ARROW]))


def _draw_glyph(painter: QPainter, glyph: QPixmap, at: QPoint, around: int) -> None:
    for dx in range(-around, around + 1):
        for dy in range(-around, around + 1):
            painter.drawPixmap(at + QPoint(dx, dy), glyph)
