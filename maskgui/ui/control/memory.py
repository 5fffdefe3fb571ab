"""What images that were left have freed goes back to the system when the hand rests."""

from PySide6.QtCore import QObject, QTimer

from maskgui.core.memory import give_back
from maskgui.imaging.loader import ImageLoader
from maskgui.ui.control.desk import Desk

REST_MS = 400
"""Without another image for so long: whoever leafs through them soon needs the pages again."""


class Memory(QObject):
    """Decoded images, their smaller levels and tiles are megabytes each, of as many sizes."""

    def __init__(self, desk: Desk, loader: ImageLoader) -> None:
        super().__init__(desk)
        self._desk = desk
        self._loader = loader
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._give_back)
        desk.shown.connect(self._rest.start)

    def _give_back(self) -> None:
        desk = self._desk
        if self._loader.busy:  # what is fetched ahead frees others when it comes
            self._rest.start()
        elif not desk.background.closing:
            desk.background.run(give_back, lambda _: None, desk.problem)
