"""The wait for an import or export that stops, before its project is closed."""

from PySide6.QtCore import QEventLoop, QTimer, SignalInstance
from PySide6.QtWidgets import QWidget

from maskgui.ui.dialogs.ask import Dialog

QUIET_MS = 300
"""How long the wait is before it is worth a word; clicks and keys are kept for afterwards."""


class StoppingDialog(Dialog):
    """Stands until the work has ended; a person may close the project at once, or keep it.

    words: what the wait is for, and what becomes of the work where the project is closed now.
    """

    def __init__(self, parent: QWidget, name: str, words: str, ended: SignalInstance) -> None:
        super().__init__(parent, "MaskGUI", 420)
        self.heading(f"{name} is being stopped.", words)
        self.content.addStretch(1)
        self.button("Close now", accepts=True)
        self.button("Keep it open", primary=True)
        ended.connect(self.accept)


def wait_for_end(parent: QWidget, name: str, words: str, ended: SignalInstance) -> bool:
    """Let the window work until `ended` is emitted, with a dialog where that takes long.

    Returns whether the project is to be closed: it ended, or the person does not wait for it.
    """
    quiet = QEventLoop()
    ended.connect(quiet.quit)
    limit = QTimer(singleShot=True, interval=QUIET_MS)
    limit.timeout.connect(lambda: quiet.exit(1))
    ended.connect(limit.stop)  # of two in one turn of the loop the last would have the word
    limit.start()
    if not quiet.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents):
        return True
    dialog = StoppingDialog(parent, name, words, ended)
    agreed = bool(dialog.exec())
    dialog.deleteLater()
    return agreed
