"""The image at its own size and at halves of it, and how it is drawn at any scale."""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QRegion

from maskgui.ui.canvas.viewport import Viewport

SHARP_FROM = 3.0
"""Scale from which pixels are shown as squares."""
SMALLEST_LEVEL = 256


class ImageLayer(QObject):
    """One image. Its smaller levels are made in a thread; until then the large one serves."""

    ready = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pixels: NDArray[np.uint8] | None = None  # kept: the first level only borrows it
        self._levels: list[QImage] = []
        self._serial = 0
        self._frame: QImage | None = None  # the last frame, in device pixels
        self._frame_origin = (0, 0)
        self._drawn: object = None  # what decided how it looks, but its place
        self._last_scale = 0.0
        self._made: tuple[int, list[QImage]] = (0, [])
        self._pool: ThreadPoolExecutor | None = None
        self.ready.connect(self._take)

    def set_image(self, rgb: NDArray[np.uint8] | None) -> None:
        """Show another image (H x W x 3 uint8, not copied), or none."""
        self._serial += 1
        self._pixels = None if rgb is None else np.ascontiguousarray(rgb)
        self._levels = [] if self._pixels is None else [_wrapped(self._pixels)]
        if rgb is None or max(rgb.shape[:2]) <= SMALLEST_LEVEL:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "image-levels")
        serial = self._serial
        self._pool.submit(_smaller_levels, rgb, lambda: serial != self._serial).add_done_callback(
            lambda future: self._finish(serial, future)
        )

    def close(self) -> None:
        """Wait for the thread."""
        self._serial += 1
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def draw(self, painter: QPainter, view: Viewport, surround: QColor) -> None:
        """Draw the image and what is around it; the painter is in logical coordinates.

        While the scale stays, the last frame is shifted and only its new edges are drawn.
        """
        width, height = math.ceil(view.width * view.ratio), math.ceil(view.height * view.ratio)
        drawn = (self._serial, len(self._levels), view.scale, width, height, surround.rgb())
        frame = self._frame if drawn == self._drawn else None
        if frame is None:
            self._drawn = drawn
            painter.fillRect(QRectF(0, 0, view.width, view.height), surround)
            zooming = self._zooming(view)
            self._draw_levels(painter, view, smooth=not zooming)
            size = QSize(width, height)
            self._frame = None if zooming else self._new_frame(view, size, surround, None)
            return
        if view.origin != self._frame_origin:
            frame = self._frame = self._new_frame(view, QSize(width, height), surround, frame)
        painter.drawImage(QRectF(0, 0, width / view.ratio, height / view.ratio), frame)

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
        if not fresh.isEmpty():
            painter.setClipRegion(fresh)
            painter.fillRect(frame.rect(), surround)
            painter.scale(view.ratio, view.ratio)
            self._draw_levels(painter, view, smooth=True)
        painter.end()
        self._frame_origin = (left, top)
        return frame

    def _draw_levels(self, painter: QPainter, view: Viewport, *, smooth: bool) -> None:
        """Draw what the view shows of the image from the level that fits the scale."""
        x0, y0, x1, y1 = view.visible_box()
        if not self._levels or x1 <= x0 or y1 <= y0:
            return
        level = self._level_for(view.scale)
        across, down = level.width() / view.image_width, level.height() / view.image_height
        # Whole pixels of the level and one more, so that its edges are sampled as its middle.
        left, top = np.floor((x0 * across, y0 * down)) - 1
        right, bottom = np.ceil((x1 * across, y1 * down)) + 1
        left, top = max(left, 0.0), max(top, 0.0)
        right, bottom = min(right, level.width()), min(bottom, level.height())
        target = view.box_to_screen((left / across, top / down, right / across, bottom / down))
        source = QRectF(left, top, right - left, bottom - top)
        if view.scale >= 1.0 and level.format() != QImage.Format.Format_RGB32:
            # The few pixels in view are converted first: enlarging is much faster then.
            level = level.copy(source.toRect()).convertToFormat(QImage.Format.Format_RGB32)
            source.moveTo(0, 0)
        smooth = smooth and view.scale < SHARP_FROM and view.scale != 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, level, source)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)

    def _level_for(self, scale: float) -> QImage:
        """The smallest level that need not be enlarged."""
        needed = self._levels[0].width() * scale
        fitting = [level for level in self._levels if level.width() >= needed]
        return fitting[-1] if fitting else self._levels[0]

    def _finish(self, serial: int, future: Future) -> None:
        """In the thread: hand the levels over."""
        if not future.cancelled() and serial == self._serial:
            self._made = (serial, future.result())
            self.ready.emit()

    def _take(self) -> None:
        serial, levels = self._made
        if serial == self._serial and len(self._levels) == 1:
            self._levels += levels


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
