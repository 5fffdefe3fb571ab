"""Follows the log of a scripted session with the model, and compares the model with a project."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskgui.assist.session import Session
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from tests.e2e.replay_commands import ALL
from tests.e2e.replay_model import Fate, Kind, Model, Picture, Thing
from tests.e2e.replay_shapes import CRUMB, Outline, apart, from_rings, mask


@dataclass
class Replay:
    """The model with what is known of the deed in hand."""

    model: Model = field(default_factory=Model)
    meant: dict[str, Any] | None = None
    last: dict[str, Any] | None = None
    images: set[int | None] = field(default_factory=set)  # one of them is shown at the next start
    deeds: Counter[str] = field(default_factory=Counter)

    def follow(self, log: Path) -> None:
        """Replay the log of one process."""
        model = self.model
        model.clip = []
        for text in log.read_text().splitlines(keepends=True):
            line = json.loads(text) if text.endswith("\n") else {}
            if "opened" in line:
                self._opened(line)
            elif "done" in line:
                self._done(line["done"])
            elif line:
                self.meant = line
        self.images.add(model.image)

    def _opened(self, line: dict[str, Any]) -> None:
        """Nothing is hidden or locked in a window just opened; the image shown last is shown."""
        model, seen = self.model, line["opened"]
        model.hidden, model.locked, self.meant = set(), set(), None
        model.order = [image for image, _ in line["images"]]
        assert [path for _, path in line["images"]] == sorted(path for _, path in line["images"])
        if self.images:
            assert seen["image"] in self.images
        model.image = seen["image"]
        self.images = {model.image}
        self._compare_window(seen)

    def _done(self, seen: dict[str, Any]) -> None:
        outlines = {int(one): from_rings(rings) for one, rings in seen.get("outlines", {}).items()}
        new = seen["new"], seen["here"]
        fate = Fate(tuple(seen["depths"]), *new, outlines, seen.get("new_kind", -1))
        self._carry_out(fate)
        self._compare_measures(seen["areas"])
        self.images = {self.model.image}
        self._compare_window(seen)

    def _carry_out(self, fate: Fate) -> None:
        assert self.meant is not None
        try:
            self.model.carry_out(self.meant, fate, ALL)
        except Exception as error:
            raise AssertionError(f"the replay and the window differ: {self.meant}") from error
        self.deeds[self.meant["do"]] += 1
        self.meant, self.last = None, self.meant

    def _compare_measures(self, seen: dict[str, Any]) -> None:
        """A first look at what a deed changed: areas and boxes."""
        for number, (area, box) in seen.items():
            mine = self.model.values["thing", int(number)].outline
            known = sum(part.area for part in mine.parts)
            assert abs(area - known) <= mine.blur + 5 * CRUMB, (self.last, number, area, known)
            away = max(abs(a - b) for a, b in zip(box, mine.bounds, strict=True))
            assert away <= (1 if mine.blur else 0.1), (self.last, number, box, mine.bounds)

    def _compare_window(self, seen: dict[str, Any]) -> None:
        model = self.model
        known = (model.image, sorted(model.hidden), sorted(model.locked), list(model.depths))
        assert known == (seen["image"], seen["hidden"], seen["locked"], seen["depths"])

    def settle(self, session: Session) -> None:
        """Carry out the deed in hand when the process ended, if the project says that it was."""
        model, meant, self.meant = self.model, self.meant, None
        found = (len(session._timeline.done), len(session._timeline.undone))
        if meant is None or found == model.depths:
            return
        known = {one for kind, one in model.values if kind == "thing"}
        instances = {one.id: one for key in model.order for one in session.instances(key)}
        outlines = {number: outline_of(one.shape) for number, one in instances.items()}
        kinds = {one.id for one in session.document.categories}
        kinds -= {one for kind, one in model.values if kind == "category"}
        self.meant, before = meant, model.image
        new = sorted({*instances} - known), [*instances]
        fate = Fate(found, *new, outlines, max(kinds, default=-1))
        self._carry_out(fate)
        self.images |= {before, model.image}


def outline_of(shape: Shape) -> Outline:
    return from_rings([part.rings for part in shape.parts])


@dataclass
class Agreement:
    """How well masks agreed, over all that were compared."""

    masks: int = 0
    same: int = 0
    worst: float = 0.0  # differing pixels as a share of what is allowed
    least: float = 1.0  # IoU above 2,500 px


def compare(model: Model, session: Session, agreement: Agreement) -> None:
    """Assert that a project holds what the model does."""
    document = session.document
    depths = (len(session._timeline.done), len(session._timeline.undone))
    assert depths == model.depths
    kinds = {one.id: Kind(one.name, one.order) for one in document.categories}
    assert kinds == dict(model.kinds())
    assert {*document.images} == {one for kind, one in model.values if kind == "image"}
    for image_id, record in document.images.items():
        picture: Picture = model.values["image", image_id]
        assert (record.path, record.review.value) == (picture.path, picture.review)
        assert (record.width, record.height) in (picture.size, (0, 0))
        found, things = session.instances(image_id), model.things(image_id)
        assert [_facts(one) for one in found] == [_known(one) for one in things]
        for one, thing in zip(found, things, strict=True):
            _compare_outlines(thing, outline_of(one.shape), picture.size, agreement)


def _facts(one: Instance) -> tuple:
    assert one.touched
    assert (one.detection, one.score, one.source, one.verbatim) == (None, None, None, False)
    return one.id, one.category_id, one.order, one.iscrowd


def _known(one: Thing) -> tuple:
    return one.id, one.kind, one.order, one.crowd


def _compare_outlines(
    thing: Thing, found: Outline, size: tuple[int, int], agreement: Agreement
) -> None:
    mine = thing.outline
    assert all(part.is_valid for part in found.parts)
    assert apart(mine, found) <= mine.blur + 5 * CRUMB, thing
    one, other = mask(mine, size), mask(found, size)
    differing, either = int((one ^ other).sum()), int((one | other).sum())
    agreement.masks += 1
    agreement.same += differing == 0
    if differing:
        agreement.worst = max(agreement.worst, differing / max(mine.slack, 1e-9))
    if either > 2500:
        agreement.least = min(agreement.least, 1 - differing / either)
    assert differing <= mine.slack, f"{differing} pixels, {mine.slack} allowed: {thing.id}"
