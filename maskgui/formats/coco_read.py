"""Reading COCO files: whatever can be understood comes in, each record as the bytes it had.

Records stay raw JSON (views of the file's bytes) and only the fields that matter are decoded, so
that a file of 469 MB takes seconds and its numbers survive to the last digit.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from maskgui.core.errors import UserError
from maskgui.core.seal import MEMBER as SEAL
from maskgui.formats import coco_json

MAX_ID = 1 << 62
"""Ids above it fit no database; they are treated like ids that are no integers."""

MAX_NAME = 255
"""Bytes of one component of a path; file systems take no more."""

DECODED_AT_ONCE = 1 << 22

_records = msgspec.json.Decoder(list[msgspec.Raw])


class NotCoco(UserError):
    """The file is none that can be imported; the sentence names what it is."""


class AnnotationFields(msgspec.Struct, gc=False):
    """What of an annotation is looked at; any of it may be missing or of the wrong type."""

    id: Any = None
    image_id: Any = None
    category_id: Any = None
    segmentation: msgspec.Raw = msgspec.Raw(b"null")
    bbox: Any = None
    area: Any = None
    iscrowd: Any = None
    score: Any = None


class ImageFields(msgspec.Struct, gc=False):
    """What of an image is looked at."""

    id: Any = None
    file_name: Any = None
    width: Any = None
    height: Any = None
    coco_url: Any = None  # LVIS gives no file_name


class CategoryFields(msgspec.Struct, gc=False):
    """What of a category is looked at."""

    id: Any = None
    name: Any = None


class _IdOnly(msgspec.Struct, gc=False):
    id: Any = None


@dataclass(frozen=True)
class CocoFile:
    """The records of a COCO file as raw JSON; `dataset` holds all other top-level members."""

    path: Path
    images: list[msgspec.Raw]
    categories: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    dataset: bytes


def read_coco(path: Path) -> CocoFile:
    """Read a COCO data set. Raises NotCoco, in one sentence, for everything else."""
    data = _read_bytes(path)
    _refuse_by_beginning(path, data)
    _refuse_other_encodings(path, data)
    try:
        members = coco_json.split(data)
    except msgspec.ValidationError as error:
        raise NotCoco(_name_list(path, data)) from error
    except msgspec.DecodeError as error:
        raise _broken(path, data, error) from error
    except RecursionError as error:
        raise NotCoco(
            f"“{path}” is not COCO: its lists are nested hundreds deep; {_ADVICE}."
        ) from error
    _refuse_by_members(path, members)
    members.pop(SEAL, None)  # of the export that wrote it: the next one gets its own
    lists = {key: members.pop(key, msgspec.Raw(b"[]")) for key in _LISTS}
    return CocoFile(
        path=path,
        images=_list(path, "images", lists["images"]),
        categories=_list(path, "categories", lists["categories"]),
        annotations=_list(path, "annotations", lists["annotations"]),
        dataset=msgspec.json.encode(members),
    )


_LISTS = ("images", "categories", "annotations")


def is_id(value: Any, lowest: int = 0) -> bool:
    """Whether a value can be kept as an id: a JSON integer from `lowest` on."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= MAX_ID


def highest_id(records: list[msgspec.Raw]) -> int:
    """Return the highest id among records that can be kept, 0 when there is none."""
    decoder = msgspec.json.Decoder(_IdOnly)
    highest = 0
    for raw in records:
        try:
            found = decoder.decode(raw).id
        except msgspec.DecodeError:
            continue
        if is_id(found):
            highest = max(highest, found)
    return highest


def file_name_of(found: ImageFields) -> str:
    """Return an image's name: `file_name`, else the end of `coco_url` (LVIS), else its id."""
    if _is_name(found.file_name):
        return str(found.file_name)
    if isinstance(found.coco_url, str):
        name = PurePosixPath(unquote(urlsplit(found.coco_url).path)).name
        if _is_name(name):
            return name
    return f"image {found.id}"[:MAX_NAME]


