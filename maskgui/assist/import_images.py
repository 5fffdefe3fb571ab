"""The images of a COCO file on their way into a project."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from maskgui.assist.import_categories import EntityIds, IdBook
from maskgui.assist.known_images import KnownImages
from maskgui.assist.locating import ImageFinder
from maskgui.assist.roots import stored_path
from maskgui.assist.session import Session
from maskgui.core.document import Edit
from maskgui.core.entities import ImageRecord
from maskgui.formats.coco_read import CocoFile, ImageFields, file_name_of, highest_id, is_id
from maskgui.formats.coco_report import How, ImportReport, Item, Kind, MatchedImage, MissingImage
from maskgui.imaging import Header, ImageError, read_header

SOURCE_KIND = "image"
SOURCES_AT_ONCE = 500


class ImageIntake:
    """Maps the file's image ids to the project's, making records for those that are new.

    Follows the session until `close`: reading headers takes long, and a rescan or a person may add
    the same files meanwhile.
    """

    def __init__(
        self,
        session: Session,
        file: CocoFile,
        images_dir: Path | None,
        report: ImportReport,
        book: IdBook,
    ) -> None:
        self._session = session
        self._file = file
        self._report = report
        self._finder = ImageFinder(file.path, images_dir)
        self._came: dict[str, int] = {}  # by path, the images that others added meanwhile
        self.close = session.subscribe(self._note)
        listed = highest_id(file.images)
        book.reserve(listed)  # what comes meanwhile gets ids above the file's
        self._existing = frozenset(dict(session.document.images))
        self._new_ids = EntityIds(book, self._existing, listed)
        self._known: KnownImages
        self._ids: dict[Any, int] = {}
        self._listed: dict[int, Any] = {}  # the other way round
        self._joined: set[int] = set()  # of those that came, the ones that the file lists too
        self._orders: dict[int, int] = {}
        self._taken: set[int] = set()
        self.records: list[tuple[ImageRecord | None, ImageRecord]] = []
        """The project's record before, None when it is new, and after; in the file's order."""

    def take(self, look_up: Callable[[], None]) -> None:
        """Fill `records`; image headers are read on the way."""
        entries = self._entries()
        self._known = KnownImages(self._session, (file_name_of(found) for found, _ in entries))
        for at in range(0, len(entries), SOURCES_AT_ONCE):
            part = entries[at : at + SOURCES_AT_ONCE]
            sources = self._session.add_sources(SOURCE_KIND, [raw for _, raw in part])
            for (found, _), source in zip(part, sources, strict=True):
                look_up()
                self._take_one(found, source)

    def _entries(self) -> list[tuple[ImageFields, bytes]]:
        """Return the file's images, without those that are listed twice."""
        entries: list[tuple[ImageFields, bytes]] = []
        names: dict[Any, str] = {}
        for raw in self._file.images:
            try:
                found = msgspec.json.decode(raw, type=ImageFields)
            except msgspec.DecodeError:
                self._report.add(Kind.SKIP, Item.IMAGE, None, "it is no JSON object")
                continue
            if isinstance(found.id, list | dict):
                found.id = None
            name = file_name_of(found)
            if names.get(found.id) == name:
                text = f"“{name}” is listed twice under this id"
                self._report.add(Kind.SKIP, Item.IMAGE, found.id, text)
                continue
            names.setdefault(found.id, name)
            entries.append((found, bytes(raw)))
        return entries

    def project_id(self, file_id: Any) -> int | None:
        """Return the project's id for an image id of the file, None when it lists no such."""
        return None if isinstance(file_id, list | dict) else self._ids.get(file_id)

    def next_order(self, image_id: int) -> int:
        """Return the place above all instances that the image had before this import."""
        if image_id not in self._orders:
            known = image_id in self._existing or image_id in self._joined
            held = self._session.instances(image_id) if known else []
            self._orders[image_id] = 1 + max((one.order for one in held), default=-1)
        return self._orders[image_id]

    def settle(
        self, before: ImageRecord | None, after: ImageRecord
    ) -> tuple[ImageRecord | None, ImageRecord]:
        """Return one of `records` as it is to be applied now, in the session's turn."""
        images = self._session.document.images
        if before is not None and before.id not in images:
            return None, after  # it was taken out meanwhile
        came = images.get(self._came.get(after.path, 0))
        if before is not None or came is None or came.path != after.path:
            return before, after
        self._joined.add(came.id)
        why = f"“{came.path}” was added to the project meanwhile"
        self._report.renumbered(Item.IMAGE, self._listed[after.id], came.id, why)
        return came, _known_again(came, after.source, after.width, after.height)

    def _note(self, edit: Edit) -> None:
        for change in edit.changes:
            record = change.after
            if isinstance(record, ImageRecord) and record.id not in self._taken:
                self._came[record.path] = record.id

    def _take_one(self, found: ImageFields, source: int) -> None:
        name = file_name_of(found)
        path = self._finder.find(name)
        stored = stored_path(self._session.root, path or self._finder.place(name))
        before, path = self._recognise(found, name, stored, path)
        header = self._header(name, path)
        width, height = self._size(found, header)
        if before is None:
            image_id = self._take_id(found.id)
            size = path.stat().st_size if path is not None else 0
            after = ImageRecord(image_id, stored, width, height, source=source, file_size=size)
        else:
            image_id = before.id
            after = _known_again(before, source, width, height)
            if image_id != found.id:
                why = f"the project has this image already, as “{before.path}”"
                self._report.renumbered(Item.IMAGE, found.id, image_id, why)
        self._ids.setdefault(found.id, image_id)  # of two under one id, the first has it
        if image_id not in self._taken:
            self._taken.add(image_id)
            self._listed[image_id] = found.id
            self.records.append((before, after))

    def _recognise(
        self, found: ImageFields, name: str, stored: str, path: Path | None
    ) -> tuple[ImageRecord | None, Path | None]:
        """Return the project's image that is meant, None for a new one, and where its file is."""
        before = self._known.by_file(stored, path)
        if before is not None:
            self._report.matched.append(MatchedImage(name, before.path, How.FILE))
            return before, path
        if path is None and self._finder.is_unclear(name):
            return None, None
        size = _listed_size(found) or (0, 0)
        before = self._known.by_name(name, size, path)
        if before is not None:
            self._report.matched.append(MatchedImage(name, before.path, How.NAME))
            return before, self._session.root / before.path
        others = self._known.namesakes(name, size)
        if others:
            text = f"it was added as a new image, though “{others[0].path}” has its name"
            self._report.add(Kind.NOTE, Item.IMAGE, found.id, text)
        return None, path

    def _take_id(self, old: Any) -> int:
        if is_id(old) and self._new_ids.keep(old):
            return int(old)
        new = self._new_ids.new()
        why = "the project has this id already" if is_id(old) else "its id is no whole number"
        self._report.renumbered(Item.IMAGE, old, new, why)
        return new

    def _header(self, name: str, path: Path | None) -> Header | None:
        if path is None:
            unclear = self._finder.is_unclear(name)
            where = f"in {self._finder.folder}"
            reason = f"several files of this name lie {where}" if unclear else f"not found {where}"
            self._report.missing.append(MissingImage(name, reason))
            return None
        try:
            return read_header(path)
        except ImageError as error:
            self._report.missing.append(MissingImage(name, str(error)))
            return None

    def _size(self, found: ImageFields, header: Header | None) -> tuple[int, int]:
        """Return width and height: of the upright file, else as listed, else 0."""
        listed = _listed_size(found)
        if header is None:
            return listed or (0, 0)
        size = (header.width, header.height)
        if listed is None:
            text = f"its size is not listed; the file has {size[0]} x {size[1]} pixels"
            self._report.add(Kind.NOTE, Item.IMAGE, found.id, text)
        elif listed != size:
            text = (
                f"it is listed with {listed[0]} x {listed[1]} pixels and the file, upright, has "
                f"{size[0]} x {size[1]}: look whether its outlines fit"
            )
            self._report.add(Kind.NOTE, Item.IMAGE, found.id, text)
        return size


def _listed_size(found: ImageFields) -> tuple[int, int] | None:
    is_listed = is_id(found.width, 1) and is_id(found.height, 1)
    return (found.width, found.height) if is_listed else None


def _known_again(before: ImageRecord, source: int | None, width: int, height: int) -> ImageRecord:
    """Return a project's record with what the file adds to it; a first source is kept."""
    return msgspec.structs.replace(
        before,
        source=source if before.source is None else before.source,
        width=before.width or width,
        height=before.height or height,
    )
