"""Single vertices by a click: one more on an edge, one fewer on a ring. Each is one edit."""

from collections.abc import Sequence

from maskgui.core.document import Edit
from maskgui.tools.base import EdgeRef, Scene, VertexRef
from maskgui.tools.borders import edge_twins
from maskgui.tools.commit import reshaped
from maskgui.tools.gestures import VertexRules, owners_of
from maskgui.tools.shaping import add_vertex, remove_vertices


def with_shared(edge: EdgeRef, scene: Scene, rules: VertexRules) -> list[EdgeRef]:
    """Return the edge and, where borders move together, the same edge of one neighbour each."""
    twins = edge_twins(edge, scene) if rules.shares else []
    return list({one.instance: one for one in (*reversed(twins), edge)}.values())[::-1]


def vertex_added(edges: Sequence[EdgeRef], scene: Scene) -> Edit | None:
    """Return the edit that puts a vertex on each edge; None when their instances are locked."""
    owners = owners_of(edges, scene)
    shapes = {one.id: one.shape for one in owners}
    live = {
        edge.instance: add_vertex(shapes[edge.instance], edge)
        for edge in edges
        if edge.instance in shapes
    }
    return reshaped(owners, live, "Add vertex", scene)


def vertices_removed(
    refs: frozenset[VertexRef], scene: Scene
) -> tuple[Edit | None, frozenset[int]]:
    """Return the edit that deletes vertices, and the ids of the instances that go with them.

    A ring with fewer than three vertices goes, and an instance without a ring.
    """
    owners = owners_of(refs, scene)
    live = {
        owner.id: remove_vertices(owner.shape, [r for r in refs if r.instance == owner.id])
        for owner in owners
    }
    label = "Delete vertex" if len(refs) == 1 else "Delete vertices"
    edit = reshaped(owners, live, label, scene, delete_empty=True)
    return edit, frozenset(one.id for one in owners if not live[one.id].parts)
