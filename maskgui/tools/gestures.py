"""Drags that several tools share: each holds what it began with and ends in at most one edit."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from maskgui.core.document import Edit
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from maskgui.tools.base import EdgeRef, Look, Overlay, Pointer, Scene, VertexRef
from maskgui.tools.commit import reshaped
from maskgui.tools.picking import band_between
from maskgui.tools.shaping import add_vertex, kept_inside, move_vertices, vertices


@dataclass(frozen=True)
class Outcome:
    """What a finished gesture leaves behind."""

    edit: Edit | None = None
    selection: frozenset[int] | None = None
    marked: frozenset[VertexRef] | None = None


class Gesture(ABC):
    """A drag in progress."""

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
        self, before: Sequence[Instance], refs: frozenset[VertexRef], start: Pointer
    ) -> None:
        super().__init__(before, start)
        self.refs = refs
        self.label = "Move vertex" if len(refs) == 1 else "Move vertices"
        self.shapes = {item.id: item.shape for item in before}

    @classmethod
    def of_new(cls, instance: Instance, edge: EdgeRef, start: Pointer) -> "MoveVertices":
        """Add a vertex on an edge and drag it."""
        ref = VertexRef(edge.instance, edge.part, edge.ring, edge.at + 1)
        gesture = cls([instance], frozenset({ref}), start)
        gesture.label = "Add vertex"
        gesture.shapes = {instance.id: add_vertex(instance.shape, edge)}
        gesture.live = dict(gesture.shapes)
        return gesture

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
        grabbed = min(self.refs) if self.refs else None
        marked = self.refs if len(self.refs) > 1 else frozenset()
        overlay = Overlay(vertex=grabbed, marked=marked, live=self.live)
        return Look("vertex", overlay, f"{self.label}: release to drop, Esc puts it back")

    def _refs_of(self, instance_id: int) -> list[VertexRef]:
        return sorted(ref for ref in self.refs if ref.instance == instance_id)


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
