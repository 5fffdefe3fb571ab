"""The background work on one large image: first pictures of the whole, then the pyramid."""

import logging
import threading
from collections.abc import Callable, Iterator

from maskgui.imaging.errors import ImageError, reasons
from maskgui.imaging.pixels import Rgb
from maskgui.imaging.tiled.archive import Archive
from maskgui.imaging.tiled.grid import Box, Grid, halved
from maskgui.imaging.tiled.sources import Regions, Source
from maskgui.imaging.tiled.store import Key, NoRoom, PyramidStore

_log = logging.getLogger(__name__)


class _Turn:
    """One pyramid is built at a time; who waits is known to who builds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = threading.Lock()
        self.waiting = 0

    def __enter__(self) -> None:
        with self._count:
            self.waiting += 1
        self._lock.acquire()
        with self._count:
            self.waiting -= 1

    def __exit__(self, *_: object) -> None:
        self._lock.release()


_TURN = _Turn()


def _nobody(_: Box) -> None:
    return


class Builder:
    """Fills an overview and an archive; runs once, in a thread of its own.

    `overview` is height x width x 3 uint8 of the grid's overview level and is written in place.
    `tell` hears of each box of the overview that changed.
    """

    def __init__(
        self,
        key: Key,
        source: Source,
        grid: Grid,
        overview: Rgb,
        store: PyramidStore,
        tell: Callable[[Box], None],
    ) -> None:
        self._key, self._path = key, key.path
        self._source, self._grid = source, grid
        self._regions = source if isinstance(source, Regions) else None
        self._overview, self._store, self._tell = overview, store, tell
        self.archive: Archive | None = None
        self.problem: ImageError | None = None
        self.complaint = ""  # what a person should know, in a sentence
        self.whole = False  # the overview is exact, and all tiles can be had
        self._full = False  # no more is kept on disk
        self.previewed = threading.Event()
        self.ended = threading.Event()
        self.left = False  # nobody looks: the work gives way to another image's
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pyramid", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon, without a pyramid; what is under way may take a second."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            with reasons(self._path):
                self._preview()
                self.previewed.set()
                with _TURN:
                    self._build()
        except ImageError as error:
            self.problem, self.complaint = error, str(error)
            _log.warning("no pyramid: %s", error, exc_info=error.__cause__)
        finally:
            if self.archive is not None and not self.archive.whole:
                self.archive.close()
                self.archive = None
            self.previewed.set()
            self.ended.set()
            self._tell((0, 0, 0, 0))
            self._tell = _nobody  # and so lets go of who listens

    def _preview(self) -> None:
        size = self._grid.size(self._grid.depth)
        for row, picture in self._source.preview(size):
            if self._stop.is_set():
                return
            self._overview[row : row + len(picture)] = picture
            self._tell((0, row, size[0], row + len(picture)))
            if row + len(picture) == size[1]:
                self.previewed.set()

    def _build(self) -> None:
        if self._given_up():
            return
        self.archive = self._begin()
        for column, row, rgb in self._units():
            if self._given_up():
                return
            self._add(column, row, rgb)
        depth = self._grid.depth
        self._cut(depth, (0, 0), self._overview)
        if self.archive is not None and not self._full:
            self._finish(self.archive)
        self.whole = True

    def _finish(self, archive: Archive) -> None:
        """Keep an archive, unless what was read may be in part another file's."""
        if not self._key.replaced:
            archive.finish()
        elif self._regions is None:
            raise ImageError(self._path, "it was replaced while it was read; press F5")

    def _given_up(self) -> bool:
        return self._stop.is_set() or (self.left and _TURN.waiting > 0)

    def _begin(self) -> Archive | None:
        """Return an empty archive; None where there is no room for what can also be read anew."""
        grid = self._grid
        pixels = grid.width * grid.height
        most = pixels * (1 if self._regions else 4)  # 3 bytes each, and a third for halves
        try:
            return self._store.begin(self._key, grid, most)
        except OSError as error:
            self._refused(error)
            return None

    def _refused(self, error: OSError) -> None:
        """The disk takes no more. Raises ImageError where the image cannot be shown without."""
        if isinstance(error, NoRoom):
            missing = f"{error.missing / 1e9:.1f} GB more are needed there"
        else:
            missing = error.strerror or type(error).__name__
        if self._regions is None:
            raise ImageError(
                self._path,
                f"its pixels are kept in {self._store.folder} while it is shown, and {missing}; "
                "make room or save the image as a tiled TIFF",
            ) from error
        self._full = True
        self.complaint = (
            f"{self._path} is shown slowly: smaller copies of it are kept in "
            f"{self._store.folder}, and {missing}; make room there."
        )
        _log.warning("no pyramid is kept: %s", error)

    def _units(self) -> Iterator[tuple[int, int, Rgb]]:
        """Return (column, row, pixels) of each unit."""
        columns, rows = self._grid.units()
        if self._regions is not None:
            for row in range(rows):
                for column in range(columns):
                    box = self._grid.unit_box(column, row)
                    yield column, row, self._regions.region(box)
            return
        side = self._grid.unit
        for row, band in enumerate(self._source.bands(side)):
            for column in range(columns):
                yield column, row, band[:, column * side : (column + 1) * side]

    def _add(self, column: int, row: int, rgb: Rgb) -> None:
        """Keep a unit at all levels, and put it into the overview."""
        grid = self._grid
        for level in range(grid.depth):
            if level or self._regions is None:
                per_unit = grid.unit // grid.tile >> level
                self._cut(level, (column * per_unit, row * per_unit), rgb)
            rgb = halved(rgb)
        x, y = column * grid.unit >> grid.depth, row * grid.unit >> grid.depth
        self._overview[y : y + rgb.shape[0], x : x + rgb.shape[1]] = rgb
        self._tell((x, y, x + rgb.shape[1], y + rgb.shape[0]))

    def _cut(self, level: int, first: tuple[int, int], rgb: Rgb) -> None:
        """Put a piece of a level into the archive; `first` is its first tile's column and row."""
        side = self._grid.tile
        if self.archive is None or self._full:
            return
        for y in range(0, rgb.shape[0], side):
            for x in range(0, rgb.shape[1], side):
                place = first[0] + x // side, first[1] + y // side
                try:
                    self.archive.put(level, *place, rgb[y : y + side, x : x + side].copy())
                except OSError as error:
                    self._refused(error)
                    return
