"""Pickles: arrays of every protocol come back, and nothing else comes to life."""

import io
import os
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maskgui.maskrcnn.unpickle import Damaged, Refused, named_globals, read_arrays

ARRAYS = OrderedDict(
    weight=np.arange(6, dtype=np.float32).reshape(2, 3),
    columns=np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    half=np.array([1.5, -2.0], np.float16),
    big_endian=np.array([1.0, 2.5], ">f8"),
    count=np.array(7),
    scalar=np.int64(3),
    empty=np.zeros((0, 4), np.float32),
    flags=np.array([True, False]),
)


@pytest.mark.parametrize("protocol", range(2, 6))
@pytest.mark.parametrize("core", [b"numpy._core", b"numpy.core"])
def test_arrays_of_every_protocol(protocol: int, core: bytes) -> None:
    data = pickle.dumps({"model": ARRAYS, "__author__": "Zoo", "heuristics": True}, protocol)
    if core != b"numpy._core" and protocol < 4:  # later ones store the length of the name
        data = data.replace(b"numpy._core", core)
    found: Any = read_arrays(data)
    assert (found["__author__"], found["heuristics"]) == ("Zoo", True)
    assert list(found["model"]) == list(ARRAYS)
    for name, value in ARRAYS.items():
        read = np.asarray(found["model"][name])
        assert np.array_equal(read, value), name
        assert read.dtype == np.asarray(value).dtype.newbyteorder("="), name


def test_a_protocol_5_pickle_of_the_older_numpy() -> None:
    data = pickle.dumps({"w": np.arange(3.0)}, 5)
    old = data.replace(b"\x8c\x13numpy._core.numeric", b"\x8c\x12numpy.core.numeric")
    start = old.index(b"\x95") + 1
    length = int.from_bytes(old[start : start + 8], "little") - 1
    old = old[:start] + length.to_bytes(8, "little") + old[start + 8 :]
    found: Any = read_arrays(old)
    assert np.array_equal(found["w"], np.arange(3.0))


def test_strings_of_python_2_are_bytes() -> None:
    """NumPy 1 under Python 2 wrote an array's content as a string."""
    raw = np.array([1.0, -2.0], "<f4").tobytes()
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xff"
        b"J\xff\xff\xff\xffK\x00tb\x89U" + bytes([len(raw)]) + raw + b"tb."
    )
    assert np.array_equal(np.asarray(read_arrays(data)), [1.0, -2.0])


class Malice:
    """Unpickled, it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_named_and_not_run(protocol: int, tmp_path: Path) -> None:
    content = {"model": {**ARRAYS, "x": Malice(tmp_path / "run"), "y": Malice(tmp_path / "run")}}
    with pytest.raises(Refused, match=r"^(posix|nt)\.system$"):
        read_arrays(pickle.dumps(content, protocol))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins.eval",
        "builtins.getattr",
        "builtins.bytearray",
        "numpy.load",
        "numpy.core.multiarray.fromfile",
        "torch.load",
        "collections.OrderedDict.fromkeys",
    ],
)
@pytest.mark.parametrize("stacked", [False, True])
def test_only_a_dozen_names_are_known(name: str, stacked: bool) -> None:
    module, _, attribute = name.rpartition(".")
    if stacked:  # with both strings taken from the memo, as a second use would
        parts = [b"\x8c" + bytes([len(part)]) + part.encode() for part in (module, attribute)]
        data = b"\x80\x04" + parts[0] + b"\x940" + parts[1] + b"\x940h\x00h\x01\x93."
    else:
        data = b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b"."
    with pytest.raises(Refused, match=name.replace(".", r"\.")):
        read_arrays(data)
    assert list(named_globals(io.BytesIO(data))) == [name]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a pickle",
        b"\x80\x04",
        b"\x80\x02}r\xff\xff\xff\x7f.",  # a memo of 17 GB
        b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",  # an array of 17 GB
        b"\x80\x04\x8e\xff\xff\xff\xff\x00\x00\x00\x00abc.",  # 4 GB that are not there
        b"\x80\x02]q\x00h\x00a.",  # a list that holds itself
        pickle.dumps(ARRAYS, 4)[:-40],
    ],
)
def test_what_is_broken_or_boundless_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged):
        read_arrays(data)


def test_a_billion_laughs_are_read_as_few() -> None:
    laughs: list[Any] = ["ha"]
    for _ in range(60):
        laughs = [laughs, laughs]
    assert read_arrays(pickle.dumps(laughs, 4)) is not None


def test_object_arrays_are_refused() -> None:
    with pytest.raises(Refused, match=r"numpy\.dtype"):
        read_arrays(pickle.dumps(np.array([[1], "a"], object), 4))


# The pickle modules say so of a damaged string; nobody outside of tests sees it.
@pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")
@example(b"", 3, 92)
@given(st.binary(max_size=60), st.integers(0, 2000), st.integers(0, 255))
def test_any_bytes_give_a_value_or_one_of_two_errors(noise: bytes, place: int, value: int) -> None:
    good = bytearray(pickletools.optimize(pickle.dumps(ARRAYS, 2)))
    good[place % len(good)] = value
    for data in (noise, b"\x80\x02" + noise, bytes(good)):
        try:
            read_arrays(data)
        except (Refused, Damaged):
            continue
