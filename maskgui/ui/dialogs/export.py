"""How and where to export."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QWidget

from maskgui.assist.exporting import ExportOptions
from maskgui.ui.dialogs.ask import Dialog, quiet
from maskgui.ui.dialogs.folder import FolderField

FORMS = (
    ("polygons", "Polygons", "Outlines where they are exact, run lengths where there are holes."),
    (
        "keyhole",
        "Polygons throughout",
        "Holes are cut in by a seam, for tools that know no others.",
    ),
    ("rle", "Run lengths (RLE)", "Exact everywhere; not every tool can edit them."),
)
CHECKS = (
    ("reviewed_only", "Reviewed images only", False),
    ("proposals", "Proposals that nobody has touched", True),
    ("copy_images", "Copies of the images", False),
)


class ExportDialog(Dialog):
    """COCO is the one format there is; what it asks is remembered with the project."""

    def __init__(self, parent: QWidget, folder: Path, kept: Mapping[str, Any]) -> None:
        super().__init__(parent, "Export COCO", 520)
        self.heading("Export a COCO data set", "What nobody touched is written as it came.")
        self._where = FolderField(str(kept.get("folder", folder)), "Export to")
        self.content.addWidget(_label("Folder"))
        self.content.addWidget(self._where)
        self._form = QComboBox()
        self._form.setAccessibleName("Outlines")
        for value, text, _ in FORMS:
            self._form.addItem(text, value)
        self._form.setCurrentIndex(max(0, self._form.findData(kept.get("segmentation"))))
        self._words = quiet("")
        self._form.currentIndexChanged.connect(self._explain)
        self.content.addWidget(_label("Outlines"))
        self.content.addWidget(self._form)
        self.content.addWidget(self._words)
        self.content.addWidget(_label("Include"))
        self._checks = {}
        for name, text, default in CHECKS:
            self._checks[name] = QCheckBox(text)
            self._checks[name].setChecked(bool(kept.get(name, default)))
            self.content.addWidget(self._checks[name])
        self._explain()
        self.content.addStretch(1)
        self.button("Cancel")
        self.button("Export COCO", primary=True, accepts=True).setFocus()

    def _explain(self) -> None:
        self._words.setText(FORMS[self._form.currentIndex()][2])

    def target(self) -> Path:
        """Return the folder to write to."""
        return self._where.path()

    def kept(self) -> dict[str, Any]:
        """Return what to remember for the next time."""
        checks = {name: box.isChecked() for name, box in self._checks.items()}
        return {
            "folder": self._where.line.text(),
            "segmentation": self._form.currentData(),
            **checks,
        }

    def options(self) -> ExportOptions:
        """Return what was chosen."""
        kept = self.kept()
        kept.pop("folder")
        return ExportOptions(**kept)


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("section")
    return label
