"""Which detections are shown as proposals: one rule for the slider, a new run and a restart.

The proposals of an image are exactly the detections at or above its score threshold whose
category is mapped to one of the project's and on which no person has left a mark. Where the map's
category was merged into another one, those that stand there stay until the model is mapped anew.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from maskgui.core.detections import DETECTION_RADIX, Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, ImageRecord, Instance, Mark
from maskgui.core.shape import Shape

MARK_IOU = 0.5
"""A mark of an older run speaks of a detection whose box overlaps its own by this IoU."""


def propose(
    image: ImageRecord,
    instances: Sequence[Instance],
    detections: Detections,
    mapping: Mapping[str, int | None],
    threshold: float,
    shape_of: Callable[[int], Shape],
    new_id: Callable[[], int],
    *,
    mask_threshold: float | None = None,
    label: str = "Update proposals",
) -> Edit | None:
    """Return the edit after which the image's proposals follow the rule; None when they do.

    `instances` are all of the image, `mapping` leads from the model's category names to category
    ids (None: ignored; missing: proposals that stand keep theirs, no others come), `shape_of`
    outlines the detection at an index. Outlines of proposals that stay are made anew only where
    `mask_threshold` is given and differs from the image's. Persons' instances are not touched; a
    proposal that stays keeps its id.
    """
    marks = carry_marks(image.marks, detections)
    standing = {one.detection: one.category_id for one in instances if one.is_proposal}
    wanted = _wanted(detections, mapping, threshold, marks, standing)
    recut = mask_threshold is not None and mask_threshold != image.mask_threshold
    changes = []
    for instance in instances:
        if not instance.is_proposal:
            continue
        index = wanted.pop(instance.detection or 0, None)
        after = None
        if index is not None:
            shape = shape_of(index) if recut else instance.shape
            category_id = mapping.get(detections.category_of(index), instance.category_id)
            after = msgspec.structs.replace(instance, category_id=category_id, shape=shape)
        if after is not None and not after.shape.parts:
            after = None
        if after != instance:
            changes.append(Change(instance, after))
    order = 1 + max((one.order for one in instances), default=-1)
    for index in sorted(wanted.values(), reverse=True):  # the best score comes to lie on top
        new = _proposal(image, detections, mapping, index, shape_of(index), order)
        if new.shape.parts:
            changes.append(Change(None, msgspec.structs.replace(new, id=new_id())))
            order += 1
    after_image = msgspec.structs.replace(
        image,
        threshold=threshold,
        mask_threshold=image.mask_threshold if mask_threshold is None else mask_threshold,
        marks=marks,
    )
    if after_image != image:
        changes.append(Change(image, after_image))
    return Edit(label, image.id, tuple(changes)) if changes else None


def present(
    mapping: Mapping[str, int | None] | None, categories: Iterable[Category]
) -> dict[str, int | None]:
    """Return a category map without what leads to categories that are gone; empty for no map."""
    ids = {one.id for one in categories}
    return {name: one for name, one in (mapping or {}).items() if one is None or one in ids}


def carry_marks(marks: Sequence[Mark], detections: Detections) -> tuple[Mark, ...]:
    """Return the marks with those of older runs moved to the detections they speak of.

    One mark speaks of one detection: of the same model category, with a box IoU of at least
    MARK_IOU, the best overlap first. A mark that finds none keeps waiting for a later run.
    """
    taken = {_index_in(mark.detection, detections) for mark in marks}
    older = [at for at, mark in enumerate(marks) if _index_in(mark.detection, detections) is None]
    pairs = []
    for at in older:
        overlaps = _box_iou(np.array(marks[at].box, np.float64), detections.boxes)
        for index in np.flatnonzero(overlaps >= MARK_IOU).tolist():
            if detections.category_of(index) == marks[at].category:
                pairs.append((-float(overlaps[index]), at, index))
    carried = list(marks)
    moved: set[int] = set()
    for _, at, index in sorted(pairs):
        if at not in moved and index not in taken:
            carried[at] = msgspec.structs.replace(marks[at], detection=detections.id_of(index))
            moved.add(at)
            taken.add(index)
    return tuple(carried)


def _wanted(
    detections: Detections,
    mapping: Mapping[str, int | None],
    threshold: float,
    marks: Sequence[Mark],
    standing: Mapping[int | None, int],
) -> dict[int, int]:
    """Return detection id -> index of those that shall be proposed.

    standing: detection id -> category id of the proposals there are.
    """
    marked = {mark.detection for mark in marks}
    chosen = np.flatnonzero(detections.scores >= np.float32(threshold)).tolist()
    return {
        detections.id_of(index): index
        for index in chosen
        if detections.id_of(index) not in marked
        and mapping.get(detections.category_of(index), standing.get(detections.id_of(index)))
        is not None
    }


def _proposal(
    image: ImageRecord,
    detections: Detections,
    mapping: Mapping[str, int | None],
    index: int,
    shape: Shape,
    order: int,
) -> Instance:
    category_id = mapping[detections.category_of(index)]
    if category_id is None:
        raise ValueError("a detection of an ignored category cannot be proposed")
    return Instance(
        id=0,
        image_id=image.id,
        category_id=category_id,
        shape=shape,
        order=order,
        touched=False,
        detection=detections.id_of(index),
        score=float(detections.scores[index]),
    )


def _index_in(detection_id: int, detections: Detections) -> int | None:
    """Return the index of a detection in this run, None when it is of another."""
    run, index = divmod(detection_id, DETECTION_RADIX)
    return index if run == detections.run and index < len(detections) else None


def _box_iou(box: NDArray[np.float64], boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the IoU of one box with N x 4 boxes (x0 y0 x1 y1), N float64."""
    others = boxes.astype(np.float64)
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    together = np.prod(box[2:] - box[:2]) + areas - shared
    overlaps: NDArray[np.float64] = np.divide(
        shared, together, out=np.zeros_like(shared), where=together > 0
    )
    return overlaps
