"""What each command of the scripted session means; see `replay_deeds`."""

from collections.abc import Callable
from dataclasses import replace

import shapely

from tests.e2e import replay_shapes as shapes
from tests.e2e.replay_agreement import apart, same_vertices
from tests.e2e.replay_deeds import DEEDS, NOTHING, Deed, Meant, added, reshaped, top
from tests.e2e.replay_model import Fate, Kind, Model, Thing, Values
from tests.e2e.replay_shapes import CRUMB, Outline


def join(model: Model, meant: Meant, fate: Fate) -> Values:
    return _merged(model.chosen(meant), fate, shapes.union)


def intersect(model: Model, meant: Meant, fate: Fate) -> Values:
    return _merged(model.chosen(meant), fate, shapes.common)


def _merged(chosen: list[Thing], fate: Fate, make: Callable[..., Outline]) -> Values:
    """Let the largest have what is made of all; the others go."""
    if len(chosen) < 2:
        return NOTHING
    made = make(*(one.outline for one in chosen))
    if not made.parts:
        return NOTHING
    areas = {one.id: one.outline.area.area for one in chosen}
    large = [one for one in chosen if areas[one.id] >= max(areas.values()) - 1e-6]
    kept = next((one for one in large if one.id in fate.here), large[0])
    gone: Values = {("thing", one.id): None for one in chosen}
    return {**gone, **reshaped([(kept, made)])}


def subtract(model: Model, meant: Meant, fate: Fate) -> Values:
    cutters = [one for one in model.shown() if one.id in meant["selected"]]
    others = [one for one in model.shown() if one.id not in {*meant["selected"], *model.locked}]
    if not cutters:
        return NOTHING
    taken = [one.outline for one in cutters]
    return reshaped((one, shapes.minus(one.outline, *taken)) for one in others)


def remove_overlap(model: Model, meant: Meant, fate: Fate) -> Values:
    pile = [one for one in model.shown() if one.id in meant["selected"]]
    pile = pile if len(pile) > 1 else model.shown()
    pairs = []
    for at, one in enumerate(pile[:-1]):
        left = shapes.minus(one.outline, *(other.outline for other in pile[at + 1 :]))
        if one.id not in model.locked and apart(left, one.outline) >= CRUMB:
            pairs.append((one, left))
    return reshaped(pairs)


def fill_holes(model: Model, meant: Meant, fate: Fate) -> Values:
    pierced = [one for one in model.chosen(meant) if any(p.interiors for p in one.outline.parts)]
    return reshaped((one, shapes.without_holes(one.outline)) for one in pierced)


# ---- what they are


def category(model: Model, meant: Meant, fate: Fate) -> Values:
    chosen = model.chosen(meant, hidden=True)
    return {("thing", one.id): replace(one, kind=meant["into"]) for one in chosen}


def crowd(model: Model, meant: Meant, fate: Fate) -> Values:
    chosen = model.chosen(meant, hidden=True)
    return {("thing", one.id): replace(one, crowd=meant["on"]) for one in chosen}


def delete(model: Model, meant: Meant, fate: Fate) -> Values:
    return {("thing", one.id): None for one in model.chosen(meant, hidden=True)}


def arrange(model: Model, meant: Meant, fate: Fate) -> Values:
    """Give the pile its new numbers: above all, below all, or past the next neighbour."""
    pile, way = model.things(), meant["way"]
    chosen = {one.id for one in model.chosen(meant, hidden=True)}
    own = [one for one in pile if one.id in chosen]
    if not own:
        return NOTHING
    if way in ("to_front", "to_back"):
        there = pile[-len(own) :] if way == "to_front" else pile[: len(own)]
        if there == own:
            return NOTHING
        first = pile[-1].order + 1 if way == "to_front" else pile[0].order - len(own)
        return {("thing", one.id): replace(one, order=first + at) for at, one in enumerate(own)}
    numbers: list[int] = []
    for one in pile:
        numbers.append(max(one.order, numbers[-1] + 1) if numbers else one.order)
    seen = pile if way == "forward" else pile[::-1]
    seen = _past_neighbours(seen, chosen)
    seen = seen if way == "forward" else seen[::-1]
    if seen == pile:
        return NOTHING
    return {
        ("thing", one.id): replace(one, order=at) for one, at in zip(seen, numbers, strict=True)
    }


def _past_neighbours(seen: list[Thing], chosen: set[int]) -> list[Thing]:
    seen = list(seen)
    for one in [one for one in seen[::-1] if one.id in chosen]:
        at = seen.index(one)
        above = [place for place in range(at + 1, len(seen)) if _near(one, seen[place])]
        if above and seen[above[0]].id not in chosen:
            seen.insert(above[0], seen.pop(at))
    return seen


def _near(one: Thing, other: Thing) -> bool:
    both = shapely.intersection(
        shapely.box(*one.outline.bounds), shapely.box(*other.outline.bounds)
    )
    return both.area > 0


# ---- copies


def duplicate(model: Model, meant: Meant, fate: Fate) -> Values:
    chosen = [one for one in model.things() if one.id in meant["ids"]]
    return _copied(model, fate, chosen, meant["aside"])


def clip(model: Model, meant: Meant, fate: Fate) -> Values:
    model.clip = [one for one in model.things() if one.id in meant["selected"]]
    return NOTHING


def paste(model: Model, meant: Meant, fate: Fate) -> Values:
    known = {one for one, _ in model.kinds()}
    fitting = [one for one in model.clip if one.kind in known]
    here = any(one.image == model.image for one in fitting)
    return _copied(model, fate, fitting, meant["aside"] if here else 0.0)


