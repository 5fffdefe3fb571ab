"""The view follows the hand at its edge, so that one can draw beyond what is seen."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, QTimer

from maskgui.ui.canvas.viewport import Viewport

MARGIN_DRAG = 24.0
"""Logical pixels from the edge in which a drag moves the view; outside of the canvas as well."""
MARGIN_HOVER = 12.0
"""The same with no button held, as between the clicks of a polygon; not outside."""
FASTEST = 18.0
"""Logical pixels a step."""
STEP_MS = 16
WAIT_MS = 180
"""How long the pointer must stay there first: passing by is no wish to go on."""


class EdgeFollower(QObject):
    """Scrolls step by step while the pointer of a drawing hand stays at the edge."""

    def __init__(
        self, view: Viewport, scroll: Callable[[float, float], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view = view
        self._scroll = scroll
        self._at = QPointF()
        self._held = False
        self._timer = QTimer(self, interval=STEP_MS)
        self._timer.timeout.connect(self._step)
        self._wait = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._wait.timeout.connect(self._timer.start)

    @property
    def following(self) -> bool:
        """Whether the view moves, or is about to."""
        return self._timer.isActive() or self._wait.isActive()

    def pointer_at(self, position: QPointF, *, held: bool) -> None:
        """The drawing hand is at a position, with a button held or not."""
        self._at, self._held = position, held
        if self._way().isNull():
            self.stop()
        elif not self.following:
            self._wait.start()

    def stop(self) -> None:
        """Nothing is drawn any more."""
        self._timer.stop()
        self._wait.stop()

    def _step(self) -> None:
        way = self._way()
        if way.isNull():
            self.stop()
        else:
            self._scroll(way.x(), way.y())

    def _way(self) -> QPointF:
        """How far the image goes in a step, in logical pixels: to where there is more of it."""
        view, margin = self._view, MARGIN_DRAG if self._held else MARGIN_HOVER
        box = view.box_to_screen((0, 0, view.image_width, view.image_height))
        inside = 0 <= self._at.x() <= view.width and 0 <= self._at.y() <= view.height
        if not inside and not self._held:
            return QPointF()
        across = _pull(self._at.x(), view.width, margin, box.left(), box.right())
        down = _pull(self._at.y(), view.height, margin, box.top(), box.bottom())
        return QPointF(across, down)


def _pull(at: float, length: float, margin: float, first: float, last: float) -> float:
    """Return the step along one axis for an image from `first` to `last` in a widget 0..length.

    It ends once a margin beyond the image is seen.
    """
    if at < margin and first < 0:
        return min(FASTEST * min((margin - at) / margin, 1.0), margin - first)
    if at > length - margin and last > length:
        return -min(FASTEST * min((at - length + margin) / margin, 1.0), last - length + margin)
    return 0.0
