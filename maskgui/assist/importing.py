"""COCO into a project: nothing that can be understood is left out, nothing changes in silence.

Every record is kept as the bytes that came (the project's sources); the document gets categories,
images and instances that point to them. All edits have one author, so that the import can be
undone as a batch.
"""

import contextlib
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

from maskgui.assist.import_categories import CategoryIntake, EntityIds, IdBook
from maskgui.assist.import_images import ImageIntake
from maskgui.assist.session import Session
from maskgui.core.document import Change, Edit
from maskgui.core.entities import Entity, ImageRecord, Instance
from maskgui.core.errors import Cancelled, Failure, UserError
from maskgui.core.raster import pixel_count
from maskgui.core.rle import MAX_PIXELS
from maskgui.core.words import counted
from maskgui.formats.coco_read import AnnotationFields, CocoFile, highest_id, is_id, read_coco
from maskgui.formats.coco_report import ImportReport, Item, Kind
from maskgui.formats.coco_shape import Outline, read_outline
from maskgui.project import NotWritten

__all__ = ["ImportReport", "import_coco"]

DATASET, CATEGORY, IMAGE, ANNOTATION = "dataset", "category", "image", "annotation"
"""Kinds of stored records."""

CHUNK_VERTICES = 20_000
CHUNK_CHANGES = 250
"""An edit of an import holds no more: its transaction stays far below 50 ms."""

MAX_PENDING = 32
FLUSH_SECONDS = 10.0

AREA_TOLERANCE = 0.1
"""An area further from the mask's than this share is worth a note."""

OVERSHOOT = 1.0
"""Pixels that an outline may reach beyond its image before it is worth a note."""

Progress = Callable[[int, int], None]
ImagePair = tuple[ImageRecord | None, ImageRecord]
"""The project's record before, None when it is new, and the record after."""


