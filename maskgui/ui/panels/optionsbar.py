"""What can be set of the tool in hand: a slim bar that lies over the canvas' corner."""

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QWidget,
)

from maskgui.tools.base import Option
from maskgui.ui import icons
from maskgui.ui.panels.common import rule
from maskgui.ui.panels.sliders import GrooveSlider
from maskgui.ui.theme import ICON_PX, Theme, text_font

MARGIN = 8
STEPS = 1000
SLIDER = 104
WIDE = 50.0
"""A range whose ends are this many times apart is walked by factors, not by sums."""
ICONS = {"snap": "magnet", "shared": "link-simple"}
SPACE = 16


class NumberOption(QWidget):
    """A name, a slider and the figure itself."""

    changed = Signal(str, float)
    left = Signal()  # the figure was typed; the hand goes back to the canvas

    def __init__(self, option: Option) -> None:
        super().__init__()
        self._option = option
        self._value = option.value
        self.slider = GrooveSlider(0, STEPS)
        self.slider.setFixedWidth(SLIDER)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.figure = self._figure(option)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(8)
        label = QLabel(option.label)
        label.setBuddy(self.figure)
        for widget in (label, self.slider, self.figure):
            self.row.addWidget(widget)
        self.slider.setAccessibleName(option.label)
        self.show_value(option.value)
        self.slider.valueChanged.connect(lambda at: self._tell(value_at(at / STEPS, option)))
        self.figure.valueChanged.connect(self._tell)
        self.figure.installEventFilter(self)

    @staticmethod
    def _figure(option: Option) -> QDoubleSpinBox:
        figure = QDoubleSpinBox()
        figure.setObjectName("value")
        figure.setFont(text_font())
        figure.setDecimals(0 if not option.unit else 1 if option.high > WIDE else 2)
        figure.setRange(option.low, option.high)
        figure.setSuffix(f" {option.unit}" if option.unit else "")
        figure.setSingleStep(1.0 if option.high > WIDE else 0.25)
        figure.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight)
        figure.setFixedWidth(72 if option.unit else 44)
        figure.setKeyboardTracking(False)
        figure.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        figure.setAccessibleName(f"{option.label} value")
        return figure

    def show_value(self, value: float) -> None:
        """Show a value without telling of it."""
        self._value = value
        for widget in (self.slider, self.figure):
            widget.blockSignals(True)
        self.slider.setValue(round(STEPS * share_of(value, self._option)))
        self.figure.setValue(value)
        for widget in (self.slider, self.figure):
            widget.blockSignals(False)

    def _tell(self, value: float) -> None:
        self.changed.emit(self._option.name, value)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Enter and Esc leave the field."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.figure.interpretText()
                self.left.emit()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.show_value(self._value)
                self.left.emit()
                return True
        return super().eventFilter(watched, event)


def share_of(value: float, option: Option) -> float:
    """Return where a value stands on its slider, 0-1: small values have more room."""
    if option.low > 0 and option.high / option.low > WIDE:
        return math.log(value / option.low) / math.log(option.high / option.low)
    share = (value - option.low) / (option.high - option.low)
    return math.sqrt(share) if option.unit else share


def value_at(share: float, option: Option) -> float:
    """Return the value at a place of the slider."""
    if option.low > 0 and option.high / option.low > WIDE:
        return option.low * (option.high / option.low) ** share
    return option.low + (share**2 if option.unit else share) * (option.high - option.low)


class OptionsBar(QFrame):
    """Shows options and tells what is set; it is hidden while there is nothing to set."""

    changed = Signal(str, float)
    confirmed = Signal()
    left = Signal()
    placed = Signal(QRect)  # where it lies in its host; empty while it is hidden

    def __init__(self, host: QWidget, theme: Theme) -> None:
        super().__init__(host)
        self.setObjectName("options")
        self._host = host
        self._theme = theme
        self._shown: object = None
        self._built: object = None
        self.numbers: dict[str, NumberOption] = {}
        self.switches: dict[str, QToolButton] = {}
        self.figures = QLabel()
        self.figures.setFont(text_font())
        self.figures.setObjectName("dim")
        self.confirm = QPushButton()
        self.confirm.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.confirm.clicked.connect(self.confirmed)
        self._line = rule(vertical=True)
        self._line.setFixedHeight(20)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 4, 12, 4)
        self._row.setSpacing(SPACE)
        for widget in (self._line, self.figures, self.confirm):
            self._row.addWidget(widget)
        self.hide()
        host.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Fit the host again when that is resized."""
        if watched is self._host and event.type() == QEvent.Type.Resize:
            self.settle()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Esc leave the bar, as they leave a figure."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def set_theme(self, theme: Theme) -> None:
        """Tint the icons of the switches."""
        self._theme = theme
        for name, switch in self.switches.items():
            switch.setIcon(icons.icon(ICONS[name], theme))

    def show_options(self, options: Sequence[Option], figures: str, confirms: str) -> None:
        """Show these options of a tool, what they come to, and the button that takes them."""
        asked = (tuple(options), figures, confirms)
        if asked == self._shown:
            return
        self._shown = asked
        shape = [(one.name, one.label, one.low, one.high) for one in options]
        if shape != self._built:
            self._built = shape
            self._build(options)
        for one in options:
            if one.switch:
                self.switches[one.name].setChecked(bool(one.value))
            else:
                self.numbers[one.name].show_value(one.value)
        self.figures.setText(figures)
        self.figures.setVisible(bool(figures))
        self.confirm.setText(confirms)
        self.confirm.setVisible(bool(confirms))
        self._line.setVisible(bool(options) and bool(figures or confirms))
        self.setVisible(bool(options))
        self.settle()

    def settle(self) -> None:
        """Lie in the corner of the canvas, as wide as needed.

        Where room lacks the sliders go, and if that is not enough, half the space between.
        """
        for with_sliders, space in ((True, SPACE), (False, SPACE), (False, SPACE // 2)):
            for number in self.numbers.values():
                number.slider.setVisible(with_sliders)
                number.row.activate()
            self._row.setSpacing(space)
            self._row.activate()
            if self.sizeHint().width() <= self._host.width() - 2 * MARGIN:
                break
        self.resize(self.sizeHint())
        self.move(QPoint(MARGIN, MARGIN))
        self.raise_()
        self.placed.emit(QRect() if self.isHidden() else self.geometry())

    def _build(self, options: Sequence[Option]) -> None:
        for old in (*self.numbers.values(), *self.switches.values()):
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.numbers, self.switches = {}, {}
        for place, option in enumerate(options):
            widget = self._switch(option) if option.switch else self._number(option)
            self._row.insertWidget(place, widget)
            widget.show()  # now, not with the next event: the bar's size depends on it

    def _number(self, option: Option) -> NumberOption:
        made = self.numbers[option.name] = NumberOption(option)
        made.changed.connect(self.changed)
        made.left.connect(self.left)
        return made

    def _switch(self, option: Option) -> QToolButton:
        made = self.switches[option.name] = QToolButton()
        made.setCheckable(True)
        made.setText(f" {option.label}")
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        made.setIcon(icons.icon(ICONS[option.name], self._theme))
        made.setIconSize(QSize(ICON_PX, ICON_PX))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.toggled.connect(lambda on: self.changed.emit(option.name, float(on)))
        return made
