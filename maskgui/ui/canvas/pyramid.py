"""The image at its own size and at halves of it, and how it is drawn at any scale."""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from maskgui.core.shape import Box
from maskgui.imaging.opencv import cv2
from maskgui.imaging.tiled import TiledPixels
from maskgui.ui.canvas.mosaic import Mosaic
from maskgui.ui.canvas.resample import Pixels, Positions, between, nearest, rgb32
from maskgui.ui.canvas.viewport import Viewport

SHARP_FROM = 3.0
"""Scale from which pixels are shown as squares."""
SMALLEST_LEVEL = 32
"""Pixels: images of longer sides are halved; the canvas shows none much smaller."""
TOO_LARGE = 3.0
"""Pixels of a level for one of the screen: such a level only serves until a smaller one is made."""
REFRESH_MS = 200
"""Between two looks at a large image's overview while it is made."""


class ImageLayer(QObject):
    """One image. Its smaller levels are made in a thread; until then the large one serves.

    Of an image too large for memory the first level is its overview; where the view is closer, a
    mosaic of tiles takes its place.
    """

    ready = Signal()
    complained = Signal(str)  # what a person should know about how the image is shown
    _levels_made = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._levels: list[Pixels] = []  # the first has three channels, as it came
        self._mosaic: Mosaic | None = None
        self._complaint = ""  # that was told
        self._serial = 0
        self._version = 0  # of the levels
        self._frame: QImage | None = None  # the last frame, in device pixels
        self._frame_origin = (0, 0)
        self._drawn: object = None  # what decided how it looks, but its place
        self._spoiled: list[Box] = []  # parts of the image that are to be drawn again
        self._last_scale = 0.0
        self._made: tuple[int, list[Pixels]] = (0, [])
        self._pool: ThreadPoolExecutor | None = None
        self._refresh = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._refresh.timeout.connect(self._overview_grew)
        self._levels_made.connect(self._take)

    @property
    def is_tiled(self) -> bool:
        """Whether the image is too large to be in memory whole."""
        return self._mosaic is not None

    def set_image(self, rgb: NDArray[np.uint8] | TiledPixels | None) -> None:
        """Show another image (H x W x 3 uint8, not copied), or none."""
        self._drop()
        if isinstance(rgb, TiledPixels):
            self._mosaic = Mosaic(rgb, self)
            self._mosaic.tile_came.connect(self._tile_came)
            self._mosaic.overview_came.connect(self._overview_changed)
            self._overview_changed()  # it may have been made, or have failed, before
            rgb = self._mosaic.overview()
        self._levels = [] if rgb is None else [np.ascontiguousarray(rgb)]
        self._make_levels()

    def close(self) -> None:
        """Wait for the thread."""
        self._drop()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def draw(self, painter: QPainter, view: Viewport, surround: QColor) -> None:
        """Draw the image and what is around it; the painter is in logical coordinates.

        While the scale stays, the last frame is shifted and only its new edges are drawn.
        """
        size = QSize(math.ceil(view.width * view.ratio), math.ceil(view.height * view.ratio))
        drawn = (self._serial, self._version, view.scale, size, surround.rgb())
        frame = self._frame if drawn == self._drawn else None
        if self._mosaic is not None:
            self._mosaic.want(self._mosaic.level_for(view.scale), view.visible_box())
        if frame is None:
            self._drawn = drawn
            self._spoiled.clear()
            if self._zooming(view):
                self._frame = None
                painter.save()
                painter.scale(1 / view.ratio, 1 / view.ratio)
                self._draw_part(painter, view, QRect(QPoint(0, 0), size), surround, passing=True)
                painter.restore()
                return
            frame = self._frame = self._new_frame(view, size, surround, None)
        elif view.origin != self._frame_origin or self._spoiled:
            frame = self._frame = self._new_frame(view, size, surround, frame)
        target = QRectF(0, 0, size.width() / view.ratio, size.height() / view.ratio)
        painter.drawImage(target, frame)

    def _zooming(self, view: Viewport) -> bool:
        """Whether the frame before had another scale: the next will, too."""
        before, self._last_scale = self._last_scale, view.scale
        return before != view.scale

    def _new_frame(
        self, view: Viewport, size: QSize, surround: QColor, old: QImage | None
    ) -> QImage:
        """Return the frame for the view, made of the old one where that can serve."""
        frame = QImage(size, QImage.Format.Format_RGB32)
        left, top = view.origin
        painter = QPainter(frame)
        fresh = QRegion(frame.rect())
        if old is not None:
            way = QPoint(left - self._frame_origin[0], top - self._frame_origin[1])
            painter.drawImage(way, old)
            fresh -= QRegion(QRect(way, size))
            for box in self._spoiled:
                fresh += self._device_rect(view, box).intersected(frame.rect())
        self._spoiled.clear()
        for rect in list(fresh):  # type: ignore[call-overload]  # Qt's stub leaves this out
            self._draw_part(painter, view, rect, surround)
        painter.end()
        self._frame_origin = (left, top)
        return frame

    @staticmethod
    def _device_rect(view: Viewport, box: Box) -> QRect:
        """Return the device pixels that an image box can have a part in."""
        reach = math.ceil(SHARP_FROM / 2)  # half a pixel of the image, where pixels are blended
        rect = view.device_rect(view.box_to_screen(box))
        return rect.adjusted(-reach, -reach, reach, reach)

    def _draw_part(
        self,
        painter: QPainter,
        view: Viewport,
        rect: QRect,
        surround: QColor,
        *,
        passing: bool = False,
    ) -> None:
        """Draw what a rectangle shows; it and the painter are in device pixels.

        Of one that is `passing` nothing is kept: that may be done faster and less exactly.
        """
        image = _image_rect(view) & rect if self._levels else QRect()
        for around in list(QRegion(rect) - QRegion(image)):  # type: ignore[call-overload]
            painter.fillRect(around, surround)
        if image.isEmpty():
            return
        left, top = view.origin
        # The middles of the screen's pixels, as positions on the image.
        x = np.arange(image.left() + 0.5 - left, image.right() + 1 - left) / view.scale
        y = np.arange(image.top() + 0.5 - top, image.bottom() + 1 - top) / view.scale
        level, x, y = self._on_level(view, x, y)
        stopgap = level.shape[1] > TOO_LARGE * view.image_width * view.scale
        if passing or stopgap:
            _draw_quickly(painter, image, level, x, y)
        else:
            smooth = view.scale < SHARP_FROM and view.scale != 1.0
            seen = (between if smooth else nearest)(level, x, y)
            painter.drawImage(image.topLeft(), _picture(seen))

    def _on_level(
        self, view: Viewport, x: Positions, y: Positions
    ) -> tuple[Pixels, Positions, Positions]:
        """Return the level that fits the scale, and positions on the image as those on it."""
        tiles = None if self._mosaic is None else self._mosaic.level_for(view.scale)
        if self._mosaic is not None and tiles is not None:
            piece, (left, top) = self._mosaic.piece(tiles, (x[0], y[0], x[-1], y[-1]))
            return piece, x * 0.5**tiles - left, y * 0.5**tiles - top
        level = self._level_for(view)
        height, width = level.shape[:2]
        return level, x * (width / view.image_width), y * (height / view.image_height)

    def _level_for(self, view: Viewport) -> Pixels:
        """Return the smallest level that need not be enlarged."""
        needed = view.image_width * view.scale
        fitting = [level for level in self._levels if level.shape[1] >= needed]
        return fitting[-1] if fitting else self._levels[0]

    # Levels and tiles that come

    def _drop(self) -> None:
        """The image is left: what its threads still make is stale."""
        self._serial += 1
        self._refresh.stop()
        self._spoiled.clear()
        if self._mosaic is not None:
            self._mosaic.close()
            self._mosaic.deleteLater()
            self._mosaic = None

    def _make_levels(self) -> None:
        if not self._levels or max(self._levels[0].shape[:2]) <= SMALLEST_LEVEL:
            return
        rgb, serial = self._levels[0], self._serial
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "image-levels")
        self._pool.submit(_smaller_levels, rgb, lambda: serial != self._serial).add_done_callback(
            lambda future: self._finish(serial, future)
        )

    def _finish(self, serial: int, future: Future) -> None:
        """In the thread: hand the levels over."""
        if not future.cancelled() and serial == self._serial:
            self._made = (serial, future.result())
            self._levels_made.emit()

    def _take(self) -> None:
        serial, levels = self._made
        if serial == self._serial and self._levels:
            self._levels = [self._levels[0], *levels]
            self._version += 1
            self.ready.emit()

    def _tile_came(self, place: tuple[int, int, int]) -> None:
        if self._mosaic is not None and self.sender() is self._mosaic:
            self._spoiled.append(self._mosaic.box_of(place))
            self.ready.emit()

    def _overview_changed(self) -> None:
        if not self._refresh.isActive():
            self._refresh.start()

    def _overview_grew(self) -> None:
        if self._mosaic is not None:
            self._complain(self._mosaic.pixels.complaint)
            self._levels[0] = self._mosaic.overview()
            self._make_levels()

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            if text:
                self.complained.emit(text)


