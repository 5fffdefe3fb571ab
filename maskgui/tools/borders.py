"""Neighbours' vertices and edges: what a dragged vertex snaps to, and what moves along with it."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from maskgui.core.entities import Instance
from maskgui.core.hit import Part
from maskgui.tools.base import EdgeRef, Pointer, Scene, VertexRef
from maskgui.tools.shaping import ring_of

SNAP_REACH = 8.0
"""Screen pixels within which a neighbour's vertex or edge pulls."""
SAME = 0.01
"""Image pixels between vertices of neighbours that count as one."""


def snap_target(
    x: float, y: float, pointer: Pointer, scene: Scene, own: Iterable[int]
) -> tuple[float, float] | None:
    """Return the neighbour's vertex, else the point of its edge, that pulls (x, y)."""
    reach, skip = SNAP_REACH / pointer.scale, set(own)
    for kind in (Part.VERTEX, Part.EDGE):
        hit = scene.hits.hit(x, y, reach, kinds=(kind,), skip=skip)
        if hit is not None:
            return (hit.x, hit.y)
    return None


def with_twins(refs: Iterable[VertexRef], scene: Scene) -> frozenset[VertexRef]:
    """Return vertices together with those of unlocked neighbours that lie on them."""
    found = set(refs)
    points = [point for ref in found for point in _vertex(ref, scene)]
    if not points:
        return frozenset(found)
    places = np.array(points)
    owners = {ref.instance for ref in found}
    for instance in _neighbours(places, scene, owners):
        for part, ring, own in instance.shape.rings():
            away = np.abs(own[:, None] - places[None]).max(axis=2).min(axis=1)
            at = np.flatnonzero(away <= SAME).tolist()
            found.update(VertexRef(instance.id, part, ring, index) for index in at)
    return frozenset(found)


def edge_twins(edge: EdgeRef, scene: Scene) -> list[EdgeRef]:
    """Return the same edge of unlocked neighbours, with the same point on it."""
    owner = scene.instance(edge.instance)
    ring = ring_of(owner.shape, edge) if owner is not None else None
    if ring is None:
        return []
    ends = np.array([ring[edge.at], ring[(edge.at + 1) % len(ring)]])
    found = []
    for instance in _neighbours(ends, scene, {edge.instance}):
        for part, index, own in instance.shape.rings():
            for start, end in (ends, ends[::-1]):
                here = np.abs(own - start).max(axis=1) <= SAME
                there = np.abs(np.roll(own, -1, axis=0) - end).max(axis=1) <= SAME
                for at in np.flatnonzero(here & there).tolist():
                    found.append(EdgeRef(instance.id, part, index, at, edge.x, edge.y))
    return found


def _neighbours(places: NDArray[np.float64], scene: Scene, own: set[int]) -> Iterator[Instance]:
    """Yield the other unlocked instances whose box comes near any of some places (N x 2)."""
    low, high = places.min(axis=0) - SAME, places.max(axis=0) + SAME
    for instance in scene.instances():
        x0, y0, x1, y1 = instance.shape.bounds
        apart = x0 > high[0] or y0 > high[1] or x1 < low[0] or y1 < low[1]
        if not apart and instance.id not in own and not scene.locked(instance.id):
            yield instance


def _vertex(ref: VertexRef, scene: Scene) -> Iterator[tuple[float, float]]:
    owner = scene.instance(ref.instance)
    ring = ring_of(owner.shape, ref) if owner is not None else None
    if ring is not None:
        yield (float(ring[ref.at, 0]), float(ring[ref.at, 1]))
