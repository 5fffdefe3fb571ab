"""The categories of a COCO file on their way into a project."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from maskgui.assist.session import Session
from maskgui.core.colors import fresh_colors
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Category, Instance
from maskgui.formats.coco_read import AnnotationFields, CategoryFields, highest_id, is_id
from maskgui.formats.coco_report import ImportReport, Item, Kind

SOURCE_KIND = "category"
UNNAMED = "object"
"""Category of annotations that name none."""


class IdBook:
    """Knows which ids nobody was given since the import began, and gives new ones.

    A session counts ids on for all kinds of entities, and others draw of them meanwhile. What
    the import leaps over when it reserves a file's ids is quiet: nobody can be given it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._first = self._top = session.new_id()
        self._own = {self._first}
        self._spare = [self._first]
        self._quiet: list[range] = []

    def reserve(self, highest: int) -> None:
        """Let nobody be given an id up to `highest` from now on."""
        if highest <= self._top:
            return
        first = self._session.reserve_ids(highest)  # others may have been given those before it
        self._quiet.append(range(first, highest + 1))
        self._top = highest

    def is_free(self, number: int) -> bool:
        """Whether nobody else was given a reserved id since the import began."""
        if number <= self._first or number in self._own:
            return True
        return any(number in quiet for quiet in self._quiet)

    def new(self, above: int, used: set[int]) -> int:
        """Return an id above one, of nobody else and not in `used`."""
        spare = next((one for one in self._spare if one > above and one not in used), None)
        if spare is not None:
            self._spare.remove(spare)
            return spare
        number = self._session.new_id()
        self._own.add(number)
        return number if number not in used else self.new(above, used)


class EntityIds:
    """The ids of one kind of entity: a file's own where they are free, else new ones."""

    def __init__(self, book: IdBook, existing: Iterable[int], listed: int) -> None:
        """existing: the project's, read after `listed`, the file's highest, was reserved."""
        self._book = book
        self._used = set(existing)
        self._listed = listed

    def keep(self, old: int) -> bool:
        """Take an id of the file, if it is free."""
        self._book.reserve(old)
        if old in self._used or not self._book.is_free(old):
            return False
        self._used.add(old)
        self._listed = max(self._listed, old)  # annotations may name what the file does not list
        return True

    def new(self) -> int:
        """Take an id above all that the file lists."""
        number = self._book.new(self._listed, self._used)
        self._used.add(number)
        return number


