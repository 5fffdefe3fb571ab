"""A project as a COCO data set: complete, exact, and read back before it replaces anything."""

import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from maskgui.assist.export_images import ImageCopies
from maskgui.assist.export_place import (
    IMAGE_FOLDER,
    Copy,
    file_of,
    require_earlier,
    settle_place,
)
from maskgui.assist.roots import find_root, stays_inside
from maskgui.core.entities import ImageRecord, Instance, Review
from maskgui.core.errors import Cancelled, Failure
from maskgui.core.files import atomic_file
from maskgui.core.raster import shape_to_rle
from maskgui.core.rle import MAX_PIXELS
from maskgui.core.seal import Sealed
from maskgui.core.words import counted
from maskgui.formats import coco_json
from maskgui.formats.coco_check import UNCHECKED, check_file, fingerprint
from maskgui.formats.coco_read import ImageFields, file_name_of, is_id
from maskgui.formats.coco_shape import Outline, read_outline
from maskgui.formats.coco_write import (
    Form,
    category_record,
    image_record,
    merged_members,
    new_annotation,
    untouched_annotation,
)
from maskgui.imaging import ImageError, read_header
from maskgui.project import Project, Snapshot

__all__ = ["ExportOptions", "ExportReport", "export_coco"]

FLUSH_SECONDS = 30.0

Progress = Callable[[int, int], None]
Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class ExportOptions:
    """What is written, and how masks are that are not written as they came."""

    segmentation: Form = "polygons"
    compressed: bool = False  # RLE counts: a list of ints is read by more tools
    reviewed_only: bool = False
    proposals: bool = True
    copy_images: bool = False
    overwrite: bool = False  # what stands there, whoever wrote it


@dataclass
class ExportReport:
    """What was written."""

    path: Path
    images: int = 0
    persons: int = 0  # annotations that a person or an imported file stands behind
    proposals: int = 0
    unread: int = 0  # annotations written as they came that no reader of masks understands
    empty: list[int] = field(default_factory=list)  # instances without a pixel, left out
    exif: list[str] = field(default_factory=list)  # names of images that EXIF turns
    copied: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def annotations(self) -> int:
        """How many annotations were written."""
        return self.persons + self.proposals

    def counts(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "path": str(self.path),
            "images": self.images,
            "annotations": self.annotations,
            "persons": self.persons,
            "proposals": self.proposals,
            "not_checked": self.unread,
            "without_pixels": self.empty,
            "exif_turned": self.exif,
            "copied": self.copied,
            "problems": self.problems,
        }

    def summary(self) -> str:
        """Return the counts as sentences."""
        text = (
            f"Wrote {counted(self.images, 'image')} and "
            f"{counted(self.annotations, 'annotation')} to {self.path}: "
            f"{self.persons:,} by persons, {counted(self.proposals, 'proposal')}. "
        )
        if self.unread:
            text += f"{self.unread} went out as they came, without a mask that can be read; every "
            text += "other mask was read back and is the same."
        else:
            text += "Every mask was read back and is the same."
        if self.empty:
            ids = ", ".join(map(str, self.empty[:10]))
            left = counted(len(self.empty), "instance")
            text += f" Left out, with no pixel covered: {left} ({ids})."
        if self.exif:
            names = ", ".join(self.exif[:5]) + (", …" if len(self.exif) > 5 else "")
            turned = counted(len(self.exif), "image")
            text += f" Turned by EXIF, so that some loaders show it otherwise: {turned} ({names})."
        return " ".join([text, *self.problems[:5]])


