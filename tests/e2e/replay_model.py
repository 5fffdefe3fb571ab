"""What a project must hold after the deeds of a log: plain values, two stacks, and what is shown.

The model knows nothing of sessions. It is told what was meant; what it makes of it stands in
`replay_deeds` and `replay_shapes`. What the window has then is judged at once: where no outlines
cross it must be the same vertices, else within what booleans may differ by. Once judged, the
model has it too, to the last bit, so that nothing piles up; what is undone and redone comes from
its own stacks. Of what the window saw it takes over only the ids of what is new, which of two
equally large instances was meant, and the outlines that simplifying led to, which it checks.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.e2e.replay_agreement import Agreement
from tests.e2e.replay_shapes import Outline

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
    deed: str
    image: int | None
    before: Values
    after: Values


@dataclass
class Fate:
    """What is known of how a deed ended."""

    depths: tuple[int, int]
    here: list[int]  # instances of the image shown then
    outlines: dict[int, Outline]  # of all instances that have another than before
    new: list[int]  # instances
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
    agreement: Agreement = field(default_factory=Agreement)

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

    def unsimplified(self, one: Thing) -> Outline:
        """Return the outline that led to an instance's present one by simplifying only."""
        key, found = ("thing", one.id), one.outline
        for step in reversed(self.done):
            after = step.after.get(key)
            if step.deed == "simplify" and after is not None and after.outline == found:
                found = step.before[key].outline
        return found

    # ---- changing

    def carry_out(self, meant: dict[str, Any], fate: Fate, deeds: dict[str, Callable]) -> None:
        """Do what was meant, as far as its fate says that it became an edit."""
        image = self.image
        assert meant["image"] == image
        if meant["do"] in ("undo", "redo"):
            self.walk(back=meant["do"] == "undo")
            return
        size = self.picture.size
        wanted = deeds[meant["do"]](self, meant, fate)
        assert {("thing", one) for one in fate.outlines} <= {*wanted}, "others were changed"
        adopted = {key: self._adopted(key, value, fate, size) for key, value in wanted.items()}
        adopted = {key: one for key, one in adopted.items() if one != self.values.get(key)}
        if fate.depths == self.depths:
            assert not adopted, f"nothing was done of {[*adopted]}"
            return
        assert adopted, "something was done that was not meant"
        self._edit(meant["do"], adopted, None if meant["do"].endswith("_category") else image)

    def _adopted(self, key: Key, value: Any, fate: Fate, size: tuple[int, int]) -> Any:
        """Return a value with the outline that the window has, once it is found to be right."""
        if not isinstance(value, Thing):
            assert value is not None or key[1] not in fate.outlines, "it was to go"
            return value
        old = self.values.get(key)
        found = fate.outlines.get(value.id, old and old.outline)
        assert found is not None, f"{key} is missing"
        self.agreement.judge(value.outline, found, size)
        return replace(value, outline=found)

    def _edit(self, deed: str, wanted: Values, image: int | None) -> None:
        picture = self.values.get(("image", image))
        if picture and picture.review == "new" and any(kind == "thing" for kind, _ in wanted):
            wanted["image", image] = replace(picture, review="in progress")
        before = {key: self.values.get(key) for key in wanted}
        self.done.append(Step(deed, image, before, wanted))
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
