"""The instance list: a tree by category with scores, eyes and locks."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QItemSelectionModel, QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QLabel, QTreeView, QVBoxLayout, QWidget

from maskgui.core.entities import Category, Instance
from maskgui.core.sieve import Sieve
from maskgui.ui import icons
from maskgui.ui.actions import ActionSet
from maskgui.ui.panels.common import Index, action_button
from maskgui.ui.panels.instance_model import InstanceModel
from maskgui.ui.panels.instance_row import InstanceDelegate, mark_places
from maskgui.ui.panels.section import Section
from maskgui.ui.theme import Theme

NONE_PASSES = "The filter lets none of them through."


class InstanceTree(QTreeView):
    """The tree itself: its marks are clicked, its letters search by typing as in any list."""

    hide_asked = Signal(object)  # list of ids
    lock_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows = InstanceModel(self)
        self.hidden: frozenset[int] = frozenset()
        self.locked: frozenset[int] = frozenset()
        self.setModel(self.rows)
        self.setHeaderHidden(True)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setRootIsDecorated(False)
        self.setMouseTracking(True)
        self.setExpandsOnDoubleClick(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Instances")

    def mousePressEvent(self, event) -> None:
        """Turn a click on a caret, an eye or a lock into what it stands for."""
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid():
            if self.rows.category(index) is not None:
                if event.position().x() < 26:
                    self.setExpanded(index, not self.isExpanded(index))
                    return
            elif self._mark_clicked(index, event.position().toPoint()):
                return
        super().mousePressEvent(event)

    def _mark_clicked(self, index: Index, place: QPoint) -> bool:
        rect = self.visualRect(index)
        row = QRect(0, rect.top(), self.viewport().width(), rect.height())
        for mark, signal in zip(mark_places(row), (self.hide_asked, self.lock_asked), strict=True):
            if mark.contains(place):
                signal.emit(self.rows.ids(index))
                return True
        return False


class InstancePanel(Section):
    """The list with its head; selection is shared with the canvas."""

    selected = Signal(object)  # frozenset of ids
    zoom_asked = Signal(object)  # id
    menu_asked = Signal(object)  # global QPoint

    def __init__(self, actions: ActionSet, theme: Theme) -> None:
        super().__init__("Instances", theme)
        self._sieve = Sieve()
        self._every: tuple[Sequence[Instance], Sequence[Category]] = ((), ())
        self._filter_action = actions["filter_instances"]
        self.filter = action_button(self._filter_action, "small", 24)
        self.row.insertWidget(2, self.filter)
        self.tree = InstanceTree()
        self._delegate = InstanceDelegate(self.tree)
        self.tree.setItemDelegate(self._delegate)
        self._collapsed: set[int] = set()
        self._quiet = False
        self._chosen: frozenset[int] | None = None  # None: to be asked for
        self.empty_note = ""
        self.note = QLabel()
        self.note.setObjectName("hint")
        self.note.setWordWrap(True)
        self.note.setContentsMargins(16, 4, 16, 8)
        self.note.hide()
        self._lay_out()
        self._connect()
        self.set_theme(theme)

    def _lay_out(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.note)
        column.addWidget(self.tree, 1)
        self.set_body(body)

    def _connect(self) -> None:
        self.tree.selectionModel().selectionChanged.connect(lambda *_: self._tell())
        self.tree.doubleClicked.connect(self._double_clicked)
        self.tree.customContextMenuRequested.connect(
            lambda place: self.menu_asked.emit(self.tree.viewport().mapToGlobal(place))
        )
        self.tree.collapsed.connect(lambda index: self._remember(index, True))
        self.tree.expanded.connect(lambda index: self._remember(index, False))

    def set_theme(self, theme: Theme) -> None:
        """Draw in the theme's colours."""
        super().set_theme(theme)
        self._delegate.theme = theme
        self.tree.viewport().update()
        self._tint_filter()

    def _tint_filter(self) -> None:
        """Make a filter that holds something back plain to see."""
        color = self._theme.dim if self._sieve.is_open else self._theme.accent
        self._filter_action.setIcon(icons.icon("funnel", self._theme, color=color))

    def set_sieve(self, sieve: Sieve) -> None:
        """Show only instances that pass."""
        self._sieve = sieve
        self._tint_filter()
        self.show_instances(*self._every)

    def show_instances(self, instances: Sequence[Instance], categories: Iterable[Category]) -> None:
        """Show those of the image's instances that pass the filter."""
        self._every = (instances, tuple(categories))
        passing = instances
        if not self._sieve.is_open:  # asked for every instance of 10,000
            passing = [one for one in instances if self._sieve.passes(one)]
        self._show(passing, self._every[1])
        self.set_count(len(passing) if instances else None, of=len(instances))
        if passing or not instances:
            self.show_note("" if passing else self.empty_note)
        else:
            self.show_note(NONE_PASSES)

    def _show(self, instances: Sequence[Instance], categories: Sequence[Category]) -> None:
        chosen = self.selected_ids()
        at = self.tree.verticalScrollBar().value()
        self._quiet = True
        moved = self.tree.rows.show(instances, categories)
        if moved:
            self._chosen = None  # a reset drops the selection without a word
            self._expand()
            self.tree.verticalScrollBar().setValue(at)
        self._quiet = False
        if moved:
            self.show_selection(chosen, scroll=False)

    def show_flags(self, hidden: frozenset[int], locked: frozenset[int]) -> None:
        """Show which instances are hidden or locked."""
        self.tree.hidden, self.tree.locked = hidden, locked
        self.tree.viewport().update()

    def show_note(self, text: str) -> None:
        """Say something in place of instances, "" for nothing."""
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def show_selection(self, ids: frozenset[int], *, scroll: bool = True) -> None:
        """Select rows without telling of it."""
        if self.selected_ids() == ids:
            return
        self._quiet = True
        flags = QItemSelectionModel.SelectionFlag
        rows = self.tree.rows
        self.tree.selectionModel().select(rows.selection_of(ids), flags.ClearAndSelect)
        if scroll and ids:
            self.tree.scrollTo(rows.index_of(min(ids)))
        self._quiet = False

    def selected_ids(self) -> frozenset[int]:
        """Return the ids of the selected rows, a category's row standing for all of its own."""
        if self._chosen is None:  # 5,000 separate rows take Qt 100 ms to tell
            found: set[int] = set()
            for span in self.tree.selectionModel().selection():  # type: ignore[attr-defined]
                found.update(self.tree.rows.ids_between(span.parent(), span.top(), span.bottom()))
            self._chosen = frozenset(found)
        return self._chosen

    def _tell(self) -> None:
        self._chosen = None
        if not self._quiet:
            self.selected.emit(self.selected_ids())

    def _double_clicked(self, index: Index) -> None:
        instance = self.tree.rows.instance(index)
        if instance is not None:
            self.zoom_asked.emit(instance.id)
        else:
            self.tree.setExpanded(index, not self.tree.isExpanded(index))

    def _remember(self, index: Index, collapsed: bool) -> None:
        category = self.tree.rows.category(index)
        if category is not None and not self._quiet:
            (self._collapsed.add if collapsed else self._collapsed.discard)(category.id)

    def _expand(self) -> None:
        rows = self.tree.rows
        for row in range(rows.rowCount()):
            index = rows.index(row, 0)
            category = rows.category(index)
            if category is not None:
                self.tree.setExpanded(index, category.id not in self._collapsed)
