"""The edits that tools make: several instances changed in one step of the history."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from maskgui.core.document import Change, Edit
from maskgui.core.edits import add_instances, copied, delete_instances, replace_instances
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import Scene
from maskgui.tools.shaping import settle_all

GONE = "The instance was deleted, hidden, locked or changed meanwhile: nothing was done"


def is_gone(before: Collection[Instance], scene: Scene) -> bool:
    """Whether none of the instances that a gesture began with is still what it was."""
    return bool(before) and not any(_is_same(one, scene) for one in before)


def _is_same(instance: Instance, scene: Scene) -> bool:
    return scene.instance(instance.id) == instance and not scene.locked(instance.id)


def reshaped(
    before: Iterable[Instance],
    live: Mapping[int, Shape],
    label: str,
    scene: Scene,
    *,
    delete_empty: bool = False,
) -> Edit | None:
    """Return one edit that gives instances their new outlines, settled inside the image.

    An instance whose outline did not change or that is locked or no longer what the gesture began
    with is left alone; so is one whose new outline covers nothing, unless `delete_empty`. None when
    nothing is left to do.
    """
    held = [one for one in before if _is_same(one, scene)]
    settled = settle_all([live[one.id] for one in held], *scene.size)
    pairs: list[tuple[Instance, Shape]] = []
    emptied: list[Instance] = []
    for instance, shape in zip(held, settled, strict=True):
        if shape == instance.shape:
            continue
        if shape.parts:
            pairs.append((instance, shape))
        elif delete_empty:
            emptied.append(instance)
    return combined(label, scene, reshape=pairs, delete=emptied)


def combined(
    label: str,
    scene: Scene,
    *,
    reshape: Sequence[tuple[Instance, Shape]] = (),
    delete: Sequence[Instance] = (),
    add: Sequence[Instance] = (),
) -> Edit | None:
    """Return one edit that gives instances other outlines, deletes some and adds some.

    The shapes must be settled already and not empty. None when there is nothing to do.
    """
    image, found = scene.image, scene.detections()
    replaced = [(one, msgspec.structs.replace(one, shape=shape)) for one, shape in reshape]
    first = replace_instances(replaced, label, image, found)
    second = delete_instances(delete, _record_after(first, image), found)
    changes = (*first.changes, *second.changes, *(Change(None, one) for one in add))
    return Edit(label, image.id, changes) if changes else None


def divided(
    label: str, cut: Sequence[tuple[Instance, Sequence[Shape]]], scene: Scene
) -> tuple[Edit | None, frozenset[int]]:
    """Return one edit by which instances keep the first of their pieces and the others become new
    ones, and the ids of these."""
    new = [
        copied(one, scene.new_id(), one.image_id, shape=piece)
        for one, pieces in cut
        for piece in pieces[1:]
    ]
    kept = [(one, pieces[0]) for one, pieces in cut]
    edit = combined(label, scene, reshape=kept, add=new)
    return edit, frozenset(one.id for one in new)


def deleted(instances: Iterable[Instance], scene: Scene) -> Edit | None:
    """Return one edit that deletes instances, None when there are none."""
    doomed = list(instances)
    return delete_instances(doomed, scene.image, scene.detections()) if doomed else None


def added(shape: Shape, category_id: int, scene: Scene) -> tuple[Edit, Instance]:
    """Return the edit that adds a drawn shape on top of the others, and the instance."""
    instance = Instance(scene.new_id(), scene.image.id, category_id, shape, scene.top + 1)
    return add_instances([instance], "Draw instance"), instance


def _record_after(edit: Edit, image: ImageRecord) -> ImageRecord:
    for change in edit.changes:
        if isinstance(change.after, ImageRecord) and change.after.id == image.id:
            image = change.after
    return image
