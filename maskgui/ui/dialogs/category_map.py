"""The table from a model's categories to the project's."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from maskgui.core.entities import Category
from maskgui.ui.dialogs.ask import Dialog, quiet
from maskgui.ui.names import one_line
from maskgui.ui.panels.picker import dot

Choice = int | str | None
"""A category's id, the name of one to create, or None to ignore."""

IGNORE = "Ignore"
LISTED = 10


def preset(
    names: Sequence[str],
    categories: Sequence[Category],
    earlier: Mapping[str, int | None] | None = None,
) -> dict[str, Choice]:
    """Return the choices to begin with: same names meet; the rest is created or ignored.

    It is created where nothing meets (an empty project, or one of other things), and ignored
    where the project has its own idea of what it labels. What was chosen `earlier` stays.
    """
    own = {one.name.casefold(): one.id for one in categories}
    met = any(name.casefold() in own for name in names)
    choices: dict[str, Choice] = {
        name: own.get(name.casefold(), None if met else name) for name in names
    }
    return choices | {name: one for name, one in (earlier or {}).items() if name in choices}


class StillBox(QComboBox):
    """A box that the wheel scrolls past."""

    def wheelEvent(self, event) -> None:
        """Leave the wheel to the list around."""
        event.ignore()


class CategoryMapDialog(Dialog):
    """One row for each of the model's categories; a new name may be typed."""

    def __init__(
        self,
        parent: QWidget,
        model: str,
        names: Sequence[str],
        categories: Sequence[Category],
        earlier: Mapping[str, int | None] | None = None,
    ) -> None:
        """Offer what was chosen `earlier`, where some of the categories chosen then are gone."""
        super().__init__(parent, "Categories of the model", 520)
        self._categories = categories
        self._boxes: dict[str, QComboBox] = {}
        why = "A category chosen before is gone." if earlier is not None else "Asked once."
        words = f"What each of the model's categories becomes here. {why}"
        self.heading(f"“{model}” finds {_counted(len(names))}", words)
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(1, 2)
        grid.addWidget(quiet("Model"), 0, 0)
        grid.addWidget(quiet("This project"), 0, 1)
        start = preset(names, categories, earlier)
        for row, name in enumerate(names, 1):
            label = QLabel(one_line(name))
            label.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(label, row, 0)
            self._boxes[name] = self._box(name, start[name])
            grid.addWidget(self._boxes[name], row, 1)
        grid.setRowStretch(len(names) + 1, 1)
        self.add_table(table).setMinimumHeight(38 * (min(len(names), LISTED) + 1))
        self.left_button("Create all").clicked.connect(lambda: self._set_all(create=True))
        self.left_button("Ignore new").clicked.connect(lambda: self._set_all(create=False))
        self.button("Cancel")
        self.button("Use these categories", primary=True, accepts=True).setFocus()

    def _box(self, name: str, choice: Choice) -> QComboBox:
        box = StillBox()
        box.setEditable(True)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(20)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        box.setAccessibleName(one_line(name))
        for category in self._categories:
            color = dot(category.color, self.devicePixelRatioF())
            box.addItem(color, one_line(category.name), category.id)
        if name.casefold() not in {one.name.casefold() for one in self._categories}:
            box.addItem(one_line(name), name)
        box.addItem(IGNORE, None)
        at = box.findData(choice) if choice is not None else box.count() - 1
        box.setCurrentIndex(at)
        box.setToolTip("Choose, or type the name of a new category")
        box.setMaxVisibleItems(16)
        return box

    def _set_all(self, *, create: bool) -> None:
        for name, box in self._boxes.items():
            at = box.findData(name)
            if at >= 0:
                box.setCurrentIndex(at if create else box.count() - 1)

    def choices(self) -> dict[str, Choice]:
        """Return what was chosen for each of the model's categories."""
        return {name: self._choice(box) for name, box in self._boxes.items()}

    def _choice(self, box: QComboBox) -> Choice:
        text = box.currentText().strip()
        if not text or text == IGNORE:
            return None
        if text == box.itemText(box.currentIndex()):
            return box.currentData()  # the name as it is, not as it is shown
        for category in self._categories:
            if one_line(category.name).casefold() == text.casefold():
                return category.id
        return text


def _counted(count: int) -> str:
    return "one category" if count == 1 else f"{count} categories"
