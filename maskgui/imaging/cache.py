"""The decoded images that are held in memory: bounded in bytes, the longest unused go first."""

import os
import threading
from collections import OrderedDict
from pathlib import Path

from maskgui.core.stamp import Stamp
from maskgui.imaging.decode import Decoded
from maskgui.imaging.tiled import Tiled

Held = Decoded | Tiled

_ASSUMED_MEMORY = 8 << 30  # where the system does not tell


def default_bytes() -> int:
    """Return a quarter of the memory of this machine, 2 GB at most."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = _ASSUMED_MEMORY
    return min(memory // 4, 2 << 30)


class DecodedCache:
    """Images by path. Safe from several threads; the arrays are shared and not to be changed."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._held: OrderedDict[Path, tuple[Stamp, Held]] = OrderedDict()
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of the pixels held now; never above `limit_bytes`."""
        with self._lock:
            return self._bytes

    def get(self, path: Path, stamp: Stamp | None = None) -> Held | None:
        """Return the image; with `stamp`, only if the file is still the one that was decoded."""
        with self._lock:
            entry = self._held.get(path)
            if entry is None or (stamp is not None and entry[0] != stamp):
                return None
            self._held.move_to_end(path)
            return entry[1]

    def put(self, path: Path, stamp: Stamp, decoded: Held) -> None:
        """Hold an image, in place of its earlier self; one above the limit is not held."""
        with self._lock:
            self._drop(path)
            if decoded.rgb.nbytes > self.limit_bytes:
                return
            self._held[path] = stamp, decoded
            self._bytes += decoded.rgb.nbytes
            while self._bytes > self.limit_bytes:
                self._drop(next(iter(self._held)))

    def close(self) -> None:
        """Let go of everything, and end what large images still do."""
        with self._lock:
            large = [one.rgb for _, one in self._held.values() if isinstance(one, Tiled)]
        for pixels in large:
            pixels.close()
        self.clear()

    def clear(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._held.clear()
            self._bytes = 0

    def _drop(self, path: Path) -> None:
        entry = self._held.pop(path, None)
        if entry is not None:
            self._bytes -= entry[1].rgb.nbytes
