"""Memory that was freed goes back to the system."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def give_back() -> bool:
    """Give the pages of freed memory back to the system; return whether any were. Any thread.

    glibc keeps what was freed from blocks below 32 MiB, in an arena of each thread that made some.
    Where pictures of all sizes come and go, holes between those that stay grow for a long time.
    """
    trim = _trim()
    return trim is not None and bool(trim(0))


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's function; None for libraries that see to it themselves."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
