"""Small widgets that the panels share."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QAction, QFontMetrics
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolButton, QWidget

from maskgui.ui.theme import ICON_PX

Index = QModelIndex | QPersistentModelIndex
"""What Qt's models and delegates are asked with."""


def rule(*, vertical: bool = False) -> QFrame:
    """Return a line of 1 px that tells groups apart."""
    line = QFrame()
    line.setObjectName("rule")
    if vertical:
        line.setFixedWidth(1)
    else:
        line.setFixedHeight(1)
    return line


def action_button(action: QAction, name: str = "", side: int = 32) -> QToolButton:
    """Return an icon button for an action; it takes no focus from the canvas when clicked."""
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setFixedSize(side, side)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.text())
    if name:
        button.setObjectName(name)
    return button


def menu_button(name: str) -> QToolButton:
    """Return a button with words that opens a menu."""
    button = QToolButton()
    button.setObjectName(name)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(ICON_PX, ICON_PX))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def stretch() -> QWidget:
    """Return empty space that takes what is left."""
    space = QWidget()
    space.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return space


class ElidedLabel(QLabel):
    """A label that shortens long text in the middle and shows all of it in its tooltip."""

    def __init__(self, text: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle):
        super().__init__()
        self._full = ""
        self._mode = mode
        self.setMinimumWidth(24)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.set_full_text(text)

    def set_full_text(self, text: str) -> None:
        """Show `text`, as much of it as fits."""
        self._full = text
        self._elide()

    @property
    def full_text(self) -> str:
        """All of the text."""
        return self._full

    def sizeHint(self) -> QSize:
        """Ask for the whole text."""
        hint = super().sizeHint()
        return QSize(QFontMetrics(self.font()).horizontalAdvance(self._full) + 4, hint.height())

    def resizeEvent(self, event) -> None:
        """Shorten for the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._full, self._mode, max(self.width(), 24))
        self.setText(shown)
        self.setToolTip(self._full if shown != self._full else "")
