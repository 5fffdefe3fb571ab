"""What a project must hold after the deeds of a log: plain values, two stacks, and what is shown.

The model knows nothing of sessions. It is told what was meant; what it makes of it stands in
`replay_deeds` and `replay_shapes`. Of what the window saw it takes over only the ids of new
instances, which of two equally large ones was kept, and the outlines that simplifying led to, which
it checks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.replay_shapes import CRUMB, Outline, apart

Key = tuple[str, int]
Values = dict[Key, Any]
"""What becomes of entities: their new values, None for those that go."""


@dataclass(frozen=True)
class Picture:
    path: str
    size: tuple[int, int]
    review: str = "new"


@dataclass(frozen=True)
class Kind:
    name: str
    order: int


@dataclass(frozen=True)
class Thing:
    """An instance."""

    id: int
    image: int
    kind: int
    order: int
    outline: Outline
    crowd: bool = False


@dataclass(frozen=True)
class Step:
    image: int | None
    before: Values
    after: Values


@dataclass
class Fate:
    """What is known of how a deed ended."""

    depths: tuple[int, int]
    new: list[int]  # instances
    here: list[int]  # instances of the image shown then
    outlines: dict[int, Outline]  # of the simplified
    new_kind: int = -1  # category


@dataclass
class Model:
    """The document, the history, and what the window shows."""

    values: Values = field(default_factory=dict)
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)
    order: list[int] = field(default_factory=list)  # images as the filmstrip lists them
    image: int | None = None
    hidden: set[int] = field(default_factory=set)
    locked: set[int] = field(default_factory=set)
    clip: list[Thing] = field(default_factory=list)
    edits: int = 0

    # ---- looking

    @property
    def depths(self) -> tuple[int, int]:
        return len(self.done), len(self.undone)

    @property
    def picture(self) -> Picture:
        return self.values["image", self.image]

    def kinds(self) -> list[tuple[int, Kind]]:
        found = [(one, kind) for (what, one), kind in self.values.items() if what == "category"]
        return sorted(found, key=lambda pair: (pair[1].order, pair[0]))

    def things(self, image: int | None = None) -> list[Thing]:
        """Return the instances of the image shown (or another), the lowest first."""
        on = self.image if image is None else image
        found = [one for one in self.values.values() if isinstance(one, Thing) and one.image == on]
        return sorted(found, key=lambda one: (one.order, one.id))

    def shown(self) -> list[Thing]:
        return [one for one in self.things() if one.id not in self.hidden]

    def chosen(self, meant: dict[str, Any], *, hidden: bool = False) -> list[Thing]:
        """Return the selected instances that are not locked, by id."""
        pool = self.things() if hidden else self.shown()
        free = [one for one in pool if one.id in meant["selected"] and one.id not in self.locked]
        return sorted(free, key=lambda one: one.id)

    # ---- changing

    def carry_out(self, meant: dict[str, Any], fate: Fate, deeds: dict[str, Callable]) -> None:
        """Do what was meant, as far as its fate says that it became an edit."""
        image = self.image
        assert meant["image"] == image
        if meant["do"] in ("undo", "redo"):
            self.walk(back=meant["do"] == "undo")
            return
        wanted = {
            key: value
            for key, value in deeds[meant["do"]](self, meant, fate).items()
            if value != self.values.get(key)
        }
        if fate.depths == self.depths:
            left = [key for key in wanted if not self._same(key, wanted[key])]
            assert not left, f"nothing was done of {left}"
            return
        assert wanted, "something was done that was not meant"
        self._edit(wanted, None if meant["do"].endswith("_category") else image)

    def _same(self, key: Key, value: Any) -> bool:
        """Whether a value says what is there already, in outlines drawn by other vertices."""
        old = self.values.get(key)
        if not isinstance(old, Thing) or not isinstance(value, Thing):
            return False
        limit = old.outline.blur + value.outline.blur + 5 * CRUMB
        alike = replace(value, outline=old.outline) == old
        return alike and apart(old.outline, value.outline) <= limit

    def _edit(self, wanted: Values, image: int | None) -> None:
        picture = self.values.get(("image", image))
        if picture and picture.review == "new" and any(kind == "thing" for kind, _ in wanted):
            wanted["image", image] = replace(picture, review="in progress")
        before = {key: self.values.get(key) for key in wanted}
        self.done.append(Step(image, before, wanted))
        self.undone.clear()
        self._put(wanted)
        self.edits += 1

    def walk(self, *, back: bool) -> None:
        source, target = (self.done, self.undone) if back else (self.undone, self.done)
        if not source:
            return
        step = source.pop()
        target.append(step)
        self._put(step.before if back else step.after)
        if step.image is not None:
            self.image = step.image

    def _put(self, values: Values) -> None:
        for key, value in values.items():
            if value is None:
                self.values.pop(key, None)
            else:
                self.values[key] = value
