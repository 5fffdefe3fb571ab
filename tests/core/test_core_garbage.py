"""Cyclic garbage: nothing while paused, the generation that is due otherwise."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from maskgui.core.garbage import collect_due, collector_paused


class Knot:
    """An object that only the collector can end."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    limits = gc.get_threshold()
    yield
    gc.set_threshold(*limits)
    gc.enable()
    gc.unfreeze()


def test_nothing_is_collected_while_paused_and_what_was_there_stays() -> None:
    seen = weakref.ref(Knot())
    with pytest.raises(ZeroDivisionError), collector_paused():
        assert not gc.isenabled()
        gc.set_threshold(1, 1, 1)
        collect_due()
        assert seen() is not None
        raise ZeroDivisionError
    assert gc.isenabled()
    gc.collect()
    assert seen() is not None  # frozen


def test_collecting_ends_a_young_knot_when_it_is_due() -> None:
    gc.disable()
    gc.collect()
    seen = weakref.ref(Knot())
    gc.set_threshold(100_000, 10, 10)
    collect_due()
    assert seen() is not None
    gc.set_threshold(1, 10, 10)
    collect_due()
    assert seen() is None


def test_an_old_knot_ends_only_when_every_generation_is_due() -> None:
    gc.disable()
    knot = Knot()
    seen = weakref.ref(knot)
    gc.collect(0)
    gc.collect(1)  # it is in the oldest generation now
    del knot
    gc.set_threshold(1, 1_000, 1_000)
    kept = [Knot() for _ in range(10)]  # not lists: Python keeps some that it does not count
    collect_due()
    assert seen() is not None
    for _ in range(3):
        gc.collect(1)
    gc.collect(0)
    gc.collect(0)
    gc.set_threshold(1, 1, 1)
    kept += [Knot() for _ in range(10)]
    collect_due()
    assert seen() is None
