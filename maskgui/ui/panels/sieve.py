"""The filter of the instance list: category, origin, score and size, in a popup at its button."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from maskgui.core.entities import Category
from maskgui.core.sieve import Origin, Sieve
from maskgui.ui.names import one_line
from maskgui.ui.panels.picker import dot

WIDTH = 288
GAP = 8
ANY = "any"
MOST_SIDE = 99_999.0
"""Image pixels; at this the size has no upper bound."""
ORIGINS = (
    (Origin.ANY, "Any origin"),
    (Origin.PROPOSAL, "Proposals of the model"),
    (Origin.CORRECTED, "The model's, corrected"),
    (Origin.IMPORTED, "Imported"),
    (Origin.DRAWN, "Drawn"),
)


class OpenEnd(QDoubleSpinBox):
    """A number whose largest value means none."""

    def textFromValue(self, value: float) -> str:
        """Say "any" in place of the largest."""
        return ANY if value >= self.maximum() else super().textFromValue(value)

    def valueFromText(self, text: str) -> float:
        """Understand it again."""
        return self.maximum() if text.strip() in ("", ANY) else super().valueFromText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let it be typed."""
        if ANY.startswith(text.strip()):
            return QValidator.State.Acceptable, text, position
        state, fixed, place = super().validate(text, position)
        return state, fixed, place


def _number(field: QDoubleSpinBox, most: float, decimals: int, step: float) -> QDoubleSpinBox:
    field.setDecimals(decimals)
    field.setRange(0.0, most)
    field.setSingleStep(step)
    field.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setKeyboardTracking(False)
    return field


class SievePopup(QFrame):
    """Changes take effect at once."""

    changed = Signal(object)  # Sieve

    def __init__(self, parent: QWidget, sieve: Sieve, categories: Sequence[Category]) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("picker")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(WIDTH)
        self.category = QComboBox()
        self.category.addItem("All categories", None)
        for one in categories:
            color = dot(one.color, self.devicePixelRatioF())
            self.category.addItem(color, one_line(one.name), one.id)
        self.origin = QComboBox()
        for origin, text in ORIGINS:
            self.origin.addItem(text, origin)
        self.scores = [_number(QDoubleSpinBox(), 1.0, 2, 0.05) for _ in range(2)]
        self.sides = [_number(box, MOST_SIDE, 0, 1.0) for box in (QDoubleSpinBox(), OpenEnd())]
        self.clear = QPushButton("Show all")
        self.clear.clicked.connect(lambda: self._show(Sieve()))
        self._lay_out()
        self._show(sieve)
        for box in (self.category, self.origin):
            box.currentIndexChanged.connect(self._tell)
        for number in (*self.scores, *self.sides):
            number.valueChanged.connect(self._tell)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 12, 12, 12)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        rows: tuple[tuple[str, list[QWidget]], ...] = (
            ("Category", [self.category]),
            ("Origin", [self.origin]),
            ("Score", list(self.scores)),
            ("Size, px", list(self.sides)),
        )
        for row, (name, fields) in enumerate(rows):
            grid.addWidget(QLabel(name), row, 0)
            line = QHBoxLayout()
            line.setSpacing(8)
            for place, field in enumerate(fields):
                field.setAccessibleName(f"{name}, at most" if place else name)
                if place:
                    line.addWidget(QLabel("–"))
                line.addWidget(field, 1)
            grid.addLayout(line, row, 1)
        for number in self.sides:
            number.setToolTip("The longer side of the box, in image pixels")
        grid.addWidget(self.clear, len(rows), 1, Qt.AlignmentFlag.AlignRight)

    def _show(self, sieve: Sieve) -> None:
        fields = (self.category, self.origin, *self.scores, *self.sides)
        for field in fields:
            field.blockSignals(True)
        self.category.setCurrentIndex(max(self.category.findData(sieve.category), 0))
        self.origin.setCurrentIndex(self.origin.findData(sieve.origin))
        self.scores[0].setValue(sieve.least_score)
        self.scores[1].setValue(sieve.most_score)
        self.sides[0].setValue(sieve.least_side)
        self.sides[1].setValue(min(sieve.most_side, MOST_SIDE))
        for field in fields:
            field.blockSignals(False)
        self._tell()

    def sieve(self) -> Sieve:
        """Return what the fields say."""
        most = self.sides[1].value()
        return Sieve(
            self.category.currentData(),
            Origin(self.origin.currentData()),
            self.scores[0].value(),
            self.scores[1].value(),
            self.sides[0].value(),
            float("inf") if most >= MOST_SIDE else most,
        )

    def _tell(self) -> None:
        sieve = self.sieve()
        self.clear.setEnabled(not sieve.is_open)
        self.changed.emit(sieve)

    def open_beside(self, panel: QWidget) -> None:
        """Show at a panel's left: what passes is seen in it meanwhile."""
        self.adjustSize()
        self.move(panel.mapToGlobal(QPoint(-self.width() - GAP, GAP)))
        self.show()
        self.category.setFocus()
