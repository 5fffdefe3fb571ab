"""Gestures of the scripted session with a tool in the hand. Each says what is meant, then does it.

A deed returns whether there was something to do it on. What it says is in image coordinates and
names what a person sees: the vertex under the pointer with its neighbours, the handles of a frame.
"""

import math
from typing import Any

import numpy as np
import shapely
from PySide6.QtCore import Qt

from maskgui.core.shape import Shape
from maskgui.tools.reroute import END_REACH
from tests.e2e.session_hand import ALT, PLAIN, Point
from tests.e2e.session_person import Person


def polygon(person: Person) -> bool:
    category, corners = person.choose_category(), person.loop(person.place(), person.reach())
    return _clicked(person, "polygon", corners, "draw", category=category)


def _clicked(person: Person, tool: str, corners: list[Point], deed: str, **meant: Any) -> bool:
    """Click the corners and press Enter, if none is so near the first that it would close."""
    first, *others = (person.hand.spot(*corner).toTuple() for corner in corners)
    if min(math.dist(first, other) for other in others) < 13:
        return False
    person.hand.take(tool)
    person.say(deed, ring=corners, **meant)
    for corner in corners:
        person.hand.click(corner)
    person.hand.key(Qt.Key.Key_Return)
    return True


def freehand(person: Person) -> bool:
    category, corners = person.choose_category(), person.loop(person.place(), person.reach())
    if not person.hand.bends(corners):
        return False
    person.hand.take("freehand")
    person.say("draw", category=category, ring=corners)
    person.hand.drag(corners)
    return True


def box(person: Person) -> bool:
    tool = person.rng.choice(["rectangle", "ellipse"])
    category, (x, y), far = person.choose_category(), person.place(), person.reach()
    ends = person.hand.meant([(x - far, y - far * person.rng.uniform(0.5, 1)), (x + far, y + far)])
    person.hand.take(tool)
    person.say(tool, category=category, ends=ends)
    person.hand.drag(ends)
    return True


def brush(person: Person) -> bool:
    """Paint or erase, by either tool and with Alt; with nothing selected a new instance."""
    tool = person.rng.choice(["brush", "brush", "eraser"])
    turned = person.rng.random() < 0.3
    adds = (tool == "brush") is not turned
    choose_for_area(person, adds)
    person.hand.take(tool)
    person.controller.canvas.set_option("radius", person.rng.uniform(2, 14))
    radius = person.controller.canvas.toolbox.active.options()[0].value
    way = person.walk(person.target(), person.reach() / 2 + 4, person.rng.randint(0, 4))
    if len(way) > 1 and not person.hand.bends(way):
        return False
    person.say("brush", category=person.desk.draw_category, way=way, radius=radius, adds=adds)
    person.hand.drag(way, ALT if turned else PLAIN)
    return True


def choose_for_area(person: Person, adds: bool) -> None:
    """Select one to add to, now and then several, which is refused; or none for a new instance."""
    alone = person.rng.random() < (0.2 if adds else 0.05)
    most = 1 if adds and person.rng.random() < 0.9 else 2
    if alone or not person.choose(1, most):
        person.choose_category()


def lasso(person: Person) -> bool:
    adds = person.rng.random() < 0.5
    choose_for_area(person, adds)
    person.hand.take("lasso_add" if adds else "lasso_subtract")
    ring = person.loop(person.target(), person.reach())
    if not person.hand.bends(ring):
        return False
    person.say("area", category=person.desk.draw_category, ring=ring, adds=adds)
    person.hand.drag(ring)
    return True


def punch(person: Person) -> bool:
    chosen = person.choose(1, 2)
    if not chosen:
        return False
    inside = chosen[0].shape.bounds
    radius = max(4.0, 0.2 * min(inside[2] - inside[0], inside[3] - inside[1]))
    middle = shapely.Polygon(chosen[0].shape.parts[0].exterior).representative_point()
    ring = person.loop((middle.x, middle.y), radius, 7)
    return _clicked(person, "punch", ring, "punch")


def cut(person: Person) -> bool:
    """Slice along a bent line across an instance, selected or not."""
    chosen = person.choose(1, 2)
    if not chosen:
        return False
    x0, y0, x1, y1 = chosen[0].shape.bounds
    middle, far = ((x0 + x1) / 2, (y0 + y1) / 2), 0.6 * math.hypot(x1 - x0, y1 - y0) + 3
    if person.rng.random() < 0.3:
        person.select()
    angle = person.rng.uniform(0, math.pi)
    dx, dy = far * math.cos(angle), far * math.sin(angle)
    bend = person.rng.uniform(-0.3, 0.3)
    way = [
        (middle[0] - dx, middle[1] - dy),
        (middle[0] - bend * dy, middle[1] + bend * dx),
        (middle[0] + dx, middle[1] + dy),
    ]
    way = person.hand.meant(way)
    if not person.hand.bends(way):
        return False
    person.hand.take("slice")
    person.say("slice", way=way)
    person.hand.drag(way)
    return True


def reroute(person: Person) -> bool:
    chosen = person.choose()
    if not chosen or not person.may_change():
        return False
    ring = person.rng.choice(chosen[0].shape.parts).exterior
    first = person.rng.randrange(len(ring))
    last = (first + person.rng.randint(1, max(1, len(ring) // 2))) % len(ring)
    bend = (ring[first] + ring[last]) / 2 + [person.rng.uniform(-12, 12) for _ in range(2)]
    way = person.hand.meant([tuple(ring[first]), tuple(bend), tuple(ring[last])])
    if not person.hand.bends(way) or any(_halfway(chosen[0].shape, at) for at in way[::2]):
        return False
    person.hand.take("reroute")
    person.say("reroute", way=way, reach=END_REACH / person.desk.scale)
    person.hand.drag(way)
    return True


def _halfway(shape: Shape, at: Point) -> bool:
    """Whether two edges are equally near, of other rings or places: rounding decides for one."""
    rings = [ring for _, _, ring in shape.rings()]
    ends = [np.stack([ring, np.roll(ring, -1, axis=0)], axis=1) for ring in rings]
    of = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    lines = shapely.shortest_line(shapely.linestrings(np.concatenate(ends)), shapely.Point(at))
    away, places = shapely.length(lines), shapely.get_coordinates(lines)[::2]
    nearest = int(np.argmin(away))
    elsewhere = (of != of[nearest]) | (np.hypot(*(places - places[nearest]).T) > 1e-6)
    return bool((elsewhere & (away - away[nearest] < 1e-6)).any())
