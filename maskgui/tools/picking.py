"""What lies under the pointer: vertices and edges of the edited instances, bodies of all."""

from collections.abc import Collection, Iterable

import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.core.entities import Instance
from maskgui.core.hit import Hit, Part
from maskgui.core.shape import Box
from maskgui.tools.base import EdgeRef, Pointer, Scene, VertexRef
from maskgui.tools.shaping import ring_of

VERTEX_REACH = 9.0
"""Screen pixels around a vertex that belong to it."""
EDGE_REACH = 7.0
"""Screen pixels beside an edge that belong to it."""


def editable(scene: Scene, of: Collection[int] | None = None) -> list[Instance]:
    """Return the selected instances (or those named) that are shown and not locked."""
    wanted = scene.selection if of is None else of
    found = (scene.instance(instance_id) for instance_id in sorted(wanted))
    return [item for item in found if item is not None and not scene.locked(item.id)]


Aim = frozenset[int] | None
"""Which instances a gesture is for, from its beginning on; None where nothing was selected."""


def aimed(scene: Scene) -> Aim:
    """Return what a gesture that begins now is for: what is selected and can be changed."""
    return frozenset(one.id for one in editable(scene)) if scene.selection else None


def bodies(scene: Scene, pointer: Pointer) -> list[int]:
    """Return the ids of the shown instances that cover the pointer, the smallest first."""
    return scene.hits.bodies_at(pointer.x, pointer.y)


def nearest_vertex(
    scene: Scene, pointer: Pointer, of: Collection[int] | None = None
) -> VertexRef | None:
    """Return the vertex within reach of the pointer: of an editable instance, or of those named."""
    hit = _ask(scene, pointer, Part.VERTEX, VERTEX_REACH, of)
    return VertexRef(hit.instance_id, hit.part, hit.ring, hit.index) if hit else None


def nearest_edge(
    scene: Scene, pointer: Pointer, of: Collection[int] | None = None
) -> EdgeRef | None:
    """Return the edge within reach, with the nearest point on it; of which, as for a vertex."""
    hit = _ask(scene, pointer, Part.EDGE, EDGE_REACH, of)
    if hit is None:
        return None
    return EdgeRef(hit.instance_id, hit.part, hit.ring, hit.index, hit.x, hit.y)


def is_there(ref: VertexRef | EdgeRef, scene: Scene) -> bool:
    """Whether a shown, unlocked instance still has that vertex or edge."""
    instance = scene.instance(ref.instance)
    if instance is None or scene.locked(instance.id):
        return False
    return ring_of(instance.shape, ref) is not None


def vertices_in(instances: Iterable[Instance], box: Box) -> frozenset[VertexRef]:
    """Return all vertices inside a box."""
    x0, y0, x1, y1 = box
    found: set[VertexRef] = set()
    for instance in instances:
        for part, ring, points in instance.shape.rings():
            inside = np.all((points >= (x0, y0)) & (points <= (x1, y1)), axis=1)
            found.update(VertexRef(instance.id, part, ring, int(i)) for i in np.flatnonzero(inside))
    return frozenset(found)


def vertices_within(
    instances: Iterable[Instance], loop: NDArray[np.float64]
) -> frozenset[VertexRef]:
    """Return all vertices inside a loop (N x 2, N >= 3)."""
    area = shapely.make_valid(shapely.Polygon(loop))
    shapely.prepare(area)
    found: set[VertexRef] = set()
    for instance in instances:
        for part, ring, points in instance.shape.rings():
            inside = np.flatnonzero(shapely.contains_xy(area, points))
            found.update(VertexRef(instance.id, part, ring, at) for at in inside.tolist())
    return frozenset(found)


def instances_in(scene: Scene, box: Box) -> frozenset[int]:
    """Return the shown, unlocked instances that lie wholly inside a box."""
    return frozenset(found for found in scene.hits.inside(*box) if not scene.locked(found))


def instances_within(scene: Scene, loop: NDArray[np.float64]) -> frozenset[int]:
    """Return the shown, unlocked instances that lie wholly inside a loop (N x 2, N >= 3)."""
    area = shapely.make_valid(shapely.Polygon(loop))
    x0, y0, x1, y1 = area.bounds
    found = []
    for number in instances_in(scene, (x0, y0, x1, y1)):
        instance = scene.instance(number)
        parts = instance.shape.parts if instance is not None else ()
        if parts and all(area.covers(shapely.Polygon(part.exterior)) for part in parts):
            found.append(number)
    return frozenset(found)


def next_beneath(scene: Scene, pointer: Pointer | None, step: int) -> frozenset[int] | None:
    """Return the selection after Tab: the next instance under the pointer, the smallest first.

    With nothing under the pointer it is the next in the image's order; None with no instances.
    """
    ids = bodies(scene, pointer) if pointer is not None else []
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


def _ask(
    scene: Scene, pointer: Pointer, kind: Part, reach: float, of: Collection[int] | None
) -> Hit | None:
    only = {instance.id for instance in editable(scene)} if of is None else of
    if not only:
        return None
    radius = reach / pointer.scale
    return scene.hits.hit(pointer.x, pointer.y, radius, kinds=(kind,), only=only)
