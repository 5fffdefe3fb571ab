"""The category list: digit, dot, name, count; renamed in place, the rest by its menu."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from maskgui.core.entities import Category
from maskgui.ui import icons
from maskgui.ui.names import menu_text, one_line
from maskgui.ui.panels.common import Index
from maskgui.ui.panels.section import Section
from maskgui.ui.theme import CAPTION_PX, DARK, Theme, text_font

ROW = 28
FILTER_FROM = 9  # with as many categories a field to find one appears
NAME_LEFT = 48


class CategoryModel(QAbstractListModel):
    """The categories whose names contain the filter's text."""

    renamed = Signal(object, str)  # Category, new name

    def __init__(self) -> None:
        super().__init__()
        self._all: list[Category] = []
        self._shown: list[Category] = []
        self.counts: Mapping[int, int] = {}
        self._needle = ""

    def show(self, categories: Sequence[Category], counts: Mapping[int, int]) -> None:
        """Take the project's categories in their order, and how many instances each has."""
        self.counts = counts
        if list(categories) == self._all:
            if self._shown:
                self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))
            return
        self.beginResetModel()
        self._all = list(categories)
        self._sift()
        self.endResetModel()

    def find(self, text: str) -> None:
        """Show only names that contain `text`."""
        self.beginResetModel()
        self._needle = text.casefold().strip()
        self._sift()
        self.endResetModel()

    def _sift(self) -> None:
        self._shown = [one for one in self._all if self._needle in one_line(one.name).casefold()]

    def category(self, index: Index) -> Category | None:
        """Return the category of a row."""
        return self._shown[index.row()] if index.isValid() else None

    def row_of(self, category_id: int | None) -> int:
        """Return the row of a category, -1 when it is not shown."""
        ids = [one.id for one in self._shown]
        return ids.index(category_id) if category_id in ids else -1

    def place_of(self, category: Category) -> int:
        """Return the place in the whole list, from 1: the key."""
        return self._all.index(category) + 1

    def rowCount(self, parent: Index | None = None) -> int:
        """How many categories are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole):
        """The name; the category itself for the delegate."""
        category = self.category(index)
        if category is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(category.name)
        if role == Qt.ItemDataRole.EditRole:
            return category.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{one_line(category.name)}\nClick: draw with it. Double-click: rename."
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Every row can be renamed in place."""
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: Index, value, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for a new name; the document changes first, then this list."""
        category = self.category(index)
        name = str(value).strip()
        if (
            category is None
            or role != Qt.ItemDataRole.EditRole
            or not name
            or name == category.name.strip()
        ):
            return False
        self.renamed.emit(category, name)
        return True


class CategoryDelegate(QStyledItemDelegate):
    """Draws key, dot, name and count; edits the name where it stands."""

    def __init__(self, parent: QWidget, model: CategoryModel) -> None:
        super().__init__(parent)
        self._model = model
        self.theme = DARK
        self.active: int | None = None

    def sizeHint(self, option, index) -> QSize:
        """Return one height for all rows."""
        return QSize(120, ROW)

    def paint(self, painter: QPainter, option, index: Index) -> None:
        """Draw one row."""
        category = self._model.category(index)
        if category is None:
            return
        theme, rect = self.theme, option.rect
        active = category.id == self.active
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        ground = self._ground(option, active)
        if ground:
            painter.setBrush(QColor(ground))
            painter.drawRoundedRect(rect.adjusted(4, 1, -4, -1), 4, 4)
        if active:
            painter.setBrush(QColor(theme.accent))
            painter.drawRoundedRect(QRect(4, rect.top() + 6, 3, rect.height() - 12), 1.5, 1.5)
        painter.setBrush(QColor(category.color))
        painter.drawEllipse(QPoint(36, rect.center().y() + 1), 5, 5)
        self._texts(painter, rect, category)
        painter.restore()

    def _ground(self, option, active: bool) -> str | None:
        if active:
            return self.theme.selection
        hot = option.state & QStyle.StateFlag.State_MouseOver
        focused = option.state & QStyle.StateFlag.State_HasFocus
        return self.theme.raised if hot or focused else None

    def _texts(self, painter: QPainter, rect: QRect, category: Category) -> None:
        center = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(text_font(CAPTION_PX))
        painter.setPen(QColor(self.theme.dim))
        place = self._model.place_of(category)
        if place <= 9:
            key = QRect(10, rect.top(), 16, rect.height())
            painter.drawText(key, center | Qt.AlignmentFlag.AlignHCenter, str(place))
        painter.setFont(text_font())
        count = self._model.counts.get(category.id, 0)
        figure = f"{count:,}".replace(",", " ")
        width = painter.fontMetrics().horizontalAdvance(figure)
        painter.drawText(rect.adjusted(0, 0, -14, 0), center | Qt.AlignmentFlag.AlignRight, figure)
        area = rect.adjusted(NAME_LEFT, 0, -width - 24, 0)
        name = painter.fontMetrics().elidedText(
            one_line(category.name), Qt.TextElideMode.ElideMiddle, area.width()
        )
        painter.setPen(QColor(self.theme.text))
        painter.drawText(area, center | Qt.AlignmentFlag.AlignLeft, name)

    def createEditor(self, parent, option, index) -> QWidget:
        """Return a field that stands where the name stood."""
        field = QLineEdit(parent)
        field.setObjectName("inline")
        field.setMaxLength(200)
        return field

    def updateEditorGeometry(self, editor, option, index) -> None:
        """Leave key and dot in view."""
        editor.setGeometry(option.rect.adjusted(NAME_LEFT - 5, 2, -8, -2))


class CategoryPanel(Section):
    """The list with its head, a field to find one, and a menu for each."""

    activated = Signal(object)  # category id: draw with it, or give it to the selection
    added = Signal()
    renamed = Signal(object, str)  # Category, name
    recolor_asked = Signal(object)  # Category
    merge_asked = Signal(object, object)  # from, into
    delete_asked = Signal(object)
    move_asked = Signal(object, int)  # Category, -1 up or 1 down
    select_asked = Signal(object)  # Category: select its instances on this image

    def __init__(self, theme: Theme) -> None:
        super().__init__("Categories", theme)
        self.rows = CategoryModel()
        self.field = QLineEdit()
        self.field.setPlaceholderText("Find a category")
        self.field.setAccessibleName("Find a category")
        self.field.setClearButtonEnabled(True)
        self.list = QListView()
        self.list.setModel(self.rows)
        self._delegate = CategoryDelegate(self.list, self.rows)
        self.add = QToolButton()
        self._categories: list[Category] = []
        self._lay_out()
        self._connect()
        self.set_theme(theme)

    def _lay_out(self) -> None:
        self.list.setItemDelegate(self._delegate)
        self.list.setMouseTracking(True)
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.setAccessibleName("Categories")
        self.add.setObjectName("small")
        self.add.setFixedSize(24, 24)
        self.add.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.add.setToolTip("Add a category")
        self.add.setAccessibleName("Add a category")
        self.row.setContentsMargins(6, 4, 10, 4)
        self.row.addWidget(self.add)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(4)
        holder = QVBoxLayout()
        holder.setContentsMargins(10, 0, 10, 0)
        holder.addWidget(self.field)
        column.addLayout(holder)
        column.addWidget(self.list, 1)
        self.set_body(body)

    def _connect(self) -> None:
        self.field.textChanged.connect(self.rows.find)
        self.add.clicked.connect(self.added)
        self.rows.renamed.connect(self.renamed)
        self.list.clicked.connect(self._activate)
        self.list.activated.connect(self._activate)
        self.list.customContextMenuRequested.connect(self._menu)

    def set_theme(self, theme: Theme) -> None:
        """Draw in the theme's colours."""
        super().set_theme(theme)
        self._delegate.theme = theme
        self.add.setIcon(icons.icon("plus", theme, color=theme.dim))
        self.list.viewport().update()

    def show_categories(self, categories: Sequence[Category], counts: Mapping[int, int]) -> None:
        """Show the project's categories and how many instances each has."""
        self._categories = list(categories)
        self.rows.show(categories, counts)
        self.field.setVisible(len(categories) >= FILTER_FROM)

    def show_active(self, category_id: int | None) -> None:
        """Mark the category that the next instance gets."""
        self._delegate.active = category_id
        row = self.rows.row_of(category_id)
        if row >= 0:
            self.list.scrollTo(self.rows.index(row))
        self.list.viewport().update()

    def edit_name(self, category_id: int) -> None:
        """Open the field for a category's name."""
        row = self.rows.row_of(category_id)
        if row >= 0:
            self.list.setCurrentIndex(self.rows.index(row))
            self.list.edit(self.rows.index(row))

    def _activate(self, index: Index) -> None:
        category = self.rows.category(index)
        if category is not None:
            self.activated.emit(category.id)

    def _menu(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        category = self.rows.category(index)
        menu = QMenu(self)
        if category is None:
            menu.addAction("Add a category").triggered.connect(self.added)
        else:
            self._fill_menu(menu, category)
        menu.exec(self.list.viewport().mapToGlobal(place))
        menu.deleteLater()

    def _fill_menu(self, menu: QMenu, category: Category) -> None:
        place = self.rows.place_of(category)
        choices = (
            ("Rename", lambda: self.edit_name(category.id), True),
            ("Change colour…", lambda: self.recolor_asked.emit(category), True),
            ("Select its instances", lambda: self.select_asked.emit(category), True),
            ("Move up", lambda: self.move_asked.emit(category, -1), place > 1),
            ("Move down", lambda: self.move_asked.emit(category, 1), place < len(self._categories)),
        )
        for label, handler, possible in choices:
            action = menu.addAction(label)
            action.triggered.connect(lambda _=False, handler=handler: handler())
            action.setEnabled(possible)
        merge = menu.addMenu("Merge into")
        for other in self._categories:
            if other.id != category.id:
                action = merge.addAction(menu_text(other.name))
                action.triggered.connect(
                    lambda _=False, other=other: self.merge_asked.emit(category, other)
                )
        merge.setEnabled(not merge.isEmpty())
        menu.addSeparator()
        menu.addAction("Delete…").triggered.connect(lambda: self.delete_asked.emit(category))
