"""Images too large to be held in memory whole: read in tiles, with a pyramid kept on disk."""

import threading
import weakref
from dataclasses import dataclass
from pathlib import Path

from maskgui.core.stamp import stamp_of
from maskgui.imaging.errors import reasons
from maskgui.imaging.header import MAX_MEGAPIXELS, TILED_FORMATS, Header, read_header
from maskgui.imaging.tiled.grid import Grid
from maskgui.imaging.tiled.pixels import TiledPixels
from maskgui.imaging.tiled.sources import open_source
from maskgui.imaging.tiled.store import Key, PyramidStore
from maskgui.imaging.tiled.upright import write_upright
from maskgui.imaging.window import Window

__all__ = ["PyramidStore", "Tiled", "TiledPixels", "is_large", "open_tiled", "write_upright"]

_OPEN: "weakref.WeakValueDictionary[object, TiledPixels]" = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Tiled:
    """A large image: `rgb` gives its pixels piece by piece; `note` as of `Decoded`."""

    rgb: TiledPixels
    note: str


def is_large(header: Header, whole_megapixels: float = MAX_MEGAPIXELS) -> bool:
    """Tell whether an image is to be read in pieces, and can be by its format."""
    return header.format in TILED_FORMATS and header.megapixels > whole_megapixels


def open_tiled(
    path: Path | str,
    header: Header | None = None,
    window: Window | None = None,
    store: PyramidStore | None = None,
    grid: tuple[int, int] | None = None,
) -> Tiled:
    """Return a large image; the one that is open already where the file is the same.

    `grid` is (tile, overview's side) where it is not the usual one. Raises ImageError with the
    reason.
    """
    path = Path(path)
    header = header or read_header(path)
    window, store = window or Window(), store or PyramidStore()
    with reasons(path):
        stamp = stamp_of(path)
    facts = (path, stamp, window, store.folder, grid)
    with _LOCK:
        held = _OPEN.get(facts)
        if held is None or held.closed:
            source = open_source(path, header, window)
            cut = Grid(source.width, source.height, *(grid or ()))
            held = _OPEN[facts] = TiledPixels(Key(path, stamp, source.kind), source, cut, store)
    return Tiled(held, held.note)
