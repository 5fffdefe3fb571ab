"""Drags that several tools share: each holds what it began with and ends in at most one edit."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from maskgui.core.document import Edit
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import EdgeRef, Look, Overlay, Path, Pointer, Scene, VertexRef
from maskgui.tools.borders import snap_target, with_twins
from maskgui.tools.commit import is_gone, reshaped
from maskgui.tools.picking import band_between
from maskgui.tools.shaping import add_vertex, kept_inside, move_vertices, vertices
from maskgui.tools.tracing import Points, followed


@dataclass
class VertexRules:
    """How dragged vertices behave, by the person's choice; the tools that drag them share it."""

    snaps: bool = False  # to vertices and edges of neighbours
    shares: bool = False  # borders in common move together


@dataclass(frozen=True)
class Outcome:
    """What a finished gesture leaves behind."""

    edit: Edit | None = None
    selection: frozenset[int] | None = None
    marked: frozenset[VertexRef] | None = None


class Gesture(ABC):
    """A drag in progress; `before` is what it changes."""

    before: Sequence[Instance] = ()

    def is_gone(self, scene: Scene) -> bool:
        """Whether none of what it changes is still what it was."""
        return is_gone(self.before, scene)

    @abstractmethod
    def move(self, pointer: Pointer, scene: Scene) -> None:
        """Follow the pointer."""

    @abstractmethod
    def finish(self, scene: Scene) -> Outcome:
        """End where the pointer is now."""

    @abstractmethod
    def look(self) -> Look:
        """How the canvas looks meanwhile."""


class Reshape(Gesture):
    """Instances whose outlines follow the pointer by a shift."""

    def __init__(self, before: Sequence[Instance], start: Pointer) -> None:
        self.before = list(before)
        self.start = start
        self.shift = (0.0, 0.0)
        self.live: dict[int, Shape] = {}

    def move(self, pointer: Pointer, scene: Scene) -> None:
        """Shift by the way from the start, kept inside the image."""
        self.shift_by(pointer.x - self.start.x, pointer.y - self.start.y, scene)

    @abstractmethod
    def shift_by(self, dx: float, dy: float, scene: Scene) -> None:
        """Set the shift from the start, in image pixels."""


class MoveInstances(Reshape):
    """Whole instances on the move."""

    def shift_by(self, dx: float, dy: float, scene: Scene) -> None:
        """Set the shift; the instances stay inside the image."""
        bounds = np.array([item.shape.bounds for item in self.before]).reshape(-1, 2)
        self.shift = kept_inside(bounds, dx, dy, *scene.size)
        self.live = {item.id: item.shape.moved(*self.shift) for item in self.before}

    def finish(self, scene: Scene) -> Outcome:
        """Make one edit of it."""
        if not self.live:
            return Outcome()
        label = "Move instance" if len(self.before) == 1 else "Move instances"
        return Outcome(reshaped(self.before, self.live, label, scene))

    def look(self) -> Look:
        """The instances at their new place."""
        dx, dy = self.shift
        status = f"Moving by {dx:.1f}, {dy:.1f} px: release to drop, Esc puts it back"
        return Look("move", Overlay(live=self.live), status)


