"""A picture of what is drawn live and stays as it is while the hand does something else."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter

from maskgui.ui.canvas.ink import BLOCK, Brushes, Sheet, pixels_of
from maskgui.ui.canvas.linework import Linework
from maskgui.ui.canvas.outlines import Outline
from maskgui.ui.canvas.viewport import Viewport

HEAVY = 500
HEAVY_AREA = 200_000
"""Vertices on the screen, or device pixels, from which outlines are sketched until a thread has
painted them."""
REST_MS = 40
"""They are painted when they have stayed as they are for so long."""


@dataclass(frozen=True)
class Stroke:
    """One outline and what it is painted with."""

    outline: Outline
    brushes: Brushes


class _Place(NamedTuple):
    """A part of the canvas, and where the image lies below it; all in device pixels."""

    part: QRect
    origin: tuple[int, int]
    scale: float
    ratio: float


class _Picture(NamedTuple):
    serial: int
    at: QPointF  # its corner, in logical coordinates
    image: QImage
    shown: QRectF  # what of the image, in its pixels


class Still(QObject):
    """Paints outlines that are mostly those of the frame before.

    What is heavy, many milliseconds, is sketched until a thread has made the picture.
    """

    ready = Signal()  # a thread's picture can be painted now
    _made = Signal(object)  # _Picture

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._key: object = None
        self._picture: _Picture | None = None
        self._serial = 0  # of the key
        self._waiting: tuple[_Place, Sequence[Stroke]] | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._start)
        self._made.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a sketch is shown that a picture is to replace."""
        return self._waiting is not None

    def paint(
        self, painter: QPainter, view: Viewport, box: QRectF, key: object, strokes: Sequence[Stroke]
    ) -> None:
        """Paint strokes within `box` (logical coordinates); `key` decides what they look like."""
        if key != self._key:
            self.forget()
            self._key = key
        if box.isEmpty() or not strokes:
            return
        if self._picture is None:
            place = _place(view, box)
            heavy = _is_heavy(place, strokes)
            self._picture = _painted(self._serial, place, strokes, sketched=heavy)
            if heavy:
                self._waiting = (place, strokes)
                self._rest.start()
        _draw(painter, self._picture)

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
        work = partial(_painted, self._serial, *self._waiting, sketched=False)
        self._pool.submit(work).add_done_callback(self._tell)

    def _tell(self, future: "Future[_Picture]") -> None:
        """On the thread."""
        if not future.cancelled():
            self._made.emit(future.result())

    def _take(self, picture: _Picture) -> None:
        if picture.serial == self._serial:
            self._picture, self._waiting = picture, None
            self.ready.emit()


def paint_passing(
    painter: QPainter, view: Viewport, box: QRectF, strokes: Sequence[Stroke]
) -> None:
    """Paint strokes within a box that will soon be painted another way."""
    if strokes and not box.isEmpty():
        place = _place(view, box)
        _draw(painter, _painted(0, place, strokes, sketched=_is_heavy(place, strokes)))


def _draw(painter: QPainter, picture: _Picture) -> None:
    painter.drawImage(picture.at, picture.image, picture.shown)


def _is_heavy(place: _Place, strokes: Sequence[Stroke]) -> bool:
    area = place.part.width() * place.part.height()
    return area > HEAVY_AREA or sum(len(one.outline.points) for one in strokes) > HEAVY


def _place(view: Viewport, box: QRectF) -> _Place:
    """Return the whole device pixels that a box (logical coordinates) touches."""
    ratio = view.ratio
    part = QRectF(
        box.x() * ratio, box.y() * ratio, box.width() * ratio, box.height() * ratio
    ).toAlignedRect()
    return _Place(part, view.origin, view.scale, ratio)


def _painted(serial: int, place: _Place, strokes: Sequence[Stroke], *, sketched: bool) -> _Picture:
    """Return the picture of a part of the canvas."""
    part, origin = place.part, place.origin
    width = -(-part.width() // BLOCK) * BLOCK  # as a sheet needs it
    image = QImage(width, part.height(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    corner = (part.left() - origin[0], part.top() - origin[1])
    reach = max((one.brushes.reach for one in strokes), default=0.0)
    window = (-reach, -reach, part.width() + reach, part.height() + reach)
    work = Linework([one.outline for one in strokes], place.scale, corner, window=window)
    sheet = Sheet(pixels_of(image))
    for at, one in enumerate(strokes):
        (sheet.sketch if sketched else sheet.paint)(work, at, one.brushes)
    image.setDevicePixelRatio(place.ratio)
    shown = QRectF(0, 0, part.width(), part.height())
    return _Picture(serial, QPointF(part.topLeft()) / place.ratio, image, shown)
