"""Memory that was freed goes back to the system.

glibc keeps what was freed of blocks below 32 MiB. Where pictures of all sizes come and go, the
holes between those that stay grow for a long time, in an arena of each thread that made some.
"""

import ctypes
import sys
from collections.abc import Callable
from functools import cache

_ARENA_MAX = -8
"""glibc's number of the parameter, in malloc.h."""


def share_one_heap() -> bool:
    """Let threads that begin from now on share one heap; return whether that was possible.

    Of others' arenas `give_back` cannot give back the end, which holds up to 64 MiB in each.
    """
    set_parameter = _function("mallopt")
    return set_parameter is not None and bool(set_parameter(_ARENA_MAX, 1))


def give_back() -> bool:
    """Give the pages of freed memory back to the system; return whether any were. Any thread."""
    trim = _function("malloc_trim")
    return trim is not None and bool(trim(0))


@cache
def _function(name: str) -> Callable[..., int] | None:
    """Return a function of glibc; None for libraries that see to it themselves."""
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), name, None)
