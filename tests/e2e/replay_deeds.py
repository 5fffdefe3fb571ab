"""What each deed of the scripted session means, for the model of the replay.

A deed is told the model, what was meant, and its fate; it returns the values that must come of it,
also of what stays as it is. What belongs to the window alone (hidden, locked, image shown) it sets.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import shapely

from tests.e2e import replay_shapes as shapes
from tests.e2e.replay_model import Fate, Model, Thing, Values
from tests.e2e.replay_shapes import Outline

Meant = dict[str, Any]
Deed = Callable[[Model, Meant, Fate], Values]
NOTHING: Values = {}


def values_of(things: Iterable[Thing]) -> Values:
    """Return instances with these outlines; one that covers nothing stays as it was."""
    return {("thing", one.id): one for one in things if one.outline.parts}


def reshaped(pairs: Iterable[tuple[Thing, Outline]]) -> Values:
    return values_of(replace(one, outline=outline) for one, outline in pairs)


def added(model: Model, fate: Fate, made: Sequence[tuple[int, Outline, bool, int]]) -> Values:
    """Return new instances of (category, outline, crowd, order) under the ids they were given."""
    assert len(fate.new) in (0, len(made)), f"{len(made)} instances were meant: {fate.new}"
    assert not any(("thing", one) in model.values for one in fate.new)
    ids = fate.new or range(-1, -1 - len(made), -1)
    return values_of(
        Thing(one, model.image, kind, order, outline, crowd)
        for one, (kind, outline, crowd, order) in zip(ids, made, strict=True)
    )


def top(model: Model) -> int:
    return 1 + max((one.order for one in model.things()), default=-1)


# ---- drawing


def _new(model: Model, fate: Fate, outline: Outline, kind: int) -> Values:
    made = [(kind, outline, False, top(model))] if outline.parts else []
    return added(model, fate, made)


def draw(model: Model, meant: Meant, fate: Fate) -> Values:
    outline = shapes.drawn(meant["ring"], model.picture.size)
    return _new(model, fate, outline, meant["category"])


def rectangle(model: Model, meant: Meant, fate: Fate) -> Values:
    (x0, y0), (x1, y1) = meant["ends"]
    outline = shapes.drawn([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], model.picture.size)
    return _new(model, fate, outline, meant["category"])


def ellipse(model: Model, meant: Meant, fate: Fate) -> Values:
    (x0, y0), (x1, y1) = meant["ends"]
    outline = shapes.ellipse(x0, y0, x1, y1, model.picture.size)
    return _new(model, fate, outline, meant["category"])


def brush(model: Model, meant: Meant, fate: Fate) -> Values:
    outline = shapes.stroke(meant["way"], meant["radius"], model.picture.size)
    return _area(model, meant, fate, outline)


def area(model: Model, meant: Meant, fate: Fate) -> Values:
    return _area(model, meant, fate, shapes.drawn(meant["ring"], model.picture.size))


def _area(model: Model, meant: Meant, fate: Fate, outline: Outline) -> Values:
    """Add to the one selected, or to none for a new instance; or take from all selected."""
    chosen = model.chosen(meant)
    if not meant["adds"]:
        return reshaped((one, shapes.minus(one.outline, outline)) for one in chosen)
    if len(chosen) == 1 and outline.parts:
        return reshaped([(chosen[0], shapes.union(chosen[0].outline, outline))])
    some = any(one.id in meant["selected"] for one in model.shown())
    return NOTHING if some else _new(model, fate, outline, meant["category"])


def punch(model: Model, meant: Meant, fate: Fate) -> Values:
    """Take an area from the selected, else from the smallest that lies where it begins."""
    chosen = model.chosen(meant)
    if not any(one.id in meant["selected"] for one in model.shown()):
        at = shapely.Point(meant["ring"][0])
        there = [one for one in model.shown() if one.outline.area.covers(at)]
        free = [one for one in there if one.id not in model.locked]
        chosen = sorted(free, key=lambda one: one.outline.area.area)[:1]
    taken = shapes.drawn(meant["ring"], model.picture.size)
    return reshaped((one, shapes.minus(one.outline, taken)) for one in chosen)


def cut(model: Model, meant: Meant, fate: Fate) -> Values:
    """Slice the selected, else the smallest that the line divides."""
    found = model.chosen(meant)
    some = any(one.id in meant["selected"] for one in model.shown())
    if not some:
        free = [one for one in model.shown() if one.id not in model.locked]
        found = sorted(free, key=lambda one: one.outline.area.area)
    divided = [(one, shapes.sliced(one.outline, meant["way"])) for one in found]
    divided = [(one, parts) for one, parts in divided if len(parts) > 1]
    if not some:  # copies are as large as each other
        most = min((one.outline.area.area for one, _ in divided), default=0.0) + 1e-6
        alike = [(one, parts) for one, parts in divided if one.outline.area.area <= most]
        divided = [pair for pair in alike if pair[0].id in fate.outlines] or alike[:1]
    return _divided(model, fate, divided)


def split(model: Model, meant: Meant, fate: Fate) -> Values:
    found = [(one, shapes.pieces(one.outline)) for one in model.chosen(meant)]
    return _divided(model, fate, [(one, parts) for one, parts in found if len(parts) > 1])


def _divided(model: Model, fate: Fate, found: list[tuple[Thing, list[Outline]]]) -> Values:
    made = [(one.kind, part, one.crowd, one.order) for one, parts in found for part in parts[1:]]
    kept = reshaped((one, parts[0]) for one, parts in found)
    return {**kept, **added(model, fate, made)}


def reroute(model: Model, meant: Meant, fate: Fate) -> Values:
    way, reach, size = meant["way"], meant["reach"], model.picture.size
    return reshaped(
        (one, shapes.rerouted(one.outline, way, reach, size)) for one in model.chosen(meant)
    )


# ---- vertices


def bend(model: Model, meant: Meant, fate: Fate) -> Values:
    """Drag the middle of a run of the outline between its ends, or an edge's new vertex."""
    one, run, size = model.values["thing", meant["owner"]], meant["run"], model.picture.size
    (x0, y0), (x1, y1) = meant["way"]
    to = [
        min(max(at + by, 0.0), float(side))
        for at, by, side in zip(run[1], (x1 - x0, y1 - y0), size, strict=True)
    ]
    owner, ring = shapes.run_at(one.outline, [run[0], run[2]] if meant["edge"] else run)
    kept = ring[1:] if meant["edge"] else ring[2:]
    new = [ring[0], to, *kept]
    return reshaped([(one, shapes.changed(one.outline, {owner: new}, size))])


