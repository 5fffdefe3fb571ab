"""Where a file's content leaves the form that it should have, said for a person."""

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import inspect

Place = tuple[str | int, ...]
"""Keys and indices from the top of a file to one of its entries."""

SHOWN = 40
"""Letters of a value that are shown."""

_CONTAINERS = {
    dict: (inspect.StructType, inspect.DictType),
    list: (inspect.ListType, inspect.VarTupleType, inspect.TupleType),
}


def first_fault(content: object, kind: Any, place: Place = ()) -> str:
    """Return in a clause the first entry that a `kind` does not have or take, "" where all fit.

    `content` is of dictionaries, lists and plain values, as TOML and JSON give them; `kind` a
    msgspec struct or any type that msgspec knows; `place` where in the file the content stands.
    """
    return _fault(content, inspect.type_info(kind), place)


def _fault(value: object, form: inspect.Type, place: Place) -> str:
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(form, inspect.UnionType) and isinstance(value, list | dict):
        form = next((one for one in form.types if isinstance(one, _CONTAINERS[type(value)])), form)
    if isinstance(form, inspect.StructType) and isinstance(value, dict):
        return _struct_fault(value, form, place)
    parts = _parts(value, form)
    if parts is not None:
        return next(
            filter(None, (_fault(one, kind, (*place, key)) for key, one, kind in parts)), ""
        )
    if _fits(value, form):
        return ""
    near = _nearest(value, form.values) if isinstance(form, inspect.LiteralType) else ""
    return f"{_named(place)} must be {_words(form)}, not {_shown(value)}{near}"


def _parts(
    value: object, form: inspect.Type
) -> Iterator[tuple[str | int, object, inspect.Type]] | None:
    """Return key, value and form of each entry of a container that fits, else None."""
    if isinstance(form, inspect.DictType) and isinstance(value, dict):
        return ((key, one, form.value_type) for key, one in value.items())
    if not isinstance(value, list):
        return None
    if isinstance(form, inspect.ListType | inspect.VarTupleType):
        return ((n, one, form.item_type) for n, one in enumerate(value))
    if isinstance(form, inspect.TupleType) and len(value) == len(form.item_types):
        pairs = zip(value, form.item_types, strict=True)
        return ((n, one, item) for n, (one, item) in enumerate(pairs))
    return None


def _struct_fault(value: dict[str, Any], form: inspect.StructType, place: Place) -> str:
    fields = {field.encode_name: field for field in form.fields}
    for key, one in value.items():
        if key in fields:
            fault = _fault(one, fields[key].type, (*place, key))
            if fault:
                return fault
        elif form.forbid_unknown_fields:
            return _unknown(key, form, place)
    missing = next((n for n, f in fields.items() if f.required and n not in value), None)
    return f"{_table(place)} has no “{missing}”" if missing is not None else ""


def _unknown(key: str, form: inspect.StructType, place: Place) -> str:
    """Say that a struct has no such key, and which it may stand for or where it belongs."""
    names = [field.encode_name for field in form.fields]
    said = f"{_table(place)} takes no “{key}”"
    tables = [field for field in form.fields if isinstance(field.type, inspect.StructType)]
    for field in tables:
        assert isinstance(field.type, inspect.StructType)
        if key in [inner.encode_name for inner in field.type.fields]:
            return f"{said}; it belongs in [{field.encode_name}]"
    near = difflib.get_close_matches(key, names, 1)
    return f"{said} (did you mean “{near[0]}”?)" if near else f"{said}; it takes {', '.join(names)}"


def _nearest(value: object, allowed: Sequence[object]) -> str:
    near = difflib.get_close_matches(str(value), [str(one) for one in allowed], 1)
    return f" (did you mean {_shown(near[0])}?)" if near else ""


def _fits(value: object, form: inspect.Type) -> bool:
    if isinstance(form, inspect.UnionType):
        return any(not _fault(value, one, ()) for one in form.types)
    if isinstance(form, inspect.LiteralType):
        return any(type(value) is type(one) and value == one for one in form.values)
    if isinstance(form, inspect.IntType | inspect.FloatType):
        number = int if isinstance(form, inspect.IntType) else int | float
        return isinstance(value, number) and not isinstance(value, bool) and _within(value, form)
    kinds = {inspect.StrType: str, inspect.BoolType: bool, inspect.NoneType: type(None)}
    wanted = kinds.get(type(form), object if isinstance(form, inspect.AnyType) else None)
    return wanted is not None and isinstance(value, wanted)


def _within(value: float, form: inspect.IntType | inspect.FloatType) -> bool:
    return (
        (form.gt is None or value > form.gt)
        and (form.ge is None or value >= form.ge)
        and (form.lt is None or value < form.lt)
        and (form.le is None or value <= form.le)
    )


def _words(form: inspect.Type) -> str:
    """Return what a form takes."""
    if isinstance(form, inspect.UnionType):
        return " or ".join(_words(one) for one in form.types)
    if isinstance(form, inspect.LiteralType):
        return f"one of {', '.join(_shown(one) for one in form.values)}"
    if isinstance(form, inspect.TupleType):
        return f"a list of {len(form.item_types)}, each {_words(form.item_types[0])}"
    if isinstance(form, inspect.ListType | inspect.VarTupleType):
        return f"a list, each {_words(form.item_type)}"
    if isinstance(form, inspect.IntType | inspect.FloatType):
        noun = "a whole number" if isinstance(form, inspect.IntType) else "a number"
        return f"{noun}{_bounds(form)}"
    named = {
        inspect.StrType: "text",
        inspect.BoolType: "true or false",
        inspect.NoneType: "null",
    }
    return named.get(type(form), "keys with values")


def _bounds(form: inspect.IntType | inspect.FloatType) -> str:
    if form.ge is not None and form.le is not None:
        return f" from {_bound(form.ge)} to {_bound(form.le)}"
    if form.gt is not None:
        most = f" and at most {_bound(form.le)}" if form.le is not None else ""
        return f" above {_bound(form.gt)}{most}"
    return f" of at least {_bound(form.ge)}" if form.ge is not None else ""


def _bound(value: float) -> str:
    """Return a bound as people write it: 8,192 and 0.01, not 8.192e+03."""
    whole = isinstance(value, int) or value.is_integer()
    return f"{int(value):,}" if whole else f"{value:g}"


def _named(place: Place) -> str:
    """Return the words for a value's place: “steps” in [train], “id” of entry 3 of “images”."""
    if len(place) > 1 and isinstance(place[0], str) and isinstance(place[1], str):
        return f"{_of(place[1:])} in [{place[0]}]"
    return _of(place) or "the file"


def _table(place: Place) -> str:
    """Return the words for the place of a group of keys: [train], entry 3 of “images”."""
    return f"[{place[0]}]" if len(place) == 1 and isinstance(place[0], str) else _named(place)


def _of(place: Place) -> str:
    words = [f"entry {part + 1}" if isinstance(part, int) else f"“{part}”" for part in place]
    return " of ".join(reversed(words))


def _shown(value: object) -> str:
    """Return a value as files write it, cut where it is long."""
    if isinstance(value, dict | list):
        return "keys with values" if isinstance(value, dict) else f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