def import_coco(
    session: Session,
    json_path: Path,
    images_dir: Path | None = None,
    on_progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> ImportReport:
    """Bring a COCO file into the open project and report every repair, skip and oddity.

    Images that the project has already are recognised by their file, or by their name together
    with the listed size or the same content (known_images.py); annotations that it has word for
    word are not doubled. `images_dir` is where the images lie; without it they are looked for
    beside the JSON, then by base name below it. on_progress(done, total) counts annotations.

    Raises:
        NotCoco: the file is something else, named in the sentence.
        Failure: the project cannot be written; where what had come in stays, that is said.
        ClosedProject: it was closed meanwhile; what had come in stays.
        Cancelled: `cancel` was set; what had come in is taken back.
    """
    session.project.check_writable()
    work = _Import(session, read_coco(json_path), images_dir, cancel or threading.Event())
    try:
        work.run(on_progress)
    except BaseException as error:
        _take_back(session, work.report.job, json_path.name, error)
        raise
    return work.report


def _take_back(session: Session, job: str, name: str, error: BaseException) -> None:
    """Take back what has come in by an import that ended with `error`, however slow the disk is.

    Raises what a person must hear of instead of `error`.
    """
    while session.project.is_open and not session.flush(FLUSH_SECONDS):
        if session.last_error:
            break
    is_asked = isinstance(error, Cancelled)
    try:
        session.undo_batch(job)
    except NotWritten as refused:
        if is_asked or isinstance(error, UserError):
            reason = refused if is_asked else error
            raise Failure(
                f"{str(reason).rstrip('.')}; what “{name}” brought in stays, and Undo batch takes "
                "it back."
            ) from error
    except UserError:
        if is_asked:  # else the first reason is the one to be told
            raise


class _Import:
    def __init__(
        self,
        session: Session,
        file: CocoFile,
        images_dir: Path | None,
        cancel: threading.Event,
    ) -> None:
        self._session = session
        self._file = file
        self._cancel = cancel
        self.report = ImportReport(str(file.path), f"import {uuid.uuid4().hex[:12]}")
        session.flush(FLUSH_SECONDS)
        self._book = IdBook(session)
        self._categories = CategoryIntake(session, file.categories, self.report, self._book)
        self._images_dir = images_dir
        self._images: ImageIntake
        self._decoder = msgspec.json.Decoder(AnnotationFields)
        self._changes: list[Change] = []
        self._weight = 0

    def run(self, on_progress: Progress | None) -> None:
        """Import everything; edits are applied on the way."""
        with contextlib.closing(self._categories):
            self._session.add_sources(DATASET, [self._file.dataset])
            for category in self._categories.take(self._stop_if_asked):
                self._put(None, category)
            # only now, so that new categories get ids above the file's categories, not its images
            self._images = ImageIntake(
                self._session, self._file, self._images_dir, self.report, self._book
            )
            with contextlib.closing(self._images):
                self._take_all(on_progress)
        self.report.categories = self._categories.count
        self.report.images = len(self._images.records)

    def _take_all(self, on_progress: Progress | None) -> None:
        self._images.take(self._stop_if_asked)
        ids, by_image = self._assign_ids()
        total = len(self._file.annotations)
        done = total - len(ids)
        for batch in self._batches(by_image):
            self._stop_if_asked()
            self._take_batch(batch, by_image, ids)
            done += sum(len(by_image.get(record.id, ())) for _, record in batch)
            if on_progress:
                on_progress(done, total)
        self._apply()

    def _batches(self, by_image: dict[int, list[int]]) -> Iterator[list[ImagePair]]:
        """Yield the images in groups of CHUNK_CHANGES images and annotations or a little more."""
        batch: list[ImagePair] = []
        size = 0
        for before, record in self._images.records:
            batch.append((before, record))
            size += 1 + len(by_image.get(record.id, ()))
            if size >= CHUNK_CHANGES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _take_batch(
        self, batch: list[ImagePair], by_image: dict[int, list[int]], ids: dict[int, int]
    ) -> None:
        places = [at for _, record in batch for at in by_image.get(record.id, ())]
        raws = [bytes(self._file.annotations[at]) for at in places]
        sources = self._session.add_sources(ANNOTATION, raws) if raws else []
        source_of = dict(zip(places, sources, strict=True))
        for (_, listed), record in zip(batch, self._put_images(batch), strict=True):
            for step, at in enumerate(by_image.get(listed.id, ())):
                self._stop_if_asked()
                order = self._images.next_order(record.id) + step
                self._take_annotation(at, ids[at], record, order, source_of[at])

    def _put_images(self, batch: list[ImagePair]) -> list[ImageRecord]:
        """Put the images of a batch into the document; return them as they are there."""
        with self._session.turn:  # so that nobody adds one between the look and the edit
            pairs = [self._images.settle(*pair) for pair in batch]
            changes = [Change(before, after) for before, after in pairs if before != after]
            self._carry_out(None, changes)
        self._keep_pace()
        return [after for _, after in pairs]

    # ---- annotations

    def _assign_ids(self) -> tuple[dict[int, int], dict[int, list[int]]]:
        """Return the id of each annotation that comes in, and their places by image."""
        listed = highest_id(self._file.annotations)
        self._book.reserve(listed)  # what is drawn from now on lies above
        fields = [self._fields(raw) for raw in self._file.annotations]
        self._session.flush(FLUSH_SECONDS)  # what was drawn before is in the file
        project = self._session.project
        origins = project.instance_origins()
        known = _KnownRecords(project.source, origins)
        new_ids = EntityIds(self._book, origins, listed)
        ids: dict[int, int] = {}
        by_image: dict[int, list[int]] = defaultdict(list)
        for at, found in enumerate(fields):
            image_id = None if found is None else self._image_of(found)
            if found is None or image_id is None:
                continue
            if known.has(image_id, bytes(self._file.annotations[at])):
                self.report.known += 1
                continue
            ids[at] = self._annotation_id(found.id, new_ids, origins)
            by_image[image_id].append(at)
        return ids, by_image

    def _fields(self, raw: msgspec.Raw) -> AnnotationFields | None:
        self._stop_if_asked()
        try:
            return self._decoder.decode(raw)
        except msgspec.DecodeError:
            self.report.add(
                Kind.SKIP, Item.ANNOTATION, None, "it is no JSON object that can be read"
            )
            return None

    def _image_of(self, found: AnnotationFields) -> int | None:
        """Return the project's id of an annotation's image, None (reported) when there is none."""
        image_id = self._images.project_id(found.image_id)
        if image_id is None:
            text = f"its image {found.image_id} is not in the file"
            self.report.add(Kind.SKIP, Item.ANNOTATION, found.id, text)
        return image_id

    def _annotation_id(self, old: Any, new_ids: EntityIds, origins: dict[int, Any]) -> int:
        if is_id(old, 1) and new_ids.keep(old):
            return int(old)
        new = new_ids.new()
        is_taken = is_id(old) and (old in origins or not self._book.is_free(old))
        self.report.renumbered(Item.ANNOTATION, old, new, _why(old, is_taken))
        return new

    def _take_annotation(
        self, at: int, instance_id: int, record: ImageRecord, order: int, source: int
    ) -> None:
        found = self._decoder.decode(self._file.annotations[at])
        outline = read_outline(bytes(found.segmentation), found.bbox)
        self._note_oddities(found, outline, record)
        category_id, category = self._categories.of(found)
        if category is not None:
            self._put(None, category)
        instance = Instance(
            id=instance_id,
            image_id=record.id,
            category_id=category_id,
            shape=outline.shape,
            order=order,
            iscrowd=found.iscrowd in (1, True),
            score=float(found.score) if isinstance(found.score, int | float) else None,
            source=source,
            verbatim=True,
        )
        self.report.annotations += 1
        self._put(None, instance)

    def _note_oddities(
        self, found: AnnotationFields, outline: Outline, record: ImageRecord
    ) -> None:
        def note(text: str) -> None:
            self.report.add(Kind.NOTE, Item.ANNOTATION, found.id, text)

        for text in outline.notes:
            note(text)
        size = (record.height, record.width)
        if all(size) and (beyond := _beyond(outline, size)) > OVERSHOOT:
            self.report.outside += 1
            note(
                f"its outline reaches {counted(ceil(beyond), 'pixel')} beyond the image; it is kept"
            )
        if size[0] * size[1] > MAX_PIXELS:
            return
        if outline.size is not None and outline.size != size and all(size):
            note(f"its RLE is for {outline.size[1]} x {outline.size[0]} pixels")
        area = found.area
        if not outline.is_exact or not all(size) or not isinstance(area, int | float):
            return
        pixels = pixel_count(outline.shape, *(outline.size or size))
        if abs(area - pixels) > max(1.0, AREA_TOLERANCE * pixels):
            note(f"its area {area} is not that of its mask, {pixels}; it is kept")

    # ---- edits

    def _put(self, before: Entity | None, after: Entity) -> None:
        self._changes.append(Change(before, after))
        if isinstance(after, Instance):
            self._weight += after.shape.vertex_count
        if self._weight >= CHUNK_VERTICES or len(self._changes) >= CHUNK_CHANGES:
            self._apply()

    def _apply(self) -> None:
        """Apply what has come together."""
        with self._session.turn:  # so that nobody takes a category or image away before the edit
            held = [one for one in self._changes if self._has_image(one.after)]
            images = (one.after.image_id for one in held if isinstance(one.after, Instance))
            self._carry_out(next(images, None), self._categories.settle(held))
        self._changes, self._weight = [], 0
        self._keep_pace()

    def _has_image(self, after: Entity | None) -> bool:
        """Whether the image of an instance is there; one taken out meanwhile stays out."""
        if not isinstance(after, Instance) or after.image_id in self._session.document.images:
            return True
        self.report.annotations -= 1
        text = "its image was taken out during the import"
        self.report.add(Kind.SKIP, Item.ANNOTATION, after.id, text)
        return False

    def _carry_out(self, image_id: int | None, changes: list[Change]) -> None:
        if changes:
            label = f"Import {self._file.path.name}"
            self._session.apply(Edit(label, image_id, tuple(changes)), self.report.job)

    def _keep_pace(self) -> None:
        """Wait where the disk is far behind."""
        while self._session.pending > MAX_PENDING:
            self._stop_if_asked()
            if not self._session.flush(FLUSH_SECONDS) and self._session.last_error:
                raise Failure(self._session.last_error)

    def _stop_if_asked(self) -> None:
        if self._cancel.is_set():
            raise Cancelled


class _KnownRecords:
    """Annotations that the project has word for word, on the same image."""

    def __init__(
        self,
        source: Callable[[int], bytes | None],
        origins: dict[int, tuple[int, int | None]],
    ) -> None:
        self._source = source
        self._by_image: dict[int, list[int]] = defaultdict(list)
        for image_id, source_id in origins.values():
            if source_id is not None:
                self._by_image[image_id].append(source_id)
        self._raws: dict[int, set[bytes | None]] = {}

    def has(self, image_id: int, raw: bytes) -> bool:
        """Whether an instance of the image came from these very bytes."""
        if image_id not in self._by_image:
            return False
        if image_id not in self._raws:
            self._raws[image_id] = {self._source(one) for one in self._by_image[image_id]}
        return raw in self._raws[image_id]


def _beyond(outline: Outline, size: tuple[int, int]) -> float:
    """Return by how many pixels an outline reaches beyond an image of (height, width)."""
    if not outline.shape.parts:
        return 0.0
    x0, y0, x1, y1 = outline.shape.bounds
    return max(-x0, -y0, x1 - size[1], y1 - size[0])


def _why(old: Any, is_taken: bool) -> str:
    if not is_id(old):
        return "its id is missing" if old is None else "its id is no whole number in range"
    if old == 0:
        return "id 0 means “unmatched” in COCO's evaluation"
    return "the project has this id already" if is_taken else "its id is repeated"
