"""The settings, one control for each option of the options' own table; all take effect at once."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from maskgui.ui.dialogs.ask import Dialog, quiet
from maskgui.ui.options import OPTIONS, Option, Options

WIDTH = 500
FIELD = 220
SLIDER_SPAN = 100
BETWEEN = 14
TEXT_MARGIN = 7
"""What the style sheet's padding gives other fields; Qt does not apply it inside a spin box."""


class NameOfBox(QLabel):
    """The words of a check box that stands apart from them; a click on them is one on the box."""

    def __init__(self, text: str, box: QAbstractButton) -> None:
        super().__init__(text)
        self._box = box

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Click the box."""
        inside = self.rect().contains(event.position().toPoint())
        if inside and event.button() == Qt.MouseButton.LeftButton:
            self._box.click()


class SettingsDialog(Dialog):
    """Nothing to confirm: closing keeps what was set."""

    def __init__(self, parent: QWidget, options: Options) -> None:
        super().__init__(parent, "Settings", WIDTH)
        self._options = options
        self.controls: dict[str, QWidget] = {}
        self.content.setSpacing(BETWEEN)
        for option in OPTIONS:
            self._add(option)
        self.content.addStretch(1)
        self.button("Close", primary=True, accepts=True)

    def _add(self, option: Option) -> None:
        """Add a label with its control at the right end, and the hint close below."""
        control = self._control(option)
        self.controls[option.name] = control
        control.setAccessibleName(option.label)
        group = QVBoxLayout()
        group.setSpacing(2)
        row = QHBoxLayout()
        if isinstance(control, QCheckBox):
            row.addWidget(NameOfBox(option.label, control), 1)
            row.addWidget(control)
        else:
            row.addWidget(QLabel(option.label), 1)
            row.addWidget(self._framed(option, control))
        group.addLayout(row)
        if option.hint:
            hint = quiet(option.hint)
            hint.setObjectName("hint")
            group.addWidget(hint)
        self.content.addLayout(group)

    def _framed(self, option: Option, control: QWidget) -> QWidget:
        if not isinstance(control, QSlider):
            control.setFixedWidth(FIELD)
            return control
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        figure = QLabel()
        figure.setFixedWidth(48)
        figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        control.valueChanged.connect(lambda value: figure.setText(f"{value}{option.unit}"))
        figure.setText(f"{control.value()}{option.unit}")
        row.addWidget(control, 1)
        row.addWidget(figure)
        holder.setFixedWidth(FIELD)
        return holder

    def _control(self, option: Option) -> QWidget:
        now = self._options[option.name]
        if option.choices:
            return self._choice(option, now)
        if isinstance(option.default, bool):
            box = QCheckBox()
            box.setObjectName("alone")
            box.setChecked(now)
            box.toggled.connect(lambda value: self._set(option, value))
            return box
        low, high = option.range or (0, 100)
        figure: QSlider | QSpinBox
        if high - low <= SLIDER_SPAN:
            figure = QSlider(Qt.Orientation.Horizontal)
        else:
            figure = QSpinBox()
            figure.setSuffix(option.unit)
            figure.setKeyboardTracking(False)
            figure.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
        figure.setRange(int(low), int(high))
        figure.setValue(now)
        figure.valueChanged.connect(lambda value: self._set(option, value))
        return figure

    def _choice(self, option: Option, now: object) -> QComboBox:
        box = QComboBox()
        for value, text in option.choices:
            box.addItem(text, value)
        box.setCurrentIndex(max(0, box.findData(now)))
        box.currentIndexChanged.connect(lambda _: self._set(option, box.currentData()))
        return box

    def _set(self, option: Option, value: object) -> None:
        self._options[option.name] = value
