"""What lies under the pointer: vertices and edges of the edited instances, bodies of all."""

from collections.abc import Iterable

import numpy as np

from maskgui.core.entities import Instance
from maskgui.core.shape import Box
from maskgui.tools.base import EdgeRef, Pointer, Scene, VertexRef

VERTEX_REACH = 9.0
"""Screen pixels around a vertex that belong to it."""
EDGE_REACH = 7.0
"""Screen pixels beside an edge that belong to it."""


def editable(scene: Scene) -> list[Instance]:
    """Return the selected instances that are shown and not locked."""
    found = (scene.instance(instance_id) for instance_id in sorted(scene.selection))
    return [item for item in found if item is not None and not scene.locked(item.id)]


def nearest_vertex(instances: Iterable[Instance], pointer: Pointer) -> VertexRef | None:
    """Return the vertex nearest to the pointer within reach."""
    best, reach = None, VERTEX_REACH / pointer.scale
    for instance in _near(instances, pointer, reach):
        for part, ring, points in instance.shape.rings():
            distance = np.hypot(points[:, 0] - pointer.x, points[:, 1] - pointer.y)
            index = int(distance.argmin())
            if distance[index] <= reach:
                best, reach = VertexRef(instance.id, part, ring, index), float(distance[index])
    return best


def nearest_edge(instances: Iterable[Instance], pointer: Pointer) -> EdgeRef | None:
    """Return the edge nearest to the pointer within reach, with the nearest point on it."""
    best, reach = None, EDGE_REACH / pointer.scale
    at = np.array(pointer.point)
    for instance in _near(instances, pointer, reach):
        for part, ring, points in instance.shape.rings():
            along = np.roll(points, -1, axis=0) - points
            length = np.maximum((along * along).sum(axis=1), 1e-12)
            share = np.clip(((at - points) * along).sum(axis=1) / length, 0.0, 1.0)
            foot = points + share[:, None] * along
            distance = np.hypot(*(foot - at).T)
            index = int(distance.argmin())
            if distance[index] <= reach:
                x, y = foot[index]
                best = EdgeRef(instance.id, part, ring, index, float(x), float(y))
                reach = float(distance[index])
    return best


def vertices_in(instances: Iterable[Instance], box: Box) -> frozenset[VertexRef]:
    """Return all vertices inside a box."""
    x0, y0, x1, y1 = box
    found: set[VertexRef] = set()
    for instance in instances:
        for part, ring, points in instance.shape.rings():
            inside = np.all((points >= (x0, y0)) & (points <= (x1, y1)), axis=1)
            found.update(VertexRef(instance.id, part, ring, int(i)) for i in np.flatnonzero(inside))
    return frozenset(found)


def instances_in(scene: Scene, box: Box) -> frozenset[int]:
    """Return the shown, unlocked instances that lie wholly inside a box."""
    x0, y0, x1, y1 = box
    found = set()
    for instance in scene.instances():
        left, top, right, bottom = instance.shape.bounds
        within = left >= x0 and top >= y0 and right <= x1 and bottom <= y1
        if within and instance.shape.parts and not scene.locked(instance.id):
            found.add(instance.id)
    return frozenset(found)


def next_beneath(scene: Scene, pointer: Pointer | None, step: int) -> frozenset[int] | None:
    """Return the selection after Tab: the next instance under the pointer, the smallest first.

    With nothing under the pointer it is the next in the image's order; None with no instances.
    """
    ids = scene.under(pointer.x, pointer.y) if pointer is not None else []
    ids = ids or [instance.id for instance in scene.instances()]
    if not ids:
        return None
    chosen = [index for index, instance_id in enumerate(ids) if instance_id in scene.selection]
    if not chosen:
        return frozenset({ids[0 if step > 0 else -1]})
    return frozenset({ids[(chosen[0] + step) % len(ids)]})


def band_between(start: Pointer, end: Pointer) -> Box:
    """Return the box between two pointers."""
    return (min(start.x, end.x), min(start.y, end.y), max(start.x, end.x), max(start.y, end.y))


def _near(instances: Iterable[Instance], pointer: Pointer, reach: float) -> Iterable[Instance]:
    for instance in instances:
        x0, y0, x1, y1 = instance.shape.bounds
        if x0 - reach <= pointer.x <= x1 + reach and y0 - reach <= pointer.y <= y1 + reach:
            yield instance
