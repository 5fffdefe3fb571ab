"""Pickles opened without running code: NumPy arrays and plain containers, nothing else.

A pickle is a program for a small machine whose one dangerous instruction names a function to call.
Its instructions are listed first, not run; only a dozen names may stand in them, and those are
answered by functions of this module that cannot allocate more than the file holds.
"""

import io
import pickle
import pickletools
import re
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

LARGEST_FILE = 4 << 30
"""Bytes; published models have at most 500 MB."""

BROKEN = (
    pickle.UnpicklingError, ValueError, TypeError, KeyError, IndexError, EOFError, AttributeError,
    OverflowError, MemoryError, RecursionError, struct.error,
)  # fmt: skip
"""What a broken pickle makes the unpickler raise."""

_NUMERIC = re.compile(r"[<>=|]?[?biuf]\d*")


class Refused(Exception):
    """A pickle names something that has no business in a weights file; the text is its name."""


class Damaged(Exception):
    """The bytes are no pickle, or end in the middle of one."""


def read_arrays(data: bytes) -> object:
    """Return what the one pickle in `data` holds: containers, numbers, strings and ndarrays.

    Raises:
        Refused: it names a function or class outside the list; nothing of it has been run.
        Damaged: it is cut off or no pickle.
    """
    _inspect(data)
    try:
        # Python 2 wrote the bytes of old arrays as strings; latin1 takes them back unchanged.
        return _plain(_ArrayUnpickler(io.BytesIO(data), encoding="latin1").load(), {})
    except BROKEN as error:
        raise Damaged(str(error)) from error


def named_globals(file: IO[bytes]) -> Iterator[str]:
    """Yield "module.name" of everything that the pickles at the start of a stream import.

    Old PyTorch files are several in a row. The instructions are listed, not run.
    """
    try:
        while True:
            yield from _globals_of_one(file)
    except (ValueError, IndexError, OverflowError, MemoryError):
        return  # no pickle, or no more of them


def _inspect(data: bytes) -> None:
    """Raise Refused or Damaged for what must not reach the unpickler."""
    file = io.BytesIO(data)
    try:
        for name in _globals_of_one(file, memo_limit=len(data)):
            if name not in _ALLOWED:
                raise Refused(name)
    except (ValueError, IndexError, OverflowError, MemoryError) as error:
        raise Damaged(str(error)) from error


def _globals_of_one(file: IO[bytes], memo_limit: int | None = None) -> Iterator[str]:
    """Yield the imports of one pickle; a ValueError when it does not end.

    STACK_GLOBAL takes its two strings from the stack, and a string used twice comes from the memo,
    so strings and the memo's strings are followed. A memo index above `memo_limit` would make the
    unpickler allocate that much.
    """
    pushed: list[str] = []
    memo: dict[int, str] = {}
    memoised, is_string = 0, False
    for code, argument, _ in pickletools.genops(file):
        if code.name == "GLOBAL":
            yield str(argument).replace(" ", ".")
        elif code.name == "STACK_GLOBAL":
            yield ".".join(pushed[-2:])
        elif code.name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            index = memoised if code.name == "MEMOIZE" else cast(int, argument)
            memoised += 1
            if memo_limit is not None and not 0 <= index <= memo_limit:
                raise ValueError("memo index out of range")
            if is_string:
                memo[index] = pushed[-1]
            continue
        elif code.name in ("GET", "BINGET", "LONG_BINGET") and argument in memo:
            pushed.append(memo[cast(int, argument)])
        is_string = "UNICODE" in code.name or "STRING" in code.name
        if is_string:
            pushed.append(str(argument))


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the names of `_ALLOWED` only."""

    def find_class(self, module: str, name: str) -> Any:
        """Return the harmless stand-in for a name."""
        found = _ALLOWED.get(f"{module}.{name}")
        if found is None:
            raise Refused(f"{module}.{name}")
        return found


class _Dtype:
    """Stands for numpy.dtype: a numeric type, whose state may set its byte order only."""

    def __init__(self, code: str, *_flags: object) -> None:
        if not isinstance(code, str) or not _NUMERIC.fullmatch(code):
            raise Refused(f"numpy.dtype({str(code)[:20]!r})")
        self.kind: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.kind = self.kind.newbyteorder(state[1])

    def read(self, data: bytes | str, shape: tuple[int, ...], order: Any) -> NDArray[Any]:
        """Return the array that exactly these bytes hold, in this machine's byte order."""
        raw = data.encode("latin1") if isinstance(data, str) else data
        flat = np.frombuffer(raw, self.kind) if raw else np.empty(0, self.kind)
        return flat.reshape(shape, order=order).astype(self.kind.newbyteorder("="))


class _Array:
    """Stands for numpy.ndarray: its state makes the array, which `_plain` takes out of it."""

    def __init__(self, *_arguments: object) -> None:
        self.array: NDArray[Any] | None = None

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Dtype, bool, bytes]) -> None:
        _, shape, kind, columns_first, data = state
        self.array = kind.read(data, shape, "F" if columns_first else "C")


def _scalar(kind: _Dtype, data: bytes | str) -> object:
    return kind.read(data, (1,), "C")[0]


def _from_buffer(
    data: bytes, kind: _Dtype, shape: tuple[int, ...], order: Any, *_axes: object
) -> NDArray[Any]:
    return kind.read(data, shape, order)


def _plain(value: object, seen: dict[int, object]) -> object:
    """Return `value` with arrays in the place of `_Array`, what is shared still shared.

    A few bytes can share a list with itself a billion times over.
    """
    if isinstance(value, _Array):
        if value.array is None:
            raise ValueError("an array without a content")
        return value.array
    if isinstance(value, dict | list | tuple) and id(value) not in seen:
        if isinstance(value, dict):
            seen[id(value)] = {name: _plain(item, seen) for name, item in value.items()}
        else:
            seen[id(value)] = [_plain(item, seen) for item in value]
    return seen.get(id(value), value)


def _encode(text: str, codec: str) -> bytes:
    if codec != "latin1":
        raise Refused(f"_codecs.encode(..., {codec!r})")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Return what protocol 2 writes for empty bytes."""
    return b""


_ALLOWED: dict[str, Callable[..., object]] = {
    "collections.OrderedDict": OrderedDict,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "_codecs.encode": _encode,
    "__builtin__.bytes": _no_bytes,
    "builtins.bytes": _no_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray._reconstruct"] = _Array
    _ALLOWED[f"{_core}.multiarray.scalar"] = _scalar
    _ALLOWED[f"{_core}.numeric._frombuffer"] = _from_buffer
