"""The category picker: type a few letters, Enter takes it; a new name makes a category."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from maskgui.core.entities import Category

WIDTH = 280
SHOWN = 10
ROW = 28


def dot(color: str, ratio: float, side: int = 12) -> QIcon:
    """Return a category's dot as an icon."""
    made = QPixmap(QSize(side, side) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawEllipse(1, 1, side - 2, side - 2)
    painter.end()
    return QIcon(made)


class CategoryPicker(QFrame):
    """A popup with a field and the categories that fit what was typed."""

    chosen = Signal(object)  # category id
    named = Signal(str)  # a category that is not there yet
    left = Signal()  # closed without an answer

    def __init__(self, parent: QWidget, categories: Sequence[Category]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("picker")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._categories = categories
        self._answered = False
        self.field = QLineEdit()
        self.field.setPlaceholderText("Category")
        self.field.installEventFilter(self)
        self.rows = QListWidget()
        self.rows.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.rows.setUniformItemSizes(True)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addWidget(self.field)
        column.addWidget(self.rows)
        self.field.textChanged.connect(self._sift)
        self.field.returnPressed.connect(self._take)
        self.rows.itemClicked.connect(lambda _: self._take())
        self._sift("")

    def open_over(self, widget: QWidget) -> None:
        """Show in the upper middle of a widget with the cursor in the field."""
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        place = QPoint((widget.width() - WIDTH) // 2, widget.height() // 5)
        self.move(widget.mapToGlobal(place))
        self.show()
        self.field.setFocus()

    def _sift(self, text: str) -> None:
        needle = text.casefold().strip()
        self.rows.clear()
        fitting = [one for one in self._categories if needle in one.name.casefold()]
        fitting.sort(key=lambda one: not one.name.casefold().startswith(needle))
        for category in fitting:
            place = self._categories.index(category) + 1
            key = f"   {place}" if place <= 9 else ""
            item = QListWidgetItem(
                dot(category.color, self.devicePixelRatioF()), category.name + key
            )
            item.setData(Qt.ItemDataRole.UserRole, category.id)
            item.setSizeHint(QSize(WIDTH - 20, ROW))
            self.rows.addItem(item)
        if needle and needle not in (one.name.casefold() for one in self._categories):
            item = QListWidgetItem(f"Create “{text.strip()}”")
            item.setSizeHint(QSize(WIDTH - 20, ROW))
            self.rows.addItem(item)
        self.rows.setCurrentRow(0)
        self.rows.setFixedHeight(ROW * min(max(self.rows.count(), 1), SHOWN) + 2)
        self.adjustSize()

    def _take(self) -> None:
        if self.rows.currentRow() < 0:
            return
        text = self.field.text().strip()
        category_id = self.rows.currentItem().data(Qt.ItemDataRole.UserRole)
        self._answered = True
        self.close()
        if category_id is not None:
            self.chosen.emit(category_id)
        elif text:
            self.named.emit(text)

    def closeEvent(self, event) -> None:
        """Say so when nothing was chosen."""
        if not self._answered:
            self.left.emit()
        super().closeEvent(event)

    def eventFilter(self, watched, event) -> bool:
        """Let up and down walk the list while the field keeps the cursor."""
        if event.type() == event.Type.KeyPress and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = 1 if event.key() == Qt.Key.Key_Down else -1
            count = self.rows.count()
            if count:
                self.rows.setCurrentRow((self.rows.currentRow() + by) % count)
            return True
        return super().eventFilter(watched, event)
