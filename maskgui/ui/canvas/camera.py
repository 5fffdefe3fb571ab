"""A widget that looks at an image through a viewport: fitting, zooming, scrolling, gliding."""

from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from maskgui.core.shape import Box
from maskgui.ui.canvas.motion import Glide
from maskgui.ui.canvas.viewport import Viewport

BOX_MARGIN = 80.0
"""Logical pixels around a box that was zoomed to."""


class CameraWidget(QWidget):
    """Everything about the canvas that concerns only where the image lies in it."""

    scale_changed = Signal(float)  # device pixels per image pixel

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = Viewport()
        self._glide = Glide(self.view, self._view_moved, self)
        self._fitted = True

    def fit(self) -> None:
        """Show the whole image."""
        self._glide.to(self.view.fit_state())
        self._fitted = True

    def zoom_to_100(self) -> None:
        """Show one image pixel on one pixel of the screen."""
        _, x, y = self.view.state
        self._go_to((1.0, x, y))

    def zoom_by(self, factor: float) -> None:
        """Zoom around the middle of the canvas."""
        scale, x, y = self.view.state
        self._go_to((scale * factor, x, y))

    def zoom_to(self, box: Box) -> None:
        """Show a box of the image as large as it fits."""
        self._go_to(self.view.box_state(box, BOX_MARGIN, 8.0 * self.view.ratio))

    def zoom_at(self, position: QPointF, factor: float) -> None:
        """Zoom around a position of the canvas; what lies there stays."""
        self._glide.stop()
        self._fitted = False
        self.view.zoom_at(position.x(), position.y(), factor)
        self._view_moved()

    def scroll_by(self, dx: float, dy: float) -> None:
        """Move the image by logical pixels."""
        self._glide.stop()
        self._fitted = False
        self.view.scroll(dx, dy)
        self._view_moved()

    def set_reduced_motion(self, reduced: bool) -> None:
        """Jump instead of gliding."""
        self._glide.reduced = reduced

    def _go_to(self, state: tuple[float, float, float]) -> None:
        self._fitted = False
        self._glide.to(state)

    def _show_fitted(self) -> None:
        self._fitted = True
        self.view.show(*self.view.fit_state())
        self._view_moved()

    def _view_moved(self) -> None:
        """What is seen has changed; a subclass follows."""
        self.scale_changed.emit(self.view.scale)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep a fitted image fitted, else what is in the middle there."""
        self.view.resize(self.width(), self.height(), self.devicePixelRatioF())
        if self.view.image_width and self._fitted:
            self.view.show(*self.view.fit_state())
        self._view_moved()
        super().resizeEvent(event)
