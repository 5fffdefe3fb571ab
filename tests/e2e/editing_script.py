"""Scripted random editing: a plain model of what a person does, and a process that does it.

The model knows nothing of sessions: entities in a dict, and two stacks of changes. A child carries
the same steps out through a Session and writes a line to a log once each is on disk, so a test may
kill it at any moment and compare the project with the model.

Run as a program it is a server: a JSON line {project, rounds, log, reopen} on stdin forks one
child, its pid comes back on stdout; {"reap": pid} waits for it. Imports are paid for once.
"""

import os
import random
from pathlib import Path
from typing import Any

import msgspec

from maskgui.assist.session import Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, Entity, ImageRecord, Instance, Review
from maskgui.core.shape import Polygon, Shape
from tests.e2e.fork_server import serve

Pair = tuple[Entity | None, Entity | None]


class Model:
    """What a project must hold after any number of steps."""

    def __init__(self) -> None:
        self.state: dict[tuple[str, int], Entity] = {}
        self.done: list[list[Pair]] = []
        self.undone: list[list[Pair]] = []
        self.next_id = 1

    def new_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def of(self, kind: type) -> list:
        return [value for value in self.state.values() if isinstance(value, kind)]

    def carry_out(self, pairs: list[Pair]) -> None:
        for before, after in pairs:
            entity = after if after is not None else before
            key = (type(entity).__name__, entity.id)
            if after is None:
                del self.state[key]
            else:
                self.state[key] = after

    def step(self, rng: random.Random) -> tuple[str, list[Pair] | int | None]:
        """Do one random thing; return ("edit", pairs), ("undo" | "redo", None) or ("look", id)."""
        kind = rng.choices(["edit", "undo", "redo", "look"], [12, 4, 3, 2])[0]
        if kind == "undo":
            if self.done:
                pairs = self.done.pop()
                self.carry_out([(after, before) for before, after in reversed(pairs)])
                self.undone.append(pairs)
            return "undo", None
        if kind == "redo":
            if self.undone:
                pairs = self.undone.pop()
                self.carry_out(pairs)
                self.done.append(pairs)
            return "redo", None
        images = self.of(ImageRecord)
        if kind == "look" and images:
            return "look", rng.choice(images).id
        pairs = self._edit(rng)
        self.carry_out(pairs)
        self.done.append(pairs)
        self.undone.clear()
        return "edit", pairs

    def _edit(self, rng: random.Random) -> list[Pair]:
        images, categories = self.of(ImageRecord), self.of(Category)
        instances = self.of(Instance)
        if len(categories) < 2 or rng.random() < 0.03:
            one = Category(self.new_id(), f"kind {rng.random()}", "#0072b2", len(categories))
            return [(None, one)]
        if len(images) < 2 or rng.random() < 0.05:
            one = ImageRecord(self.new_id(), f"image {rng.random()}.png", 640, 480)
            return [(None, one)]
        choice = rng.random()
        if choice < 0.03:
            gone = rng.choice(images)
            theirs = [item for item in instances if item.image_id == gone.id]
            return [(item, None) for item in theirs] + [(gone, None)]
        if choice < 0.10:
            one = rng.choice(images)
            review = rng.choice([kind for kind in Review if kind != one.review])
            return [(one, msgspec.structs.replace(one, review=review, threshold=rng.random()))]
        if choice < 0.13 and instances:
            into = rng.choice(categories).id
            return [(item, msgspec.structs.replace(item, category_id=into)) for item in instances]
        if choice < 0.5 or not instances:
            points = [(rng.uniform(0, 640), rng.uniform(0, 480)) for _ in range(rng.randint(3, 30))]
            shape = Shape([Polygon(points)])
            image, category = rng.choice(images).id, rng.choice(categories).id
            return [(None, Instance(self.new_id(), image, category, shape))]
        one = rng.choice(instances)
        if choice < 0.6:
            return [(one, None)]
        if choice < 0.7:
            category = rng.choice(categories).id
            return [(one, msgspec.structs.replace(one, category_id=category))]
        ring = one.shape.parts[0].exterior.copy()
        ring[rng.randrange(len(ring))] += rng.uniform(-5, 5)
        return [(one, msgspec.structs.replace(one, shape=one.shape.with_ring(0, 0, ring)))]


def replay(rounds: list[tuple[int, int]]) -> Model:
    """Return the model after some rounds of (seed, steps)."""
    model = Model()
    for seed, steps in rounds:
        rng = random.Random(seed)
        for _ in range(steps):
            model.step(rng)
    return model


def follow(session: Session, step: tuple[str, list[Pair] | int | None]) -> None:
    """Carry one step of the model out through a session."""
    kind, what = step
    if kind == "undo":
        session.undo()
    elif kind == "redo":
        session.redo()
    elif kind == "look":
        session.instances(what)
    else:
        changes = tuple(Change(before, after) for before, after in what)
        entity = changes[0].entity
        image_id = entity.image_id if isinstance(entity, Instance) else None
        session.apply(Edit(f"Step {len(changes)}", image_id, changes))


def held(session: Session) -> dict[tuple[str, int], Entity]:
    """Return what a session holds in the model's form, read from the file where not in memory."""
    found: list[Entity] = [*session.document.categories, *session.document.images.values()]
    for image_id in session.document.images:
        found += session.instances(image_id)
    return {(type(entity).__name__, entity.id): entity for entity in found}


def edit_until_killed(project: Path, rounds: list, log: int, reopen: bool) -> None:
    """Edit on; each step is logged once it is on disk. With `reopen`: after six, open and close."""
    model = replay(rounds[:-1])
    rng = random.Random(rounds[-1][0])
    session = Session.open(project)
    steps = 0
    while not (reopen and steps == 6):
        follow(session, model.step(rng))
        steps += 1
        assert session.flush(30), session.last_error
        os.write(log, b"x")
    while True:
        session.close()
        session = Session.open(project)


def begin(task: dict[str, Any]) -> None:
    log = os.open(task["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    edit_until_killed(Path(task["project"]), task["rounds"], log, task["reopen"])


if __name__ == "__main__":
    serve(begin)
