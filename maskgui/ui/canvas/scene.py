"""What the tools may ask of the canvas: the image's instances as they are shown."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Protocol

from maskgui.core.detections import Detections
from maskgui.core.document import Edit
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.hit import HitIndex
from maskgui.core.shape import Shape
from maskgui.core.sieve import Sieve
from maskgui.ui.canvas.paintlist import PaintItem
from maskgui.ui.canvas.style import Look
from maskgui.ui.names import one_line
from maskgui.ui.selection import SelectionModel

UNKNOWN_COLOR = "#9aa0a8"
MANY = 100
"""Changes from which order and hit index are made anew: following one costs as much as a copy."""


class EditContext(Protocol):
    """What the canvas asks the project for, to make edits."""

    def new_id(self) -> int:
        """Return an id that was never used."""

    def image(self, image_id: int) -> ImageRecord:
        """Return an image's record as it is now."""

    def detections(self, image_id: int) -> Detections | None:
        """Return what the model said about an image."""

    def unsimplified(self, instance: Instance) -> Shape:
        """Return the outline that an instance had before it was simplified, else its own."""

    def simplified_by(self, instance: Instance) -> str:
        """Return the label of the edit that last simplified an instance, "" when it was not."""


class CanvasScene:
    """The instances of the image shown. Implements `maskgui.tools.base.Scene`."""

    def __init__(self, context: EditContext, selection: SelectionModel) -> None:
        self._context = context
        self._selection = selection
        self._instances: dict[int, Instance] = {}
        self._categories: dict[int, Category] = {}
        self._hits: HitIndex | None = None
        self._ordered: list[Instance] | None = None
        self.image_id: int | None = None
        self.size = (0, 0)
        self.hidden: frozenset[int] = frozenset()
        self.sieve = Sieve()
        self._sifts = False
        self.locked_ids: frozenset[int] = frozenset()
        self.draw_category: int | None = None
        self.move_freely = False

    @property
    def image(self) -> ImageRecord:
        """The record of the image shown."""
        assert self.image_id is not None  # tools get events only while an image is shown
        return self._context.image(self.image_id)

    @property
    def selection(self) -> frozenset[int]:
        """Ids of the selected instances that are shown."""
        shown = self._selection.ids.intersection(self._instances) - self.hidden
        if self._sifts:
            return frozenset(one for one in shown if self.sieve.passes(self._instances[one]))
        return shown

    @property
    def hits(self) -> HitIndex:
        """The shown instances, ready to be asked what lies where."""
        if self._hits is None:
            self._hits = HitIndex(self.instances())
        return self._hits

    def instances(self) -> Sequence[Instance]:
        """The instances that are shown, the lowest first."""
        if self._ordered is None:
            shown = (one for one in self._instances.values() if self._shows(one))
            self._ordered = sorted(shown, key=_place)
        return self._ordered

    @property
    def top(self) -> int:
        """The highest order number of the image's instances, hidden ones too; -1 without any."""
        return max((one.order for one in self._instances.values()), default=-1)

    def instance(self, instance_id: int) -> Instance | None:
        """One shown instance, None when there is none of that id."""
        found = self._instances.get(instance_id)
        return found if found is not None and self._shows(found) else None

    def all_ids(self) -> frozenset[int]:
        """Ids of all instances, hidden ones too."""
        return frozenset(self._instances)

    def locked(self, instance_id: int) -> bool:
        """Whether the person locked the instance against changes."""
        return instance_id in self.locked_ids

    def new_id(self) -> int:
        """An id that was never used."""
        return self._context.new_id()

    def detections(self) -> Detections | None:
        """What the model said about the image."""
        return None if self.image_id is None else self._context.detections(self.image_id)

    def unsimplified(self, instance: Instance) -> Shape:
        """The outline that an instance had before it was simplified, else its own."""
        return self._context.unsimplified(instance)

    def simplified_by(self, instance: Instance) -> str:
        """The label of the edit that last simplified it, "" when it was not."""
        return self._context.simplified_by(instance)

    def set_instances(
        self, instances: Iterable[Instance], categories: Iterable[Category]
    ) -> tuple[list[Instance], bool]:
        """Show these instead. Return what differs, as `apply` does."""
        old, old_categories = self._instances, self._categories
        self._instances = {one.id: one for one in instances}
        self._categories = {one.id: one for one in categories}
        self._hits = self._ordered = None
        changed = [one for one in old.values() if self._instances.get(one.id) != one]
        changed += [one for one in self._instances.values() if old.get(one.id) != one]
        return changed, old_categories != self._categories

    def set_hidden(self, ids: frozenset[int]) -> None:
        """Show all but these."""
        self.hidden = ids
        self._hits = self._ordered = None

    def set_sieve(self, sieve: Sieve) -> None:
        """Show only those that pass."""
        self.sieve = sieve
        self._sifts = not sieve.is_open  # asked for every instance of 10,000
        self._hits = self._ordered = None

    def _shows(self, instance: Instance) -> bool:
        if instance.id in self.hidden:
            return False
        return not self._sifts or self.sieve.passes(instance)

    def apply(self, edit: Edit) -> tuple[list[Instance], bool]:
        """Follow an edit that was carried out.

        Return the old and new forms of the instances it changed here, and whether a category
        changed.
        """
        changed: list[Instance] = []
        recoloured = False
        if len(edit.changes) > MANY:
            self._hits = self._ordered = None
        for change in edit.changes:
            entity = change.entity
            if isinstance(entity, Category):
                self._categories.pop(entity.id, None)
                if isinstance(change.after, Category):
                    self._categories[entity.id] = change.after
                recoloured = True
            elif isinstance(entity, Instance) and entity.image_id == self.image_id:
                after = change.after if isinstance(change.after, Instance) else None
                changed += [
                    one for one in (change.before, change.after) if isinstance(one, Instance)
                ]
                self._put(entity.id, after)
        return changed, recoloured

    def _put(self, instance_id: int, after: Instance | None) -> None:
        if self._ordered is not None:
            self._reorder(self._ordered, self.instance(instance_id), after)
        if after is None:
            self._instances.pop(instance_id, None)
        else:
            self._instances[instance_id] = after
        if self._hits is not None:
            if after is None or not self._shows(after):
                self._hits.remove(instance_id)
            else:
                self._hits.put(after)

    def _reorder(
        self, ordered: Sequence[Instance], before: Instance | None, after: Instance | None
    ) -> None:
        """Keep the order without sorting anew; who holds the old list keeps it as it was."""
        ordered = list(ordered)
        if before is not None:
            del ordered[bisect_left(ordered, _place(before), key=_place)]
        if after is not None and self._shows(after):
            ordered.insert(bisect_left(ordered, _place(after), key=_place), after)
        self._ordered = ordered

    def color(self, category_id: int | None) -> str:
        """Return a category's colour "#rrggbb"."""
        found = self._categories.get(category_id) if category_id is not None else None
        return found.color if found else UNKNOWN_COLOR

    def label(self, instance: Instance) -> str:
        """Return "category 0.93", without the score where there is none."""
        category = self._categories.get(instance.category_id)
        name = one_line(category.name) if category else "no category"
        return name if instance.score is None else f"{name} {instance.score:.2f}"

    def look(self, instance: Instance, *, labelled: bool) -> Look:
        """Return how an instance is painted."""
        tag = ""
        if labelled:
            tag = self.label(instance)
        elif instance.is_proposal and instance.score is not None:
            tag = f"{instance.score:.2f}"
        return Look(
            self.color(instance.category_id),
            instance.is_proposal,
            instance.id in self.locked_ids,
            instance.iscrowd,
            tag,
        )

    def paint_items(self, *, labelled: bool) -> list[PaintItem]:
        """Return all shown instances as the painting thread needs them."""
        return [self._paint_item(one, labelled=labelled) for one in self.instances()]

    def paint_item(self, instance_id: int, *, labelled: bool) -> PaintItem | None:
        """Return one instance as the painting thread needs it, None when it is not shown."""
        found = self.instance(instance_id)
        return None if found is None else self._paint_item(found, labelled=labelled)

    def _paint_item(self, instance: Instance, *, labelled: bool) -> PaintItem:
        look = self.look(instance, labelled=labelled)
        return PaintItem(instance.id, instance.shape, look, instance.order, instance.score)


def _place(instance: Instance) -> tuple[int, int]:
    return (instance.order, instance.id)