def _image_rect(view: Viewport) -> QRect:
    """Return the device pixels whose centres the image covers, one at least on either axis."""
    width = max(math.ceil(view.image_width * view.scale - 0.5), 1)
    height = max(math.ceil(view.image_height * view.scale - 0.5), 1)
    return QRect(*view.origin, width, height)


def _draw_quickly(
    painter: QPainter, rect: QRect, level: Pixels, x: Positions, y: Positions
) -> None:
    """Draw what lies at these positions of a level; here and there it is a pixel off."""
    (left, right), (top, bottom) = _ends(x), _ends(y)
    if right - left <= rect.width():  # the few pixels are converted first: that is much faster
        first_x, first_y = max(int(left), 0), max(int(top), 0)
        level = rgb32(level[first_y : math.ceil(bottom), first_x : math.ceil(right)])
        left, right, top, bottom = left - first_x, right - first_x, top - first_y, bottom - first_y
    source = QRectF(left, top, right - left, bottom - top)
    painter.drawImage(QRectF(rect), _picture(level), source)


def _ends(places: Positions) -> tuple[float, float]:
    """Return where the first and the last of evenly spaced pixels begin and end."""
    first, last = float(places[0]), float(places[-1])
    half = (last - first) / max(len(places) - 1, 1) / 2
    return first - half, last + half


def _picture(pixels: Pixels) -> QImage:
    """Return pixels as an image that borrows them."""
    height, width, channels = pixels.shape
    kind = QImage.Format.Format_RGB32 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(pixels.data, width, height, channels * width, kind)


def _smaller_levels(rgb: Pixels, stale: Callable[[], bool]) -> list[Pixels]:
    """Halve again and again; OpenCV lets the interpreter lock go meanwhile."""
    levels = []
    while max(rgb.shape[:2]) > SMALLEST_LEVEL and not stale():
        height, width = rgb.shape[:2]
        half = ((width + 1) // 2, (height + 1) // 2)
        rgb = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), np.uint8)
        levels.append(rgb32(rgb))
    return levels
