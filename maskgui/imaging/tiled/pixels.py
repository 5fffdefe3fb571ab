"""A large image as the rest of the program sees it: a shape, slices, tiles, and an overview."""

import logging
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np

from maskgui.core.errors import Cancelled
from maskgui.imaging.errors import ImageError, reasons
from maskgui.imaging.pixels import Rgb, upright
from maskgui.imaging.tiled.archive import Archive
from maskgui.imaging.tiled.build import Builder
from maskgui.imaging.tiled.grid import Box, Grid, Place, halved
from maskgui.imaging.tiled.sources import Regions, Source
from maskgui.imaging.tiled.store import Key, PyramidStore
from maskgui.imaging.tiled.turning import is_turned, stored_box

_log = logging.getLogger(__name__)

TILES_BYTES = 128 << 20
_READERS = 2
_LOOK_S = 0.25  # between two looks at `cancel`
_UNKNOWN = 48  # a dark grey where nothing is known yet
Watcher = Callable[[Place | None], None]
"""Told of a tile that came, or None for a change of the overview; from any thread."""


class TiledPixels:
    """An upright image that is never whole in memory; `shape` and slices as of an H x W x 3 array.

    Slicing (`pixels[y0:y1, x0:x1]`, no step) reads from disk and may wait for the pyramid: not for
    the main thread. The overview and `tile` are at hand at once. Safe from several threads.
    """

    def __init__(self, key: Key, source: Source, grid: Grid, store: PyramidStore) -> None:
        """Take a source; nothing is read before `begin`."""
        self._key, self.path, self.note = key, key.path, source.note
        self._source, self._store, self._stored = source, store, grid
        self._regions = source if isinstance(source, Regions) else None
        width, height = grid.width, grid.height
        turned = is_turned(source.orientation)
        self.grid = Grid(height, width, grid.tile, grid.overview_side) if turned else grid
        self.shape = (self.grid.height, self.grid.width, 3)
        small = grid.size(grid.depth)
        self._small: Rgb = np.full((small[1], small[0], 3), _UNKNOWN, np.uint8)
        self._changed = threading.Condition()
        self._tiles: OrderedDict[Place, Rgb] = OrderedDict()
        self._wanted: list[Place] = []
        self._under_way: set[Place] = set()
        self._shown = 0  # rises with each `begin` and `leave`: older readers end
        self._readers = False
        self.closed = False
        self._left = threading.Event()  # set when it is not shown any more
        self._watcher: Watcher | None = None
        self._builder: Builder | None = None
        self._archive = store.find(key, grid)
        if self._archive is not None:
            self._take_overview(self._archive)
        weakref.finalize(self, source.close)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes at most while it is shown."""
        return self._small.nbytes + TILES_BYTES

    @property
    def depth(self) -> int:
        """The overview's level."""
        return self._stored.depth

    @property
    def complete(self) -> bool:
        """Whether the pyramid is whole: the overview is exact and every tile can be had."""
        archive = self._current_archive()
        if archive is not None and archive.whole:
            return True
        return self._builder is not None and self._builder.whole

    @property
    def complaint(self) -> str:
        """What a person should know about how it is shown, in a sentence; "" for nothing."""
        return self._builder.complaint if self._builder is not None else ""

    @property
    def problem(self) -> ImageError | None:
        """Why there will be no pyramid, None when there will."""
        return self._builder.problem if self._builder is not None else None

    def overview(self) -> Rgb:
        """Return the whole image at `depth` as it is known now: upright, not to be written to."""
        return upright(self._small, self._source.orientation)

    # Being shown

    def begin(self, watcher: Watcher | None = None) -> None:
        """Make the overview and the pyramid where there is none; tell `watcher` what comes."""
        with self._changed:
            self._watcher = watcher or self._watcher
            if self._builder is None and self._archive is None:
                self._builder = Builder(
                    self._key, self._source, self._stored, self._small, self._store, self._grew
                )
                self._builder.start()
            if self._builder is not None:
                self._builder.left = False
            if watcher is not None and not self._readers:
                self._readers = True
                self._shown += 1
                for number in range(_READERS):
                    threading.Thread(
                        target=self._read_tiles,
                        args=(self._shown,),
                        name=f"tiles {number + 1}",
                        daemon=True,
                    ).start()

    def wait_preview(self, seconds: float) -> None:
        """Wait for a first picture of the whole, `seconds` at most."""
        if self._builder is not None:
            self._builder.previewed.wait(seconds)

    def wait_complete(self, seconds: float) -> bool:
        """Wait for the pyramid, `seconds` at most; return whether it is whole."""
        if self._builder is not None:
            self._builder.ended.wait(seconds)
        return self.complete

    def leave(self) -> None:
        """Nobody looks any more: free the tiles; the pyramid gives way to another image's."""
        with self._changed:
            self._watcher = None
            self._readers = False
            self._left.set()
            self._left = threading.Event()
            self._shown += 1
            self._wanted.clear()
            self._tiles.clear()
            if self._builder is not None:
                self._builder.left = True
                if self._builder.ended.is_set() and not self.complete:
                    self._builder = None  # tried again when it is shown again
            self._changed.notify_all()

    def close(self) -> None:
        """End all work, and wait for it; it is of no use after."""
        self.closed = True
        self.leave()
        builder = self._builder
        if builder is not None:
            builder.stop()
            builder.join()
        archive = self._current_archive()
        if archive is not None:
            archive.close()

    # Tiles for the screen

    def tile(self, place: Place) -> Rgb | None:
        """Return a tile if it is in memory, at once; `ask` for what is missing."""
        with self._changed:
            tile = self._tiles.get(place)
            if tile is not None:
                self._tiles.move_to_end(place)
            return tile

    def ask(self, places: Sequence[Place]) -> None:
        """Want these tiles, the first most, and none of those asked for before."""
        with self._changed:
            self._wanted = [place for place in places if place not in self._tiles]
            self._changed.notify_all()

    def _read_tiles(self, shown: int) -> None:
        while (place := self._next(shown)) is not None:
            tile = None
            try:
                with reasons(self.path):
                    tile = self._read(place[0], self.grid.tile_box(*place))
            except ImageError as error:
                _log.warning("tile %s: %s", place, error)
            with self._changed:
                self._under_way.discard(place)
                if tile is None or shown != self._shown:
                    continue
                self._tiles[place] = tile
                while sum(one.nbytes for one in self._tiles.values()) > TILES_BYTES:
                    self._tiles.popitem(last=False)
                watcher = self._watcher
            if watcher is not None:
                watcher(place)

    def _next(self, shown: int) -> Place | None:
        with self._changed:
            while shown == self._shown:
                while self._wanted:
                    place = self._wanted.pop(0)
                    if place not in self._tiles and place not in self._under_way:
                        self._under_way.add(place)
                        return place
                self._changed.wait()
            return None

    # Pixels for work

    def __getitem__(self, key: tuple[slice, slice]) -> Rgb:
        """Return the pixels of rows and columns.

        Raises ImageError where they cannot be read, or when the image is left meanwhile.
        """
        rows, columns = key
        y0, y1, down = rows.indices(self.shape[0])
        x0, x1, across = columns.indices(self.shape[1])
        if down != 1 or across != 1:
            raise IndexError("a large image is cut without steps")
        try:
            return self.read((x0, y0, max(x0, x1), max(y0, y1)), cancel=self._left)
        except Cancelled:
            raise ImageError(self.path, "it was left before these pixels were read") from None

    def read(self, box: Box, level: int = 0, cancel: threading.Event | None = None) -> Rgb:
        """Return the pixels of a box of a level, level `depth` and coarser from the overview.

        Waits until the pyramid has them. Raises ImageError, and Cancelled when `cancel` is set.
        """
        if level >= self.depth:
            self._await_whole(cancel)
            small = self.overview()
            for _ in range(level - self.depth):
                small = halved(small)
            return small[box[1] : box[3], box[0] : box[2]].copy()
        while True:
            with reasons(self.path):
                made = self._read(level, box)
            if made is not None:
                return made
            self._await_more(cancel)

    def _await_whole(self, cancel: threading.Event | None) -> None:
        while not self.complete:
            self._await_more(cancel)

    def _await_more(self, cancel: threading.Event | None) -> None:
        """Wait for the builder to get on. Raises why it will not."""
        self.begin()
        if cancel is not None and cancel.is_set():
            raise Cancelled
        builder = self._builder
        if builder is not None and builder.ended.is_set() and not self.complete:
            if builder.problem is not None:
                raise builder.problem
            self._builder = None  # it gave way to another image's
        with self._changed:
            self._changed.wait(_LOOK_S)

    def _read(self, level: int, box: Box) -> Rgb | None:
        """Return an upright box of a level; None where the pyramid has not come so far."""
        orientation = self._source.orientation
        stored = stored_box(box, orientation, self._stored.size(level))
        if level == 0 and self._regions is not None:
            return upright(self._regions.region(stored), orientation)
        made = np.empty((stored[3] - stored[1], stored[2] - stored[0], 3), np.uint8)
        x0, y0, x1, y1 = stored
        for column, row in self._stored.tiles(stored):
            tile = self._stored_tile(level, column, row)
            if tile is None:
                return None
            left, top, right, bottom = self._stored.tile_box(level, column, row)
            a0, b0, a1, b1 = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
            made[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0] = tile[
                b0 - top : b1 - top, a0 - left : a1 - left
            ]
        return upright(made, orientation)

    def _stored_tile(self, level: int, column: int, row: int) -> Rgb | None:
        archive = self._current_archive()
        if archive is not None and archive.has(level, column, row):
            return archive.get(level, column, row)
        if self._regions is None:
            return None
        x0, y0, x1, y1 = (edge << level for edge in self._stored.tile_box(level, column, row))
        width, height = self._stored.width, self._stored.height
        rgb = self._regions.region((x0, y0, min(x1, width), min(y1, height)))
        for _ in range(level):
            rgb = halved(rgb)
        return rgb

    def _current_archive(self) -> Archive | None:
        return self._archive or (self._builder.archive if self._builder is not None else None)

    def _take_overview(self, archive: Archive) -> None:
        depth = self._stored.depth
        for column, row in self._stored.tiles((0, 0, *self._stored.size(depth))):
            x0, y0, x1, y1 = self._stored.tile_box(depth, column, row)
            tile = archive.get(depth, column, row)
            if tile is not None:
                self._small[y0:y1, x0:x1] = tile

    def _grew(self, _: Box) -> None:
        with self._changed:
            self._changed.notify_all()
            watcher = self._watcher
        if watcher is not None:
            watcher(None)
