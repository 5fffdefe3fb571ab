"""The category picker: type a few letters, Enter takes it; a new name makes a category.

A digit typed first takes the category of that number. Those used last stand first.
"""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QCursor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QFrame, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from maskgui.core.entities import Category
from maskgui.ui.names import one_line

WIDTH = 280
SHOWN = 10
ROW = 28
BESIDE = 8
"""Logical pixels between the pointer and the picker's corner."""


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
    icon = QIcon(made)
    icon.addPixmap(made, QIcon.Mode.Selected)  # else Qt tints it, and the colour is another
    return icon


class CategoryPicker(QFrame):
    """A popup with a field and the categories that fit what was typed."""

    chosen = Signal(object)  # category id
    named = Signal(str)  # a category that is not there yet
    left = Signal()  # closed without an answer

    def __init__(
        self, parent: QWidget, categories: Sequence[Category], recent: Sequence[int] = ()
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("picker")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._categories = categories
        self._places = {one.id: place for place, one in enumerate(categories, 1)}
        self._recent = {number: place for place, number in enumerate(recent)}
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
        """Show at the pointer, where that is over a widget; else in its upper middle."""
        self.setFixedWidth(WIDTH)
        self.adjustSize()
        place = widget.mapFromGlobal(QCursor.pos())
        if widget.rect().contains(place):
            place += QPoint(BESIDE, BESIDE)
        else:
            place = QPoint((widget.width() - WIDTH) // 2, widget.height() // 5)
        room = QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())
        self.move(_within(QRect(widget.mapToGlobal(place), self.size()), room))
        self.show()
        self.field.setFocus()

    def _sift(self, text: str) -> None:
        needle = text.casefold().strip()
        self.rows.clear()
        fitting = [one for one in self._categories if needle in one_line(one.name).casefold()]
        last = len(self._recent)
        fitting.sort(
            key=lambda one: (
                not one_line(one.name).casefold().startswith(needle),
                self._recent.get(one.id, last),
            )
        )
        for category in fitting:
            place = self._places[category.id]
            key = f"   {place}" if place <= 9 else ""
            item = QListWidgetItem(
                dot(category.color, self.devicePixelRatioF()), one_line(category.name) + key
            )
            item.setData(Qt.ItemDataRole.UserRole, category.id)
            item.setSizeHint(QSize(WIDTH - 20, ROW))
            self.rows.addItem(item)
        if needle and needle not in (one_line(one.name).casefold() for one in self._categories):
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

    def _take_numbered(self, digit: str) -> bool:
        """Take the category of a number, unless names begin with that digit."""
        if self.field.text() or digit not in "123456789":
            return False
        if any(one_line(one.name).startswith(digit) for one in self._categories):
            return False
        if int(digit) > len(self._categories):
            return False
        self._answered = True
        self.close()
        self.chosen.emit(self._categories[int(digit) - 1].id)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let up and down walk the list while the field keeps the cursor; take a first digit."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return super().eventFilter(watched, event)
        if event.text() and not event.modifiers() and self._take_numbered(event.text()):
            return True
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            by = 1 if event.key() == Qt.Key.Key_Down else -1
            count = self.rows.count()
            if count:
                self.rows.setCurrentRow((self.rows.currentRow() + by) % count)
            return True
        return super().eventFilter(watched, event)


def _within(box: QRect, room: QRect) -> QPoint:
    """Return where a box's corner goes, so that as much of it as can be lies in a room."""
    left = max(min(box.left(), room.right() - box.width()), room.left())
    top = max(min(box.top(), room.bottom() - box.height()), room.top())
    return QPoint(left, top)