def repeat(model: Model, meant: Meant, fate: Fate) -> Values:
    """Take what the image before has, but for what is here already."""
    at = model.order.index(model.image)
    before = model.things(model.order[at - 1]) if at else []
    new = [one for one in before if not any(_alike(model, one, other) for other in model.things())]
    return _copied(model, fate, new, 0.0)


def _alike(model: Model, one: Thing, other: Thing) -> bool:
    fitted = _fitted(model, one, 0.0)
    return one.kind == other.kind and same_vertices(fitted, other.outline)


def _fitted(model: Model, one: Thing, by: float) -> Outline:
    """Return an outline put aside, where the image has room for it on either side."""
    size, (x0, y0, x1, y1) = model.picture.size, one.outline.bounds
    dx = by if x1 + by <= size[0] else -by if x0 >= by else 0.0
    dy = by if y1 + by <= size[1] else -by if y0 >= by else 0.0
    copy = shapes.moved(one.outline, dx, dy)
    return shapes.settled([shapes.rings_of(part) for part in copy.parts], size)


def _copied(model: Model, fate: Fate, originals: list[Thing], by: float) -> Values:
    first, made = top(model), []
    for place, one in enumerate(sorted(originals, key=lambda one: (one.order, one.id))):
        outline = _fitted(model, one, by)
        if outline.parts:
            made.append((one.kind, outline, one.crowd, first + place))
    return added(model, fate, made)


# ---- images and categories


def review(model: Model, meant: Meant, fate: Fate) -> Values:
    return {("image", model.image): replace(model.picture, review=meant["state"])}


def reviewed_next(model: Model, meant: Meant, fate: Fate) -> Values:
    wanted = review(model, {"state": "reviewed"}, fate)
    next_image(model, meant, fate)
    return wanted


def add_category(model: Model, meant: Meant, fate: Fate) -> Values:
    order = 1 + max((kind.order for _, kind in model.kinds()), default=-1)
    new = fate.new_kind
    assert ("category", new) not in model.values
    return {("category", new): Kind(meant["name"], order)}


def rename_category(model: Model, meant: Meant, fate: Fate) -> Values:
    key = ("category", meant["id"])
    return {key: replace(model.values[key], name=meant["name"])}


def move_category(model: Model, meant: Meant, fate: Fate) -> Values:
    known = model.kinds()
    at = next(place for place, (one, _) in enumerate(known) if one == meant["id"])
    to = at + meant["by"]
    if not 0 <= to < len(known):
        return NOTHING
    known[at], known[to] = known[to], known[at]
    return {("category", one): replace(kind, order=n) for n, (one, kind) in enumerate(known)}


def delete_category(model: Model, meant: Meant, fate: Fate) -> Values:
    return {("category", meant["id"]): None, **dict.fromkeys(_of_kind(model, meant["id"]))}


def merge_category(model: Model, meant: Meant, fate: Fate) -> Values:
    into = {
        key: replace(model.values[key], kind=meant["into"]) for key in _of_kind(model, meant["id"])
    }
    return {("category", meant["id"]): None, **into}


def _of_kind(model: Model, kind: int) -> list[tuple[str, int]]:
    found = model.values.items()
    return [key for key, one in found if isinstance(one, Thing) and one.kind == kind]


# ---- the window alone


def flag(model: Model, meant: Meant, fate: Fate) -> Values:
    """Hide, lock, solo, or hide and show all: kept with the project."""
    chosen, everything = set(meant["selected"]), {one.id for one in model.things()}
    if meant["name"] == "lock":
        model.locked = _toggled(model.locked, chosen)
    elif meant["name"] == "hide":
        model.hidden = _toggled(model.hidden, chosen)
    elif meant["name"] == "solo":
        others = everything - chosen
        model.hidden = (set() if others <= model.hidden else model.hidden | others) - chosen
    elif everything & model.hidden:
        model.hidden = model.hidden - everything
    else:
        model.hidden = model.hidden | everything
    return NOTHING


def _toggled(now: set[int], chosen: set[int]) -> set[int]:
    return now - chosen if chosen <= now else now | chosen


def film(model: Model, meant: Meant, fate: Fate) -> Values:
    model.image = meant["to"]
    return NOTHING


def next_image(model: Model, meant: Meant, fate: Fate) -> Values:
    at = model.order.index(model.image)
    model.image = model.order[min(at + 1, len(model.order) - 1)]
    return NOTHING


def previous_image(model: Model, meant: Meant, fate: Fate) -> Values:
    model.image = model.order[max(model.order.index(model.image) - 1, 0)]
    return NOTHING


def next_unreviewed(model: Model, meant: Meant, fate: Fate) -> Values:
    at = model.order.index(model.image) + 1
    around = [*model.order[at:], *model.order[:at]]
    left = [one for one in around if model.values["image", one].review != "reviewed"]
    model.image = left[0] if left else model.image
    return NOTHING


COMMANDS: dict[str, Deed] = {
    "join": join,
    "intersect": intersect,
    "subtract": subtract,
    "remove_overlap": remove_overlap,
    "fill_holes": fill_holes,
    "category": category,
    "crowd": crowd,
    "delete": delete,
    "arrange": arrange,
    "copy": duplicate,
    "clip": clip,
    "paste": paste,
    "repeat": repeat,
    "review": review,
    "reviewed_next": reviewed_next,
    "add_category": add_category,
    "rename_category": rename_category,
    "move_category": move_category,
    "delete_category": delete_category,
    "merge_category": merge_category,
    "flag": flag,
    "film": film,
    "next_image": next_image,
    "previous_image": previous_image,
    "next_unreviewed": next_unreviewed,
}
ALL: dict[str, Deed] = {**DEEDS, **COMMANDS}