def export_coco(
    project: Project,
    target: Path,
    options: ExportOptions = ExportOptions(),
    on_progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> ExportReport:
    """Write a project to `target`: a .json file, or a folder in which instances.json is written.

    All is written as it was at the beginning, whatever is edited meanwhile. What nobody touched
    goes out as it came, all else by COCO's conventions. The finished file is decoded by
    pycocotools and compared mask by mask, and only then takes the old one's place.
    With `copy_images` the images go to a folder `images` beside it, upright.

    Raises:
        UserError: `target` is a file of another kind, or is named like one; or a copy would take
            the place of its image.
        Standing: what stands there is no earlier export of this project, at the beginning or at
            the end; see `settle_place`.
        Failure: it cannot be written, or reading it back showed a fault; the old file stays.
        Cancelled: `cancel` was set; the old file stays, and no new copies of images do.
    """
    if not project.flush(FLUSH_SECONDS):
        raise Failure(project.last_error or "Changes are still being written; try again.")
    path = file_of(target)
    with Snapshot(project) as snapshot:
        return _Export(snapshot, path, options, cancel or threading.Event()).run(on_progress)


class _Export:
    def __init__(
        self, project: Snapshot, path: Path, options: ExportOptions, cancel: threading.Event
    ) -> None:
        self._project = project
        self._path = path
        self._options = options
        self._cancel = cancel
        self._root = find_root(project.path, project.meta())
        self._expected = array("Q")
        self._sizes: dict[int, Size] = {}
        self.report = ExportReport(path)

    def run(self, on_progress: Progress | None) -> ExportReport:
        """Write, check and replace."""
        records = [one for one in self._project.images() if self._is_chosen(one)]
        if not records and self._options.reviewed_only:
            self.report.problems.append("No image is marked reviewed, so the data set is empty.")
        names = _file_names(records)
        total = len(records)

        def finish(written: Path) -> None:
            check_file(written, total, self._expected)
            if copies:  # the JSON names them: they are there before it is
                settle_place(self._path, self._project, copies, overwrite)
                images.make(self._stop_if_asked)
            self._stop_if_asked()
            require_earlier(self._path, self._project, overwrite)

        overwrite = self._options.overwrite
        copies = self._copies(records, names) if self._options.copy_images else []
        author = settle_place(self._path, self._project, copies, overwrite)
        with ImageCopies(copies) as images, atomic_file(self._path, finish) as plain:
            file = Sealed(plain, author)
            file.write(b"{")
            for key, value in self._members().items():
                name = bytes(coco_json.encode(key))
                file.write(name + b": " + coco_json.to_ascii(bytes(value)) + b",\n")
            _write_list(file, "images", (self._image(one, names[one.id]) for one in records))
            file.write(b",\n")
            _write_list(file, "annotations", self._annotations(records, on_progress))
            file.write(b",\n")
            _write_list(file, "categories", self._categories())
            file.end_json()
        self.report.images = total
        self.report.copied = images.count
        self.report.problems += images.problems
        return self.report

    def _is_chosen(self, record: ImageRecord) -> bool:
        return record.review is Review.REVIEWED or not self._options.reviewed_only

    def _members(self) -> coco_json.RawObject:
        """Return `info`, `licenses` and what else came with the files that are still in use."""
        datasets = sorted(self._project.sources("dataset").items())
        starts = [source_id for source_id, _ in datasets]
        in_use = {bisect_right(starts, source) - 1 for source in self._sources_in_use()}
        kept = [bytes(raw) for at, (_, raw) in enumerate(datasets) if at in in_use]
        if kept:
            return merged_members(kept)
        return {"info": coco_json.encode({"description": self._project.path.stem})}

    def _sources_in_use(self) -> Iterator[int]:
        """Yield the stored records that something in the project still comes from."""
        sources = [one.source for one in self._project.categories()]
        sources += [one.source for one in self._project.images()]
        sources += [source for _, source in self._project.instance_origins().values()]
        yield from (source for source in sources if source is not None)

    def _raw(self, source: int | None) -> bytes | None:
        return None if source is None else self._project.source(source)

    # ---- records

    def _categories(self) -> Iterator[bytes]:
        for category in sorted(self._project.categories(), key=lambda one: (one.order, one.id)):
            yield category_record(category, self._raw(category.source))

    def _image(self, record: ImageRecord, name: str) -> bytes:
        self._stop_if_asked()
        raw = self._raw(record.source)
        listed = ImageFields() if raw is None else msgspec.json.decode(raw, type=ImageFields)
        values: dict[str, Any] = {} if raw else {"file_name": name}
        if _base_name(file_name_of(listed)) != _base_name(record.path):
            values["file_name"] = name  # it was renamed, and found again, since it came
        if self._options.copy_images and listed.file_name != name:
            values["file_name"] = name
        size = self._size(record, listed)
        if raw is None or (listed.height, listed.width) != size:
            values |= {"height": size[0], "width": size[1]}
        self._sizes[record.id] = size
        self._note_file(record, name)
        return image_record(record, raw, values)

    def _size(self, record: ImageRecord, listed: ImageFields) -> Size:
        """Return the size that the file will state.

        As the imported file had it while all its outlines are still as they came; else that of
        the upright image, else one that holds all outlines.
        """
        is_listed = is_id(listed.width, 1) and is_id(listed.height, 1)
        own = (record.height, record.width)
        if is_listed and own in ((listed.height, listed.width), (0, 0)):
            return listed.height, listed.width
        instances = self._project.instances(record.id)
        if is_listed and all(one.verbatim for one in instances):
            return listed.height, listed.width
        if all(own):
            return own
        try:
            header = read_header(self._root / record.path)
        except ImageError as error:
            self.report.problems.append(str(error))
        else:
            return header.height, header.width
        bounds = [one.shape.bounds for one in instances]
        return (
            max((int(box[3]) + 1 for box in bounds), default=1),
            max((int(box[2]) + 1 for box in bounds), default=1),
        )

    def _annotations(
        self, records: list[ImageRecord], on_progress: Progress | None
    ) -> Iterator[bytes]:
        for done, record in enumerate(records):
            self._stop_if_asked()
            if on_progress:
                on_progress(done, len(records))
            instances = self._project.instances(record.id)
            for instance in sorted(instances, key=lambda one: (one.order, one.id)):
                if self._options.proposals or not instance.is_proposal:
                    written = self._annotation(instance, self._sizes[record.id])
                    if written is not None:
                        yield written
        if on_progress:
            on_progress(len(records), len(records))

    def _annotation(self, instance: Instance, size: Size) -> bytes | None:
        """Return an instance's record, None for one that was drawn without a pixel."""
        raw = self._raw(instance.source)
        if raw is not None and instance.verbatim:
            self._count(instance, _expected_of(instance, raw, size))
            return untouched_annotation(instance, raw)
        rle = shape_to_rle(instance.shape, *size)
        if not rle.area:
            return self._without_pixel(instance, raw, size)
        form, compressed = self._options.segmentation, self._options.compressed
        values = new_annotation(instance, rle, form, compressed)
        if instance.is_proposal and instance.score is not None:
            values["score"] = round(instance.score, 6)
        self._count(instance, fingerprint(rle))
        return (
            bytes(coco_json.encode(values)) if raw is None else coco_json.with_values(raw, values)
        )

    def _without_pixel(self, instance: Instance, raw: bytes | None, size: Size) -> bytes | None:
        """Return the record of an instance whose outline came so; None for one that was drawn so.

        Files hold objects so small that they cover no pixel's centre: a new category loses none.
        """
        if raw is None or _outline_of(raw).shape != instance.shape:
            self.report.empty.append(instance.id)
            return None
        self._count(instance, _expected_of(instance, raw, size))
        values = {"iscrowd": int(instance.iscrowd)}
        return coco_json.with_values(untouched_annotation(instance, raw), values)

    def _count(self, instance: Instance, expected: int) -> None:
        self._expected.append(expected)
        self.report.unread += expected == UNCHECKED
        if instance.is_proposal:
            self.report.proposals += 1
        else:
            self.report.persons += 1

    # ---- image files

    def _note_file(self, record: ImageRecord, name: str) -> None:
        """Name an image that EXIF turns, and one whose file has become another."""
        try:
            header = read_header(self._root / record.path)
        except ImageError:
            return
        if header.orientation > 1 and not self._options.copy_images:
            self.report.exif.append(name)
        known = (record.width, record.height)
        if all(known) and known != (header.width, header.height):
            self.report.problems.append(
                f"“{name}” has {header.width} × {header.height} pixels now, and what was outlined "
                f"on {known[0]} × {known[1]} may not fit it."
            )

    def _copies(self, records: list[ImageRecord], names: dict[int, str]) -> list[Copy]:
        folder = self._path.parent / IMAGE_FOLDER
        return [(self._root / record.path, folder / names[record.id]) for record in records]

    def _stop_if_asked(self) -> None:
        if self._cancel.is_set():
            raise Cancelled


def _expected_of(instance: Instance, raw: bytes, size: Size) -> int:
    """Return what an annotation that goes out as it came shall decode to, if anything can."""
    outline = _outline_of(raw)
    if outline.notes or not outline.is_exact or size[0] * size[1] > MAX_PIXELS:
        return UNCHECKED
    return fingerprint(shape_to_rle(instance.shape, *(outline.size or size)))


def _outline_of(raw: bytes) -> Outline:
    segmentation = coco_json.split(raw).get("segmentation", msgspec.Raw(b"null"))
    return read_outline(bytes(segmentation), None)


def _file_names(records: Iterable[ImageRecord]) -> dict[int, str]:
    """Return a relative POSIX name for each image; those from outside the root by base name."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for record in records:
        name = record.path
        if not stays_inside(name):
            name = Path(name.replace("\\", "/")).name
            if name in taken:
                name = f"{record.id}/{name}"
        taken.add(name)
        names[record.id] = name
    return names


def _base_name(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def _write_list(file: Sealed, name: str, records: Iterable[bytes]) -> None:
    """Write a member that is a list, a line for each record."""
    file.write(f'"{name}": ['.encode("ascii"))
    for number, record in enumerate(records):
        file.write(b",\n" if number else b"\n")
        file.write(record)
    file.write(b"]")
