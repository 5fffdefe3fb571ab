"""Punch a hole: click the outline of what an instance does not cover."""

from maskgui.tools.areas import NOTHING_TAKEN, take_from
from maskgui.tools.base import Response, Scene
from maskgui.tools.picking import editable
from maskgui.tools.polygon import Points, PolygonTool
from maskgui.tools.shaping import outline


class PunchTool(PolygonTool):
    """A polygon that is taken from the selected instances, else from the smallest one there."""

    name = "punch"
    title = "Hole"

    def complete(self, points: Points, scene: Scene) -> Response:
        """Take the outline's area away in one edit."""
        area = outline(points, *scene.size)
        targets = editable(scene)
        if not scene.selection:
            x, y = points[0]
            found = (scene.instance(one) for one in scene.hits.bodies_at(x, y))
            targets = [one for one in found if one is not None and not scene.locked(one.id)][:1]
        if not targets:
            return self.answer(scene, status=NOTHING_TAKEN)
        return take_from(self, targets, area, "Punch a hole", scene)
