"""A picture of what is drawn live and stays as it is while the hand does something else."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter


class Still:
    """Paints the same thing again and again: the first time itself, then as a picture.

    The outline of a large instance costs many milliseconds a frame, its picture hardly one.
    """

    def __init__(self) -> None:
        self._key: object = None
        self._picture: QImage | None = None
        self._at = QPointF()

    def paint(
        self,
        painter: QPainter,
        ratio: float,
        box: QRectF,
        key: object,
        draw: Callable[[QPainter], None],
    ) -> None:
        """Paint with `draw`, within `box` (logical coordinates), what `key` decides the look of.

        What is translucent is painted itself every time: as a picture it would look different.
        """
        if box.isEmpty():
            return
        if key != self._key or painter.opacity() < 1.0:
            self._key, self._picture = key, None
            draw(painter)
            return
        if self._picture is None:
            self._picture = self._drawn(ratio, box, draw)
        painter.drawImage(self._at, self._picture)

    def _drawn(self, ratio: float, box: QRectF, draw: Callable[[QPainter], None]) -> QImage:
        """Return the picture of a box, which begins on a whole device pixel."""
        whole = QRectF(
            box.x() * ratio, box.y() * ratio, box.width() * ratio, box.height() * ratio
        ).toAlignedRect()
        self._at = QPointF(whole.left() / ratio, whole.top() / ratio)
        picture = QImage(whole.size(), QImage.Format.Format_ARGB32_Premultiplied)
        picture.fill(Qt.GlobalColor.transparent)
        picture.setDevicePixelRatio(ratio)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(-self._at)
        draw(painter)
        painter.end()
        return picture