class MoveVertices(Reshape):
    """Vertices on the move, those of one ring or many."""

    def __init__(
        self,
        before: Sequence[Instance],
        refs: frozenset[VertexRef],
        start: Pointer,
        *,
        grabbed: VertexRef | None = None,
        snaps: bool = False,
    ) -> None:
        super().__init__(before, start)
        self.refs = refs
        self.grabbed = grabbed or min(refs)
        self.snaps = snaps
        self.snapped: tuple[float, float] | None = None
        self.label = "Move vertex" if len(refs) == 1 else "Move vertices"
        self.shapes = {item.id: item.shape for item in before}

    @classmethod
    def of_new(
        cls,
        before: Sequence[Instance],
        edges: Sequence[EdgeRef],
        start: Pointer,
        *,
        snaps: bool = False,
    ) -> "MoveVertices":
        """Add a vertex on an edge, or on one edge of each instance that share it; drag it."""
        refs = [VertexRef(edge.instance, edge.part, edge.ring, edge.at + 1) for edge in edges]
        gesture = cls(before, frozenset(refs), start, grabbed=refs[0], snaps=snaps)
        gesture.label = "Add vertex"
        shapes = {one.id: one.shape for one in before}
        gesture.shapes = {edge.instance: add_vertex(shapes[edge.instance], edge) for edge in edges}
        gesture.live = dict(gesture.shapes)
        return gesture

    def move(self, pointer: Pointer, scene: Scene) -> None:
        """Shift by the way from the start, or to where a neighbour pulls; Alt lets go."""
        super().move(pointer, scene)
        self.snapped = None
        if self.snaps and "alt" not in pointer.modifiers:
            (at,) = vertices(self.shapes[self.grabbed.instance], [self.grabbed])
            x, y = float(at[0]), float(at[1])
            own = [one.id for one in self.before]
            dx, dy = pointer.x - self.start.x, pointer.y - self.start.y
            target = snap_target(x + dx, y + dy, pointer, scene, own)
            if target is not None:
                self.snapped = target
                self.shift_by(target[0] - x, target[1] - y, scene)

    def shift_by(self, dx: float, dy: float, scene: Scene) -> None:
        """Set the shift; the vertices stay inside the image."""
        points = np.concatenate(
            [
                vertices(shape, self._refs_of(instance_id))
                for instance_id, shape in self.shapes.items()
            ]
        )
        self.shift = kept_inside(points, dx, dy, *scene.size)
        self.live = {
            instance_id: move_vertices(shape, self._refs_of(instance_id), *self.shift)
            for instance_id, shape in self.shapes.items()
        }

    def finish(self, scene: Scene) -> Outcome:
        """Make one edit of it; vertices stay marked where the outline kept its numbering."""
        if not self.live:
            return Outcome()
        edit = reshaped(self.before, self.live, self.label, scene)
        return Outcome(edit)

    def look(self) -> Look:
        """The outline with its vertices at their new place."""
        marked = self.refs if len(self.refs) > 1 else frozenset()
        overlay = Overlay(vertex=self.grabbed, marked=marked, live=self.live, snapped=self.snapped)
        return Look("vertex", overlay, f"{self.label}: release to drop, Esc puts it back")

    def _refs_of(self, instance_id: int) -> list[VertexRef]:
        return sorted(ref for ref in self.refs if ref.instance == instance_id)


def dragging(
    refs: frozenset[VertexRef],
    start: Pointer,
    scene: Scene,
    rules: VertexRules,
    *,
    grabbed: VertexRef | None = None,
) -> MoveVertices:
    """Return the drag of vertices, with their twins on neighbours where borders are shared."""
    every = with_twins(refs, scene) if rules.shares else refs
    owners = owners_of(every, scene)
    return MoveVertices(owners, every, start, grabbed=grabbed, snaps=rules.snaps)


def owners_of(refs: Iterable[VertexRef | EdgeRef], scene: Scene) -> list[Instance]:
    """Return the unlocked instances that vertices or edges are of."""
    found = (scene.instance(number) for number in sorted({ref.instance for ref in refs}))
    return [one for one in found if one is not None and not scene.locked(one.id)]


@dataclass
class Band(Gesture):
    """A rubber band; `choose` says what a box of two pointers selects."""

    start: Pointer
    choose: Callable[[Pointer, Pointer, Scene], Outcome]
    status: str
    end: Pointer = field(init=False)
    found: Outcome = field(init=False, default_factory=Outcome)

    def __post_init__(self) -> None:
        self.end = self.start

    def move(self, pointer: Pointer, scene: Scene) -> None:
        """Stretch the band to the pointer."""
        self.end = pointer
        self.found = self.choose(self.start, pointer, scene)

    def finish(self, scene: Scene) -> Outcome:
        """Select what is inside."""
        return self.found

    def look(self) -> Look:
        """The band, and the vertices that it would mark."""
        overlay = Overlay(
            band=band_between(self.start, self.end), marked=self.found.marked or frozenset()
        )
        return Look("cross", overlay, self.status)


@dataclass
class Loop(Gesture):
    """A lasso; `choose` says what a loop (N x 2, N >= 3) that began at a pointer selects."""

    start: Pointer
    choose: Callable[[Pointer, Points, Scene], Outcome]
    status: str
    way: list[tuple[float, float]] = field(init=False)
    found: Outcome = field(init=False, default_factory=Outcome)

    def __post_init__(self) -> None:
        self.way = [self.start.point]

    def move(self, pointer: Pointer, scene: Scene) -> None:
        """Follow the hand."""
        if pointer.point == self.way[-1]:
            return
        self.way.append(pointer.point)
        points = followed(self.way, pointer.scale)
        if len(points) > 2:
            self.found = self.choose(self.start, points, scene)

    def finish(self, scene: Scene) -> Outcome:
        """Select what is inside."""
        return self.found

    def look(self) -> Look:
        """The loop so far, and the vertices that it would mark."""
        path = Path(np.array(self.way), closed=True)
        overlay = Overlay(path=path, marked=self.found.marked or frozenset())
        return Look("cross", overlay, self.status)
