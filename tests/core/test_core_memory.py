"""Freed memory is given back where the C library keeps it."""

import ctypes
import subprocess
import sys
import textwrap

import pytest

from maskgui.core.memory import give_back, share_one_heap

HOLES = """
    from pathlib import Path
    from threading import Thread

    from maskgui.core.memory import give_back, share_one_heap

    def resident_bytes():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    def fill():
        for _ in range(400):
            blocks.append(bytearray(b"x" * 100_000))  # in the heap, not in maps of their own
            kept.append(bytearray(2_000))  # keeps the holes apart, and the heap's end where it is

    assert share_one_heap()
    blocks, kept = [], []
    worker = Thread(target=fill)
    worker.start()
    worker.join()
    blocks.clear()
    before = resident_bytes()
    assert give_back()
    print(before - resident_bytes())
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="the C library gives memory back by itself",
)
def test_holes_between_what_stays_are_given_back() -> None:
    command = [sys.executable, "-c", textwrap.dedent(HOLES)]  # a heap without earlier holes
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) > 0.8 * 400 * 100_000


def test_without_such_a_function_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskgui.core.memory._function", lambda _: None)
    assert not share_one_heap()
    assert not give_back()
