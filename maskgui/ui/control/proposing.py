"""The score and mask sliders: proposals follow them from stored detections, without a new run."""

from collections.abc import Callable, Mapping

import msgspec
from PySide6.QtCore import QObject, QTimer

from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.proposals import propose
from maskgui.core.shape import Shape
from maskgui.maskrcnn import vectorize
from maskgui.ui.control.desk import Desk

FRAME_MS = 15
NO_EVIDENCE = "Auto-segment this image first."
THINNED = "The soft masks of this old run are given up; auto-segment again."
BOXES_ONLY = "This model gives boxes only: there are no masks to cut."


class ShapeCache:
    """Outlines of one image's detections, made when they are first needed."""

    def __init__(self) -> None:
        self._key: tuple[int, float] | None = None
        self._made: dict[int, Shape] = {}

    def of(
        self, detections: Detections, mask_threshold: float, size: tuple[int, int]
    ) -> Callable[[int], Shape]:
        """Return the function from a detection's index to its outline; `size` is (h, w)."""
        key = (detections.run, mask_threshold)
        if key != self._key:
            self._key, self._made = key, {}
        made = self._made

        def shape_of(index: int) -> Shape:
            if index not in made:
                made[index] = vectorize.shapes(
                    detections, [index], mask_threshold, image_size=size
                )[0]
            return made[index]

        return shape_of


class Proposing(QObject):
    """While a slider is dragged the canvas shows what would come; letting go is one edit."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._sliders = desk.window.side.sliders
        self._shapes = ShapeCache()
        self._previewing = False
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self._preview)
        self._sliders.previewed.connect(lambda *_: self._frame.start())
        self._sliders.chosen.connect(self._choose)
        desk.shown.connect(self._follow)
        desk.settled.connect(self._follow)
        desk.opened.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        record = self.desk.record
        if record is None:
            self._sliders.allow("Open images first.")
            return
        detections = self.desk.detections(record.id)
        self._sliders.allow(why_not(detections))
        boxes_only = detections is not None and detections.boxes_only
        self._sliders.allow_cut(BOXES_ONLY if boxes_only else "")
        if not self._sliders.in_hand:
            self._sliders.show_values(record.threshold, record.mask_threshold)

    def edit(self, score: float, mask: float, new_id: Callable[[], int]) -> Edit | None:
        """Return what the thresholds change on the image shown."""
        record, session = self.desk.record, self.desk.session
        if record is None or session is None:
            return None
        detections = session.detections(record.id)
        if detections is None or not detections.has_masks:
            return None
        mapping = session.category_map(detections.model) or {}
        shape_of = self._shapes.of(detections, mask, (record.height, record.width))
        label = "Move score slider" if mask == record.mask_threshold else "Move mask slider"
        return propose(
            record,
            session.instances(record.id),
            detections,
            mapping,
            score,
            shape_of,
            new_id,
            mask_threshold=mask,
            label=label,
        )

    def _preview(self) -> None:
        if not self._sliders.in_hand:
            return
        ids = iter(range(-1, -100_000, -1))
        edit = self.edit(*self._sliders.values(), lambda: next(ids))
        instances = {one.id: one for one in self.desk.instances()}
        for change in edit.changes if edit else ():
            if isinstance(change.before, Instance):
                instances.pop(change.before.id)
            if isinstance(change.after, Instance):
                instances[change.after.id] = change.after
        self._previewing = True
        self._show(list(instances.values()))

    def _show(self, instances: list[Instance]) -> None:
        instances.sort(key=lambda one: (one.order, one.id))
        self.desk.canvas.set_instances(instances, self.desk.categories())
        self.desk.window.side.instances.show_instances(instances, self.desk.categories())

    def _choose(self, score: float, mask: float) -> None:
        self._frame.stop()
        if self._previewing:
            self._previewing = False
            self._show(self.desk.instances())
        if self.desk.session is not None:
            self.desk.apply(self.edit(score, mask, self.desk.new_id))
            self._say_when_none(score)
        self._follow()

    def _say_when_none(self, score: float) -> None:
        empty = self.desk.record is not None and not self.desk.instances()
        self.desk.canvas.set_note(nothing_above(score) if empty else "")


def why_not(detections: Detections | None) -> str:
    """Return why no outlines can be made of what the model said, "" where they can."""
    if detections is None:
        return NO_EVIDENCE
    return "" if detections.has_masks else THINNED


def nothing_above(score: float) -> str:
    """Return what to say when no detection reaches the threshold."""
    return f"No objects above {score:.2f}: lower the score, or draw."


def evidence(
    record: ImageRecord,
    detections: Detections,
    mapping: Mapping[str, int | None],
    shape_of: Callable[[int], Shape],
) -> list[Instance]:
    """Return what the model said above the image's threshold, whatever a person made of it."""
    ids = iter(range(-1, -100_000, -1))
    bare = msgspec.structs.replace(record, marks=())
    edit = propose(bare, (), detections, mapping, record.threshold, shape_of, lambda: next(ids))
    made = [change.after for change in edit.changes] if edit else []
    return [one for one in made if isinstance(one, Instance)]
