"""Reading JSON that people and other programs wrote, with their mistakes named."""

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from maskgui.core.errors import UserError
from maskgui.core.forms import first_fault

T = TypeVar("T")

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_bytes(path: Path) -> bytes:
    """Return a text file's bytes without a byte order mark. Raises UserError."""
    try:
        return path.read_bytes().removeprefix(BYTE_ORDER_MARK)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UserError(f"{path} cannot be read ({reason}); check the path.") from error


def decode_json(data: bytes, kind: type[T], path: Path, wanted: str, instead: str) -> T:
    """Return JSON as a `kind`, any type that msgspec knows.

    Args:
        data: the content of `path`.
        wanted: what the file should be, as "a COCO file".
        instead: what to do about it, as "choose another file".

    Raises:
        UserError: it is no JSON (where it goes wrong), or has another form (its first entry).
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply for {wanted}; {instead}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} {_why_not(data, kind, wanted)}; {instead}.") from error


def _why_not(data: bytes, kind: object, wanted: str) -> str:
    """Return in words why bytes are no JSON, or not of the form wanted."""
    start = data.lstrip()[:1]
    if start in (b"", b"<"):
        return "is a web page or XML, not JSON" if start else "is empty"
    try:
        content = json.loads(data, parse_constant=_refuse)
    except _ConstantError as error:
        return f"is not JSON: it holds {error}, which is no number there"
    except json.JSONDecodeError as error:
        if error.pos >= len(error.doc.rstrip()):
            return "is not whole JSON: it ends too early"
        return f"is not JSON: line {error.lineno} goes wrong at column {error.colno}"
    except (ValueError, RecursionError):
        return "is no JSON in UTF-8"
    return f"is not {wanted}: {first_fault(content, kind) or 'an entry is of the wrong kind'}"


class _ConstantError(Exception):
    pass


def _refuse(word: str) -> Any:
    raise _ConstantError(word)
