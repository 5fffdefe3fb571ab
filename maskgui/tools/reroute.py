"""Draw a new course for a piece of an outline."""

import numpy as np

from maskgui.core.courses import rerouted
from maskgui.core.hit import nearest_on_ring
from maskgui.tools.base import EdgeRef, Look, Overlay, Pointer, Response, Scene
from maskgui.tools.commit import GONE, reshaped
from maskgui.tools.picking import EDGE_REACH, editable, nearest_edge
from maskgui.tools.shaping import ring_of
from maskgui.tools.tracing import Points, TracingTool

END_REACH = 2 * EDGE_REACH
"""Screen pixels from the outline within which a course may end."""
NOWHERE = "Re-route: begin on the outline of a selected instance"


class RerouteTool(TracingTool):
    """Drag from one point of the outline to another; the piece beside the drag is replaced."""

    name = "reroute"

    def __init__(self) -> None:
        super().__init__()
        self.edge: EdgeRef | None = None

    def idle_look(self, scene: Scene) -> Look:
        """The place of the outline at which a drag would begin."""
        if not editable(scene):
            return Look("arrow", Overlay(), "Re-route: select an instance first")
        edge = nearest_edge(scene, self.at) if self.at else None
        status = "Re-route: drag from one point of the outline to another" if edge else NOWHERE
        return Look("cross", Overlay(edge=edge), status)

    def drag_status(self) -> str:
        """What a release would do."""
        return "Re-route: release on the same outline, Esc drops the course"

    def sign(self, scene: Scene) -> str:
        """It replaces a piece."""
        return "add"

    def obstacle(self, pointer: Pointer, scene: Scene) -> str:
        """The drag must begin on an outline."""
        self.edge = nearest_edge(scene, pointer)
        return "" if self.edge else NOWHERE

    def complete(self, way: Points, pointer: Pointer, scene: Scene) -> Response:
        """Replace the piece beside the way."""
        edge, self.edge = self.edge, None
        if edge is None or len(way) < 2:
            return self.answer(scene, status=NOWHERE)
        target = next(iter(editable(scene, {edge.instance})), None)
        ring = ring_of(target.shape, edge) if target else None
        if target is None or ring is None:
            return self.answer(scene, status=GONE)
        _, x, y = nearest_on_ring(ring, *way[-1])
        if np.hypot(x - way[-1, 0], y - way[-1, 1]) * pointer.scale > END_REACH:
            return self.answer(scene, status="Re-route: end on the outline where it began")
        course = rerouted(ring, way)
        if len(course) < 3:
            return self.answer(scene, status="Re-route: the course replaces nothing")
        shape = target.shape.with_ring(edge.part, edge.ring, course)
        edit = reshaped([target], {target.id: shape}, "Re-route", scene)
        return self.answer(scene, edit=edit)
