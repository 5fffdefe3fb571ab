"""The one motion of the canvas: the view glides to where it was sent."""

import math
from collections.abc import Callable

from PySide6.QtCore import QEasingCurve, QObject, QVariantAnimation

from maskgui.ui.canvas.viewport import Viewport

GLIDE_MS = 150

State = tuple[float, float, float]


class Glide(QObject):
    """Moves a viewport from its state to another; at once when motion is reduced."""

    def __init__(self, view: Viewport, moved: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._view = view
        self._moved = moved
        self._start: State = view.state
        self._end: State = view.state
        self._animation = QVariantAnimation(self)
        self._animation.setDuration(GLIDE_MS)
        self._animation.setStartValue(0.0)
        self._animation.setEndValue(1.0)
        self._animation.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._animation.valueChanged.connect(self._step)
        self.reduced = False

    def to(self, state: State) -> None:
        """Go to a state (scale, image point at the centre)."""
        self._animation.stop()
        if self.reduced:
            self._view.show(*state)
            self._moved()
            return
        self._start, self._end = self._view.state, state
        self._animation.start()

    def stop(self) -> None:
        """Stay where the view is: the person took over."""
        self._animation.stop()

    def _step(self, share: float) -> None:
        (scale0, x0, y0), (scale1, x1, y1) = self._start, self._end
        scale = scale0 * math.exp(share * math.log(scale1 / scale0))
        # The centre moves so that the picture grows evenly around one fixed point.
        if abs(scale1 - scale0) > 1e-9:
            share = (1 / scale0 - 1 / scale) / (1 / scale0 - 1 / scale1)
        self._view.show(scale, x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
        self._moved()
