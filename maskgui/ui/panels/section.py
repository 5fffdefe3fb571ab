"""A part of the right panel: a head that folds it, a count, and room for a button."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from maskgui.ui import icons
from maskgui.ui.theme import Theme

HEAD = 36


class Section(QWidget):
    """Head and body; clicking the head folds the body away."""

    folded = Signal(bool)

    def __init__(self, title: str, theme: Theme) -> None:
        super().__init__()
        self.title = title
        self._body: QWidget | None = None
        self._head = QToolButton()
        self._head.setObjectName("section")
        self._head.setText(f" {title}")
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setIconSize(QSize(12, 12))
        self._head.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._head.setToolTip("Fold or unfold")
        self._head.setAccessibleName(title)
        self._head.clicked.connect(lambda: self.fold(not self.is_folded))
        self._count = QLabel()
        self._count.setObjectName("dim")
        self.row = QHBoxLayout()
        self.row.setContentsMargins(6, 4, 14, 4)
        self.row.setSpacing(4)
        self.row.addWidget(self._head)
        self.row.addStretch(1)
        self.row.addWidget(self._count)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(self.row)
        Section.set_theme(self, theme)

    def set_body(self, body: QWidget) -> None:
        """Put the content under the head."""
        self._body = body
        self._column.addWidget(body, 1)

    @property
    def is_folded(self) -> bool:
        """Whether only the head shows."""
        return self._body is not None and self._body.isHidden()

    def fold(self, folded: bool) -> None:
        """Hide or show the body."""
        if self._body is None or folded == self.is_folded:
            return
        self._body.setHidden(folded)
        self.setMaximumHeight(HEAD if folded else 16777215)
        self._tint()
        self.folded.emit(folded)

    def set_count(self, count: int | None, of: int | None = None) -> None:
        """Show a number at the right of the head, "5 of 18" where it is not all of them."""
        text = "" if count is None else f"{count:,}"
        if count is not None and of not in (None, count):
            text += f" of {of:,}"
        self._count.setText(text.replace(",", " "))

    def set_theme(self, theme: Theme) -> None:
        """Tint the caret."""
        self._theme = theme
        self._tint()

    def _tint(self) -> None:
        name = "caret-right" if self.is_folded else "caret-down"
        self._head.setIcon(icons.icon(name, self._theme, color=self._theme.dim))
