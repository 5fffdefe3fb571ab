"""The image at its own size and at halves of it, and how it is drawn at any scale."""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from maskgui.core.shape import Box
from maskgui.imaging.tiled import TiledPixels
from maskgui.ui.canvas.mosaic import Mosaic
from maskgui.ui.canvas.viewport import Viewport

SHARP_FROM = 3.0
"""Scale from which pixels are shown as squares."""
SMALLEST_LEVEL = 256
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
        self._pixels: NDArray[np.uint8] | None = None  # kept: the first level only borrows it
        self._levels: list[QImage] = []
        self._mosaic: Mosaic | None = None
        self._complaint = ""  # that was told
        self._serial = 0
        self._version = 0  # of the levels
        self._frame: QImage | None = None  # the last frame, in device pixels
        self._frame_origin = (0, 0)
        self._drawn: object = None  # what decided how it looks, but its place
        self._spoiled: list[Box] = []  # parts of the image that are to be drawn again
        self._last_scale = 0.0
        self._made: tuple[int, list[QImage]] = (0, [])
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
        self._pixels = None if rgb is None else np.ascontiguousarray(rgb)
        self._levels = [] if self._pixels is None else [_wrapped(self._pixels)]
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
        width, height = math.ceil(view.width * view.ratio), math.ceil(view.height * view.ratio)
        drawn = (self._serial, self._version, view.scale, width, height, surround.rgb())
        frame = self._frame if drawn == self._drawn else None
        if self._mosaic is not None:
            self._mosaic.want(self._mosaic.level_for(view.scale), view.visible_box())
        if frame is None:
            self._drawn = drawn
            self._spoiled.clear()
            if self._zooming(view):
                self._frame = None
                self._fill_around(painter, view, surround)
                self._draw_levels(painter, view, view.visible_box(), smooth=False)
                return
            frame = self._frame = self._new_frame(view, QSize(width, height), surround, None)
        elif view.origin != self._frame_origin or self._spoiled:
            frame = self._frame = self._new_frame(view, QSize(width, height), surround, frame)
        painter.drawImage(QRectF(0, 0, width / view.ratio, height / view.ratio), frame)

    def _fill_around(self, painter: QPainter, view: Viewport, surround: QColor) -> None:
        """Fill what the image does not cover, and the pixel that its edge may only touch."""
        image = view.box_to_screen((0, 0, view.image_width, view.image_height))
        covered = image.adjusted(1, 1, -1, -1).toAlignedRect()
        whole = QRect(0, 0, math.ceil(view.width), math.ceil(view.height))
        for rect in list(QRegion(whole) - QRegion(covered)):  # type: ignore[call-overload]
            painter.fillRect(rect, surround)

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
        fresh = QRegion(QRect(QPoint(0, 0), size))
        if old is not None:
            way = QPoint(left - self._frame_origin[0], top - self._frame_origin[1])
            painter.drawImage(way, old)
            fresh -= QRegion(QRect(way, size))
            for box in self._spoiled:
                fresh += self._device_rect(view, box).intersected(frame.rect())
        self._spoiled.clear()
        for rect in list(fresh):  # type: ignore[call-overload]  # Qt's stub leaves this out
            painter.resetTransform()
            painter.setClipRect(rect)
            painter.fillRect(rect, surround)
            painter.scale(view.ratio, view.ratio)
            self._draw_levels(painter, view, self._image_box(view, rect), smooth=True)
        painter.end()
        self._frame_origin = (left, top)
        return frame

    @staticmethod
    def _device_rect(view: Viewport, box: Box) -> QRect:
        """Return the device pixels that an image box can have a part in."""
        rect = view.box_to_screen(box)
        ratio = view.ratio
        scaled = QRectF(
            rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio
        )
        return scaled.toAlignedRect().adjusted(-1, -1, 1, 1)

    @staticmethod
    def _image_box(view: Viewport, rect: QRect) -> Box:
        """Return the part of the image that device pixels show."""
        x0, y0, x1, y1 = view.visible_box()
        left, top = view.to_image(rect.left() / view.ratio, rect.top() / view.ratio)
        right, bottom = view.to_image(
            (rect.right() + 1) / view.ratio, (rect.bottom() + 1) / view.ratio
        )
        return max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)

    def _draw_levels(self, painter: QPainter, view: Viewport, box: Box, *, smooth: bool) -> None:
        """Draw a box of the image from the level that fits the scale."""
        x0, y0, x1, y1 = box
        if not self._levels or x1 <= x0 or y1 <= y0:
            return
        tiles = None if self._mosaic is None else self._mosaic.level_for(view.scale)
        if self._mosaic is not None and tiles is not None:
            level, (shift_x, shift_y) = self._mosaic.piece(tiles, box)
            across = down = 0.5**tiles
            wide, high = self._mosaic.pixels.grid.size(tiles)
        else:
            level, shift_x, shift_y = self._level_for(view), 0, 0
            wide, high = level.width(), level.height()
            across, down = wide / view.image_width, high / view.image_height
        # Whole pixels of the level and one more, so that its edges are sampled as its middle.
        left, top = np.floor((x0 * across, y0 * down)) - 1
        right, bottom = np.ceil((x1 * across, y1 * down)) + 1
        left, top = max(left, 0.0), max(top, 0.0)
        right, bottom = min(right, wide), min(bottom, high)
        target = view.box_to_screen((left / across, top / down, right / across, bottom / down))
        source = QRectF(left - shift_x, top - shift_y, right - left, bottom - top)
        if view.scale >= 1.0 and level.format() != QImage.Format.Format_RGB32:
            # The few pixels in view are converted first: enlarging is much faster then.
            level = level.copy(source.toRect()).convertToFormat(QImage.Format.Format_RGB32)
            source.moveTo(0, 0)
        smooth = smooth and view.scale < SHARP_FROM and view.scale != 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, level, source)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)

    def _level_for(self, view: Viewport) -> QImage:
        """The smallest level that need not be enlarged."""
        needed = view.image_width * view.scale
        fitting = [level for level in self._levels if level.width() >= needed]
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
        rgb, serial = self._pixels, self._serial
        if rgb is None or max(rgb.shape[:2]) <= SMALLEST_LEVEL:
            return
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
            self._pixels = np.ascontiguousarray(self._mosaic.overview())
            self._levels = [_wrapped(self._pixels), *self._levels[1:]]
            self._make_levels()

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            if text:
                self.complained.emit(text)


def _wrapped(rgb: NDArray[np.uint8]) -> QImage:
    height, width = rgb.shape[:2]
    return QImage(rgb.data, width, height, width * 3, QImage.Format.Format_RGB888)


def _smaller_levels(rgb: NDArray[np.uint8], stale: Callable[[], bool]) -> list[QImage]:
    """Halve again and again; OpenCV lets the interpreter lock go meanwhile."""
    import cv2  # noqa: PLC0415 - not on the way to the window

    levels = []
    while max(rgb.shape[:2]) > SMALLEST_LEVEL and not stale():
        height, width = rgb.shape[:2]
        half = ((width + 1) // 2, (height + 1) // 2)
        rgb = np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), np.uint8)
        levels.append(_wrapped(rgb).convertToFormat(QImage.Format.Format_RGB32))
    return levels
