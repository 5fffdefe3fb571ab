"""The score and mask sliders: proposals follow them from stored detections, without a new run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, QTimer

from maskgui.assist.session import Session
from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.proposals import present, propose
from maskgui.core.shape import Shape
from maskgui.ui.control.desk import Desk
from maskgui.ui.control.models import Models
from maskgui.ui.control.outlining import Cut, Outliner

FRAME_MS = 15
NO_EVIDENCE = "Auto-segment this image first."
THINNED = "The soft masks of this old run are given up; auto-segment again."
BOXES_ONLY = "This model gives boxes only: there are no masks to cut."


@dataclass(frozen=True)
class _Wish:
    """Thresholds for an image of a session."""

    session: Session
    image_id: int
    score: float
    mask: float


class Proposing(QObject):
    """While a slider is dragged the canvas shows what would come; letting go is one edit."""

    def __init__(self, desk: Desk, models: Models) -> None:
        super().__init__(desk)
        self.desk = desk
        self._models = models
        self._sliders = desk.window.side.sliders
        self._outliner = Outliner(desk.background, desk.problem)
        self._chosen: dict[int, _Wish] = {}  # by image: those that wait for their outlines
        self._first_score: float | None = None  # of the model in hand
        self._previewing = False
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self._preview)
        self._sliders.previewed.connect(lambda *_: self._frame.start())
        self._sliders.chosen.connect(self._choose)
        desk.leaving.connect(self._sliders.settle)  # the choice is of the image that is left
        desk.shown.connect(self._follow)
        desk.settled.connect(self._follow)
        desk.opened.connect(self._follow)
        models.changed.connect(self._model_changed)
        self._model_changed()

    def _model_changed(self) -> None:
        """Read the model's card, once: what follows comes after every edit."""
        model = self._models.current
        self._first_score = None if model is None else model.score_threshold
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
        if self._sliders.in_hand:
            return
        wish = self._chosen.get(record.id)
        if wish is not None:
            self._sliders.show_values(wish.score, wish.mask)
        elif detections is None and self._first_score is not None:  # as its first run will be
            self._sliders.show_values(self._first_score, record.mask_threshold)
        else:
            self._sliders.show_values(record.threshold, record.mask_threshold)

    def land(self) -> None:
        """Carry out what was chosen a moment ago, before the session is closed."""
        self.settle()
        for wish in list(self._chosen.values()):
            self._carry_out(wish)

    def settle(self) -> None:
        """Let what the hand is at be chosen; what needs no more outlines is an edit then."""
        self._sliders.settle()

    def take_back(self) -> bool:
        """Undo what was chosen on the image shown and waits for its outlines; False for nothing."""
        self.settle()
        if self._chosen.pop(self.desk.image_id or -1, None) is None:
            return False
        self._outliner.drop()
        self._follow()
        return True

    def edit(self, score: float, mask: float, new_id: Callable[[], int]) -> Edit | None:
        """Return what the thresholds change on the image shown."""
        wish = self._wish(score, mask)
        cut = None if wish is None else _cut_of(wish)
        if wish is None or cut is None:
            return None
        return _proposed(wish, cut, self._outliner.shape_of(cut), new_id)

    def _wish(self, score: float, mask: float) -> _Wish | None:
        record, session = self.desk.record, self.desk.session
        return None if record is None or session is None else _Wish(session, record.id, score, mask)

    def _prepare(self, wish: _Wish | None, then: Callable[[], object], *, certain: bool) -> None:
        """Call `then` when all outlines that a wish needs are there."""
        cut = None if wish is None else _cut_of(wish)
        if wish is None or cut is None:
            return
        needed: list[int] = []

        def note(index: int) -> Shape:
            needed.append(index)
            return Shape()

        _proposed(wish, cut, note, _passing_ids())
        self._outliner.prepare(cut, needed, then, certain=certain)

    def _preview(self) -> None:
        if self._sliders.in_hand:
            wish = self._wish(*self._sliders.values())
            self._prepare(wish, lambda: self._show_preview(wish), certain=False)

    def _show_preview(self, wish: _Wish | None) -> None:
        if not self._sliders.in_hand or wish != self._wish(*self._sliders.values()):
            return
        edit = self.edit(*self._sliders.values(), _passing_ids())
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
        self._outliner.drop()
        if self._previewing:
            self._previewing = False
            self._show(self.desk.instances())
        wish = self._wish(score, mask)
        if wish is not None:
            self._chosen[wish.image_id] = wish
            self._prepare(wish, lambda: self._carry_out(wish), certain=True)
        self._follow()

    def _carry_out(self, wish: _Wish) -> None:
        """Make the edit, on the image that it was for, whichever is shown by now."""
        if self._chosen.get(wish.image_id) != wish:
            return  # it is done, or another choice for the image came after it
        del self._chosen[wish.image_id]
        cut = _cut_of(wish)
        if cut is None or wish.session is not self.desk.session:
            return
        shape_of = self._outliner.shape_of(cut)
        self.desk.apply(_proposed(wish, cut, shape_of, self.desk.new_id))
        if wish.image_id == self.desk.image_id:
            self._say_when_none(wish.score)
        self._follow()

    def _say_when_none(self, score: float) -> None:
        empty = self.desk.record is not None and not self.desk.instances()
        self.desk.canvas.set_note(nothing_above(score) if empty else "")


def _passing_ids() -> Callable[[], int]:
    """Return ids of instances that no edit will hold."""
    ids = iter(range(-1, -100_000, -1))
    return lambda: next(ids)


def _cut_of(wish: _Wish) -> Cut | None:
    """Return the cut that a wish needs, None where there is nothing to cut."""
    record = wish.session.document.images.get(wish.image_id)
    detections = wish.session.detections(wish.image_id)
    if record is None or detections is None or not detections.has_masks:
        return None
    return Cut(detections, wish.mask, (record.height, record.width))


def _proposed(
    wish: _Wish, cut: Cut, shape_of: Callable[[int], Shape], new_id: Callable[[], int]
) -> Edit | None:
    record = wish.session.document.image(wish.image_id)
    moved = "score" if wish.mask == record.mask_threshold else "mask"
    return propose(
        record,
        wish.session.instances(wish.image_id),
        cut.detections,
        present(wish.session.category_map(cut.detections.model), wish.session.document.categories),
        wish.score,
        shape_of,
        new_id,
        mask_threshold=wish.mask,
        label=f"Move {moved} slider",
    )


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
    bare = msgspec.structs.replace(record, marks=())
    edit = propose(bare, (), detections, mapping, record.threshold, shape_of, _passing_ids())
    made = [change.after for change in edit.changes] if edit else []
    return [one for one in made if isinstance(one, Instance)]
