"""Vertex mode: drag, add, delete, frame and lasso the vertices of the selected instances."""

from maskgui.tools.adding import vertex_added, vertices_removed, with_shared
from maskgui.tools.base import (
    EdgeRef,
    Key,
    Look,
    Option,
    Overlay,
    Pointer,
    Response,
    Runs,
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
    owners_of,
)
from maskgui.tools.picking import (
    band_between,
    bodies,
    editable,
    is_there,
    nearest_edge,
    nearest_vertex,
    vertices_in,
    vertices_within,
)
from maskgui.tools.pointing import PointingTool
from maskgui.tools.tracing import Points


class VertexTool(PointingTool):
    """Works on the vertices of the selected instances."""

    name = "vertex"

    def __init__(self, rules: VertexRules | None = None) -> None:
        super().__init__()
        self.vertex: VertexRef | None = None
        self.edge: EdgeRef | None = None
        self.hovered: int | None = None
        self.marked: frozenset[VertexRef] = frozenset()
        self.rules = rules or VertexRules()

    def options(self) -> tuple[Option, ...]:
        """Whether dragged vertices snap, and whether shared borders move together."""
        return (
            Option("snap", "Snap to neighbours", float(self.rules.snaps), switch=True),
            Option("shared", "Move shared borders", float(self.rules.shares), switch=True),
        )

    def set_option(self, name: str, value: float) -> None:
        """Set one of the two switches."""
        if name == "snap":
            self.rules.snaps = bool(value)
        elif name == "shared":
            self.rules.shares = bool(value)
        else:
            raise KeyError(name)

    def hover(self, pointer: Pointer, scene: Scene) -> None:
        """Vertex, then edge, then body."""
        self._forget_stale(scene)
        self.vertex = nearest_vertex(scene, pointer)
        self.edge = None if self.vertex else nearest_edge(scene, pointer)
        hits = bodies(scene, pointer)
        self.hovered = hits[0] if hits else None

    def idle_look(self, scene: Scene) -> Look:
        """What a click or drag would do here."""
        self._forget_stale(scene)
        modifiers = self.at.modifiers if self.at else frozenset()
        doomed = self.vertex is not None and "shift" in modifiers
        overlay = Overlay(self.hovered, self.vertex, self.edge, self.marked, doomed)
        if doomed:
            return Look("remove", overlay, "Vertex: click deletes it")
        if self.vertex is not None:
            return Look("vertex", overlay, "Vertex: drag moves it, Shift+click deletes it")
        if self.edge is not None:
            return Look("add", overlay, "Edge: drag or Alt+click adds a vertex")
        if self.marked:
            one = len(self.marked) == 1
            words = "1 vertex" if one else f"{len(self.marked)} vertices"
            text = f"{words} marked: Delete deletes {'it' if one else 'them'}, arrows nudge"
            return Look("arrow", overlay, text)
        if not editable(scene):
            return Look("point", overlay, "Vertices: click an instance to edit its vertices")
        text = "Vertices: drag one, or an edge; frame several, Alt+drag lassoes them, Esc leaves"
        return Look("arrow", overlay, text)

    def begin(self, start: Pointer, scene: Scene) -> Gesture:
        """A vertex (with the others marked, if it is), a new one from an edge, a lasso, a band."""
        self.hover(start, scene)
        if self.vertex is not None:
            refs = self.marked if self.vertex in self.marked else frozenset({self.vertex})
            return dragging(refs, start, scene, self.rules, grabbed=self.vertex)
        if self.edge is not None:
            self.marked = frozenset()
            edges = with_shared(self.edge, scene, self.rules)
            owners = owners_of(edges, scene)
            return MoveVertices.of_new(owners, edges, start, snaps=self.rules.snaps)
        moving = editable(scene)
        under = bodies(scene, start)
        if "ctrl" in start.modifiers and any(one.id in under for one in moving):
            return MoveInstances(moving, start)
        status = "Vertices: release to mark those inside, Esc cancels"
        if "alt" in start.modifiers:
            return Loop(start, self._enclose, status)
        return Band(start, self._choose, status)

    def click(self, pointer: Pointer, scene: Scene) -> Response:
        """Delete or add a vertex, mark one, or go to another instance."""
        self.hover(pointer, scene)
        if self.vertex is not None:
            return self._click_vertex(self.vertex, pointer, scene)
        if self.edge is not None and "alt" in pointer.modifiers:
            self.marked = frozenset()
            edges = with_shared(self.edge, scene, self.rules)
            return self.answer(scene, edit=vertex_added(edges, scene))
        if self.edge is not None or pointer.modifiers - {"ctrl"}:
            return self.answer(scene)
        if self.marked:
            self.marked = frozenset()
            return self.answer(scene)
        hits = bodies(scene, pointer)
        chosen = frozenset(hits[:1])
        if "ctrl" in pointer.modifiers:
            chosen = scene.selection ^ chosen
        elif scene.selection.intersection(hits):
            chosen = scene.selection
        return self.answer(scene, selection=chosen)

    def double_click(self, pointer: Pointer, scene: Scene) -> Response:
        """Another instance is taken up; an empty place leaves the mode."""
        hits = bodies(scene, pointer)
        if hits and self.vertex is None and self.edge is None:
            self.marked = frozenset()
            return self.answer(scene, selection=frozenset(hits[:1]))
        return self.answer(scene, handover=None if hits or self.vertex else "select")

    def nudging(self, scene: Scene) -> Reshape | None:
        """The marked vertices, else the instances."""
        moving = editable(scene)
        if self.marked:
            return dragging(self.marked, Pointer(0, 0), scene, self.rules)
        return MoveInstances(moving, Pointer(0, 0)) if moving else None

    def finished(self, outcome: Outcome, scene: Scene) -> Response:
        """Keep what a band marked; pass on the edit."""
        if outcome.marked is not None:
            self.marked = outcome.marked
        self.vertex = self.edge = None
        return self.answer(scene, edit=outcome.edit)

    def key(self, key: Key, scene: Scene) -> Response:
        """Delete removes marked vertices, else the instances; Esc goes back step by step."""
        self._forget_stale(scene)
        if self.busy:
            return super().key(key, scene)
        if key.name == "delete" and self.marked:
            return self._without(self.marked, scene)
        if key.name == "delete" and editable(scene):
            edit = deleted(editable(scene), scene)
            self.vertex = self.edge = None
            return self.answer(scene, edit=edit, selection=frozenset(), handover="select")
        if key.name == "escape" and self.marked:
            self.marked = frozenset()
            return self.answer(scene)
        if key.name in ("escape", "enter", "return"):
            return self.answer(scene, handover="select")
        return super().key(key, scene)

    def wants(self, key: Key) -> bool:
        """Delete is the tool's while vertices are marked."""
        if key.name == "delete":
            return bool(self.marked)
        return super().wants(key) or key.name == "escape"

    def cancel(self) -> None:
        """Also forget what was hovered."""
        super().cancel()
        self.vertex = self.edge = None

    def park(self) -> Runs | None:
        """Marked vertices belong to the image that is left."""
        self.marked = frozenset()
        return super().park()

    def _click_vertex(self, vertex: VertexRef, pointer: Pointer, scene: Scene) -> Response:
        if "shift" in pointer.modifiers:
            return self._without(frozenset({vertex}), scene)
        if "ctrl" in pointer.modifiers:
            self.marked ^= {vertex}
        else:
            self.marked = frozenset({vertex})
        return self.answer(scene)

    def _without(self, refs: frozenset[VertexRef], scene: Scene) -> Response:
        """Delete vertices; an instance that has no ring left goes with them."""
        edit, gone = vertices_removed(refs, scene)
        self.marked = frozenset()
        self.vertex = self.edge = None
        return self.answer(scene, edit=edit, selection=scene.selection - gone if gone else None)

    def _choose(self, start: Pointer, end: Pointer, scene: Scene) -> Outcome:
        return self._marking(start, vertices_in(editable(scene), band_between(start, end)))

    def _enclose(self, start: Pointer, loop: Points, scene: Scene) -> Outcome:
        return self._marking(start, vertices_within(editable(scene), loop))

    def _marking(self, start: Pointer, found: frozenset[VertexRef]) -> Outcome:
        adds = start.modifiers & {"ctrl", "shift"}
        return Outcome(marked=self.marked | found if adds else found)

    def _forget_stale(self, scene: Scene) -> None:
        """Drop references that an edit, an undo or a changed selection made void."""

        def holds(ref: VertexRef | EdgeRef) -> bool:
            return ref.instance in scene.selection and is_there(ref, scene)

        self.marked = frozenset(ref for ref in self.marked if holds(ref))
        self.vertex = self.vertex if self.vertex and holds(self.vertex) else None
        self.edge = self.edge if self.edge and holds(self.edge) else None
