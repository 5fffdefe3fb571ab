"""How the rows of the instance list are drawn."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate

from maskgui.core.entities import Category, Instance
from maskgui.core.sieve import Origin, origin_of
from maskgui.ui import icons
from maskgui.ui.names import one_line
from maskgui.ui.panels.common import Index
from maskgui.ui.panels.instance_model import Note, notes, size_text
from maskgui.ui.theme import CAPTION_PX, DARK, text_font

if TYPE_CHECKING:
    from maskgui.ui.panels.instances import InstanceTree

ROW = 26
MARK = 20  # the width of an eye or a lock
SYMBOL = 14
INDENT = 30
GAP = 8
SCORE_WIDTH = 32
WIDEST_SIZE = "8888 × 8888"
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
ORIGIN_ICON = {Origin.IMPORTED: "download-simple", Origin.DRAWN: "polygon"}
"""What stands in the score's place where there is none."""
NOTE_ICON = {Note.TAKEN: "check", Note.CHANGED: "pencil-simple", Note.CROWD: "users-three"}


class InstanceDelegate(QStyledItemDelegate):
    """Draws a row: dot, name and count; or swatch, number, score or origin, size, eye and lock."""

    def __init__(self, tree: "InstanceTree") -> None:
        super().__init__(tree)
        self._tree = tree
        self.theme = DARK

    def sizeHint(self, option, index) -> QSize:
        """Return one height for all rows."""
        return QSize(120, ROW)

    def paint(self, painter: QPainter, option, index: Index) -> None:
        """Draw one row across the whole width of the list."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRect(0, option.rect.top(), self._tree.viewport().width(), option.rect.height())
        self._ground(painter, option, rect)
        model = self._tree.rows
        category = model.category(index)
        if category is not None:
            self._group(painter, rect, category, index)
        else:
            instance = model.instance(index)
            if instance is not None:
                hot = bool(option.state & QStyle.StateFlag.State_MouseOver)
                self._instance(painter, rect, index, instance, hot)
        painter.restore()

    def _ground(self, painter: QPainter, option, rect: QRect) -> None:
        color = None
        if option.state & QStyle.StateFlag.State_Selected:
            color = self.theme.selection
        elif option.state & QStyle.StateFlag.State_MouseOver:
            color = self.theme.raised
        if color:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
            painter.drawRoundedRect(rect.adjusted(4, 0, -4, 0), 4, 4)
        elif option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QColor(self.theme.accent))
            painter.drawRoundedRect(QRectF(rect).adjusted(4.5, 0.5, -4.5, -0.5), 4, 4)

    def _group(self, painter: QPainter, rect: QRect, category: Category, index) -> None:
        theme, middle = self.theme, rect.center().y()
        opened = self._tree.isExpanded(index)
        caret = icons.pixmap(
            "caret-down" if opened else "caret-right",
            theme.dim,
            12,
            painter.device().devicePixelRatio(),
        )
        painter.drawPixmap(QPoint(10, middle - 6), caret)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(category.color))
        painter.drawEllipse(QPoint(33, middle + 1), 5, 5)
        count = str(self._tree.rows.rowCount(index))
        painter.setFont(text_font())
        painter.setPen(QColor(theme.dim))
        painter.drawText(
            rect.adjusted(0, 0, -14, 0),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            count,
        )
        painter.setPen(QColor(theme.text))
        width = painter.fontMetrics().horizontalAdvance(count)
        area = rect.adjusted(46, 0, -width - 24, 0)
        name = painter.fontMetrics().elidedText(
            one_line(category.name), Qt.TextElideMode.ElideMiddle, area.width()
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)

    def _instance(
        self, painter: QPainter, rect: QRect, index: Index, instance: Instance, hot: bool
    ) -> None:
        """Draw number, score or origin, size and notes, each in a column of its own."""
        theme, middle = self.theme, rect.center().y()
        hidden = instance.id in self._tree.hidden
        owner = self._tree.rows.category(self._tree.rows.parent(index))
        color = QColor(owner.color if owner else theme.dim)
        painter.setPen(color)
        painter.setBrush(Qt.BrushStyle.NoBrush if instance.is_proposal else color)
        painter.drawRoundedRect(QRect(INDENT, middle - 4, 9, 9), 2, 2)
        painter.setPen(QColor(theme.dim if hidden else theme.text))
        painter.setFont(text_font())
        wide = painter.fontMetrics().horizontalAdvance("8" * self._tree.rows.digits)
        place = QRect(INDENT + 16, rect.top(), wide, rect.height())
        painter.drawText(place, RIGHT, str(index.row() + 1))
        place = QRect(place.right() + GAP, rect.top(), SCORE_WIDTH, rect.height())
        if instance.score is not None:
            painter.drawText(place, LEFT, f"{instance.score:.2f}")
        else:
            self._symbol(painter, place.left(), middle, ORIGIN_ICON[origin_of(instance)])
        painter.setFont(text_font(CAPTION_PX))
        painter.setPen(QColor(theme.dim))
        wide = painter.fontMetrics().horizontalAdvance(WIDEST_SIZE)
        place = QRect(place.right() + GAP, rect.top(), wide, rect.height())
        painter.drawText(place, LEFT, size_text(instance))
        at = place.right() + GAP
        for note in notes(instance):
            self._symbol(painter, at, middle, NOTE_ICON[note])
            at += SYMBOL + 4
        self._marks(painter, rect, instance, hot)

    def _symbol(self, painter: QPainter, left: int, middle: int, name: str) -> None:
        ratio = painter.device().devicePixelRatio()
        symbol = icons.pixmap(name, self.theme.dim, SYMBOL, ratio)
        painter.drawPixmap(QPoint(left, middle - SYMBOL // 2), symbol)

    def _marks(self, painter: QPainter, rect: QRect, instance: Instance, hot: bool) -> None:
        hidden = instance.id in self._tree.hidden
        locked = instance.id in self._tree.locked
        middle, left = rect.center().y(), (MARK - SYMBOL) // 2
        eye, lock = mark_places(rect)
        if hidden or hot:
            name = "eye-slash" if hidden else "eye"
            self._symbol(painter, eye.left() + left, middle, name)
        if locked or hot:
            name = "lock" if locked else "lock-open"
            self._symbol(painter, lock.left() + left, middle, name)


def mark_places(row: QRect) -> tuple[QRect, QRect]:
    """Return where a row's eye and lock lie."""
    lock = QRect(row.right() - MARK - 8, row.top(), MARK, row.height())
    return lock.translated(-MARK, 0), lock
