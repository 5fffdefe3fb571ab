"""Copies of instances: duplicated, pasted here or on another image, taken from the image before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject

from maskgui.core.edits import add_instances, copied
from maskgui.core.entities import ImageRecord, Instance
from maskgui.core.shape import Shape
from maskgui.core.words import counted
from maskgui.tools.shaping import settle_all
from maskgui.ui.control.desk import Desk
from maskgui.ui.names import one_line

SHIFT = 12.0  # screen pixels by which a copy on the same image is put aside
SELECT_FIRST = "Select an instance first."


@dataclass(frozen=True)
class Clipboard:
    """What was copied. It outlives its project: ids mean nothing in the next one, names do."""

    instances: Sequence[Instance] = ()
    project: Path | None = None
    names: Mapping[int, str] = field(default_factory=dict)  # of categories


class Copying(QObject):
    """Keeps what was copied; each paste is one edit."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.desk = desk
        self._clipboard = Clipboard()
        for name, handler in (
            ("duplicate", self.duplicate),
            ("copy", self.copy),
            ("paste", self.paste),
            ("same_as_previous", self.same_as_previous),
        ):
            desk.commands.bind(name, handler)
        desk.selection.changed.connect(lambda _: self._allow())
        desk.shown.connect(self._allow)
        desk.settled.connect(self._allow)
        desk.opened.connect(self._allow)

    def copy(self) -> None:
        """Keep the selected instances for pasting, here, on another image or in another project."""
        chosen, session = self.desk.selected(), self.desk.session
        if session is None:
            return
        names = {category.id: category.name for category in self.desk.categories()}
        self._clipboard = Clipboard(chosen, session.project.path, names)
        self.desk.say(f"Copied {counted(len(chosen), 'instance')}.")
        self._allow()

    def paste(self) -> None:
        """Put copies of what was copied on this image, aside when it is the same image."""
        record, session = self.desk.record, self.desk.session
        if record is None or session is None:
            return
        own = self._clipboard.project == session.project.path
        fitting = self._fitting(own)
        if fitting:
            aside = own and any(one.image_id == record.id for one in fitting)
            self._add_copies(fitting, record, "Paste", aside=aside)

    def _fitting(self, own: bool) -> list[Instance]:
        """Return what was copied, in this project's categories; say which of them it lacks."""
        here = {one.id if own else one.name.casefold(): one.id for one in self.desk.categories()}
        names = self._clipboard.names
        found, missing = [], set()
        for one in self._clipboard.instances:
            name = names[one.category_id]
            kind = here.get(one.category_id if own else name.casefold())
            if kind is None:
                missing.add(f"“{one_line(name)}”")
            else:
                found.append(msgspec.structs.replace(one, category_id=kind))
        if missing:
            what = ", ".join(sorted(missing))
            self.desk.say(f"Not pasted: this project has no category {what}; add it first.")
        return found

    def duplicate(self) -> None:
        """Copy the selected instances beside themselves."""
        record = self.desk.record
        if record is not None and self.desk.selected():
            self._add_copies(self.desk.selected(), record, "Duplicate", aside=True)

    def same_as_previous(self) -> None:
        """Put the instances of the image before on this one; those that are here already stay."""
        record, before = self.desk.record, self._before()
        if record is None or self.desk.session is None or before is None:
            return
        here = {(one.category_id, one.shape) for one in self.desk.instances()}
        found = self.desk.session.instances(before)
        fitted = _fitted(found, record, 0.0)
        new = [
            one
            for one, shape in zip(found, fitted, strict=True)
            if (one.category_id, shape) not in here
        ]
        if new:
            self._add_copies(new, record, "Repeat", aside=False)
        else:
            why = "are here already" if found else "are none"
            self.desk.say(f"There is nothing to repeat: the previous image's instances {why}.")

    def _before(self) -> int | None:
        order, now = self.desk.order, self.desk.image_id
        at = order.index(now) if now in order else 0
        return order[at - 1] if at > 0 else None

    def _add_copies(
        self, originals: Sequence[Instance], record: ImageRecord, verb: str, *, aside: bool
    ) -> None:
        by = SHIFT / max(self.desk.scale, 1e-6) if aside else 0.0
        order = 1 + max((one.order for one in self.desk.instances()), default=-1)
        pile = sorted(originals, key=lambda one: (one.order, one.id))
        made = [
            copied(one, self.desk.new_id(), record.id, shape=shape, order=order + place)
            for place, (one, shape) in enumerate(zip(pile, _fitted(pile, record, by), strict=True))
            if shape.parts
        ]
        if not made:
            self.desk.say("What was copied lies outside this image; nothing was pasted.")
            return
        label = f"{verb} instance" if len(made) == 1 else f"{verb} {len(made)} instances"
        if self.desk.apply(add_instances(made, label)):
            self.desk.selection.set(one.id for one in made)

    def _allow(self) -> None:
        desk = self.desk
        image = "" if desk.record else "Open images first."
        desk.allow(("duplicate", "copy"), image or ("" if desk.selection.ids else SELECT_FIRST))
        desk.allow(
            ("paste",), image or ("" if self._clipboard.instances else "Copy instances first.")
        )
        first = "" if self._before() is not None else "This is the first image."
        desk.allow(("same_as_previous",), image or first)


def _fitted(originals: Sequence[Instance], record: ImageRecord, by: float) -> list[Shape]:
    """Return copies' outlines, aside and within the image; empty where nothing is left of one."""
    moved = [one.shape.moved(*_room(one, record, by)) for one in originals]
    known = record.width and record.height  # an image not shown yet has no size
    return settle_all(moved, record.width, record.height) if known else moved


def _room(one: Instance, record: ImageRecord, by: float) -> tuple[float, float]:
    """Return how far a copy is moved: aside, but not out of the image."""
    x0, y0, x1, y1 = one.shape.bounds
    dx = by if x1 + by <= record.width else -by if x0 >= by else 0.0
    dy = by if y1 + by <= record.height else -by if y0 >= by else 0.0
    return dx, dy