class CategoryIntake:
    """Maps the file's category ids to the project's, making those that are new.

    A category is known by id and name together. Two of one name stay two: the later is shown
    with its id, until the person merges them. Follows the session until `close`, since a person
    may merge or delete some meanwhile.
    """

    def __init__(
        self,
        session: Session,
        records: Sequence[msgspec.Raw],
        report: ImportReport,
        book: IdBook,
    ) -> None:
        self._session = session
        self._records = list(records)
        self._report = report
        self._gone: dict[int, Category] = {}  # by id, those that others took out meanwhile
        self._merged: dict[int, int] = {}  # of these, the category that its instances got
        self.close = session.subscribe(self._note)
        listed = highest_id(self._records)
        book.reserve(listed)
        existing = session.document.categories
        self._new_ids = EntityIds(book, (category.id for category in existing), listed)
        self._names = {category.name for category in existing}
        self._colors = fresh_colors([category.color for category in existing])
        self._order = 1 + max((category.order for category in existing), default=-1)
        self._known: dict[tuple[Any, str], int] = {
            (category.id, category.name): category.id for category in existing
        }
        self._remember_sources(existing)
        self._ids: dict[Any, int] = {}
        self._told: set[int] = set()
        self.count = 0

    def take(self, look_up: Callable[[], None]) -> Iterator[Category]:
        """Yield the categories that are new to the project."""
        new: list[tuple[CategoryFields, bytes]] = []
        for raw in self._records:
            look_up()
            found = self._read(raw)
            if found is not None:
                new.append((found, bytes(raw)))
        sources = self._session.add_sources(SOURCE_KIND, [raw for _, raw in new]) if new else []
        for (found, _), source in zip(new, sources, strict=True):
            category_id = self._take_id(found.id)
            self._ids[found.id] = category_id
            yield self._make(category_id, found.name, source)

    def of(self, annotation: AnnotationFields) -> tuple[int, Category | None]:
        """Return the project's category id of an annotation, and the category when just made."""
        key = annotation.category_id
        usable = is_id(key) or isinstance(key, str | float)
        key = key if usable else None
        if key in self._ids:
            if not usable:
                self._repair(annotation, f"it names no category and got “{UNNAMED}”")
            return self._ids[key], None
        name = f"category {key}" if usable else UNNAMED
        text = "is not listed in the file and was added" if usable else "names no category"
        category_id = self._known.get((key, name)) if is_id(key, 1) else None
        made = None
        if category_id is None:
            category_id = self._take_id(key) if usable else self._new_ids.new()
            made = self._make(category_id, name, None)
        self._ids[key] = category_id
        if usable:
            self._report.add(Kind.REPAIR, Item.CATEGORY, key, f"{text} as “{name}”")
        else:
            self._repair(annotation, f"it {text} and got “{UNNAMED}”")
        return category_id, made

    def settle(self, changes: Sequence[Change]) -> list[Change]:
        """Return changes as they are to be applied now, in the session's turn.

        New instances of a category that was merged meanwhile get the other one; a category that
        was deleted comes again with them.
        """
        present = {one.id for one in self._session.document.categories}
        present |= {one.after.id for one in changes if isinstance(one.after, Category)}
        settled: list[Change] = []
        for change in changes:
            after = change.after
            if not isinstance(after, Instance) or after.category_id in present:
                settled.append(change)
                continue
            heir = self._heir(after.category_id, present)
            if heir not in present:
                present.add(heir)
                settled.append(Change(None, self._gone[heir]))
            settled.append(Change(None, msgspec.structs.replace(after, category_id=heir)))
        return settled

    def _heir(self, category_id: int, present: set[int]) -> int:
        """Return the category that has the place of one that is gone: perhaps its own again."""
        heir = category_id
        while heir not in present and heir in self._merged:
            heir = self._merged[heir]
        if category_id not in self._told:
            self._told.add(category_id)
            again = "taken out during the import and added again for what came after"
            followed = "merged during the import, and what came after went where the rest did"
            text = f"“{self._gone[category_id].name}” was "
            text += again if heir == category_id else followed
            self._report.add(Kind.NOTE, Item.CATEGORY, category_id, text)
        return heir

    def _note(self, edit: Edit) -> None:
        gone = [
            one.before
            for one in edit.changes
            if isinstance(one.before, Category) and one.after is None
        ]
        if not gone:
            return
        into = {
            change.before.category_id: change.after.category_id
            for change in edit.changes
            if isinstance(change.before, Instance) and isinstance(change.after, Instance)
        }
        for category in gone:
            self._gone[category.id] = category
            self._merged.pop(category.id, None)
            if category.id in into:
                self._merged[category.id] = into[category.id]

    def _repair(self, annotation: AnnotationFields, text: str) -> None:
        self._report.add(Kind.REPAIR, Item.ANNOTATION, annotation.id, text)

    def _read(self, raw: msgspec.Raw) -> CategoryFields | None:
        """Return a record that is new to the project and to this file, else None."""
        try:
            found = msgspec.json.decode(raw, type=CategoryFields)
        except msgspec.DecodeError:
            self._report.add(Kind.SKIP, Item.CATEGORY, None, "it is no JSON object")
            return None
        if not isinstance(found.name, str) or not found.name.strip():
            text = "it has no name and is called after its id"
            self._report.add(Kind.REPAIR, Item.CATEGORY, found.id, text)
            found.name = f"category {found.id}"
        if isinstance(found.id, list | dict):
            self._report.add(Kind.SKIP, Item.CATEGORY, None, f"“{found.name}” has no usable id")
            return None
        if found.id in self._ids:
            text = f"“{found.name}” repeats an id; annotations of it go to the first"
            self._report.add(Kind.SKIP, Item.CATEGORY, found.id, text)
            return None
        self.count += 1
        known = self._known.get((found.id, found.name))
        if known is None:
            self._ids[found.id] = 0  # taken; the id follows
            return found
        self._ids[found.id] = known
        if known != found.id:
            self._report.renumbered(Item.CATEGORY, found.id, known, "it is in the project already")
        return None

    def _take_id(self, old: Any) -> int:
        if is_id(old, 1) and self._new_ids.keep(old):
            return int(old)
        new = self._new_ids.new()
        why = "its id is no whole number" if not is_id(old) else "the project has this id already"
        if old == 0:
            why = "id 0 is background to many readers"
        self._report.renumbered(Item.CATEGORY, old, new, why)
        return new

    def _make(self, category_id: int, name: str, source: int | None) -> Category:
        shown = name if name not in self._names else f"{name} ({category_id})"
        if shown != name:
            text = f"“{name}” is there already; this one is shown as “{shown}”"
            self._report.add(Kind.NOTE, Item.CATEGORY, category_id, text)
        self._names.add(shown)
        self._order += 1
        return Category(category_id, shown, next(self._colors), self._order - 1, source)

    def _remember_sources(self, existing: Sequence[Category]) -> None:
        """Know the project's categories also by the id and name under which they once came."""
        for category in existing:
            raw = self._session.project.source(category.source) if category.source else None
            if raw is not None:
                found = msgspec.json.decode(raw, type=CategoryFields)
                if isinstance(found.id, list | dict) or not isinstance(found.name, str):
                    continue
                self._known[(found.id, found.name)] = category.id
