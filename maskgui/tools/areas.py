"""What the tools that add or take an area have in common: which instances it is for."""

from collections.abc import Sequence

from maskgui.core.booleans import union, without
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import Response, Scene, Tool
from maskgui.tools.commit import reshaped
from maskgui.tools.drawing import NOTHING_DRAWN, new_instance
from maskgui.tools.picking import editable
from maskgui.tools.shaping import settle

ONE_ONLY = "Several instances are selected: select the one to add to"
ALL_LOCKED = "The selected instances are locked: unlock one to change it"
NONE_SELECTED = "Nothing is selected: select the instance to take from"
NOTHING_TAKEN = "That touches no selected instance: nothing was changed"
ALL_TAKEN = "Nothing would be left of the instance: delete it with Delete instead"
NOTHING_ADDED = "The instance covers that already: nothing was changed"


def apply_area(tool: Tool, area: Shape, adds: bool, label: str, scene: Scene) -> Response:
    """Answer for an area (valid, image coordinates) that a gesture ended with.

    It is added to the one selected instance, or becomes a new one when none is selected; or it is
    taken from every selected instance. The tool must be idle already.
    """
    return _add(tool, area, label, scene) if adds else _take(tool, area, label, scene)


def obstacle(adds: bool, scene: Scene) -> str:
    """Return why an area could not be added or taken now, "" when it could."""
    if len(editable(scene)) > 1:
        return ONE_ONLY if adds else ""
    if editable(scene):
        return ""
    if scene.selection:
        return ALL_LOCKED
    return "" if adds else NONE_SELECTED


def _add(tool: Tool, area: Shape, label: str, scene: Scene) -> Response:
    reason = obstacle(True, scene)
    if reason:
        return tool.answer(scene, status=reason)
    area = settle(area, *scene.size)
    if not scene.selection:
        return new_instance(tool, area, scene)
    (target,) = editable(scene)
    if not area.parts:
        return tool.answer(scene, status=NOTHING_DRAWN)
    edit = reshaped([target], {target.id: union(target.shape, area)}, label, scene)
    return tool.answer(scene, edit=edit, status=None if edit else NOTHING_ADDED)


def _take(tool: Tool, area: Shape, label: str, scene: Scene) -> Response:
    reason = obstacle(False, scene)
    if reason:
        return tool.answer(scene, status=reason)
    return take_from(tool, editable(scene), area, label, scene)


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
