"""Steps of the history from before a model ran again, carried out on what is there now.

A run replaces all proposals of an image, so an older step that moved a slider, or touched a
proposal, names some that are gone. What such a step says of the person's own instances and of the
image is carried out as it stands; the proposals then follow the one rule of `core.proposals`.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from maskgui.core.detections import DETECTION_RADIX, Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Entity, ImageRecord, Instance
from maskgui.core.proposals import propose

THRESHOLDS = frozenset({"threshold", "mask_threshold"})


def is_of_another_run(edit: Edit, run: int | None) -> bool:
    """Whether an edit of one image speaks of proposals, and not of this run's alone.

    A slider moved over a gap in the scores names no proposal, and so counts as any run's.
    """
    if len(edit.images()) != 1 or _comes_or_goes(edit):
        return False
    sides = [side for change in edit.changes for side in (change.before, change.after)]
    runs = {one for side in sides if (one := _run_behind(side)) is not None}
    return runs - {run} != set() if runs else _moves_slider(edit)


def on_present_run(
    edit: Edit,
    record: ImageRecord,
    instances: Iterable[Instance],
    detections: Detections,
    mapping: Mapping[str, int | None],
    new_id: Callable[[], int],
) -> Edit:
    """Return the edit with its proposals as the rule has them for the present detections.

    `edit` has its image record brought up to date already; where it names an instance of the
    person's that has changed since, it still does, for `Document.apply` to refuse.
    """
    from maskgui.maskrcnn import vectorize

    now = {one.id: one for one in instances}
    after_record = record
    own: list[Change] = []
    for change in edit.changes:
        if isinstance(change.after, ImageRecord):
            after_record = change.after
            continue
        kept = Change(_unless_proposal(change.before), _unless_proposal(change.after))
        if kept.before is not None or kept.after is not None:
            own.append(kept)
        if isinstance(change.entity, Instance):
            _put(now, kept)
    size = (record.height, record.width)
    cut = after_record.mask_threshold
    follow = propose(
        msgspec.structs.replace(after_record, mask_threshold=record.mask_threshold),
        list(now.values()),
        detections,
        mapping,
        after_record.threshold,
        lambda index: vectorize.shapes(detections, [index], cut, image_size=size)[0],
        new_id,
        mask_threshold=cut,
    )
    for change in follow.changes if follow else ():
        if isinstance(change.after, ImageRecord):
            after_record = change.after
        else:
            own.append(change)
    if after_record != record:
        own.append(Change(record, after_record))
    return Edit(edit.label, edit.image_id, tuple(own))


def _moves_slider(edit: Edit) -> bool:
    for change in edit.changes:
        before, after = change.before, change.after
        if isinstance(before, ImageRecord) and isinstance(after, ImageRecord):
            return any(getattr(before, name) != getattr(after, name) for name in THRESHOLDS)
    return False


def _comes_or_goes(edit: Edit) -> bool:
    """Whether the image itself is added or removed."""
    records = [change for change in edit.changes if isinstance(change.entity, ImageRecord)]
    return any(change.before is None or change.after is None for change in records)


def _run_behind(side: Entity | None) -> int | None:
    """Return the run that a proposal is of, None for anything else."""
    if not isinstance(side, Instance) or side.touched or side.detection is None:
        return None
    return side.detection // DETECTION_RADIX


def _unless_proposal(side: Entity | None) -> Entity | None:
    return side if _run_behind(side) is None else None


def _put(now: dict[int, Instance], change: Change) -> None:
    if isinstance(change.before, Instance):
        now.pop(change.before.id, None)
    if isinstance(change.after, Instance):
        now[change.after.id] = change.after
