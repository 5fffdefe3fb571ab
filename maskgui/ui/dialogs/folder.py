"""A line for a folder, typed or chosen."""

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget


class FolderField(QWidget):
    """The folder's path and the button that chooses one; `title` heads the system's dialog."""

    changed = Signal()

    def __init__(self, start: str, title: str) -> None:
        super().__init__()
        self._title = title
        self.line = QLineEdit(start)
        self.line.setAccessibleName("Folder")
        self.line.textChanged.connect(self.changed)
        choose = QPushButton("Choose…")
        choose.setAutoDefault(False)
        choose.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        row.addWidget(choose)

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self._title, self.line.text())
        if folder:
            self.line.setText(folder)

    def path(self) -> Path:
        """Return the folder named."""
        return Path(self.line.text()).expanduser()
