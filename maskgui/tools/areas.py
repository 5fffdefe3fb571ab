"""What the tools that add or take an area have in common: which instances it is for."""

from collections.abc import Sequence

from maskgui.core.booleans import union, without
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import Response, Scene, Tool
from maskgui.tools.commit import GONE, reshaped
from maskgui.tools.drawing import NOTHING_DRAWN, new_instance
from maskgui.tools.picking import Aim, editable
from maskgui.tools.shaping import settle

ONE_ONLY = "Several instances are selected: select the one to add to"
ALL_LOCKED = "The selected instances are locked: unlock one to change it"
NONE_SELECTED = "Nothing is selected: select the instance to take from"
NOTHING_TAKEN = "That touches no selected instance: nothing was changed"
ALL_TAKEN = "Nothing would be left of the instance: delete it with Delete instead"
NOTHING_ADDED = "The instance covers that already: nothing was changed"


def apply_area(tool: Tool, area: Shape, adds: bool, label: str, scene: Scene, aim: Aim) -> Response:
    """Answer for an area (valid, image coordinates) that a gesture ended with.

    It is added to the one instance that the gesture was for, or becomes a new one when nothing was
    selected; or it is taken from every instance it was for. What is gone since gets nothing, and
    nothing else in its place. The tool must be idle already.
    """
    targets = editable(scene, aim or ())
    if not targets and aim is not None:
        return tool.answer(scene, status=lost(aim))
    if not adds:
        return take_from(tool, targets, area, label, scene)
    if len(targets) > 1:
        return tool.answer(scene, status=ONE_ONLY)
    return _add(tool, targets, area, label, scene)


def lost(aim: frozenset[int]) -> str:
    """Return why nothing of what a gesture was for can be changed."""
    return GONE if aim else ALL_LOCKED


def obstacle(adds: bool, scene: Scene) -> str:
    """Return why an area could not be added or taken now, "" when it could."""
    if len(editable(scene)) > 1:
        return ONE_ONLY if adds else ""
    if editable(scene):
        return ""
    if scene.selection:
        return ALL_LOCKED
    return "" if adds else NONE_SELECTED


def _add(
    tool: Tool, targets: Sequence[Instance], area: Shape, label: str, scene: Scene
) -> Response:
    area = settle(area, *scene.size)
    if not targets:
        return new_instance(tool, area, scene)
    (target,) = targets
    if not area.parts:
        return tool.answer(scene, status=NOTHING_DRAWN)
    edit = reshaped([target], {target.id: union(target.shape, area)}, label, scene)
    return tool.answer(scene, edit=edit, status=None if edit else NOTHING_ADDED)


def take_from(
    tool: Tool, instances: Sequence[Instance], area: Shape, label: str, scene: Scene
) -> Response:
    """Answer for an area that is taken from those of some instances that it touches."""
    left = zip(instances, without([one.shape for one in instances], area), strict=True)
    live = {one.id: shape for one, shape in left if shape is not one.shape}
    if not live:
        return tool.answer(scene, status=NOTHING_TAKEN)
    edit = reshaped([one for one in instances if one.id in live], live, label, scene)
    return tool.answer(scene, edit=edit, status=None if edit else ALL_TAKEN)
