"""Images that moved: which are missing, and where to look for them."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from maskgui.ui.dialogs.ask import Dialog
from maskgui.ui.dialogs.folder import FolderField
from maskgui.ui.names import one_line

SHOWN = 500


class LocateDialog(Dialog):
    """Asks for a folder; images are found by relative path, then by name and size."""

    def __init__(self, parent: QWidget, root: Path, missing: Sequence[str]) -> None:
        super().__init__(parent, "Locate folder", 560)
        files = "One image file is" if len(missing) == 1 else f"{len(missing)} image files are"
        self.heading(
            f"{files} not where the project says",
            "Choose the folder that they are in now. They are found by their path below it, then "
            "by name and size; nothing is moved.",
        )
        names = QPlainTextEdit("\n".join(one_line(name) for name in missing[:SHOWN]))
        names.setReadOnly(True)
        names.setMaximumHeight(140)
        names.setAccessibleName("Missing files")
        self.content.addWidget(names)
        self._where = FolderField(str(root), "Look in")
        self.content.addWidget(self._where)
        self.content.addStretch(1)
        self.button("Cancel")
        self._find = self.button("Find images", primary=True, accepts=True)
        self._where.changed.connect(self._allow)
        self._allow()

    def _allow(self) -> None:
        self._find.setEnabled(self.folder().is_dir())

    def folder(self) -> Path:
        """Return the folder to look in."""
        return self._where.path()
