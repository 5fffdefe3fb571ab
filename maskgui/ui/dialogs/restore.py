"""A damaged project, and the way back to its newest good backup."""

from pathlib import Path

from PySide6.QtWidgets import QWidget

from maskgui.core.words import counted
from maskgui.project.restore import image_count, time_of
from maskgui.ui.dialogs.ask import Dialog


class RestoreDialog(Dialog):
    """Accepted when the person wants the backup."""

    def __init__(self, parent: QWidget, project: Path, backup: Path) -> None:
        super().__init__(parent, "MaskGUI", 480)
        when = f"{time_of(backup):%d %b %Y, %H:%M}"
        images = counted(image_count(backup), "image")
        self.heading(
            f"“{project.stem}” is damaged and cannot be opened.",
            f"Its newest good backup has {images} and was made on {when}. The damaged file stays "
            "beside it under another name, with whatever was done after that.",
        )
        self.content.addStretch(1)
        self.button("Cancel")
        self.button("Restore the backup", primary=True, accepts=True).setFocus()
