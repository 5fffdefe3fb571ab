"""The status bar: what the tool can do, where the pointer is, zoom, saving, a batch's progress."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QWidget

from maskgui.ui.actions import ActionSet
from maskgui.ui.names import one_line
from maskgui.ui.panels.common import ElidedLabel, action_button, rule
from maskgui.ui.theme import Theme, text_font

HEIGHT = 26
CAPTION = 12


def duration_text(seconds: float) -> str:
    """Return a time left in words: "40 s", "2 min", "1 h 5 min"."""
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class StatusBar(QWidget):
    """26 px at the bottom."""

    def __init__(self, actions: ActionSet, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("statusbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self.tool = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.pointer = self._field("x 88888.8  y 88888.8", Qt.AlignmentFlag.AlignRight)
        self.zoom = self._field("8888 %", Qt.AlignmentFlag.AlignRight)
        self.saved = self._field("saving 8888", Qt.AlignmentFlag.AlignLeft)
        self.bar = QProgressBar()
        self.bar.setFixedWidth(96)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.progress = QLabel()
        self.cancel = action_button(actions["cancel_work"], "small", 20)
        for label in (self.tool, self.progress, self.pointer, self.zoom, self.saved):
            label.setFont(text_font(CAPTION))
            label.setStyleSheet(f"font-size: {CAPTION}px")
        self.tool.setObjectName("dim")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 8, 0)
        row.setSpacing(12)
        row.addWidget(self.tool, 1)
        self._project: list[QWidget] = []
        for widget in (self.pointer, self.zoom, self.saved):
            line = rule(vertical=True)
            row.addWidget(line)
            row.addWidget(widget)
            self._project += [line, widget]
        row.addWidget(self.bar)
        row.addWidget(self.progress)
        row.addWidget(self.cancel)
        self.set_progress(None)
        self.set_saved("")

    def _field(self, widest: str, alignment: Qt.AlignmentFlag) -> QLabel:
        label = QLabel()
        label.setObjectName("dim")
        label.setAlignment(alignment | Qt.AlignmentFlag.AlignVCenter)
        label.setMinimumWidth(QFontMetrics(text_font(CAPTION)).horizontalAdvance(widest))
        return label

    def set_tool_text(self, text: str) -> None:
        """Say what the tool can do now."""
        self.tool.set_full_text(one_line(text))

    def set_pointer(self, x: float | None, y: float | None) -> None:
        """Show the pointer's place in image coordinates; None when it is outside."""
        self.pointer.setText("" if x is None or y is None else f"x {x:.1f}  y {y:.1f}")

    def set_scale(self, scale: float | None) -> None:
        """Show the zoom: 1.25 is 125 %; None without an image."""
        self.zoom.setText("" if scale is None else f"{round(100 * scale)} %")

    def set_saved(self, text: str, *, problem: bool = False) -> None:
        """Show the state of the project file; "" where there is none, and no fields then."""
        for widget in self._project:
            widget.setVisible(bool(text))
        self.saved.setText(text)
        color = self._theme.error if problem else self._theme.dim
        self.saved.setStyleSheet(f"font-size: {CAPTION}px; color: {color}")

    def set_progress(self, text: str | None, fraction: float = 0.0) -> None:
        """Show work that goes on, with a way to cancel it; None when there is none."""
        for widget in (self.bar, self.progress, self.cancel):
            widget.setVisible(text is not None)
        if text is not None:
            self.bar.setValue(round(1000 * fraction))
            self.progress.setText(one_line(text))

    def set_theme(self, theme: Theme) -> None:
        """Take the colour of what went wrong from the theme."""
        self._theme = theme
        self.set_saved(self.saved.text())
