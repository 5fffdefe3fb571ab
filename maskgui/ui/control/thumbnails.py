"""Thumbnails for the filmstrip: asked for when they come into view, kept in bounded number."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage, QPixmap

from maskgui.core.entities import ImageRecord
from maskgui.imaging import Decoded
from maskgui.imaging.loader import ImageLoader, Loaded, Ticket
from maskgui.ui.control.desk import Desk
from maskgui.ui.panels.filmstrip import SIDE

KEPT = 600
UNDER_WAY = 48  # requests that wait; older ones are withdrawn when the strip is scrolled on


class Thumbnails:
    """Pictures by image id; one that is missing is fetched and the strip drawn again."""

    def __init__(
        self, desk: Desk, loader: ImageLoader, on_problem: Callable[[int, str], None]
    ) -> None:
        self._desk = desk
        self._loader = loader
        self._on_problem = on_problem
        self._kept: OrderedDict[int, QPixmap | None] = OrderedDict()
        self._asked: OrderedDict[int, Ticket] = OrderedDict()

    def clear(self) -> None:
        """Forget everything: another project was opened."""
        for ticket in self._asked.values():
            ticket.cancel()
        self._asked.clear()
        self._kept.clear()

    def forget(self, image_id: int) -> None:
        """Fetch one image's anew when it is next drawn."""
        self._kept.pop(image_id, None)
        if ticket := self._asked.pop(image_id, None):
            ticket.cancel()
        self._desk.window.film.repaint_thumbnails()

    def retry(self, image_id: int) -> None:
        """Fetch one that could not be had anew: the image was read since."""
        if image_id in self._kept and self._kept[image_id] is None:
            self.forget(image_id)

    @property
    def waiting(self) -> bool:
        """Whether a thumbnail that was asked for has not come."""
        return bool(self._asked)

    def picture(self, record: ImageRecord) -> QPixmap | None:
        """Return the thumbnail, or None and have the strip drawn again when it has come."""
        if record.id in self._kept:
            self._kept.move_to_end(record.id)
            return self._kept[record.id]
        if record.id not in self._asked and self._desk.session is not None:
            self._ask(record)
        return None

    def _ask(self, record: ImageRecord) -> None:
        session = self._desk.session
        if session is None:
            return
        if len(self._asked) >= UNDER_WAY:
            self._asked.popitem(last=False)[1].cancel()
        ratio = self._desk.window.devicePixelRatioF()

        def come(reply: Loaded) -> None:
            if self._asked.get(record.id) is ticket:  # else it was withdrawn, maybe asked for anew
                del self._asked[record.id]
                if session is self._desk.session and record.id in session.document.images:
                    self._take(record.id, reply, ratio)

        ticket = self._asked[record.id] = self._loader.request_thumbnail(
            session.image_path(record.id),
            round(SIDE * ratio),
            lambda reply: self._desk.main.post(lambda: come(reply)),
        )

    def _take(self, image_id: int, reply: Loaded, ratio: float) -> None:
        if not isinstance(reply.image, Decoded):
            self._kept[image_id] = None
            if reply.error is not None:
                self._on_problem(image_id, reply.error.reason)
        else:
            self._kept[image_id] = to_pixmap(reply.image.rgb, ratio)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        self._desk.window.film.repaint_thumbnails()


def to_pixmap(rgb: NDArray[np.uint8], ratio: float) -> QPixmap:
    """Return uint8 H x W x 3 RGB as a pixmap for a screen of `ratio`."""
    height, width = rgb.shape[:2]
    image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    made = QPixmap.fromImage(image)
    made.setDevicePixelRatio(ratio)
    return made
