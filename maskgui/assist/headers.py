"""Sizes of images, read from their files' headers behind everything else."""

import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from maskgui.core.document import Change, Edit
from maskgui.core.entities import ImageRecord
from maskgui.core.errors import Cancelled, UserError

if TYPE_CHECKING:
    from maskgui.assist.session import Session

Sizes = Mapping[int, tuple[int, int]]
FileSizes = Mapping[int, int]
BATCH = 500
"""Images of one edit."""
SPELL_S = 0.01
"""Seconds of reading between two rests."""


def fill_sizes(
    session: "Session",
    ids: Iterable[int] | None = None,
    cancel: threading.Event | None = None,
    share: float = 1.0,
) -> dict[int, str]:
    """Read what is not known of images' pixels and bytes from their files, off the main thread.

    ids: in which order, all by default. share: of the time, 0-1; the rest is left to others.
    Returns why, for those whose header cannot be read. Raises Cancelled between two files; what
    was put in the document before stays.
    """
    from maskgui.imaging import read_header

    stop = cancel or threading.Event()
    reasons: dict[int, str] = {}
    sizes: dict[int, tuple[int, int]] = {}
    files: dict[int, int] = {}
    began = time.perf_counter()
    for image_id in tuple(session.document.images if ids is None else ids):
        spell = time.perf_counter() - began
        if spell > SPELL_S:
            stop.wait(spell * (1 / share - 1))
            began = time.perf_counter()
        if stop.is_set():
            raise Cancelled
        record = session.document.images.get(image_id)
        if record is None or (record.width and record.file_size):
            continue
        path = session.root / record.path
        files[image_id] = size_at(os.fspath(path))
        try:
            if not record.width:
                header = read_header(path)
                sizes[image_id] = header.width, header.height
        except UserError as error:
            reasons[image_id] = str(error)
        if len(files) >= BATCH:
            session.set_sizes(sizes, files, late=True)
            sizes, files = {}, {}
    session.set_sizes(sizes, files, late=True)
    return reasons


def size_at(path: str) -> int:
    """Return a file's bytes, 0 where there is none; a plain string, as there may be very many."""
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except (OSError, ValueError):
        return 0


def check_size(session: "Session", image_id: int, width: int, height: int) -> None:
    """Refuse a file of width x height pixels where its image's outlines were made on another size.

    Raises UserError, which says what to do.
    """
    record = session.document.image(image_id)
    known = (record.width, record.height)
    if known in ((width, height), (0, 0)) or not session.instances(image_id):
        return
    raise UserError(
        f"“{record.path}” has {width} × {height} pixels now, and its outlines were made on "
        f"{known[0]} × {known[1]}; put the earlier file back and press F5, or use this file."
    )


def sizes_edit(
    images: Mapping[int, ImageRecord], sizes: Sizes, files: FileSizes, *, late: bool = False
) -> Edit:
    """Return the edit that gives images their (width, height), and their files' bytes.

    late: a header told them some time ago: what is known by now stays, as the pixels may have come
    in the meantime, of a file that was replaced.
    """
    changes = []
    for image_id in {**sizes, **files}:
        record = images.get(image_id)
        if record is None:
            continue
        size, bytes_ = (record.width, record.height), record.file_size
        if not (late and record.width):
            size = sizes.get(image_id, size)
        if not (late and record.file_size):
            bytes_ = files.get(image_id, bytes_)
        now = msgspec.structs.replace(record, width=size[0], height=size[1], file_size=bytes_)
        if now != record:
            changes.append(Change(record, now))
    return Edit("Read sizes", None, tuple(changes))
