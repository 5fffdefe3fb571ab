"""The person's place in the history: what can be undone and redone, and by which edit."""

import bisect
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from maskgui.assist.references import Dangling
from maskgui.core.document import Change, Document, Edit, EditConflict
from maskgui.core.entities import ImageRecord, Instance, Mark, MarkKind
from maskgui.core.shape import Box, Shape
from maskgui.project import Project
from maskgui.project.history import Batch, Entry

RECENT_EDITS = 256
LOOKED_BACK = 64

_FACTS = frozenset({"width", "height", "file_size"})
"""Fields read from the file, not decided by anybody: they never stand in the way of an edit."""


class Timeline:
    """The person's entries done and undone, each list with the next one to walk at its end.

    An entry that a job's later work contradicts is set aside, so that what is older stays within
    reach; it keeps its place and is tried again once a job's work was taken back.
    """

    def __init__(self, project: Project, person: str) -> None:
        self._project = project
        self._person = person
        self._aside: set[int] = set()
        self._jobs_last: dict[int, Entry] = {}  # by image
        self.done = project.entries(person, undone=False)
        self.undone = project.entries(person, undone=True)[::-1]
        self._seq = project.last_seq()
        self._batches = {batch.job: batch for batch in project.batches(person)}
        self._recent: OrderedDict[int, Edit] = OrderedDict()

    @property
    def batches(self) -> list[Batch]:
        """What each job did and was not undone, the oldest job first."""
        return list(self._batches.values())

    def next(self, *, undone: bool) -> Entry | None:
        """Return the entry that an undo (undone) or a redo walks next, None at the end."""
        entries = self.done if undone else self.undone
        return next((one for one in reversed(entries) if one.seq not in self._aside), None)

    def walked(self, entry: Entry, *, undone: bool) -> None:
        """Note that an entry was taken back (undone) or carried out again."""
        source, target = (self.done, self.undone) if undone else (self.undone, self.done)
        place = next(at for at in reversed(range(len(source))) if source[at] == entry)
        del source[place]
        bisect.insort(target, entry, key=lambda one: -one.seq if undone else one.seq)

    def set_aside(self, entry: Entry, error: EditConflict, *, undone: bool) -> str:
        """Pass over an entry from now on, which could not be walked; return the sentence on it."""
        self._aside.add(entry.seq)
        verb, again = ("undone", "Undo") if undone else ("redone", "Redo")
        cannot, past = f"“{entry.label}” cannot be {verb}", f"{again} again"
        if isinstance(error, Dangling):
            return f"{cannot}: {error.reason}; {past} goes on past it."
        job = self._contradiction(entry)
        if job is None:
            return f"{cannot}: what it changed has changed since; {past} goes on past it."
        return (
            f"{cannot}: “{job}” has changed the same since; take that run back first, or {past} "
            "to go on past it."
        )

    def _contradiction(self, entry: Entry) -> str | None:
        """Return what a job did later on an entry's image, None when that is not known."""
        if entry.image_id is None:
            return None
        later = self._jobs_last.get(entry.image_id)
        later = later or self._project.last_of_jobs(self._person, entry.image_id)
        return later.label if later is not None and later.seq > entry.seq else None

    def add(self, edit: Edit) -> Entry:
        """Return the entry of a person's new edit, which takes the place of what was undone."""
        entry = self._next(edit)
        self.done.append(entry)
        self.undone.clear()
        self._recent[entry.seq] = edit
        self._trim()
        return entry

    def add_to_batch(self, edit: Edit, job: str) -> Entry:
        """Return the entry of a job's edit."""
        self._count(job, edit.label, 1)
        entry = self._next(edit)
        self._jobs_last.update(dict.fromkeys(edit.images(), entry))
        return entry

    def take_from_batch(self, job: str) -> None:
        """Note that one of a job's entries was undone: what it contradicted may work again."""
        self._aside.clear()
        self._jobs_last.clear()
        self._count(job, self._batches[job].label, -1)

    def _next(self, edit: Edit) -> Entry:
        self._seq += 1
        return Entry(self._seq, edit.image_id, edit.label)

    def _count(self, job: str, label: str, by: int) -> None:
        before = self._batches.get(job, Batch(job, label, 0))
        if before.edits + by:
            self._batches[job] = Batch(job, before.label, before.edits + by)
        else:
            del self._batches[job]

    def edit(self, seq: int) -> Edit:
        """Return the edit of an entry, from memory or from the file."""
        return self._recent.get(seq) or self._project.edit(seq)

    def outline_before(
        self, instance: Instance, belongs: Callable[[str], bool]
    ) -> tuple[Shape, str]:
        """Return an instance's outline before its present run of the person's edits of a kind.

        `belongs` knows them by their labels; the label of the last one comes with the outline.
        Its own outline and "" where no such edit led to it. Only edits of its image with such
        labels are read, `LOOKED_BACK` of them at most.
        """
        shape, last, looked = instance.shape, "", 0
        for entry in reversed(self.done):
            if entry.image_id != instance.image_id or not belongs(entry.label):
                continue
            for change in self.edit(entry.seq).changes:
                before, after = change.before, change.after
                if (
                    isinstance(before, Instance)
                    and isinstance(after, Instance)
                    and after.id == instance.id
                    and after.shape == shape
                ):
                    shape, last = before.shape, last or entry.label
            looked += 1
            if looked == LOOKED_BACK:
                break
        return shape, last

    def _trim(self) -> None:
        """Forget old edits, but never while the file may lack one of them."""
        if len(self._recent) > RECENT_EDITS and not self._project.pending:
            while len(self._recent) > RECENT_EDITS:
                self._recent.popitem(last=False)


