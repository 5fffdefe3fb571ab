"""The instances of one image as a tree by category, for views that ask for visible rows only."""

import enum
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QAbstractItemModel, QItemSelection, QModelIndex, QObject, Qt

from maskgui.core.entities import Category, Instance
from maskgui.core.sieve import Origin, origin_of
from maskgui.ui.names import one_line
from maskgui.ui.panels.common import Index

ORIGIN_TEXT = {
    Origin.PROPOSAL: "Proposal of the model",
    Origin.CORRECTED: "The model's",
    Origin.IMPORTED: "Imported",
    Origin.DRAWN: "Drawn",
}
GROUP = 0
"""The internal id of a category's row; an instance's row holds its group's row plus one."""
MANY_SPANS = 20
"""Separate runs of changed rows from which all between are told as one: each is told slowly."""


class InstanceModel(QAbstractItemModel):
    """Categories that have instances here, in the person's order; below each its instances."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._groups: list[Category] = []
        self._rows: list[list[Instance]] = []
        self._places: dict[int, tuple[int, int]] = {}

    def show(self, instances: Sequence[Instance], categories: Iterable[Category]) -> bool:
        """Take the instances of an image. Returns whether rows moved (the view's state is lost)."""
        by_category: dict[int, list[Instance]] = {}
        for instance in instances:
            by_category.setdefault(instance.category_id, []).append(instance)
        groups = [category for category in categories if category.id in by_category]
        rows = [
            sorted(by_category[category.id], key=lambda one: (-(one.score or 2.0), one.id))
            for category in groups
        ]
        if self._shape(groups, rows) == self._shape(self._groups, self._rows):
            before = self._groups, self._rows
            self._groups, self._rows = groups, rows
            self._touch_changed(*before)
            return False
        self.beginResetModel()
        self._groups, self._rows = groups, rows
        self._places = {
            instance.id: (group, row)
            for group, members in enumerate(rows)
            for row, instance in enumerate(members)
        }
        self.endResetModel()
        return True

    @staticmethod
    def _shape(groups: list[Category], rows: list[list[Instance]]) -> list:
        return [
            (group.id, [one.id for one in members])
            for group, members in zip(groups, rows, strict=True)
        ]

    def _touch_changed(self, groups: list[Category], rows: list[list[Instance]]) -> None:
        """Tell of what is not as it was in rows of the same ids: views look at all they hear of."""
        for group, members in enumerate(self._rows):
            parent = self.index(group, 0)
            recoloured = groups[group] != self._groups[group]
            if recoloured:
                self.dataChanged.emit(parent, parent)
            pairs = zip(rows[group], members, strict=True)
            changed = [n for n, (was, now) in enumerate(pairs) if recoloured or was is not now]
            spans = _ranges(changed)
            if len(spans) > MANY_SPANS:
                spans = [(changed[0], changed[-1])]
            for first, last in spans:
                self.dataChanged.emit(self.index(first, 0, parent), self.index(last, 0, parent))

    def instance(self, index: Index) -> Instance | None:
        """Return the instance of a row, None for a category's row."""
        if not index.isValid() or index.internalId() == GROUP:
            return None
        return self._rows[index.internalId() - 1][index.row()]

    def category(self, index: Index) -> Category | None:
        """Return the category of a category's row."""
        if not index.isValid() or index.internalId() != GROUP:
            return None
        return self._groups[index.row()]

    def ids(self, index: Index) -> list[int]:
        """Return the instance of a row, or all of a category's row."""
        instance = self.instance(index)
        if instance is not None:
            return [instance.id]
        return [one.id for one in self._rows[index.row()]] if index.isValid() else []

    @property
    def digits(self) -> int:
        """How many digits the largest number of a row has."""
        return len(str(max(map(len, self._rows), default=0)))

    def ids_between(self, parent: Index, first: int, last: int) -> list[int]:
        """Return the instances of rows below a parent: asked row by row, 10,000 take 80 ms."""
        if parent.isValid():
            return [one.id for one in self._rows[parent.row()][first : last + 1]]
        return [one.id for members in self._rows[first : last + 1] for one in members]

    def all_ids(self) -> list[int]:
        """Return every instance's id in the order of the list."""
        return [instance.id for members in self._rows for instance in members]

    def index_of(self, instance_id: int) -> QModelIndex:
        """Return the row of an instance, an invalid one when it is not here."""
        place = self._places.get(instance_id)
        if place is None:
            return QModelIndex()
        return self.index(place[1], 0, self.index(place[0], 0))

    def selection_of(self, ids: Iterable[int]) -> QItemSelection:
        """Return the rows of `ids` as few ranges, so that 1,500 are selected at once."""
        rows: dict[int, list[int]] = {}
        for instance_id in ids:
            place = self._places.get(instance_id)
            if place is not None:
                rows.setdefault(place[0], []).append(place[1])
        selection = QItemSelection()
        for group, members in rows.items():
            parent = self.index(group, 0)
            for first, last in _ranges(sorted(members)):
                selection.select(self.index(first, 0, parent), self.index(last, 0, parent))
        return selection

    # Qt asks

    def index(self, row: int, column: int, parent: Index | None = None) -> QModelIndex:
        """Return a row's index."""
        if parent is None or not parent.isValid():
            inside = 0 <= row < len(self._groups)
            return self.createIndex(row, column, GROUP) if inside else QModelIndex()
        if parent.internalId() != GROUP or not 0 <= row < len(self._rows[parent.row()]):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1)

    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        """Return the category's row of an instance's row."""
        if not index.isValid() or index.internalId() == GROUP:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, GROUP)

    def rowCount(self, parent: Index | None = None) -> int:
        """How many rows lie below."""
        if parent is None or not parent.isValid():
            return len(self._groups)
        return len(self._rows[parent.row()]) if parent.internalId() == GROUP else 0

    def columnCount(self, parent: Index | None = None) -> int:
        """One column; the delegate draws it."""
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole):
        """What is read aloud, searched by typing, and drawn."""
        category = self.category(index)
        if category is not None:
            return one_line(category.name) if role == Qt.ItemDataRole.DisplayRole else None
        instance = self.instance(index)
        if instance is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return str(index.row() + 1)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            owner = self._groups[index.internalId() - 1]
            return f"{one_line(owner.name)} {index.row() + 1}\n{describe(instance)}"
        return None


