"""Commands of the scripted session, and how often a person does which deed."""

from collections.abc import Callable

from maskgui.core.entities import Review
from maskgui.ui.control.copying import SHIFT as ASIDE
from tests.e2e import session_drawing as drawing
from tests.e2e import session_shaping as shaping
from tests.e2e.session_person import Person

MOST = 12
"""Instances of an image beyond which nothing is added, so that the session stays quick."""


def combine(person: Person) -> bool:
    name = person.rng.choice(
        ["join", "join", "split", "subtract", "intersect", "remove_overlap", "fill_holes"]
    )
    if not person.choose(2 if name in ("join", "intersect") else 1, 3):
        return False
    if name == "remove_overlap" and person.rng.random() < 0.5:
        person.select()
    person.say(name)
    person.hand.command(name)
    return True


def recategorise(person: Person) -> bool:
    if not person.choose(1, 3):
        return False
    place = person.rng.randrange(min(len(person.desk.categories()), 9))
    person.say("category", into=person.desk.categories()[place].id)
    person.hand.command(f"category_{place + 1}")
    return True


def crowd(person: Person) -> bool:
    chosen = person.choose(1, 2)
    if not chosen:
        return False
    person.say("crowd", on=not all(one.iscrowd for one in chosen))
    person.hand.command("toggle_crowd")
    return True


def arrange(person: Person) -> bool:
    if not person.choose(1, 3):
        return False
    way = person.rng.choice(["to_front", "forward", "backward", "to_back"])
    person.say("arrange", way=way)
    person.hand.command(way)
    return True


def delete(person: Person) -> bool:
    if not person.choose(1, 2):
        return False
    person.say("delete")
    person.hand.command("delete")
    return True


def duplicate(person: Person) -> bool:
    if not person.choose(1, 3, free=False):
        return False
    person.say("copy", ids=sorted(person.desk.selection.ids), aside=ASIDE / person.desk.scale)
    person.hand.command("duplicate")
    return True


def copy(person: Person) -> bool:
    """Copy, and paste here or later, on whichever image."""
    chosen = person.choose(1, 3, free=False)
    if not chosen:
        return False
    person.say("clip")
    person.hand.command("copy")
    return True


def paste(person: Person) -> bool:
    person.say("paste", aside=ASIDE / person.desk.scale)
    person.hand.command("paste")
    return True


def repeat(person: Person) -> bool:
    person.say("repeat")
    person.hand.command("same_as_previous")
    return True


def flag(person: Person) -> bool:
    """Hide, lock, solo, or show and hide all."""
    if not person.choose(1, 3, free=False):
        return False
    name = person.rng.choice(["hide", "lock", "lock", "solo", "toggle_all", "toggle_all"])
    person.say("flag", name=name)
    person.hand.command(name)
    return True


def review(person: Person) -> bool:
    state = person.rng.choice(list(Review))
    person.say("review", state=state.value)
    person.controller.window.topbar.review_chosen.emit(state)
    return True


def reviewed_next(person: Person) -> bool:
    person.say("reviewed_next")
    person.hand.command("reviewed_next")
    return True


def categories(person: Person) -> bool:
    """Add, rename, move, merge or delete a category, as its list asks for it."""
    known, panel = person.desk.categories(), person.controller.window.side.categories
    what = person.rng.choice(["add", "rename", "move", "merge", "delete"])
    name = f"kind {person.rng.randrange(10**6)}"
    one = person.rng.choice(known)
    if what == "add" or len(known) < 4:
        person.say("add_category", name=name)
        person.controller.categories.add_named(name)
    elif what == "rename":
        person.say("rename_category", id=one.id, name=name)
        panel.renamed.emit(one, name)
    elif what == "move":
        by = person.rng.choice([-1, 1])
        person.say("move_category", id=one.id, by=by)
        panel.move_asked.emit(one, by)
    elif what == "merge":
        into = person.rng.choice([other for other in known if other != one])
        person.say("merge_category", id=one.id, into=into.id)
        panel.merge_asked.emit(one, into)
    else:
        person.say("delete_category", id=one.id)
        panel.delete_asked.emit(one)
    return True


def undo(person: Person) -> bool:
    person.say("undo")
    person.hand.command("undo")
    return True


def redo(person: Person) -> bool:
    """Redo what was undone, and try it now and then where nothing was."""
    if not person.undone and person.rng.random() < 0.9:
        return False
    person.say("redo")
    person.hand.command("redo")
    return True


def switch(person: Person) -> bool:
    """Go to another image: the next, the one before, the next to do, or one of the filmstrip."""
    name = person.rng.choice(["next_image", "previous_image", "next_unreviewed", "film", "film"])
    if name == "film":
        to = person.rng.choice(person.desk.order)
        person.say("film", to=to)
        person.controller.window.film.chosen.emit(to)
    else:
        person.say(name)
        person.hand.command(name)
    return True


DRAWING: dict[Callable[[Person], bool], int] = {
    drawing.polygon: 9,
    drawing.box: 6,
    drawing.freehand: 4,
    duplicate: 3,
    copy: 3,
    paste: 4,
    repeat: 1,
}
"""What leaves more instances on the image, and how often."""
OTHERS: dict[Callable[[Person], bool], int] = {
    drawing.brush: 8,
    drawing.lasso: 7,
    drawing.punch: 4,
    drawing.cut: 4,
    drawing.reroute: 4,
    shaping.drag_vertex: 9,
    shaping.delete_framed: 2,
    shaping.move: 5,
    shaping.nudge: 3,
    shaping.transform: 6,
    shaping.simplify: 4,
    combine: 8,
    recategorise: 5,
    crowd: 2,
    arrange: 5,
    delete: 4,
    flag: 3,
    review: 3,
    reviewed_next: 2,
    categories: 1,
    switch: 6,
    undo: 7,
    redo: 12,
}


def act(person: Person) -> None:
    """Do one thing that can be done here."""
    deeds = OTHERS if len(person.instances()) >= MOST else {**DRAWING, **OTHERS}
    while not person.rng.choices(list(deeds), list(deeds.values()))[0](person):
        pass
