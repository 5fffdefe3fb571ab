"""While M is held the canvas shows what the model said, whatever was made of it since."""

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent

from maskgui.core.proposals import present
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.outlining import Cut, Outliner
from maskgui.ui.control.proposing import evidence, why_not

KEY = Qt.Key.Key_M


class Evidence(QObject):
    """Filters the key on the canvas; letting go, or losing the focus, shows the labels again."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self.showing = False
        self._outliner = Outliner(desk.background, desk.problem)
        desk.canvas.installEventFilter(self)
        desk.shown.connect(self._follow)
        desk.settled.connect(self._follow)

    def _follow(self) -> None:
        record = self.desk.record
        reason = why_not(self.desk.detections(record.id)) if record else "Open images first."
        self.desk.allow(("show_evidence",), reason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show while the key is down."""
        if event.type() == QEvent.Type.FocusOut:
            self._hide()
        if not isinstance(event, QKeyEvent) or event.key() != KEY:
            return False
        if event.isAutoRepeat():
            return True
        if event.type() == QEvent.Type.KeyPress and not event.modifiers():
            self._show()
            return True
        if event.type() == QEvent.Type.KeyRelease:
            self._hide()
            return True
        return False

    def _show(self) -> None:
        record, session = self.desk.record, self.desk.session
        if record is None or session is None or self.showing:
            return
        detections = session.detections(record.id)
        if detections is None or not detections.has_masks:
            self.desk.say(why_not(detections))
            return
        cut = Cut(detections, record.mask_threshold, (record.height, record.width))
        above = np.flatnonzero(detections.scores >= np.float32(record.threshold)).tolist()
        self._outliner.prepare(cut, above, lambda: self._show_outlines(record.id, cut))

    def _show_outlines(self, image_id: int, cut: Cut) -> None:
        """The key is still down; what it was pressed for may have changed since."""
        record, session = self.desk.record, self.desk.session
        if record is None or session is None or record.id != image_id:
            return
        categories = session.document.categories
        mapping = present(session.category_map(cut.detections.model), categories)
        said = evidence(record, cut.detections, mapping, self._outliner.shape_of(cut))
        self.showing = True
        self.desk.canvas.set_instances(said, self.desk.categories())
        self.desk.canvas.set_note(f"What the model said above {record.threshold:.2f}")

    def _hide(self) -> None:
        self._outliner.drop()
        if self.showing:
            self.showing = False
            self.desk.canvas.set_note("")
            self.desk.canvas.set_instances(self.desk.instances(), self.desk.categories())
