"""The person's place in the history: what can be undone and redone, and by which edit."""

from collections import OrderedDict

import msgspec

from maskgui.core.document import Change, Document, Edit
from maskgui.core.entities import ImageRecord
from maskgui.project import Project
from maskgui.project.history import Batch, Entry

RECENT_EDITS = 256

_FACTS = frozenset({"width", "height", "file_size"})
"""Fields read from the file, not decided by anybody: they never stand in the way of an undo."""


class Timeline:
    """The person's entries done and undone, each list with the next one to walk at its end."""

    def __init__(self, project: Project, person: str) -> None:
        self._project = project
        self.done = project.entries(person, undone=False)
        self.undone = project.entries(person, undone=True)[::-1]
        self._seq = project.last_seq()
        self._batches = {batch.job: batch for batch in project.batches(person)}
        self._recent: OrderedDict[int, Edit] = OrderedDict()

    @property
    def batches(self) -> list[Batch]:
        """What each job did and was not undone, the oldest job first."""
        return list(self._batches.values())

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
        return self._next(edit)

    def take_from_batch(self, job: str) -> None:
        """Note that one of a job's entries was undone."""
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

    def _trim(self) -> None:
        """Forget old edits, but never while the file may lack one of them."""
        if len(self._recent) > RECENT_EDITS and not self._project.pending:
            while len(self._recent) > RECENT_EDITS:
                self._recent.popitem(last=False)


def rebased(edit: Edit, document: Document) -> Edit:
    """Return an edit with its image records brought up to what others changed in them since.

    A record carries things that do not bear on each other: its size, review state, threshold and
    marks. An undo contradicts a later change only where both concern the same field; where they
    do not, each keeps its own. Anything else is left as it is, for `Document.apply` to refuse.
    """
    now: dict[int, ImageRecord | None] = {}
    changes = []
    for change in edit.changes:
        entity = change.entity
        if not isinstance(entity, ImageRecord):
            changes.append(change)
            continue
        moved = _rebased_record(change, now.get(entity.id, document.images.get(entity.id)))
        now[entity.id] = moved.after if isinstance(moved.after, ImageRecord) else None
        changes.append(moved)
    return Edit(edit.label, edit.image_id, tuple(changes))


def _rebased_record(change: Change, current: ImageRecord | None) -> Change:
    before, after = change.before, change.after
    if current is None or not isinstance(before, ImageRecord) or current == before:
        return change
    if not isinstance(after, ImageRecord):
        differing = _differing(before, current)
        return Change(current, None) if differing <= _FACTS else change
    wanted = _differing(before, after)
    if wanted & _differing(before, current):
        return change
    values = {name: getattr(after, name) for name in wanted}
    return Change(current, msgspec.structs.replace(current, **values))


def _differing(one: ImageRecord, other: ImageRecord) -> frozenset[str]:
    names = ImageRecord.__struct_fields__
    return frozenset(name for name in names if getattr(one, name) != getattr(other, name))
