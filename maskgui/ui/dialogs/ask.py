"""A question whose buttons say what they do, and the frame that all dialogs share."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

MARGIN = 24


class Dialog(QDialog):
    """Title, room for content, and a row of buttons with the main one at the right."""

    def __init__(self, parent: QWidget, title: str, width: int = 480) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(width)
        self.content = QVBoxLayout()
        self.content.setSpacing(12)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self._buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, 16)
        column.setSpacing(16)
        column.addLayout(self.content, 1)
        column.addLayout(self._buttons)

    def heading(self, text: str, words: str = "") -> None:
        """Say what the dialog is about."""
        head = QLabel(text)
        head.setObjectName("section")
        head.setWordWrap(True)
        head.setTextFormat(Qt.TextFormat.PlainText)
        self.content.addWidget(head)
        if words:
            self.content.addWidget(quiet(words))

    def button(self, text: str, *, primary: bool = False, accepts: bool = False) -> QPushButton:
        """Add a button at the right end; one that accepts closes the dialog with yes."""
        button = QPushButton(text)
        if primary:
            button.setObjectName("primary")
            button.setDefault(True)
        else:
            button.setAutoDefault(False)
        button.clicked.connect(self.accept if accepts else self.reject)
        self._buttons.addWidget(button)
        return button

    def left_button(self, text: str) -> QPushButton:
        """Add a button at the left end; what it does is the caller's business."""
        button = QPushButton(text)
        button.setAutoDefault(False)
        self._buttons.insertWidget(0, button)
        return button


def quiet(text: str) -> QLabel:
    """Return a wrapped label for words that explain."""
    label = QLabel(text)
    label.setObjectName("dim")
    label.setWordWrap(True)
    return label


def ask(parent: QWidget, question: str, words: str, yes: str, no: str = "Cancel") -> bool:
    """Ask, with a verb on the button; only where something would be lost."""
    dialog = Dialog(parent, "MaskGUI", 420)
    dialog.heading(question, words)
    dialog.content.addStretch(1)
    dialog.button(no)
    dialog.button(yes, primary=True, accepts=True)
    agreed = bool(dialog.exec())
    dialog.deleteLater()
    return agreed
