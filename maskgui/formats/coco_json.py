"""JSON kept as the bytes that came: single values are exchanged, the rest stays as it was."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

RawObject = dict[str, msgspec.Raw]
"""A JSON object whose values are still text; keys in their order."""

_objects = msgspec.json.Decoder(RawObject)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def split(raw: bytes) -> RawObject:
    """Return the members of a JSON object. Raises msgspec.DecodeError when it is none."""
    return _objects.decode(raw)


def join(members: Mapping[str, msgspec.Raw]) -> bytes:
    """Return the JSON object of these members, in ASCII."""
    return to_ascii(msgspec.json.encode(dict(members)))


def encode(value: Any) -> msgspec.Raw:
    """Return any value as JSON text in ASCII."""
    return msgspec.Raw(to_ascii(msgspec.json.encode(value)))


def with_values(raw: bytes, values: Mapping[str, Any]) -> bytes:
    """Return a JSON object in ASCII with some members set and all others as they came.

    A member that already has the value keeps its very text; without any change so does the whole.
    """
    members = split(raw)
    changed = False
    for key, value in values.items():
        old = members.get(key)
        if old is None or msgspec.json.decode(old) != value:
            members[key] = encode(value)
            changed = True
    return join(members) if changed else to_ascii(raw)


def to_ascii(raw: bytes) -> bytes:
    """Write what is not ASCII as escapes; it can only stand inside of strings."""
    if raw.isascii():
        return raw
    return _NOT_ASCII.sub(_escape, raw.decode("utf-8")).encode("ascii")


def _escape(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
