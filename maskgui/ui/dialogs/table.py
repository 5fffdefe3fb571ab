"""A table in a dialog that may be longer than the dialog has room for."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QWidget

GUTTER = 14
"""Logical pixels at the table's right that its scroll bar has: they lie in the dialog's margin."""


class TableArea(QScrollArea):
    """Scrolls a table up and down; its right edge stays where it is, with and without the bar."""

    def __init__(self, table: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(table)
        self.setMinimumWidth(table.minimumSizeHint().width() + GUTTER)
        self._keep_gutter(0, 0)
        # The range changes amid a layout, which would overwrite another one.
        self.verticalScrollBar().rangeChanged.connect(
            self._keep_gutter, Qt.ConnectionType.QueuedConnection
        )

    def _keep_gutter(self, low: int, high: int) -> None:
        taken = self.verticalScrollBar().sizeHint().width() if high > low else 0
        self.setViewportMargins(0, 0, GUTTER - taken, 0)