class Note(enum.StrEnum):
    """What there is to say of an instance besides its origin."""

    TAKEN = "taken over or corrected"
    CHANGED = "changed since"
    CROWD = "crowd"


def notes(instance: Instance) -> list[Note]:
    """Return what there is to say of an instance."""
    origin = origin_of(instance)
    found = {
        Note.TAKEN: origin is Origin.CORRECTED,
        Note.CHANGED: origin is Origin.IMPORTED and not instance.verbatim,
        Note.CROWD: instance.iscrowd,
    }
    return [note for note, holds in found.items() if holds]


def describe(instance: Instance) -> str:
    """Return all that a row shows, in words: "Imported, crowd, 132 × 88 px"."""
    words = [ORIGIN_TEXT[origin_of(instance)], *notes(instance)]
    if instance.score is not None:
        words.append(f"score {instance.score:.2f}")
    return f"{', '.join(words)}, {size_text(instance)} px"


def size_text(instance: Instance) -> str:
    """Return the size of the box in pixels: "132 × 88"."""
    x0, y0, x1, y1 = instance.shape.bounds
    return f"{x1 - x0:.0f} × {y1 - y0:.0f}"


def _ranges(rows: list[int]) -> list[tuple[int, int]]:
    """Join neighbours: [1, 2, 3, 7] gives [(1, 3), (7, 7)]."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row - 1:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found
