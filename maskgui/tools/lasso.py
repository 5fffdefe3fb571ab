"""Draw a loop by hand: a new outline, or an area to add to an instance or to take from it."""

from maskgui.tools.areas import apply_area, obstacle
from maskgui.tools.base import Look, Overlay, Pointer, Response, Scene
from maskgui.tools.drawing import finish
from maskgui.tools.shaping import outline
from maskgui.tools.tracing import Points, TracingTool

TOO_SHORT = "drag a loop: a click alone encloses nothing"


class FreehandTool(TracingTool):
    """A loop becomes a new instance."""

    name = "freehand"
    closed = True

    def idle_look(self, scene: Scene) -> Look:
        """Nothing is drawn yet."""
        return Look("cross", Overlay(), "Freehand: drag around the object")

    def drag_status(self) -> str:
        """What a release would do."""
        return "Freehand: release closes the outline, Esc drops it"

    def complete(self, way: Points, pointer: Pointer, scene: Scene) -> Response:
        """Make an instance of the loop."""
        if len(way) < 3:
            return self.answer(scene, status=f"Freehand: {TOO_SHORT}")
        return finish(self, way, scene)


class LassoAddTool(TracingTool):
    """A loop is joined to the selected instance; with none selected it becomes one."""

    name = "lasso_add"
    adds = True
    closed = True

    def idle_look(self, scene: Scene) -> Look:
        """Nothing is drawn yet."""
        if self.adds:
            where = "to add to the selected instance" if scene.selection else "for a new instance"
        else:
            where = "to cut from the selected instances"
        status = obstacle(self.adds, scene) or f"Lasso: drag a loop {where}"
        return Look("cross", Overlay(), status)

    def drag_status(self) -> str:
        """What a release would do."""
        return f"Lasso: release {'adds' if self.adds else 'cuts off'} the loop, Esc drops it"

    def sign(self, scene: Scene) -> str:
        """Shown as what it does."""
        return "add" if self.adds else "remove"

    def obstacle(self, pointer: Pointer, scene: Scene) -> str:
        """There must be an instance to work on."""
        return obstacle(self.adds, scene)

    def complete(self, way: Points, pointer: Pointer, scene: Scene) -> Response:
        """Add or cut in one edit."""
        if len(way) < 3:
            return self.answer(scene, status=f"Lasso: {TOO_SHORT}")
        label = "Add with lasso" if self.adds else "Cut with lasso"
        area = outline(way, *scene.size)
        return apply_area(self, area, self.adds, label, scene, self.aim)


class LassoSubtractTool(LassoAddTool):
    """A loop is cut from the selected instances."""

    name = "lasso_subtract"
    adds = False
