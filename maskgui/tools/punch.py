"""Punch a hole: click the outline of what an instance does not cover."""

from maskgui.tools.areas import NOTHING_TAKEN, lost, take_from
from maskgui.tools.base import Pointer, Response, Scene
from maskgui.tools.picking import Aim, aimed, editable
from maskgui.tools.polygon import Points, PolygonTool
from maskgui.tools.shaping import outline


class PunchTool(PolygonTool):
    """A polygon that is taken from the selected instances, else from the smallest one there."""

    name = "punch"
    title = "Hole"

    def __init__(self) -> None:
        super().__init__()
        self.aim: Aim = None

    def cancel(self) -> None:
        """Drop the draft; one that is taken up again is for what lies under it."""
        super().cancel()
        self.aim = None

    def press(self, pointer: Pointer, scene: Scene) -> Response:
        """Set a vertex, or close; what is selected at the first one is what the hole is for."""
        if not self.busy:
            self.aim = aimed(scene)
        return super().press(pointer, scene)

    def complete(self, points: Points, scene: Scene) -> Response:
        """Take the outline's area away in one edit."""
        area = outline(points, *scene.size)
        aim = aimed(scene) if scene.selection else self.aim  # chosen anew meanwhile, in the list
        if aim is None:
            under = scene.hits.bodies_at(*points[0])
            aim = frozenset([one for one in under if not scene.locked(one)][:1])
            if not aim:
                return self.answer(scene, status=NOTHING_TAKEN)
        targets = editable(scene, aim)
        if not targets:
            return self.answer(scene, status=lost(aim))
        return take_from(self, targets, area, "Punch a hole", scene)
