"""The score and mask sliders: a preview while dragging, one change when let go."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QSlider, QWidget

STEPS = 100
SETTLE_MS = 350
CUT_TIP = "Cut the soft masks at this probability"


class GrooveSlider(QSlider):
    """A horizontal slider; a click on the groove goes there."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(low, high)
        self.setPageStep(max(1, (high - low) // 20))

    def mousePressEvent(self, event) -> None:
        """Jump to the place that was clicked and drag on from there."""
        if event.button() == Qt.MouseButton.LeftButton:
            span = max(1, self.width() - 14)
            share = min(1.0, max(0.0, (event.position().x() - 7) / span))
            self.setSliderPosition(
                round(self.minimum() + share * (self.maximum() - self.minimum()))
            )
        super().mousePressEvent(event)


class Sliders(QWidget):
    """Two rows: name, slider, figure."""

    previewed = Signal(float, float)  # score, mask: while the hand is on it
    chosen = Signal(float, float)  # once it rests

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(14, 8, 10, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        self._rows: list[tuple[QWidget, ...]] = []
        self.score = self._row(grid, 0, "Score", "Propose what the model is at least this sure of")
        self.cut = self._row(grid, 1, "Mask", CUT_TIP)
        self._rest = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._rest.timeout.connect(self.settle)
        self._shown = (0.5, 0.5)
        self.show_values(0.5, 0.5)

    def _row(self, grid: QGridLayout, row: int, name: str, tip: str) -> GrooveSlider:
        label = QLabel(name)
        slider = GrooveSlider(1, STEPS - 1)
        slider.setAccessibleName(name)
        figure = QDoubleSpinBox()
        figure.setObjectName("value")
        figure.setRange(0.01, 0.99)
        figure.setSingleStep(0.01)
        figure.setDecimals(2)
        figure.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight)
        figure.setFixedWidth(46)
        figure.setKeyboardTracking(False)
        figure.setAccessibleName(f"{name} value")
        label.setBuddy(figure)
        slider.valueChanged.connect(lambda value: self._moved(figure, value / STEPS))
        slider.sliderReleased.connect(self.settle)
        figure.valueChanged.connect(lambda value: slider.setValue(round(value * STEPS)))
        self._rows.append((label, slider, figure))
        for column, widget in enumerate(self._rows[row]):
            widget.setToolTip(tip)
            grid.addWidget(widget, row, column)
        return slider

    def _moved(self, figure: QDoubleSpinBox, value: float) -> None:
        figure.blockSignals(True)
        figure.setValue(value)
        figure.blockSignals(False)
        self.previewed.emit(*self.values())
        if not (self.score.isSliderDown() or self.cut.isSliderDown()):
            self._rest.start()

    def settle(self) -> None:
        """Tell of a change as chosen, if there is one, without waiting for the hand to rest."""
        self._rest.stop()
        if self.values() != self._shown:
            self._shown = self.values()
            self.chosen.emit(*self._shown)

    def values(self) -> tuple[float, float]:
        """Return the score and mask thresholds."""
        return self.score.value() / STEPS, self.cut.value() / STEPS

    @property
    def in_hand(self) -> bool:
        """Whether a change is under way that was not yet told as chosen."""
        return self.values() != self._shown

    def show_values(self, score: float, mask: float) -> None:
        """Show an image's thresholds without telling of it."""
        self._rest.stop()
        self.blockSignals(True)
        self.score.setValue(round(score * STEPS))
        self.cut.setValue(round(mask * STEPS))
        self.blockSignals(False)
        self._rest.stop()
        self._shown = self.values()

    def allow(self, reason: str) -> None:
        """Enable both, or with a reason disable them and say why."""
        self.setEnabled(not reason)
        self.setToolTip(reason)

    def allow_cut(self, reason: str) -> None:
        """Enable the mask row, or with a reason disable it and say why."""
        for widget in self._rows[1]:
            widget.setEnabled(not reason)
            widget.setToolTip(reason or CUT_TIP)
