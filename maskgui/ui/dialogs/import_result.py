"""What an import brought, mended and left out."""

from pathlib import Path
from typing import Protocol

from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QWidget

from maskgui.core.files import write_atomic
from maskgui.ui.dialogs.ask import Dialog

SHOWN_LINES = 2000


class Report(Protocol):
    """What `assist.importing.import_coco` returns, as far as it is shown."""

    def summary(self) -> str:
        """Return the counts in a sentence."""

    def lines(self, limit: int) -> list[str]:
        """Return repairs and skips, one sentence each."""

    def to_json(self) -> bytes:
        """Return everything for a script."""


class ImportResultDialog(Dialog):
    """Counts above, every repair below; the whole report can be kept as a file."""

    def __init__(self, parent: QWidget, name: str, report: Report) -> None:
        super().__init__(parent, "Import", 600)
        self._report = report
        self.heading(f"Imported “{name}”", report.summary())
        lines = list(report.lines(limit=SHOWN_LINES))
        if lines:
            text = QPlainTextEdit("\n".join(lines))
            text.setReadOnly(True)
            text.setMinimumHeight(260)
            text.setAccessibleName("Repairs and skips")
            self.content.addWidget(text, 1)
        self.left_button("Save report…").clicked.connect(self._save)
        self.button("Close", primary=True, accepts=True)

    def _save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Save report", "import.json", "JSON (*.json)")
        if name:
            write_atomic(Path(name), self._report.to_json())
