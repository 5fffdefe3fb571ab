"""What is done to selected instances at once, each in one edit, without a gesture.

Every command takes the scene and answers as a tool would: with an edit and the new selection, or
with nothing but a status that says why nothing was done.
"""

from collections.abc import Callable, Sequence

from maskgui.core.booleans import (
    area_of,
    fill_holes,
    intersection,
    meet,
    pieces,
    uncovered,
    union,
    without,
)
from maskgui.core.document import Edit
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import Response, Scene
from maskgui.tools.commit import combined, divided
from maskgui.tools.picking import editable

TWO_NEEDED = "Select two instances or more first"
ONE_NEEDED = "Select an instance first"
NOTHING_OVERLAPS = "No instances overlap there: nothing was changed"


def join(scene: Scene) -> Response:
    """Make one instance of the selected ones: the largest, with the areas of all.

    Those that do not touch become parts of it.
    """
    chosen = editable(scene)
    if len(chosen) < 2:
        return Response(status=TWO_NEEDED)
    return _merged("Join", chosen, union(*(one.shape for one in chosen)), scene)


def intersect(scene: Scene) -> Response:
    """Make one instance of what all selected ones cover: the largest keeps it."""
    chosen = editable(scene)
    if len(chosen) < 2:
        return Response(status=TWO_NEEDED)
    common = intersection(*(one.shape for one in chosen))
    if not common.parts:
        return Response(status="The selected instances have nothing in common")
    return _merged("Intersect", chosen, common, scene)


def split(scene: Scene) -> Response:
    """Make an instance of every piece of the selected ones; the largest stays what it was."""
    found = [(one, pieces(one.shape)) for one in editable(scene)]
    several = [(one, parts) for one, parts in found if len(parts) > 1]
    if not several:
        return Response(status="Select an instance of several parts first")
    edit, new = divided("Split parts", several, scene)
    return _done(edit, scene.selection | new)


def subtract(scene: Scene) -> Response:
    """Take the selected instances' area from all others that are shown and not locked."""
    chosen = [one for one in scene.instances() if one.id in scene.selection]
    if not chosen:
        return Response(status=ONE_NEEDED)
    taken = union(*(one.shape for one in chosen))
    others = [
        one
        for one in scene.instances()
        if one.id not in scene.selection and not scene.locked(one.id) and meet(one.shape, taken)
    ]
    left = without([one.shape for one in others], taken)
    live = [(one, shape) for one, shape in zip(others, left, strict=True) if shape is not one.shape]
    return _cut("Subtract from neighbours", live, scene)


def remove_overlap(scene: Scene) -> Response:
    """Take from each instance what those above it cover.

    Among the selected ones, or among all that are shown when fewer than two are selected. Locked
    instances keep their area.
    """
    every = list(scene.instances())
    if not every:
        return Response(status=NOTHING_OVERLAPS)
    chosen = [one for one in every if one.id in scene.selection]
    stack = chosen if len(chosen) > 1 else every
    left = uncovered([one.shape for one in stack])
    live = [
        (one, shape)
        for one, shape in zip(stack, left, strict=True)
        if shape is not one.shape and not scene.locked(one.id)
    ]
    return _cut("Remove overlap", live, scene)


def fill(scene: Scene) -> Response:
    """Fill the holes of the selected instances."""
    chosen = [one for one in editable(scene) if any(part.holes for part in one.shape.parts)]
    if not chosen:
        return Response(status="Select an instance with holes first")
    live = [(one, fill_holes(one.shape)) for one in chosen]
    return _done(combined("Fill holes", scene, reshape=live), scene.selection)


COMMANDS: dict[str, Callable[[Scene], Response]] = {
    "join": join,
    "split": split,
    "subtract": subtract,
    "intersect": intersect,
    "remove_overlap": remove_overlap,
    "fill_holes": fill,
}
"""Every command by name."""


def _merged(label: str, chosen: Sequence[Instance], shape: Shape, scene: Scene) -> Response:
    largest = max(chosen, key=lambda one: (area_of(one.shape), -one.id))
    rest = [one for one in chosen if one is not largest]
    edit = combined(label, scene, reshape=[(largest, shape)], delete=rest)
    return _done(edit, frozenset({largest.id}))


def _cut(label: str, live: Sequence[tuple[Instance, Shape]], scene: Scene) -> Response:
    """Answer for instances that lose area; one that would lose all of it is left as it is."""
    kept = [(one, shape) for one, shape in live if shape.parts]
    covered = len(live) - len(kept)
    edit = combined(label, scene, reshape=kept)
    if not live:
        return Response(status=NOTHING_OVERLAPS)
    if covered:
        words = "1 instance is" if covered == 1 else f"{covered} instances are"
        return Response(edit=edit, status=f"{label}: {words} covered wholly and left as before")
    return _done(edit, scene.selection)


def _done(edit: Edit | None, selection: frozenset[int]) -> Response:
    return Response(edit=edit, selection=selection)
