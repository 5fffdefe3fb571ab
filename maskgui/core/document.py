"""The document and the one way to change it.

An edit is a frozen list of changes, each an entity before and after. Applying it checks that the
document still holds the `before` of each change, so an undo that something later contradicts is
refused as a whole, and its inverse is the same list turned round.
"""

from collections.abc import Iterable

import msgspec

from maskgui.core.entities import Category, Entity, ImageRecord, Instance
from maskgui.core.errors import UserError


class EditConflict(UserError):
    """The document no longer is what the edit was made for; nothing was changed."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """One entity before and after; None where it did not or does not exist."""

    before: Entity | None
    after: Entity | None

    @property
    def entity(self) -> Entity:
        """Whichever side exists: it tells kind, id and image."""
        found = self.after if self.after is not None else self.before
        if found is None:
            raise ValueError("a change needs a before or an after")
        return found


class Edit(msgspec.Struct, frozen=True, gc=False):
    """One step of the history. `image_id` is where to show it, None for the project."""

    label: str  # what the person did, for the menu: "Move vertex"
    image_id: int | None
    changes: tuple[Change, ...]

    def inverse(self) -> "Edit":
        """Return the edit that takes this one back."""
        turned = (Change(change.after, change.before) for change in reversed(self.changes))
        return Edit(self.label, self.image_id, tuple(turned))

    def images(self) -> frozenset[int]:
        """The images whose instances or record this edit changes."""
        found = set()
        for change in self.changes:
            entity = change.entity
            if isinstance(entity, Instance):
                found.add(entity.image_id)
            elif isinstance(entity, ImageRecord):
                found.add(entity.id)
        return frozenset(found)

    def labelled_images(self) -> frozenset[int]:
        """The images whose instances this edit changes."""
        entities = [change.entity for change in self.changes]
        return frozenset([one.image_id for one in entities if isinstance(one, Instance)])


class Document:
    """Categories, image records, and the instances of those images that are loaded."""

    def __init__(
        self, categories: Iterable[Category] = (), images: Iterable[ImageRecord] = ()
    ) -> None:
        self._categories = {category.id: category for category in categories}
        self._images = {image.id: image for image in images}
        self._instances: dict[int, dict[int, Instance]] = {}
        self._ordered: dict[int, list[Instance]] = {}  # of images that were asked for
        self._proposals: dict[int, Instance | None] = {}  # the first of images asked for

    @property
    def categories(self) -> list[Category]:
        """All categories in the person's order."""
        return sorted(self._categories.values(), key=lambda category: (category.order, category.id))

    @property
    def images(self) -> dict[int, ImageRecord]:
        """Image records by id, to read from only."""
        return self._images

    def category(self, category_id: int) -> Category:
        """Return one category. Raises KeyError."""
        return self._categories[category_id]

    def image(self, image_id: int) -> ImageRecord:
        """Return one image record. Raises KeyError."""
        return self._images[image_id]

    def is_loaded(self, image_id: int) -> bool:
        """Whether the instances of an image are in memory."""
        return image_id in self._instances

    def load(self, image_id: int, instances: Iterable[Instance]) -> None:
        """Put the stored instances of an image in memory."""
        self._instances[image_id] = {instance.id: instance for instance in instances}
        self._forget_order(image_id)

    def unload(self, image_id: int) -> None:
        """Forget the instances of an image; the project file has them."""
        self._instances.pop(image_id, None)
        self._forget_order(image_id)

    def _forget_order(self, image_id: int) -> None:
        self._ordered.pop(image_id, None)
        self._proposals.pop(image_id, None)

    def instances(self, image_id: int) -> list[Instance]:
        """Return a loaded image's instances, the lowest first. Raises KeyError when not loaded."""
        ordered = self._ordered.get(image_id)
        if ordered is None:  # asked for many times a frame, sorted once an edit
            found = self._instances[image_id].values()
            ordered = sorted(found, key=lambda instance: (instance.order, instance.id))
            self._ordered[image_id] = ordered
        return list(ordered)

    def first_proposal(self, image_id: int) -> Instance | None:
        """Return a loaded image's lowest proposal, None without any.

        Looked for once, and anew after a proposal has come, gone or changed: among 10,000
        instances of a person's own it would take longest, and it is asked several times an edit.
        """
        if image_id not in self._proposals:
            found = (one for one in self.instances(image_id) if one.is_proposal)
            self._proposals[image_id] = next(found, None)
        return self._proposals[image_id]

    def instance(self, image_id: int, instance_id: int) -> Instance | None:
        """Return one instance of a loaded image, None when it has none of that id."""
        return self._instances[image_id].get(instance_id)

    def apply(self, edit: Edit) -> Edit:
        """Carry out an edit as a whole and return its inverse.

        Every image whose instances it changes must be loaded (KeyError). Raises EditConflict,
        with the document as it was, where an entity is no longer what the edit expects.
        """
        done: list[Change] = []
        try:
            for change in edit.changes:
                self._check(change, edit.label)
                self._put(change.entity, change.after)
                done.append(change)
        except (EditConflict, KeyError):
            for change in reversed(done):
                self._put(change.entity, change.before)
            raise
        return edit.inverse()

    def _shelf(self, entity: Entity) -> dict[int, Entity]:
        if isinstance(entity, Instance):
            return self._instances[entity.image_id]  # type: ignore[return-value]
        if isinstance(entity, Category):
            return self._categories  # type: ignore[return-value]
        return self._images  # type: ignore[return-value]

    def _check(self, change: Change, label: str) -> None:
        entity = change.entity
        if self._shelf(entity).get(entity.id) != change.before:
            kind = type(entity).__name__.removesuffix("Record").lower()
            raise EditConflict(
                f"“{label}” cannot be carried out: {kind} {entity.id} has changed since."
            )

    def _put(self, entity: Entity, value: Entity | None) -> None:
        shelf = self._shelf(entity)
        if isinstance(entity, Instance):
            self._ordered.pop(entity.image_id, None)
            for held in (shelf.get(entity.id), value):
                if isinstance(held, Instance) and held.is_proposal:
                    self._proposals.pop(entity.image_id, None)
        if value is None:
            shelf.pop(entity.id, None)
        else:
            shelf[value.id] = value