def rebased(edit: Edit, document: Document) -> Edit:
    """Return an edit with its image records brought up to what others changed in them since.

    A record carries things that do not bear on each other: its size, review state, threshold and
    marks. An edit or an undo contradicts a later change only where both concern the same field;
    where they do not, each keeps its own. Of facts read twice the present one stays. Anything else
    is left as it is, for `Document.apply` to refuse. The edit itself comes back where it fits.
    """
    now: dict[int, ImageRecord | None] = {}
    changes = []
    fits = True
    for change in edit.changes:
        entity = change.entity
        if not isinstance(entity, ImageRecord):
            changes.append(change)
            continue
        moved = _rebased_record(change, now.get(entity.id, document.images.get(entity.id)))
        now[entity.id] = moved.after if isinstance(moved.after, ImageRecord) else None
        changes.append(moved)
        fits = fits and moved is change
    return edit if fits else Edit(edit.label, edit.image_id, tuple(changes))


def _rebased_record(change: Change, current: ImageRecord | None) -> Change:
    before, after = change.before, change.after
    if current is None or not isinstance(before, ImageRecord) or current == before:
        return change
    if not isinstance(after, ImageRecord):
        differing = _differing(before, current)
        return Change(current, None) if differing <= _FACTS else change
    changed = _differing(before, current)
    wanted = _differing(before, after) - (changed & _FACTS)
    values = {name: getattr(after, name) for name in wanted}
    contested = wanted & changed
    if contested == {"marks"}:
        values["marks"] = _merged(before.marks, after.marks, current.marks)
    if contested - {"marks"} or values.get("marks", ()) is None:
        return change
    return Change(current, msgspec.structs.replace(current, **values))


def _merged(
    before: tuple[Mark, ...], after: tuple[Mark, ...], current: tuple[Mark, ...]
) -> tuple[Mark, ...] | None:
    """Return today's marks with what an edit added and removed, None where that is not to be had.

    A later run moves marks to its own detections, so a mark is known by what it says of which
    object. An edit that only moved marks is a run's own, and has no part in this.
    """
    old, new = {_saying(mark) for mark in before}, {_saying(mark) for mark in after}
    gone = old - new
    if old == new or not gone <= {_saying(mark) for mark in current}:
        return None
    kept = [mark for mark in current if _saying(mark) not in gone]
    return (*kept, *(mark for mark in after if _saying(mark) not in old))


def _saying(mark: Mark) -> tuple[MarkKind, Box, str]:
    return mark.kind, mark.box, mark.category


def _differing(one: ImageRecord, other: ImageRecord) -> frozenset[str]:
    names = ImageRecord.__struct_fields__
    return frozenset(name for name in names if getattr(one, name) != getattr(other, name))
