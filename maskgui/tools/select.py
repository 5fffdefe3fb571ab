"""Select and move: click, rubber band, Ctrl+drag."""

from dataclasses import replace

from maskgui.core.entities import Instance
from maskgui.tools.base import (
    Key,
    Look,
    Overlay,
    Pointer,
    Response,
    Scene,
    VertexRef,
)
from maskgui.tools.commit import deleted
from maskgui.tools.gestures import (
    Band,
    Gesture,
    Loop,
    MoveInstances,
    Outcome,
    Reshape,
    VertexRules,
    dragging,
)
from maskgui.tools.picking import band_between, bodies, editable, instances_in, nearest_vertex
from maskgui.tools.pointing import PointingTool

ROOMY = 40.0
"""Screen pixels: sides of the smallest instance whose vertices can be dragged here."""


class SelectTool(PointingTool):
    """Selects and moves whole instances; the vertices of a selected one can be dragged too."""

    name = "select"

    def __init__(self, rules: VertexRules | None = None) -> None:
        super().__init__()
        self.rules = rules or VertexRules()
        self.hovered: int | None = None
        self.vertex: VertexRef | None = None

    def hover(self, pointer: Pointer, scene: Scene) -> None:
        """The vertex of a selected instance first, then the smallest body."""
        self.vertex = None
        if not pointer.modifiers:
            self.vertex = _roomy(nearest_vertex(scene, pointer), pointer, scene)
        hits = bodies(scene, pointer)
        self.hovered = hits[0] if hits else None

    def idle_look(self, scene: Scene) -> Look:
        """What a click or drag would do here."""
        overlay = Overlay(hovered=self.hovered, vertex=self.vertex)
        modifiers = self.at.modifiers if self.at else frozenset()
        if self.vertex is not None:
            return Look("vertex", overlay, "Vertex: drag moves it")
        if self.hovered is None:
            status = "Select: click an instance, drag frames several, Alt+drag lassoes them"
            if scene.selection:
                status = "Select: click an empty place to deselect, arrows nudge, Delete deletes"
            return Look("arrow", overlay, status)
        if scene.locked(self.hovered):
            return Look("point", overlay, "Locked: click selects, it cannot be changed")
        if "ctrl" in modifiers or scene.move_freely:
            return Look("move", overlay, "Select: drag moves, Ctrl+click adds to the selection")
        status = "Select: click selects, double-click edits vertices, Ctrl+drag moves"
        return Look("point", overlay, status)

    def begin(self, start: Pointer, scene: Scene) -> Gesture:
        """A vertex, whole instances, a lasso, or a rubber band."""
        if self.vertex is not None and scene.instance(self.vertex.instance) is not None:
            return dragging(frozenset({self.vertex}), start, scene, self.rules)
        if "alt" in start.modifiers:
            return Loop(start)
        if "ctrl" in start.modifiers or scene.move_freely:
            moving = self._grabbed(start, scene)
            if moving:
                return MoveInstances(moving, start)
        return Band(start, _choose, "Select: release to select the instances inside, Esc cancels")

    def click(self, pointer: Pointer, scene: Scene) -> Response:
        """Select the smallest instance here; Ctrl or Shift adds it, Ctrl also takes it out."""
        hits = bodies(scene, pointer)
        chosen = frozenset(hits[:1])
        if "ctrl" in pointer.modifiers:
            chosen = scene.selection ^ chosen
        elif "shift" in pointer.modifiers:
            chosen = scene.selection | chosen
        elif self.vertex is not None:
            chosen = scene.selection
        return self.answer(scene, selection=chosen)

    def double_click(self, pointer: Pointer, scene: Scene) -> Response:
        """Go on to the vertices of the instance."""
        hits = bodies(scene, pointer)
        if not hits:
            return self.answer(scene)
        return self.answer(scene, selection=frozenset(hits[:1]), handover="vertex")

    def nudging(self, scene: Scene) -> Reshape | None:
        """The selected instances."""
        moving = editable(scene)
        return MoveInstances(moving, Pointer(0, 0)) if moving else None

    def finished(self, outcome: Outcome, scene: Scene) -> Response:
        """Pass on edit and selection."""
        return self.answer(scene, edit=outcome.edit, selection=outcome.selection)

    def key(self, key: Key, scene: Scene) -> Response:
        """Delete and Esc besides the common ones."""
        if key.name == "delete" and not self.busy and editable(scene):
            edit = deleted(editable(scene), scene)
            self.vertex = self.hovered = None
            return self.answer(scene, edit=edit, selection=frozenset())
        if key.name == "escape" and not self.busy and scene.selection:
            return self.answer(scene, selection=frozenset())
        if key.name in ("enter", "return") and len(scene.selection) == 1 and not self.busy:
            return self.answer(scene, handover="vertex")
        return super().key(key, scene)

    def release(self, pointer: Pointer, scene: Scene) -> Response:
        """A moved instance is selected after it was moved."""
        gesture = self.gesture
        response = super().release(pointer, scene)
        if isinstance(gesture, MoveInstances):
            return replace(response, selection=frozenset(item.id for item in gesture.before))
        return response

    def _grabbed(self, start: Pointer, scene: Scene) -> list[Instance]:
        hits = bodies(scene, start)
        if scene.selection.intersection(hits):
            return editable(scene)
        free = [scene.instance(hit) for hit in hits if not scene.locked(hit)]
        return [item for item in free[:1] if item is not None]


def _roomy(vertex: VertexRef | None, pointer: Pointer, scene: Scene) -> VertexRef | None:
    """Leave small instances to be moved as a whole: their vertices would cover all of them."""
    owner = scene.instance(vertex.instance) if vertex is not None else None
    if owner is None:
        return None
    x0, y0, x1, y1 = owner.shape.bounds
    return vertex if min(x1 - x0, y1 - y0) * pointer.scale >= ROOMY else None


def _choose(start: Pointer, end: Pointer, scene: Scene) -> Outcome:
    found = instances_in(scene, band_between(start, end))
    adds = start.modifiers & {"ctrl", "shift"}
    return Outcome(selection=scene.selection | found if adds else found)
