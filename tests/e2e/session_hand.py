"""A hand on the real window's canvas: Qt's events at places of the image."""

import math
from collections.abc import Sequence

import shapely
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from maskgui.ui.controller import Controller
from tests.e2e.session_end import die

LEFT = Qt.MouseButton.LeftButton
NONE = Qt.MouseButton.NoButton
PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier

Point = tuple[float, float]


class Hand:
    """Points, drags and types; the mouse knows whole screen pixels only."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self.canvas = controller.canvas
        self.events_left: int | None = None
        """After how many more events the process dies, None to live on."""

    def _live_on(self) -> None:
        if self.events_left is not None:
            if not self.events_left:
                die()
            self.events_left -= 1

    def spot(self, x: float, y: float) -> QPoint:
        """Return the screen pixel in which a place of the image lies."""
        at = self.canvas.view.to_screen(x, y)
        return QPoint(math.floor(at.x()), math.floor(at.y()))

    def meant(self, points: Sequence[Point]) -> list[Point]:
        """Return the places of the image that the mouse really points at for these."""
        spots = [self.spot(*point) for point in points]
        return [self.canvas.view.to_image(spot.x(), spot.y()) for spot in spots]

    def bends(self, way: Sequence[Point]) -> bool:
        """Whether each place of a way is a bend to be seen: tools drop those that are not."""
        spots = [self.spot(*point).toTuple() for point in way]
        return all(
            shapely.LineString(spots[at - 1 : at + 2 : 2]).distance(shapely.Point(spots[at])) > 2.5
            for at in range(1, len(spots) - 1)
        ) and len(shapely.LineString(spots).simplify(1.0, preserve_topology=False).coords) == len(
            way
        )

    def reachable(self, x: float, y: float) -> bool:
        """Whether a place of the image is on the canvas."""
        return self.canvas.rect().contains(self.spot(x, y))

    def take(self, tool: str) -> None:
        self.command(f"tool_{tool}")
        assert self.canvas.tool == tool

    def command(self, name: str) -> None:
        self._live_on()
        self.controller.window.commands[name].trigger()

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = PLAIN) -> None:
        self._live_on()
        self.canvas.setFocus()
        QTest.keyClick(self.canvas, key, held)

    def hover(self, point: Point, held: Qt.KeyboardModifier = PLAIN, button=NONE) -> None:
        self._live_on()
        at = QPointF(self.spot(*point))
        moved = QMouseEvent(QEvent.Type.MouseMove, at, at, NONE, button, held)
        QApplication.sendEvent(self.canvas, moved)

    def press(self, point: Point, held: Qt.KeyboardModifier = PLAIN) -> None:
        self.hover(point, held)
        self._live_on()
        QTest.mousePress(self.canvas, LEFT, held, self.spot(*point))

    def release(self, point: Point, held: Qt.KeyboardModifier = PLAIN) -> None:
        self._live_on()
        QTest.mouseRelease(self.canvas, LEFT, held, self.spot(*point))

    def click(self, point: Point, held: Qt.KeyboardModifier = PLAIN) -> None:
        self.press(point, held)
        self.release(point, held)

    def drag(self, way: Sequence[Point], held: Qt.KeyboardModifier = PLAIN) -> None:
        """Press at the first place, follow the others, release at the last."""
        self.press(way[0], held)
        for point in way[1:]:
            self.hover(point, held, LEFT)
        self.release(way[-1], held)
