"""Which instance lies on which: moving some of an image's instances up or down in its pile."""

import enum
from collections.abc import Collection, Sequence

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.core.detections import Detections
from maskgui.core.document import Change, Edit
from maskgui.core.edits import replace_instances
from maskgui.core.entities import ImageRecord, Instance


class Way(enum.StrEnum):
    """Where instances go in the pile."""

    FRONT = "front"
    BACK = "back"
    FORWARD = "forward"
    BACKWARD = "backward"


LABELS = {
    Way.FRONT: "Bring to the front",
    Way.BACK: "Send to the back",
    Way.FORWARD: "Bring forward",
    Way.BACKWARD: "Send backward",
}


def arrange(
    instances: Sequence[Instance],
    chosen: Collection[int],
    way: Way,
    image: ImageRecord,
    detections: Detections | None,
) -> Edit | None:
    """Return the edit that moves the chosen of an image's instances, None when none would move.

    FORWARD and BACKWARD pass the next instance whose box meets that of a chosen one. The chosen
    become the person's; others whose number changes stay what they are.
    """
    pile = sorted(instances, key=_place)
    order = _ends(pile, chosen, way) if way in (Way.FRONT, Way.BACK) else _steps(pile, chosen, way)
    pairs = [(one, _at(one, order.get(one.id, one.order))) for one in pile]
    if sorted((after for _, after in pairs), key=_place) == [after for _, after in pairs]:
        return None
    own = [pair for pair in pairs if pair[0].id in chosen]
    others = tuple(Change(*pair) for pair in pairs if pair[0].id not in chosen and _moves(*pair))
    edit = replace_instances(own, LABELS[way], image, detections)
    return Edit(edit.label, edit.image_id, (*edit.changes, *others))


def _place(instance: Instance) -> tuple[int, int]:
    return instance.order, instance.id


def _moves(before: Instance, after: Instance) -> bool:
    return before.order != after.order


def _at(instance: Instance, order: int) -> Instance:
    return msgspec.structs.replace(instance, order=order)


def _ends(pile: Sequence[Instance], chosen: Collection[int], way: Way) -> dict[int, int]:
    """Return the chosen ones' numbers above or below all others; nothing when they are there."""
    own = [one for one in pile if one.id in chosen]
    there = pile[-len(own) :] if way is Way.FRONT else pile[: len(own)]
    if [one.id for one in own] == [one.id for one in there]:
        return {}
    first = pile[-1].order + 1 if way is Way.FRONT else pile[0].order - len(own)
    return {one.id: first + place for place, one in enumerate(own)}


def _steps(pile: Sequence[Instance], chosen: Collection[int], way: Way) -> dict[int, int]:
    """Return everyone's number after each chosen one passed its next neighbour."""
    order = list(pile) if way is Way.FORWARD else list(pile)[::-1]
    own = [at for at, one in enumerate(order) if one.id in chosen]
    places = np.arange(len(order))  # where each goes, by where it was
    for at, near in zip(reversed(own), reversed(_neighbours(order, own)), strict=True):
        above = near[places[near] > at]  # it has not moved yet: all before were above it
        if len(above):
            first = above[np.argmin(places[above])]
            if order[first].id not in chosen:
                to = places[first]
                places[(places > at) & (places <= to)] -= 1
                places[at] = to
    order = [order[at] for at in np.argsort(places).tolist()]
    if way is Way.BACKWARD:
        order.reverse()
    numbers = [one.order for one in pile]
    for place in range(1, len(numbers)):  # equal numbers are told apart
        numbers[place] = max(numbers[place], numbers[place - 1] + 1)
    return {one.id: number for one, number in zip(order, numbers, strict=True)}


def _neighbours(order: Sequence[Instance], own: Sequence[int]) -> list[NDArray[np.intp]]:
    """Return for each place of `own` the places whose boxes meet that one's."""
    if not own:
        return []
    boxes = np.array([one.shape.bounds for one in order])
    areas = shapely.box(*boxes.T)
    asked, found = shapely.STRtree(areas).query(areas[own])
    one, other = boxes[own][asked], boxes[found]
    met = (one[:, :2] < other[:, 2:]).all(axis=1) & (other[:, :2] < one[:, 2:]).all(axis=1)
    asked, found = asked[met], found[met]
    found = found[np.argsort(asked, kind="stable")]
    return np.split(found, np.cumsum(np.bincount(asked, minlength=len(own)))[:-1])
