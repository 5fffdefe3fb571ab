"""Follows the log of a scripted session with the model, and compares the model with a project."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskgui.assist.exporting import export_coco
from maskgui.assist.session import Session
from maskgui.core.entities import Instance
from maskgui.core.shape import Shape
from tests.e2e.replay_agreement import from_rings
from tests.e2e.replay_commands import ALL
from tests.e2e.replay_masks import read_mask
from tests.e2e.replay_model import Fate, Kind, Model, Picture, Thing
from tests.e2e.replay_shapes import Outline


@dataclass
class Replay:
    """The model with what is known of the deed in hand."""

    model: Model = field(default_factory=Model)
    meant: dict[str, Any] | None = None
    last: dict[str, Any] | None = None
    deeds: Counter[str] = field(default_factory=Counter)

    def follow(self, log: Path) -> None:
        """Replay the log of one process."""
        self.model.clip = []
        for line in map(json.loads, log.read_text().splitlines()):
            if "opened" in line:
                self._opened(line)
            elif "done" in line:
                self._done(line["done"])
            else:
                self.meant = line

    def _opened(self, line: dict[str, Any]) -> None:
        """A window just opened shows the image shown last, the first time the first one.

        What was hidden or locked is still so.
        """
        model, seen, self.meant = self.model, line["opened"], None
        model.order = [image for image, _ in line["images"]]
        assert [path for _, path in line["images"]] == sorted(path for _, path in line["images"])
        model.image = model.image or model.order[0]
        self._compare_window(seen)

    def _done(self, seen: dict[str, Any]) -> None:
        outlines = {int(one): from_rings(rings) for one, rings in seen.get("outlines", {}).items()}
        here = [one for one, *_ in seen["here"]]
        self._carry_out(self._fate(seen["depths"], here, outlines, seen.get("new_kind", -1)))
        self._compare_window(seen)

    def _fate(
        self, depths: Sequence[int], here: list[int], outlines: dict[int, Outline], new_kind: int
    ) -> Fate:
        new = [one for one in sorted(outlines) if ("thing", one) not in self.model.values]
        return Fate((depths[0], depths[1]), here, outlines, new, new_kind)

    def _carry_out(self, fate: Fate) -> None:
        assert self.meant is not None
        try:
            self.model.carry_out(self.meant, fate, ALL)
        except Exception as error:
            raise AssertionError(f"the replay and the window differ: {self.meant}") from error
        self.deeds[self.meant["do"]] += 1
        self.meant, self.last = None, self.meant

    def _compare_window(self, seen: dict[str, Any]) -> None:
        model = self.model
        known = (model.image, sorted(model.hidden), sorted(model.locked), list(model.depths))
        assert known == (seen["image"], seen["hidden"], seen["locked"], seen["depths"]), self.last
        here = [[*_known(one), one.outline.print] for one in model.things()]
        assert here == seen["here"], self.last

    def settle(self, session: Session) -> None:
        """Carry out the deed in hand when the process ended, if the project says that it was."""
        model, meant, self.meant = self.model, self.meant, None
        found = depths_of(session)
        if meant is None:
            return
        if meant["do"] == "flag":
            self._settle_flags(session, meant)
        if found == model.depths:
            return
        kinds = {one.id for one in session.document.categories}
        kinds -= {one for one, _ in model.kinds()}
        self.meant = meant
        instances = {one.id: one for key in model.order for one in session.instances(key)}
        outlines = {} if meant["do"] in ("undo", "redo") else self._changed(instances)
        self._carry_out(self._fate(found, [*instances], outlines, max(kinds, default=-1)))

    def _settle_flags(self, session: Session, meant: dict[str, Any]) -> None:
        """Hide or lock when that came to disk; it is no step of the history."""
        kept = [set(session.setting(key) or ()) for key in ("hidden", "locked")]
        model = self.model
        if kept != [model.hidden, model.locked]:
            self.meant = meant
            self._carry_out(self._fate(depths_of(session), [], {}, -1))
        assert kept == [model.hidden, model.locked], meant

    def _changed(self, instances: dict[int, Instance]) -> dict[int, Outline]:
        known = self.model.values
        found = {number: outline_of(one.shape) for number, one in instances.items()}
        return {
            number: one
            for number, one in found.items()
            if ("thing", number) not in known or known["thing", number].outline.print != one.print
        }


def depths_of(session: Session) -> tuple[int, int]:
    """Return how many steps can be undone and redone."""
    return len(session._timeline.done), len(session._timeline.undone)


def outline_of(shape: Shape) -> Outline:
    return from_rings([part.rings for part in shape.parts])


def compare(model: Model, session: Session) -> None:
    """Assert that a project holds what the model does, to the last bit of every vertex."""
    document = session.document
    assert depths_of(session) == model.depths
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
            assert outline_of(one.shape).print == thing.outline.print, thing


def compare_export(model: Model, session: Session, path: Path) -> None:
    """Assert that pycocotools reads the model's own masks from what the project exports."""
    export_coco(session.project, path)
    content = json.loads(path.read_text())
    kinds = {one["id"]: one["name"] for one in content["categories"]}
    assert kinds == {one: kind.name for one, kind in model.kinds()}
    left = {one.id: one for (kind, _), one in model.values.items() if kind == "thing"}
    for one in content["annotations"]:
        thing = left.pop(one["id"])
        size = model.values["image", thing.image].size
        assert (one["image_id"], one["category_id"]) == (thing.image, thing.kind)
        assert one["iscrowd"] == thing.crowd
        assert np.array_equal(read_mask(one["segmentation"], size), thing.outline.mask(size))
    for thing in left.values():
        size = model.values["image", thing.image].size
        assert not thing.outline.mask(size).any(), "only what has no pixel is left out"


def _facts(one: Instance) -> tuple:
    assert one.touched
    assert (one.detection, one.score, one.source, one.verbatim) == (None, None, None, False)
    return one.id, one.category_id, one.order, one.iscrowd


def _known(one: Thing) -> tuple:
    return one.id, one.kind, one.order, one.crowd
