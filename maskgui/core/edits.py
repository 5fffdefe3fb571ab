"""Constructors of edits: plain functions from what is and what shall be to an `Edit`.

They also hold the rule by which a proposal becomes a person's instance: whatever a person does
to it sets `touched` and leaves a mark on its detection, so that neither the slider nor a new run
brings the object a second time.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from maskgui.core.detections import DETECTION_RADIX, Detections
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, ImageRecord, Instance, Mark, MarkKind, Review

Pair = tuple[Instance, Instance | None]
"""An instance before and after; None when it is deleted."""


def touched(instance: Instance, **changes: object) -> Instance:
    """Return the instance as the person's own, with the fields of `changes` replaced."""
    return msgspec.structs.replace(instance, **{"touched": True, "verbatim": False, **changes})


def copied(instance: Instance, new_id: int, image_id: int, **changes: object) -> Instance:
    """Return a person's copy under a new id, tied to no detection and no imported annotation."""
    fresh = {"id": new_id, "image_id": image_id, "detection": None, "score": None, "source": None}
    return touched(instance, **{**fresh, **changes})


def mark_for(detections: Detections, detection_id: int, kind: MarkKind) -> Mark:
    """Return a person's word on one detection. Raises ValueError when it is of another run."""
    run, index = divmod(detection_id, DETECTION_RADIX)
    if run != detections.run or index >= len(detections):
        raise ValueError(f"detection {detection_id} is not of run {detections.run}")
    x0, y0, x1, y1 = (float(v) for v in detections.boxes[index])
    return Mark(detection_id, kind, (x0, y0, x1, y1), detections.category_of(index))


def add_instances(instances: Sequence[Instance], label: str) -> Edit:
    """Add new instances, all of one image."""
    return Edit(label, instances[0].image_id, tuple(Change(None, one) for one in instances))


def delete_instances(
    instances: Sequence[Instance], image: ImageRecord, detections: Detections | None
) -> Edit:
    """Delete instances of an image; a proposal among them stays away from now on."""
    label = "Delete instance" if len(instances) == 1 else f"Delete {len(instances)} instances"
    return _edit(label, [(one, None) for one in instances], image, detections)


def replace_instance(
    before: Instance,
    after: Instance,
    label: str,
    image: ImageRecord,
    detections: Detections | None,
) -> Edit:
    """Put `after`, made the person's, in the place of `before`."""
    return replace_instances([(before, after)], label, image, detections)


def replace_instances(
    pairs: Sequence[tuple[Instance, Instance]],
    label: str,
    image: ImageRecord,
    detections: Detections | None,
) -> Edit:
    """Put the second of each pair, made the person's, in the place of the first."""
    return _edit(label, [(old, touched(new)) for old, new in pairs], image, detections)


def set_category(
    instances: Sequence[Instance],
    category_id: int,
    image: ImageRecord,
    detections: Detections | None,
) -> Edit:
    """Give instances of an image another category."""
    pairs: list[Pair] = [(one, touched(one, category_id=category_id)) for one in instances]
    return _edit("Change category", pairs, image, detections)


def set_crowd(
    instances: Sequence[Instance],
    iscrowd: bool,
    image: ImageRecord,
    detections: Detections | None,
) -> Edit:
    """Mark instances of an image as crowd regions, or as single objects."""
    pairs: list[Pair] = [(one, touched(one, iscrowd=iscrowd)) for one in instances]
    return _edit("Mark as crowd" if iscrowd else "Mark as single", pairs, image, detections)


def accept(
    instances: Sequence[Instance], image: ImageRecord, detections: Detections | None
) -> Edit:
    """Make the proposals among the instances the person's, as they are."""
    proposals = [one for one in instances if one.is_proposal]
    label = "Accept proposal" if len(proposals) == 1 else f"Accept {len(proposals)} proposals"
    return _edit(label, [(one, touched(one)) for one in proposals], image, detections)


def set_review(image: ImageRecord, review: Review) -> Edit:
    """Say how far the person is with an image."""
    after = msgspec.structs.replace(image, review=review)
    return Edit(f"Mark image as {review.value}", image.id, (Change(image, after),))


def add_category(category: Category) -> Edit:
    """Add a category."""
    return Edit(f"Add category “{category.name}”", None, (Change(None, category),))


def change_category(before: Category, after: Category) -> Edit:
    """Rename, recolour or move a category."""
    return Edit(f"Change category “{before.name}”", None, (Change(before, after),))


def delete_category(
    category: Category,
    instances: Sequence[Instance] = (),
    images: Mapping[int, ImageRecord] | None = None,
    detections_of: Callable[[int], Detections | None] = lambda _: None,
) -> Edit:
    """Delete a category with its instances, of whichever images."""
    changes = _over_images([(one, None) for one in instances], images or {}, detections_of)
    return Edit(f"Delete category “{category.name}”", None, (*changes, Change(category, None)))


def merge_categories(
    into: Category, others: Sequence[Category], instances: Iterable[Instance]
) -> Edit:
    """Give the instances of `others` (of all images) to `into` and drop these categories.

    This says something of the categories, not of any object: a proposal stays a proposal, and an
    imported outline is still written back as it came.
    """
    gone = {category.id for category in others}
    changes = [
        Change(one, msgspec.structs.replace(one, category_id=into.id))
        for one in instances
        if one.category_id in gone
    ]
    changes += [Change(category, None) for category in others]
    return Edit(f"Merge into “{into.name}”", None, tuple(changes))


def _edit(
    label: str, pairs: Sequence[Pair], image: ImageRecord, detections: Detections | None
) -> Edit:
    return Edit(label, image.id, tuple(_changes(pairs, image, detections)))


def _changes(
    pairs: Sequence[Pair], image: ImageRecord, detections: Detections | None
) -> list[Change]:
    """Return the changes of one image's instances, and of its marks where proposals are met."""
    changes = [Change(before, after) for before, after in pairs if before != after]
    marks = []
    for before, after in pairs:
        if before.is_proposal and before.detection is not None:
            if detections is None:
                raise ValueError("the detections behind a proposal are needed to mark it")
            kind = MarkKind.DELETED if after is None else MarkKind.TAKEN
            marks.append(mark_for(detections, before.detection, kind))
    if marks:
        after_image = msgspec.structs.replace(image, marks=(*image.marks, *marks))
        changes.append(Change(image, after_image))
    return changes


def _over_images(
    pairs: Sequence[Pair],
    images: Mapping[int, ImageRecord],
    detections_of: Callable[[int], Detections | None],
) -> list[Change]:
    by_image: dict[int, list[Pair]] = {}
    for pair in pairs:
        by_image.setdefault(pair[0].image_id, []).append(pair)
    changes = []
    for image_id, own in by_image.items():
        changes += _changes(own, images[image_id], detections_of(image_id))
    return changes
