"""A picture of what is drawn live and stays as it is while the hand does something else."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QImage, QPainter

from maskgui.ui.canvas.dots import Dots, paint_dots
from maskgui.ui.canvas.ink import BLOCK, Brushes, Sheet
from maskgui.ui.canvas.linework import Linework
from maskgui.ui.canvas.outlines import Outline
from maskgui.ui.canvas.viewport import Viewport

HEAVY = 500
HEAVY_AREA = 200_000
"""Vertices on the screen, or device pixels, from which outlines are sketched until a thread has
painted them."""
REST_MS = 40
"""They are painted when they have stayed as they are for so long."""
ROOM = 384.0
"""Logical pixels beyond the view that are painted with it once it is scrolled, that way on."""
EDGE = 12
"""Device pixels at a picture's edges that are not relied on: OpenCV ends lines there that go on."""


@dataclass(frozen=True)
class Stroke:
    """One outline and what it is painted with."""

    outline: Outline
    brushes: Brushes


class Content(NamedTuple):
    """What is on a picture: outlines, the lowest first, and vertices above them."""

    strokes: Sequence[Stroke]
    dots: Sequence[Dots] = ()


class _Place(NamedTuple):
    """A part of the canvas, and where the image lies below it; all in device pixels."""

    part: QRect
    origin: tuple[int, int]
    scale: float
    ratio: float

    @property
    def on_image(self) -> QRect:
        """The part, counted from the image's corner."""
        return self.part.translated(-self.origin[0], -self.origin[1])


class _Picture(NamedTuple):
    serial: int
    place: _Place
    image: QImage  # whose memory `pixels` are
    pixels: NDArray[np.uint8]

    def shows(self, place: _Place) -> bool:
        """Whether a part of the canvas can be drawn from it."""
        sound = self.place.on_image.adjusted(EDGE, EDGE, -EDGE, -EDGE)
        return sound.contains(place.on_image)


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
        self._serial = 0  # of the picture that is wanted
        self._waiting: tuple[_Place, Content] | None = None
        self._memory = np.empty(0, np.uint8)  # of pictures made here: fresh pages cost a third
        self._pool: ThreadPoolExecutor | None = None
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._start)
        self._made.connect(self._take, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether a sketch is shown that a picture is to replace."""
        return self._waiting is not None

    def paint(
        self,
        painter: QPainter,
        view: Viewport,
        box: QRectF,
        key: object,
        content: Callable[[], Content],
    ) -> None:
        """Paint what lies within `box` (logical coordinates).

        What it looks like is decided by `key` and the view; `content` is asked for when a picture
        is to be made. One that was made serves wherever the view is scrolled to.
        """
        key = (key, view.scale, view.ratio)
        if key != self._key:
            self.forget()
            self._key = key
        seen = box & QRectF(0, 0, view.width, view.height)
        if seen.isEmpty():
            return
        place = _place(view, seen)
        if self._picture is None or not self._picture.shows(place):
            if self._picture is not None:
                place = _with_room(place, self._picture.place.origin, _place(view, box).part)
            part = place.part.adjusted(-EDGE, -EDGE, EDGE, EDGE)
            self._make(place._replace(part=part), content())
        if self._picture is not None:
            _draw(painter, self._picture, view)

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

    def _make(self, place: _Place, content: Content) -> None:
        self._serial += 1
        self._picture = self._waiting = None
        self._rest.stop()
        size = _size(place)
        if self._memory.size < size:
            self._memory = np.empty(size, np.uint8)
        heavy = _is_heavy(place, content)
        memory = self._memory[:size]
        self._picture = _painted(self._serial, place, content, memory, sketched=heavy)
        if heavy:
            self._waiting = (place, content)
            self._rest.start()

    def _start(self) -> None:
        if self._waiting is None:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "live-painter")
        work = partial(_painted, self._serial, *self._waiting, None, sketched=False)
        self._pool.submit(work).add_done_callback(self._tell)

    def _tell(self, future: "Future[_Picture]") -> None:
        """On the thread."""
        if not future.cancelled():
            self._made.emit(future.result())

    def _take(self, picture: _Picture) -> None:
        if picture.serial == self._serial:
            self._picture, self._waiting = picture, None
            self.ready.emit()


def paint_passing(painter: QPainter, view: Viewport, box: QRectF, content: Content) -> None:
    """Paint strokes within a box that will soon be painted another way."""
    if content.strokes and not box.isEmpty():
        place = _place(view, box)
        sketched = _is_heavy(place, content)
        _draw(painter, _painted(0, place, content, None, sketched=sketched), view)


def _draw(painter: QPainter, picture: _Picture, view: Viewport) -> None:
    """Draw a picture where the image lies now."""
    part = picture.place.on_image
    at = QPointF(part.left() + view.origin[0], part.top() + view.origin[1]) / view.ratio
    painter.drawImage(at, picture.image, QRectF(0, 0, part.width(), part.height()))


def _is_heavy(place: _Place, content: Content) -> bool:
    area = place.part.width() * place.part.height()
    return area > HEAVY_AREA or sum(len(one.outline.points) for one in content.strokes) > HEAVY


def _place(view: Viewport, box: QRectF) -> _Place:
    """Return the whole device pixels that a box (logical coordinates) touches."""
    return _Place(view.device_rect(box), view.origin, view.scale, view.ratio)


def _with_room(place: _Place, origin: tuple[int, int], whole: QRect) -> _Place:
    """Return a place with room where more will come into view, as long as the hand goes on.

    The image's corner came there from `origin`; there is nothing beyond `whole`.
    """
    dx, dy = place.origin[0] - origin[0], place.origin[1] - origin[1]
    room = round(ROOM * place.ratio)
    part = place.part.adjusted(
        -room if dx > 0 else 0,
        -room if dy > 0 else 0,
        room if dx < 0 else 0,
        room if dy < 0 else 0,
    )
    return place._replace(part=part & whole)


def _columns(place: _Place) -> int:
    return -(-place.part.width() // BLOCK) * BLOCK  # as a sheet needs it


def _size(place: _Place) -> int:
    return _columns(place) * place.part.height() * 4


def _painted(
    serial: int,
    place: _Place,
    content: Content,
    memory: NDArray[np.uint8] | None,
    *,
    sketched: bool,
) -> _Picture:
    """Return the picture of a part of the canvas, in bytes as many as `_size` or in new ones."""
    part, origin = place.part, place.origin
    width, height = _columns(place), part.height()
    memory = np.empty(_size(place), np.uint8) if memory is None else memory
    pixels = memory.reshape(height, width, 4)
    pixels[:] = 0
    corner = (part.left() - origin[0], part.top() - origin[1])
    reach = max((one.brushes.reach for one in content.strokes), default=0.0)
    window = (-reach, -reach, part.width() + reach, height + reach)
    outlines = [one.outline for one in content.strokes]
    work = Linework(outlines, place.scale, corner, window=window)
    sheet = Sheet(pixels, corner)
    for at, one in enumerate(content.strokes):
        (sheet.sketch if sketched else sheet.paint)(work, at, one.brushes)
    for dots in content.dots:
        paint_dots(pixels, dots, place.scale, corner, place.ratio)
    shape = QImage.Format.Format_ARGB32_Premultiplied
    image = QImage(pixels.data, width, height, 4 * width, shape)
    image.setDevicePixelRatio(place.ratio)
    return _Picture(serial, place, image, pixels)
