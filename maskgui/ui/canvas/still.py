"""A picture of what is drawn live and stays as it is while the hand does something else."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath

from maskgui.ui.canvas.style import Brushes, paint_outline, sketch_outline

HEAVY = 300
"""Vertices on the screen from which outlines are sketched until a thread has painted them."""
REST_MS = 40
"""They are painted when they have stayed as they are for so long."""


@dataclass(frozen=True)
class Stroke:
    """One outline, in logical coordinates."""

    path: QPainterPath
    brushes: Brushes


class _Picture(NamedTuple):
    serial: int
    at: QPointF  # its corner
    image: QImage


class Still(QObject):
    """Paints outlines that are mostly those of the frame before.

    What is light is painted itself at first, and as a picture from the second frame on. What is
    heavy, many milliseconds each time, is sketched until a thread has made that picture.
    """

    ready = Signal()  # a thread's picture can be painted now
    _made = Signal(object)  # _Picture

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._key: object = None
        self._picture: _Picture | None = None
        self._serial = 0  # of the key
        self._waiting: tuple[float, QRectF, Sequence[Stroke]] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._start)
        self._made.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a sketch is shown that a picture is to replace."""
        return self._waiting is not None

    def paint(
        self, painter: QPainter, ratio: float, box: QRectF, key: object, strokes: Sequence[Stroke]
    ) -> None:
        """Paint strokes within `box` (logical coordinates); `key` decides what they look like.

        What is translucent is painted itself every time: as a picture it would look different.
        """
        if key != self._key:
            self.forget()
            self._key = key
            kept = False
        else:
            kept = painter.opacity() >= 1.0
        if box.isEmpty() or not strokes:
            return
        heavy = _is_heavy(strokes)
        if self._picture is None and kept and not heavy:
            self._picture = _painted(self._serial, ratio, box, strokes)
        if self._picture is not None and kept:
            painter.drawImage(self._picture.at, self._picture.image)
        elif heavy and painter.opacity() >= 1.0:
            if self._waiting is None:
                self._waiting = (ratio, box, strokes)
                self._rest.start()
            paint_passing(painter, ratio, strokes)
        else:
            _paint(painter, strokes)

    def forget(self) -> None:
        """What is drawn changes: the picture is of no use, nor is one that is being made."""
        self._serial += 1
        self._key = self._picture = self._waiting = None
        self._rest.stop()

    def close(self) -> None:
        """Wait for the thread."""
        self.forget()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _start(self) -> None:
        if self._waiting is None:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "live-painter")
        work = partial(_painted, self._serial, *self._waiting)
        self._pool.submit(work).add_done_callback(self._tell)

    def _tell(self, future: "Future[_Picture]") -> None:
        """On the thread."""
        if not future.cancelled():
            self._made.emit(future.result())

    def _take(self, picture: _Picture) -> None:
        if picture.serial == self._serial:
            self._picture, self._waiting = picture, None
            self.ready.emit()


def paint_passing(painter: QPainter, ratio: float, strokes: Sequence[Stroke]) -> None:
    """Paint strokes that will soon be painted another way; sketch them where they are heavy."""
    if not _is_heavy(strokes):
        _paint(painter, strokes)
        return
    for one in strokes:
        sketch_outline(painter, one.path, one.brushes, ratio)


def _is_heavy(strokes: Sequence[Stroke]) -> bool:
    return sum(one.path.elementCount() for one in strokes) > HEAVY


def _painted(serial: int, ratio: float, box: QRectF, strokes: Sequence[Stroke]) -> _Picture:
    """Return the picture of a box, which begins on a whole device pixel."""
    whole = QRectF(
        box.x() * ratio, box.y() * ratio, box.width() * ratio, box.height() * ratio
    ).toAlignedRect()
    at = QPointF(whole.left() / ratio, whole.top() / ratio)
    image = QImage(whole.size(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(-at)
    _paint(painter, strokes)
    painter.end()
    return _Picture(serial, at, image)


def _paint(painter: QPainter, strokes: Sequence[Stroke]) -> None:
    for one in strokes:
        paint_outline(painter, one.path, one.brushes)
