"""Who edits in the scripted session: looks at the window, chooses by dice, says what is meant."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from maskgui.core.entities import Instance
from maskgui.ui.controller import Controller
from tests.e2e.session_hand import Hand, Point

Say = Callable[..., None]
"""Writes one intention to the outside log, before anything happens."""


class Person:
    """Dice, a hand, and what can be seen of the image shown."""

    def __init__(self, controller: Controller, rng: random.Random, say: Say) -> None:
        self.controller = controller
        self.desk = controller.desk
        self.hand = Hand(controller)
        self.rng = rng
        self._say = say

    @property
    def size(self) -> tuple[int, int]:
        return self.controller.canvas.scene.size

    def say(self, deed: str, **meant: Any) -> None:
        """Tell what is about to be done, with image and selection."""
        self._say(
            do=deed, image=self.desk.image_id, selected=sorted(self.desk.selection.ids), **meant
        )

    def instances(self) -> list[Instance]:
        return self.desk.instances()

    def free(self) -> list[Instance]:
        """The instances that are shown and not locked."""
        scene = self.controller.canvas.scene
        return [one for one in scene.instances() if not scene.locked(one.id)]

    @property
    def undone(self) -> int:
        """how many steps can be redone."""
        assert self.desk.session is not None
        return len(self.desk.session._timeline.undone)

    def may_change(self) -> bool:
        """Whether all that is selected is shown and not locked."""
        return {one.id for one in self.free()} >= self.desk.selection.ids

    def select(self, *chosen: Instance) -> None:
        self.desk.selection.set(one.id for one in chosen)

    def choose(self, least: int = 1, most: int = 1, *, free: bool = True) -> list[Instance]:
        """Select some instances, near each other as a rule; an empty list where too few are."""
        known = self.free() if free and self.rng.random() < 0.9 else self.instances()
        if len(known) < least:
            return []
        first = self.rng.choice(known)
        known.sort(key=lambda one: math.dist(one.shape.bounds[:2], first.shape.bounds[:2]))
        chosen = known[: self.rng.randint(least, min(most, len(known)))]
        self.select(*chosen)
        return chosen

    def choose_category(self) -> int:
        """Press the digit of a category with nothing selected; return the category."""
        self.select()
        place = self.rng.randrange(min(len(self.desk.categories()), 9))
        self.hand.command(f"category_{place + 1}")
        return self.desk.categories()[place].id

    # ---- places

    def place(self) -> Point:
        """Anywhere on the image, or just outside."""
        width, height = self.size
        return self.rng.uniform(-3, width + 3), self.rng.uniform(-3, height + 3)

    def target(self) -> Point:
        """A place near an instance as a rule, so that outlines meet."""
        known = self.instances()
        if not known or self.rng.random() < 0.3:
            return self.place()
        x0, y0, x1, y1 = self.rng.choice(known).shape.bounds
        return self.rng.uniform(x0, x1), self.rng.uniform(y0, y1)

    def reach(self) -> float:
        """The radius of the next thing drawn, in image pixels."""
        return math.exp(self.rng.uniform(math.log(6), math.log(0.3 * min(self.size))))

    def loop(self, middle: Point, radius: float, most: int = 11) -> list[Point]:
        """The corners of a star-like loop, as the mouse can point at them."""
        count = self.rng.randint(5, most)
        angles = np.linspace(0, 2 * math.pi, count, endpoint=False) + self.rng.random()
        reaches = [radius * self.rng.uniform(0.5, 1) for _ in range(count)]
        return self.hand.meant(
            [
                (middle[0] + far * math.cos(angle), middle[1] + far * math.sin(angle))
                for far, angle in zip(reaches, angles, strict=True)
            ]
        )

    def walk(self, start: Point, step: float, count: int) -> list[Point]:
        """A way of bends, as the mouse can follow it."""
        way, angle = [start], self.rng.uniform(0, 2 * math.pi)
        for _ in range(count):
            angle += self.rng.choice((-1, 1)) * self.rng.uniform(0.5, 1.2)
            far = step * self.rng.uniform(0.6, 1.4)
            way.append((way[-1][0] + far * math.cos(angle), way[-1][1] + far * math.sin(angle)))
        return self.hand.meant(way)
