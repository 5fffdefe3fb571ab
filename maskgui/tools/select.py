"""Select and move: click, rubber band, Ctrl+drag; single vertices of what is under the pointer."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from maskgui.core.entities import Instance
from maskgui.tools.adding import vertex_added, vertices_removed, with_shared
from maskgui.tools.base import (
    EdgeRef,
    Key,
    Look,
    Modifiers,
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
    MoveVertices,
    Outcome,
    Reshape,
    VertexRules,
    dragging,
)
from maskgui.tools.picking import (
    band_between,
    bodies,
    editable,
    instances_in,
    instances_within,
    is_there,
    nearest_edge,
    nearest_vertex,
)
from maskgui.tools.pointing import PointingTool
from maskgui.tools.tracing import Points

ROOMY = 40.0
"""Screen pixels: sides of the smallest instance whose vertices can be dragged here."""
ADDS = frozenset({"alt"})
REMOVES = frozenset({"alt", "shift"})
"""What is held to add or delete a vertex by a click: the keys of labelme."""

Ref = TypeVar("Ref", VertexRef, EdgeRef)


class SelectTool(PointingTool):
    """Selects and moves whole instances; single vertices can be dragged, added and deleted too.

    They are those of the selected instances, else of the one under the pointer.
    """

    name = "select"

    def __init__(self, rules: VertexRules | None = None) -> None:
        super().__init__()
        self.rules = rules or VertexRules()
        self.hovered: int | None = None
        self.vertex: VertexRef | None = None
        self.edge: EdgeRef | None = None

    def hover(self, pointer: Pointer, scene: Scene) -> None:
        """The smallest body, and the vertex or edge that a drag or click would take."""
        hits = bodies(scene, pointer)
        self.hovered = hits[0] if hits else None
        self.vertex = self.edge = None
        if pointer.modifiers == ADDS:
            self.edge = self._near(nearest_edge, pointer, scene)
        elif pointer.modifiers == REMOVES:
            self.vertex = self._near(nearest_vertex, pointer, scene)
        elif not pointer.modifiers:
            self.vertex = _roomy(self._near(nearest_vertex, pointer, scene), pointer, scene)

    def idle_look(self, scene: Scene) -> Look:
        """What a click or drag would do here."""
        self.vertex = self.vertex if self.vertex and is_there(self.vertex, scene) else None
        self.edge = self.edge if self.edge and is_there(self.edge, scene) else None
        modifiers = self.at.modifiers if self.at else frozenset()
        doomed = self.vertex is not None and modifiers == REMOVES
        overlay = Overlay(self.hovered, self.vertex, self.edge, doomed=doomed)
        if doomed:
            return Look("remove", overlay, "Vertex: click deletes it")
        if self.vertex is not None:
            return Look("vertex", overlay, "Vertex: drag moves it, Alt+Shift+click deletes it")
        if self.edge is not None:
            return Look("add", overlay, "Edge: click adds a vertex, drag lassoes instances")
        return self._body_look(overlay, modifiers, scene)

    def _body_look(self, overlay: Overlay, modifiers: Modifiers, scene: Scene) -> Look:
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
        if self.vertex and not start.modifiers and is_there(self.vertex, scene):
            return dragging(frozenset({self.vertex}), start, scene, self.rules)
        if "alt" in start.modifiers:
            return Loop(
                start, _enclose, "Select: release to select the instances inside, Esc cancels"
            )
        if "ctrl" in start.modifiers or scene.move_freely:
            moving = self._grabbed(start, scene)
            if moving:
                return MoveInstances(moving, start)
        return Band(start, _choose, "Select: release to select the instances inside, Esc cancels")

    def click(self, pointer: Pointer, scene: Scene) -> Response:
        """Select the smallest instance here; Ctrl or Shift adds it, Ctrl also takes it out.

        With Alt an edge gets a vertex, with Alt and Shift a vertex is deleted.
        """
        if self.edge is not None and pointer.modifiers == ADDS:
            return self._add(self.edge, scene)
        if self.vertex is not None and pointer.modifiers == REMOVES:
            return self._remove(self.vertex, scene)
        hits = bodies(scene, pointer)
        chosen = frozenset(hits[:1])
        if "ctrl" in pointer.modifiers:
            chosen = scene.selection ^ chosen
        elif "shift" in pointer.modifiers:
            chosen = scene.selection | chosen
        elif self.vertex is not None and self.vertex.instance in scene.selection:
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
        """What was moved, or had a vertex moved, is selected after it."""
        gesture = self.gesture
        response = super().release(pointer, scene)
        if gesture is not None and gesture.is_gone(scene):
            return response
        if isinstance(gesture, MoveInstances):
            return replace(response, selection=frozenset(item.id for item in gesture.before))
        if isinstance(gesture, MoveVertices):
            chosen = _chosen_with(gesture.grabbed.instance, scene)
            return replace(response, selection=chosen if response.edit else None)
        return response

    def _near(self, nearest: "Nearest[Ref]", pointer: Pointer, scene: Scene) -> Ref | None:
        """Return what is near of a selected instance, else of the one under the pointer."""
        found = nearest(scene, pointer, None)
        if found is None and self.hovered is not None and not scene.locked(self.hovered):
            found = nearest(scene, pointer, {self.hovered})
        return found

    def _add(self, edge: EdgeRef, scene: Scene) -> Response:
        edit = vertex_added(with_shared(edge, scene, self.rules), scene)
        self.vertex = self.edge = None
        chosen = _chosen_with(edge.instance, scene)
        return self.answer(scene, edit=edit, selection=chosen)

    def _remove(self, vertex: VertexRef, scene: Scene) -> Response:
        edit, gone = vertices_removed(frozenset({vertex}), scene)
        self.vertex = self.edge = None
        chosen = _chosen_with(vertex.instance, scene) - gone
        return self.answer(scene, edit=edit, selection=chosen)

    def _grabbed(self, start: Pointer, scene: Scene) -> list[Instance]:
        hits = bodies(scene, start)
        if scene.selection.intersection(hits):
            return editable(scene)
        free = [scene.instance(hit) for hit in hits if not scene.locked(hit)]
        return [item for item in free[:1] if item is not None]


Nearest = Callable[[Scene, Pointer, Collection[int] | None], Ref | None]


def _chosen_with(instance_id: int, scene: Scene) -> frozenset[int]:
    """Return the selection where the instance is part of it, else the instance alone."""
    return scene.selection if instance_id in scene.selection else frozenset({instance_id})


def _roomy(vertex: VertexRef | None, pointer: Pointer, scene: Scene) -> VertexRef | None:
    """Leave small instances to be moved as a whole: their vertices would cover all of them."""
    owner = scene.instance(vertex.instance) if vertex is not None else None
    if owner is None:
        return None
    x0, y0, x1, y1 = owner.shape.bounds
    return vertex if min(x1 - x0, y1 - y0) * pointer.scale >= ROOMY else None


def _choose(start: Pointer, end: Pointer, scene: Scene) -> Outcome:
    return _selected(start, instances_in(scene, band_between(start, end)), scene)


def _enclose(start: Pointer, loop: Points, scene: Scene) -> Outcome:
    return _selected(start, instances_within(scene, loop), scene)


def _selected(start: Pointer, found: frozenset[int], scene: Scene) -> Outcome:
    adds = start.modifiers & {"ctrl", "shift"}
    return Outcome(selection=scene.selection | found if adds else found)
