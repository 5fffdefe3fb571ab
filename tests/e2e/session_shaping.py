"""Gestures of the scripted session on what is there: vertices, whole instances, simplifying.

Like those of `session_drawing` they say what is meant before they do it.
"""

import math
from itertools import groupby

import numpy as np
import shapely
from PySide6.QtCore import Qt

from maskgui.core.entities import Instance
from maskgui.core.shape import Ring
from maskgui.tools.base import EdgeRef, VertexRef
from tests.e2e.session_hand import ALT, CONTROL, PLAIN, SHIFT, Point
from tests.e2e.session_person import Person


def drag_vertex(person: Person) -> bool:
    """Drag a vertex, or a new one from an edge; or delete the vertex, or just add one."""
    chosen = person.choose()
    if not chosen:
        return False
    person.hand.take("vertex")
    _, _, ring = person.rng.choice(list(chosen[0].shape.rings()))
    at = person.rng.randrange(len(ring))
    aim = ring[at] if person.rng.random() < 0.6 else (ring[at - 1] + ring[at]) / 2
    if not person.hand.reachable(*aim):
        return False
    (start,) = person.hand.meant([tuple(aim)])
    person.hand.hover(start)
    tool = person.controller.canvas.toolbox.active
    seen = tool.vertex or tool.edge
    owner = _owner(person, seen)
    if seen is None or owner is None:
        return False
    way = person.hand.meant(
        [start, (start[0] + person.rng.gauss(0, 8), start[1] + person.rng.gauss(0, 8))]
    )
    run, edge = _run(owner, seen), isinstance(seen, EdgeRef)
    if person.rng.random() < 0.65:
        if math.dist(*(person.hand.spot(*end).toTuple() for end in way)) <= 6:
            return False  # the window might take it for a click
        person.say("bend", run=run, edge=edge, way=way, owner=owner.id)
        person.hand.drag([way[0], way[1]])
    elif tool.vertex is not None:
        person.say("without", runs=[run], owner=owner.id)
        person.hand.click(start, SHIFT)
    else:
        person.say("bend", run=run, edge=edge, way=[start, start], owner=owner.id)
        person.hand.click(start, ALT)
    return True


def delete_framed(person: Person) -> bool:
    """Mark vertices by a frame and delete them."""
    chosen = person.choose()
    if not chosen or not person.may_change():
        return False
    (x0, y0, x1, y1), rng = chosen[0].shape.bounds, person.rng
    away = 14 / person.controller.canvas.view.logical_scale
    ends = [(x0 - away, y0 - away), (rng.uniform(x0, x1), rng.uniform(y0, y1))]
    if not person.hand.reachable(*ends[0]):
        return False
    person.hand.take("vertex")
    person.hand.drag(person.hand.meant(ends))
    marked = person.controller.canvas.toolbox.active.marked
    if not marked:
        return False
    runs = [run for ring in _by_ring(marked) for run in _runs(chosen[0], ring)]
    person.say("without", runs=runs, owner=chosen[0].id)
    person.hand.key(Qt.Key.Key_Delete)
    return True


def _owner(person: Person, seen: VertexRef | EdgeRef | None) -> Instance | None:
    return next((one for one in person.instances() if seen and one.id == seen.instance), None)


def _ring(owner: Instance, seen: VertexRef | EdgeRef) -> Ring:
    return owner.shape.parts[seen.part].rings[seen.ring]


def _run(owner: Instance, seen: VertexRef | EdgeRef) -> list[Point]:
    """Return the neighbour before, the vertex (or the place on the edge), the one after."""
    ring = _ring(owner, seen)
    after = ring[(seen.at + 1) % len(ring)]
    if isinstance(seen, EdgeRef):
        return [tuple(ring[seen.at]), (seen.x, seen.y), tuple(after)]
    return [tuple(ring[seen.at - 1]), tuple(ring[seen.at]), tuple(after)]


def _by_ring(marked: frozenset[VertexRef]) -> list[list[VertexRef]]:
    return [list(group) for _, group in groupby(sorted(marked), key=lambda ref: ref[:3])]


def _runs(owner: Instance, refs: list[VertexRef]) -> list[list[Point]]:
    """Return each run of marked vertices of a ring between the two that stay.

    A ring that keeps fewer than three is told whole: it goes.
    """
    ring = _ring(owner, refs[0])
    gone = {ref.at for ref in refs}
    count = len(ring)
    if count - len(gone) < 3:
        return [[tuple(point) for point in ring]]
    runs = []
    for at in sorted(gone):
        if (at - 1) % count in gone:
            continue
        run = [(at - 1) % count, at]
        while run[-1] in gone:
            run.append((run[-1] + 1) % count)
        runs.append([tuple(ring[place]) for place in run])
    return runs


# ---- whole instances


def move(person: Person) -> bool:
    chosen = person.choose(1, 3)
    if not chosen:
        return False
    inside = shapely.Polygon(chosen[0].shape.parts[0].exterior).representative_point()
    way = person.hand.meant([(inside.x, inside.y), person.place()])
    under = person.controller.canvas.scene.hits.bodies_at(*way[0])
    if not set(under) & {one.id for one in person.free()} & person.desk.selection.ids:
        return False
    if math.dist(*(person.hand.spot(*end).toTuple() for end in way)) <= 6:
        return False
    person.hand.take("select")
    person.say("move", steps=[(way[1][0] - way[0][0], way[1][1] - way[0][1])])
    person.hand.drag(way, CONTROL)
    return True


def nudge(person: Person) -> bool:
    """Press an arrow key; letting go makes the edit."""
    if not person.choose(1, 3):
        return False
    keys = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Down: (0, 1)}
    key, far = person.rng.choice(list(keys)), person.rng.choice([1, 10])
    person.hand.take("select")
    person.say("move", steps=[(far * keys[key][0], far * keys[key][1])])
    person.hand.key(key, SHIFT if far == 10 else PLAIN)
    return True


def transform(person: Person) -> bool:
    """Drag a corner of the frame, or the handle that turns."""
    if not person.choose(1, 2):
        return False
    person.hand.take("transform")
    person.hand.hover((-2.0, -2.0))
    frame = person.controller.canvas.toolbox.active.look(person.controller.canvas.scene)
    seen = frame.overlay.frame
    if seen is None:
        return False
    sides = np.ptp(seen.corners, axis=0) * person.controller.canvas.view.logical_scale
    if min(sides) < 30:
        return False
    handle = person.rng.randrange(5)
    aim = seen.turner if handle == 4 else tuple(seen.corners[handle])
    if not person.hand.reachable(*aim):
        return False
    end = (aim[0] + person.rng.gauss(0, 15), aim[1] + person.rng.gauss(0, 15))
    way = person.hand.meant([aim, end])
    held = person.rng.choice([PLAIN, PLAIN, SHIFT, ALT])
    if math.dist(*(person.hand.spot(*place).toTuple() for place in way)) <= 6:
        return False
    names = {SHIFT: "shift", ALT: "alt", PLAIN: ""}
    corners = [tuple(corner) for corner in seen.corners]
    person.say("transform", corners=corners, handle=handle, way=way, held=names[held])
    person.hand.drag(way, held)
    return True


def simplify(person: Person) -> bool:
    if not person.choose(1, 2):
        return False
    person.hand.take("simplify")
    tolerance = person.rng.choice([0.5, 1.0, 1.5, 2.5])
    person.controller.canvas.set_option("tolerance", tolerance)
    person.controller.canvas.set_option("smoothness", 0.0)
    person.say("simplify", tolerance=tolerance)
    person.hand.key(Qt.Key.Key_Return)
    return True