def _is_name(value: Any) -> bool:
    """Whether a value is text that a file system can be asked for."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    return all(len(part.encode()) <= MAX_NAME for part in value.split("/"))


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except IsADirectoryError as error:
        raise NotCoco(f"“{path}” is a folder; give the COCO JSON file in it.") from error
    except OSError as error:
        raise NotCoco(f"“{path}” cannot be read ({error.strerror}); check the path.") from error
    return data.removeprefix(b"\xef\xbb\xbf")


def _list(path: Path, name: str, raw: msgspec.Raw) -> list[msgspec.Raw]:
    if bytes(raw) == b"null":
        return []
    try:
        return _records.decode(raw)
    except msgspec.DecodeError as error:
        raise NotCoco(
            f"“{path}” is not COCO: its `{name}` is no list; export it as COCO once more."
        ) from error


_NO_NUMBER = re.compile(rb"\W{0,2}(NaN|Infinity)")
"""What Python's json writes for numbers that JSON does not have."""


def _broken(path: Path, data: bytes, error: Exception) -> NotCoco:
    """Say where the JSON breaks off, as line and column."""
    found = re.search(r"byte (\d+)", str(error))
    at = min(int(found.group(1)), len(data)) if found else len(data)
    line = data.count(b"\n", 0, at) + 1
    column = at - (data.rfind(b"\n", 0, at) + 1) + 1
    what, todo = "it is malformed", "copy or export it once more"
    if "truncated" in str(error):
        what = "it breaks off"
    elif number := _NO_NUMBER.match(data, max(at - 1, 0)):
        what = f"it holds {number.group(1).decode()}, which is no number there,"
        todo = "write null or a number in its place"
    return NotCoco(
        f"“{path}” is not valid JSON: {what} at line {line}, column {column} (byte {at}); {todo}."
    )


def _refuse_by_beginning(path: Path, data: bytes) -> None:
    start = data[:4096].lstrip()
    if not start:
        raise NotCoco(f"“{path}” is empty; copy or export it once more.")
    if start.startswith(b"<"):
        raise NotCoco(f"“{path}” is {_xml_kind(data)}, not COCO JSON; {_ADVICE}.")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotCoco(f"“{path}” is UTF-16 text; save it as UTF-8 and import that.")
    if not start.startswith((b"{", b"[")):
        raise NotCoco(f"“{path}” is no JSON at all; give a COCO JSON file.")


def _refuse_other_encodings(path: Path, data: bytes) -> None:
    """Raw records are passed on unread: what is not UTF-8 must be found here."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    steps = range(0, 0 if data.isascii() else len(data), DECODED_AT_ONCE)
    for at in steps:
        try:
            decoder.decode(data[at : at + DECODED_AT_ONCE], final=at == steps[-1])
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, at + error.start) + 1
            raise NotCoco(
                f"“{path}” is not valid JSON: line {line} holds bytes that are no UTF-8; "
                "save it as UTF-8 and import that."
            ) from error


_ADVICE = "export it as COCO from the tool that made it, and import that"


def _xml_kind(data: bytes) -> str:
    head = data[: 1 << 20]
    if b"<annotations" in head and (b"<meta>" in head or b"<version>" in head):
        return "CVAT XML"
    if b"<bndbox>" in head:
        return "Pascal VOC XML"
    if b"<annotation>" in head and (b"<polygon" in head or b"<folder" in head):
        return "LabelMe XML"
    return "XML"


def _name_list(path: Path, data: bytes) -> str:
    """Name a JSON file that is no object."""
    if b'"image_id"' in data[: 1 << 16]:
        return (
            f"“{path}” is a COCO results list, which names neither images nor categories; "
            "import the data set that it belongs to."
        )
    return f"“{path}” is not COCO: it holds a list where COCO has an object; {_ADVICE}."


_OTHERS = (
    ({"shapes", "imagePath"}, "LabelMe JSON"),
    ({"_via_img_metadata"}, "VGG Image Annotator JSON"),
    ({"image", "annotations"}, "a file of one SA-1B image"),
    ({"type", "features"}, "GeoJSON"),
    ({"videos"}, "a video data set"),
)


def _refuse_by_members(path: Path, members: coco_json.RawObject) -> None:
    if "images" in members:
        return
    for keys, name in _OTHERS:
        if keys <= members.keys():
            raise NotCoco(f"“{path}” is {name}, not COCO JSON; {_ADVICE}.")
    raise NotCoco(f"“{path}” is not COCO: it has no `images`; {_ADVICE}.")
