"""A question whose buttons say what they do, and the frame that all dialogs share."""

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from maskgui.ui.dialogs.table import GUTTER, TableArea
from maskgui.ui.names import one_line

MARGIN = 24


class Dialog(QDialog):
    """Title, room for content, and a row of buttons with the main one at the right."""

    def __init__(self, parent: QWidget, title: str, width: int = 480) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.content = QVBoxLayout()
        self.content.setContentsMargins(0, 0, GUTTER, 0)
        self.content.setSpacing(12)
        self._buttons = QHBoxLayout()
        self._buttons.setContentsMargins(0, 0, GUTTER, 0)
        self._buttons.setSpacing(8)
        self._buttons.addStretch(1)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN - GUTTER, 16)
        column.setSpacing(16)
        # A least width of the dialog's own would hold although the content needs more.
        column.addStrut(width - 2 * MARGIN + GUTTER)
        column.addLayout(self.content, 1)
        column.addLayout(self._buttons)

    def event(self, event: QEvent) -> bool:
        """Keep room for all lines when the content changes."""
        taken = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._keep_room()
        return taken

    def showEvent(self, event: QShowEvent) -> None:
        """Keep room for all lines from the start."""
        super().showEvent(event)
        self._keep_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep room for all lines at another width."""
        super().resizeEvent(event)
        self._keep_room()

    def _keep_room(self) -> None:
        """Qt's own least height does not know how wrapped words come out at a width."""
        if self.isVisible() and self._column.hasHeightForWidth():
            self.setMinimumHeight(self._column.totalMinimumHeightForWidth(self.width()))

    def heading(self, text: str, words: str = "") -> None:
        """Say what the dialog is about."""
        head = QLabel(one_line(text))
        head.setObjectName("section")
        head.setWordWrap(True)
        head.setTextFormat(Qt.TextFormat.PlainText)
        self.content.addWidget(head)
        if words:
            self.content.addWidget(quiet(words))

    def add_table(self, table: QWidget) -> TableArea:
        """Add a table below the content; it takes what height there is, and scrolls."""
        area = TableArea(table)
        self._column.setStretch(self._column.indexOf(self.content), 0)
        self._column.insertWidget(self._column.indexOf(self._buttons), area, 1)
        return area

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
