"""That every instance names a category and an image that are there, whoever edits meanwhile."""

from collections import Counter
from collections.abc import Collection
from typing import Protocol

from maskgui.core.document import Document, Edit, EditConflict
from maskgui.core.entities import Category, ImageRecord, Instance
from maskgui.core.words import counted


class Counts(Protocol):
    """How many instances there are at present, in memory and in the file."""

    def count_of_image(self, image_id: int) -> int:
        """Return how many instances an image has."""

    def count_of_category(self, category_id: int) -> int:
        """Return how many instances a category has on all images."""


class Dangling(EditConflict):
    """The edit would leave instances without their category or image; nothing was changed."""

    def __init__(self, label: str, reason: str) -> None:
        super().__init__(f"“{label}” cannot be carried out: {reason}.")
        self.reason = reason


def check_references(
    edit: Edit, document: Document, counts: Counts, lost: Collection[int] = ()
) -> None:
    """Refuse an edit after which an instance would name what is not there.

    Only what the edit itself brings about is judged: instances of an older file that name a
    missing category can still be edited.

    Args:
        counts: how many instances there are at present.
        lost: ids of categories that instances named without them when the project was opened.

    Raises:
        Dangling: an instance's category or image would be missing.
    """
    gone = [one.entity for one in edit.changes if one.after is None]
    come = [one.after for one in edit.changes if one.after is not None]
    _check_come(edit, document, come, gone, lost)
    freed_images, freed_categories = _freed(edit)
    for entity in gone:
        if isinstance(entity, Category):
            name = entity.name
            left = counts.count_of_category(entity.id) - freed_categories[entity.id]
        elif isinstance(entity, ImageRecord):
            name = entity.path
            left = counts.count_of_image(entity.id) - freed_images[entity.id]
        else:
            continue
        if left > 0:
            raise Dangling(edit.label, f"“{name}” has {counted(left, 'instance')} by now")


def _check_come(
    edit: Edit,
    document: Document,
    come: Collection[object],
    gone: Collection[object],
    lost: Collection[int],
) -> None:
    dropped = {one.id for one in gone if isinstance(one, Category)}
    categories = {one.id for one in document.categories} - dropped
    categories |= {*lost, *(one.id for one in come if isinstance(one, Category))}
    dropped = {one.id for one in gone if isinstance(one, ImageRecord)}
    new = {one.id for one in come if isinstance(one, ImageRecord)}
    for change in edit.changes:
        before, after = change.before, change.after
        if not isinstance(after, Instance):
            continue
        kept = isinstance(before, Instance) and before.category_id == after.category_id
        if not kept and after.category_id not in categories:
            raise Dangling(edit.label, "its category has been deleted since")
        known = after.image_id in document.images or after.image_id in new
        if before is None and (after.image_id in dropped or not known):
            raise Dangling(edit.label, "its image has been taken out since")


def _freed(edit: Edit) -> tuple[Counter[int], Counter[int]]:
    """Return how many instances leave each image and each category."""
    images, categories = Counter[int](), Counter[int]()
    for change in edit.changes:
        before, after = change.before, change.after
        if not isinstance(before, Instance):
            continue
        if not isinstance(after, Instance):
            images[before.image_id] += 1
            categories[before.category_id] += 1
        elif after.category_id != before.category_id:
            categories[before.category_id] += 1
    return images, categories
