"""The row of thumbnails itself."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListView

from maskgui.ui.theme import text_font


class StripView(QListView):
    """One row of thumbnails; the wheel moves along it. Without any it says why."""

    def __init__(self) -> None:
        super().__init__()
        self.empty = ""

    def paintEvent(self, event) -> None:
        """Say in the middle why there is nothing."""
        super().paintEvent(event)
        if self.empty and self.model().rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setFont(text_font())
            painter.setPen(self.palette().placeholderText().color())
            rect = self.viewport().rect()
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self.empty)
            painter.end()

    def wheelEvent(self, event) -> None:
        """Scroll sideways by either wheel."""
        delta = event.angleDelta().y() or event.angleDelta().x()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - delta)
        event.accept()