def without(model: Model, meant: Meant, fate: Fate) -> Values:
    """Leave out the middle of runs of the outline; a ring told whole goes."""
    one, size = model.values["thing", meant["owner"]], model.picture.size
    gone: dict[shapes.Owner, list] = {}
    for run in meant["runs"]:
        owner, ring = shapes.run_at(one.outline, run)
        gone.setdefault(owner, []).extend(run if len(run) == len(ring) else run[1:-1])
    left: dict[shapes.Owner, list | None] = {}
    for owner, points in gone.items():
        ring = shapes.rings_of(one.outline.parts[owner[0]])[owner[1]]
        kept = [point for point in ring if tuple(point) not in {*map(tuple, points)}]
        left[owner] = kept if len(kept) > 2 else None
    outline = shapes.changed(one.outline, left, size)
    return reshaped([(one, outline)]) if outline.parts else {("thing", one.id): None}


def simplify(model: Model, meant: Meant, fate: Fate) -> Values:
    """Take over the outline found, once it is seen to be a thinner one of the outline before."""
    wanted = []
    for one in model.chosen(meant):
        plain = model.unsimplified(one)
        found = fate.outlines.get(one.id, one.outline)
        away = shapely.hausdorff_distance(found.area.boundary, plain.area.boundary)
        assert away <= meant["tolerance"] + 1e-6, f"{away} px away, not {meant['tolerance']}"
        wanted.append((one, found))
    return reshaped(wanted)


# ---- whole instances


def move(model: Model, meant: Meant, fate: Fate) -> Values:
    chosen, size = model.chosen(meant), model.picture.size
    if not chosen:
        return NOTHING
    boxes = [one.outline.bounds for one in chosen]
    low = [min(box[axis] for box in boxes) for axis in (0, 1)]
    high = [max(box[axis + 2] for box in boxes) for axis in (0, 1)]
    total = [0.0, 0.0]
    for step in meant["steps"]:
        for axis in (0, 1):
            total[axis] = max(-low[axis], min(total[axis] + step[axis], size[axis] - high[axis]))
    return reshaped((one, shapes.moved(one.outline, *total)) for one in chosen)


def transform(model: Model, meant: Meant, fate: Fate) -> Values:
    chosen, corners = model.chosen(meant), meant["corners"]
    boxes = [one.outline.bounds for one in chosen]
    box = [min(b[0] for b in boxes), min(b[1] for b in boxes)]
    box += [max(b[2] for b in boxes), max(b[3] for b in boxes)]
    seen = [*corners[0], *corners[2]]
    assert max(abs(a - b) for a, b in zip(box, seen, strict=True)) < 1e-6
    matrix = (_turn if meant["handle"] == 4 else _scale)(meant)
    size = model.picture.size
    return reshaped((one, shapes.mapped(one.outline, matrix, size)) for one in chosen)


def _scale(meant: Meant) -> tuple[float, ...]:
    corners, at, ((x0, y0), (x1, y1)) = meant["corners"], meant["handle"], meant["way"]
    px, py = corners[(at + 2) % 4]
    if meant["held"] == "alt":
        px, py = (sum(corner[axis] for corner in corners) / 4 for axis in (0, 1))
    wide, high = corners[at][0] - px, corners[at][1] - py
    nx, ny = wide + x1 - x0, high + y1 - y0
    sx, sy = nx / wide, ny / high
    if meant["held"] == "shift":
        sx = sy = (nx * wide + ny * high) / (wide**2 + high**2)
    sx, sy = max(sx, 0.02), max(sy, 0.02)
    return sx, 0.0, 0.0, sy, px * (1 - sx), py * (1 - sy)


def _turn(meant: Meant) -> tuple[float, ...]:
    px, py = (sum(corner[axis] for corner in meant["corners"]) / 4 for axis in (0, 1))
    first, last = (math.atan2(y - py, x - px) for x, y in meant["way"])
    angle = math.remainder(last - first, 2 * math.pi)
    if meant["held"] == "shift":
        angle = round(angle / (math.pi / 12)) * math.pi / 12
    c, s = math.cos(angle), math.sin(angle)
    return c, -s, s, c, px - c * px + s * py, py - s * px - c * py


DEEDS: dict[str, Deed] = {
    "draw": draw,
    "rectangle": rectangle,
    "ellipse": ellipse,
    "brush": brush,
    "area": area,
    "punch": punch,
    "slice": cut,
    "split": split,
    "reroute": reroute,
    "bend": bend,
    "without": without,
    "simplify": simplify,
    "move": move,
    "transform": transform,
}
"""Deeds that draw; those of `replay_commands` come to them."""
