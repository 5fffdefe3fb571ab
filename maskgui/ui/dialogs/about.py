"""What this is, which version, and where its log lies."""

import platform

from PySide6.QtCore import Qt, qVersion
from PySide6.QtWidgets import QLabel, QWidget

from maskgui import __version__
from maskgui.log import log_file
from maskgui.ui import icons
from maskgui.ui.dialogs.ask import Dialog, quiet

SYMBOL = 72


class AboutDialog(Dialog):
    """Name, version, log."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, "About MaskGUI", 420)
        symbol = QLabel()
        symbol.setPixmap(icons.app_icon().pixmap(SYMBOL, SYMBOL))
        self.content.addWidget(symbol)
        name = QLabel(f"MaskGUI {__version__}")
        name.setObjectName("title")
        self.content.addWidget(name)
        self.content.addWidget(
            quiet(
                "Label images with Mask R-CNN: auto-segment, correct by hand, export COCO. "
                "It works offline, and your images never leave this machine."
            )
        )
        facts = quiet(
            f"Python {platform.python_version()}, Qt {qVersion()}. Apache-2.0.\nLog: {log_file()}"
        )
        facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.content.addWidget(facts)
        self.button("Close", primary=True, accepts=True)
