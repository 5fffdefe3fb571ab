"""One open project: the document in memory, its history, and the file behind them.

Every change is carried out in memory first and posted to the project's writer at once. All
methods may be called from any thread; listeners are called on the thread of the caller.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from maskgui.assist import headers, images
from maskgui.assist.evidence import Evidence
from maskgui.assist.headers import FileSizes, Sizes
from maskgui.assist.loaded import LoadedImages
from maskgui.assist.references import check_references
from maskgui.assist.rerun import is_of_another_run, on_present_run
from maskgui.assist.roots import find_root, root_entries, root_meta
from maskgui.assist.timeline import Timeline, rebased
from maskgui.core.detections import Detections
from maskgui.core.document import Document, Edit, EditConflict
from maskgui.core.entities import Instance, check_storable
from maskgui.core.proposals import present
from maskgui.core.shape import Shape
from maskgui.project import NotWritten, Project
from maskgui.project.history import Batch, Entry

PERSON = "person"
SYSTEM = "system"
"""Author of what nobody decided and nobody undoes: sizes read from image files."""

FLUSH_SECONDS = 5.0

Listener = Callable[[Edit], None]


class Session:
    """The one owner of a project's document; see the module."""

    def __init__(self, project: Project, root: Path) -> None:
        self.project = project
        self.root = root
        self.document = Document(project.categories(), project.images())
        self.turn = threading.RLock()
        """Held from looking at the document to the edit that depends on what was seen."""
        self._listeners: list[Listener] = []
        self._loaded = LoadedImages(self.document, project)
        self._timeline = Timeline(project, PERSON)
        self._next_id = int(project.meta()["next_id"])
        self._next_source = project.last_source() + 1
        self._settings = project.settings()
        self._evidence = Evidence(project)
        self._lost = project.category_counts().keys() - {one.id for one in self.document.categories}

    @classmethod
    def create(cls, path: Path, root: Path) -> "Session":
        """Make a project file at `path` for the images below `root` and open it.

        Raises ProjectError when it is there already or cannot be written.
        """
        return cls(Project.create(path, root_meta(path, root)), root.absolute())

    @classmethod
    def open(cls, path: Path, read_only: bool = False) -> "Session":
        """Open a project file. Raises a ProjectError that says why it cannot be."""
        project = Project.open(path, read_only=read_only)
        try:
            return cls(project, find_root(project.path, project.meta()))
        except BaseException:
            project.close(discard=True)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ---- looking

    def instances(self, image_id: int) -> list[Instance]:
        """Return an image's instances, the lowest first, from memory or from the file.

        Raises DamagedProject when the file's are malformed.
        """
        with self.turn:
            self._loaded.use(image_id)
            return self.document.instances(image_id)

    def instances_of_category(self, category_id: int) -> list[Instance]:
        """Return the instances of a category on all images."""
        with self.turn:
            stored = self.project.instances_of_category(category_id)
            found = [item for item in stored if not self.document.is_loaded(item.image_id)]
            for image_id in self._loaded:
                held = self.document.instances(image_id)
                found += [item for item in held if item.category_id == category_id]
            return found

    def instance_counts(self) -> dict[int, int]:
        """Return how many instances each image has that has any."""
        with self.turn:
            return self._loaded.counts()

    def pin(self, image_id: int) -> None:
        """Keep the instances of the image on screen in memory."""
        self._loaded.pinned = image_id

    def image_path(self, image_id: int) -> Path:
        """Return where an image lies. Only ever read it: the path may be a stranger's."""
        return self.root / self.document.image(image_id).path

    def new_id(self) -> int:
        """Return an id that no entity of the project has or had."""
        with self.turn:
            self._next_id += 1
            return self._next_id - 1

    def reserve_ids(self, highest: int) -> int:
        """Let `new_id` begin above `highest`; return the first id that nobody had been given."""
        with self.turn:
            first = self._next_id
            self._next_id = max(first, highest + 1)
            return first

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each edit, on the thread that made it; return what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # ---- changing

    def apply(self, edit: Edit, author: str = PERSON) -> None:
        """Carry out an edit and have it written. An author other than PERSON is a job's id.

        Its image records are brought up to what others changed in them since it was made. Raises
        EditConflict, with nothing changed, where it contradicts the present state.
        """
        self.project.check_writable()
        check_storable(edit)  # before anything changes
        with self.turn:
            edit = rebased(edit, self.document)
            self._loaded.load_for(edit, fresh=True)
            self._change(edit)
            self.reserve_ids(max((change.entity.id for change in edit.changes), default=0))
            entry = self._entry(edit, author)
            self.project.write_edit(edit, entry, author, self._next_id)
            self._loaded.make_room()
            self._notify(edit)

    @property
    def undo_label(self) -> str | None:
        """What the next undo takes back, None when there is nothing."""
        entry = self._timeline.next(undone=True)
        return entry.label if entry else None

    @property
    def redo_label(self) -> str | None:
        """What the next redo carries out again, None when there is nothing."""
        entry = self._timeline.next(undone=False)
        return entry.label if entry else None

    def undo(self) -> Edit | None:
        """Take back the person's last edit and return what was applied, None at the beginning.

        Raises EditConflict, in one sentence and with nothing changed, where a later job's entry
        contradicts it; the next call goes on with what is older.
        """
        return self._step(undone=True)

    def redo(self) -> Edit | None:
        """Carry out again what the person last took back; otherwise like `undo`."""
        return self._step(undone=False)

    def _step(self, *, undone: bool) -> Edit | None:
        with self.turn:
            entry = self._timeline.next(undone=undone)
            if entry is None:
                return None
            try:
                edit = self._walk(entry, undone=undone, follow_run=True)
            except EditConflict as error:
                why = self._timeline.set_aside(entry, error, undone=undone)
                raise EditConflict(why) from error
            self._timeline.walked(entry, undone=undone)
            self._notify(edit)
            return edit

    def outline_before(
        self, instance: Instance, belongs: Callable[[str], bool]
    ) -> tuple[Shape, str]:
        """Return an instance's outline before its present run of edits whose labels belong.

        The last one's label comes with it, "" where there is none.
        """
        with self.turn:
            return self._timeline.outline_before(instance, belongs)

    def batches(self) -> list[Batch]:
        """Return what each job did and was not undone, the oldest job first."""
        with self.turn:
            return self._timeline.batches

    def undo_batch(self, job: str) -> int:
        """Take back what a job did; return how many of its edits were. Not for the main thread.

        Edits that a person has worked on since stay, and stay listed by `batches`. Raises
        EditConflict when that is all of them.
        """
        if not self.flush(FLUSH_SECONDS):
            raise NotWritten(self.last_error or "Changes are still being written; try again.")
        entries = self.project.entries(job, undone=False)
        count = 0
        for entry in reversed(entries):
            with self.turn:
                try:
                    edit = self._walk(entry, undone=True)
                except EditConflict:
                    continue
                count += 1
                self._timeline.take_from_batch(job)
                self._notify(edit)
        if entries and not count:
            raise EditConflict(
                f"“{entries[-1].label}” cannot be undone: its images were worked on since."
            )
        return count

    def _entry(self, edit: Edit, author: str) -> Entry | None:
        if author == SYSTEM:
            return None
        if author == PERSON:
            return self._timeline.add(edit)
        return self._timeline.add_to_batch(edit, author)

    def _walk(self, entry: Entry, *, undone: bool, follow_run: bool = False) -> Edit:
        """Carry out one history entry backwards (undone) or forwards; nothing on EditConflict.

        follow_run: leave the proposals of a run that is gone to the rule, as suits a person's
        steps; taking back a run brings those of the run before.
        """
        self.project.check_writable()
        stored = self._timeline.edit(entry.seq)
        edit = stored.inverse() if undone else stored
        self._loaded.load_for(edit, fresh=False)
        edit = rebased(edit, self.document)
        if follow_run:
            edit = self._on_present_run(edit)
        self._change(edit)
        self.project.write_undo(edit, entry.seq, undone=undone)
        self._loaded.make_room()
        return edit

    def _change(self, edit: Edit) -> None:
        check_references(edit, self.document, self._loaded, self._lost)
        self.document.apply(edit)

    def _on_present_run(self, edit: Edit) -> Edit:
        """Return an edit with the proposals of another run left to the rule; see `rerun`."""
        record = self.document.images.get(edit.image_id or 0)
        if record is None or not is_of_another_run(edit, None):
            return edit
        found = self.detections(record.id)
        if found is None or not found.has_masks or not is_of_another_run(edit, found.run):
            return edit
        mapping = present(self.category_map(found.model), self.document.categories)
        instances = self.document.instances(record.id)
        return on_present_run(edit, record, instances, found, mapping, self.new_id)

    def _notify(self, edit: Edit) -> None:
        for listener in tuple(self._listeners):
            listener(edit)

    # ---- what the models said

    def detections(self, image_id: int) -> Detections | None:
        """Return what the run behind an image's proposals said, None when no model has seen it.

        Without proposals it is the newest run's.
        """
        with self.turn:
            self._loaded.use(image_id)
            return self._evidence.of(image_id, self.document.first_proposal(image_id))

    def store_detections(self, image_id: int, found: Detections) -> Detections:
        """Keep what a model said on an image beside what earlier runs said.

        Returns it with the number of its run; edits that name its detections come after this.
        """
        with self.turn:
            return self._evidence.store(image_id, found)

    def detected_images(self, model: str) -> set[int]:
        """Return the images that have detections of a model, as far as they are on disk."""
        return self.project.detected_images(model)

    def category_map(self, model: str) -> dict[str, int | None] | None:
        """Return which category each of a model's own stands for, None before it was asked.

        A category of the model that is mapped to None is ignored.
        """
        return self._evidence.category_map(model)

    def set_category_map(self, model: str, mapping: Mapping[str, int | None]) -> None:
        """Keep which category each of a model's own stands for."""
        self._evidence.set_category_map(model, mapping)

    # ---- beside the document

    def setting(self, key: str) -> Any:
        """Return one of the project's settings, None when it was never set."""
        return self._settings.get(key)

    def set_setting(self, key: str, value: Any) -> None:
        """Keep what MessagePack can hold; while it is open, where that is for reading only."""
        if not self.project.read_only:
            self.project.write_setting(key, value)
        self._settings[key] = value

    def add_sources(self, kind: str, records: Iterable[bytes]) -> list[int]:
        """Keep records of an imported file as they came (raw JSON); return their ids."""
        with self.turn:
            numbered = list(enumerate(records, self._next_source))
            self.project.write_sources(kind, numbered)
            self._next_source += len(numbered)
            return [source_id for source_id, _ in numbered]

    # ---- image files

    def add_images(self, paths: Iterable[Path], author: str = PERSON) -> list[int]:
        """Add image files as one edit; return the ids of all of them, known ones included."""
        return images.add_images(self, paths, author)

    def remove_images(self, ids: Iterable[int]) -> None:
        """Take images out of the project as one edit; their files stay."""
        with self.turn:
            images.remove_images(self, ids)

    def look_through(self) -> images.Found:
        """Add the image files new below the root: a fact, which undo does not take back."""
        return images.look_through(self, SYSTEM)

    def find_missing(self) -> list[int]:
        """Return the images whose file is not where the project says."""
        return images.find_missing(self)

    def relink(self, folder: Path) -> int:
        """Find missing images in a folder, by relative path, then by name and size."""
        return images.relink(self, folder.absolute())

    def fill_sizes(
        self,
        ids: Iterable[int] | None = None,
        cancel: threading.Event | None = None,
        share: float = 1.0,
    ) -> dict[int, str]:
        """Read sizes that are not known yet from headers; return why where that fails."""
        return headers.fill_sizes(self, ids, cancel, share)

    def set_sizes(self, sizes: Sizes, files: FileSizes | None = None, late: bool = False) -> None:
        """Give images their upright (width, height) and bytes; no entry to undo (`sizes_edit`)."""
        with self.turn:
            edit = headers.sizes_edit(self.document.images, sizes, files or {}, late=late)
            if edit.changes:
                self.apply(edit, SYSTEM)

    def set_root(self, root: Path) -> None:
        """Look for the images, whose paths stay, below another folder."""
        self.project.write_meta(root_entries(self.project.path, root))
        self.root = root.absolute()

    # ---- the file

    @property
    def pending(self) -> int:
        """How many changes are not on disk yet."""
        return self.project.pending

    @property
    def last_error(self) -> str | None:
        """One sentence on why changes are not on disk or the file is damaged, None when well."""
        return self.project.last_error

    def flush(self, timeout: float) -> bool:
        """Wait until all is on disk; False on time-out, or at once when the disk refuses."""
        return self.project.flush(timeout)

    def close(self, *, discard: bool = False) -> None:
        """Write what is left and close the file whole.

        Raises NotWritten, with the session still open, when the disk refuses; with `discard` what
        could not be written is given up.
        """
        self.project.close(discard=discard)
