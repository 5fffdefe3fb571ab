"""Decoding off the main thread: the current image first, its neighbours next, thumbnails last.

Threads, not processes: every decoder used lets the interpreter lock go while it works.
"""

import enum
import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from maskgui.core.stamp import Stamp, file_stamp, stamp_of
from maskgui.imaging.cache import DecodedCache, default_bytes
from maskgui.imaging.decode import Decoded, read_image
from maskgui.imaging.errors import ImageError, reasons
from maskgui.imaging.header import MAX_MEGAPIXELS, read_header
from maskgui.imaging.thumbnails import ThumbnailStore
from maskgui.imaging.tiled import PyramidStore, Tiled, is_large, open_tiled
from maskgui.imaging.window import Window

QUICKLY_SMALL = ("JPEG", "MPO")
"""Formats that are decoded at an eighth of their size without the rest."""
PREVIEW_S = 1.5
"""Seconds that a large image's reply waits at most for a first picture of the whole."""
READINGS = 3
"""How often a file is read at most that changes while it is read."""

_log = logging.getLogger(__name__)


class Priority(enum.IntEnum):
    """What goes first; one worker of several is always left free for CURRENT."""

    CURRENT = 0
    PREFETCH = 1
    THUMBNAIL = 2


@dataclass(frozen=True)
class Loaded:
    """The reply to one request: pixels and note, or the error; exactly one of the two is set.

    A thumbnail's `side` is that of its request; whole images have 0, and a stamp that tells
    whether the file is the same when it is read again.
    """

    path: Path
    side: int
    image: Decoded | Tiled | None
    error: ImageError | None
    stamp: Stamp | None = None


Callback = Callable[[Loaded], None]


@dataclass(eq=False)
class _Job:
    """One decoding, for all who asked for it."""

    path: Path
    side: int
    priority: Priority
    tickets: list["Ticket"] = field(default_factory=list)
    running: bool = False
    background: bool = False  # it runs in a place that is not kept for CURRENT

    @property
    def key(self) -> tuple[Path, int]:
        return self.path, self.side


class Ticket:
    """One request under way."""

    def __init__(self, withdraw: Callable[["Ticket"], None], callback: Callback | None) -> None:
        self.callback = callback
        self._withdraw = withdraw

    def cancel(self) -> None:
        """Withdraw the request: unless its reply is being given now, it is never given.

        Work that nobody else waits for is dropped if it has not begun.
        """
        self.callback = None
        self._withdraw(self)


class ImageLoader:
    """A few threads that decode what is asked for. Replies come from these threads.

    Equal requests share one decoding. Images are cached, bounded in bytes; thumbnails on disk.
    """

    def __init__(
        self,
        workers: int = 2,
        cache_bytes: int | None = None,
        thumbnails: ThumbnailStore | None = None,
        window: Window | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        pyramids: PyramidStore | None = None,
    ) -> None:
        """Start `workers` threads. `cache_bytes`: a quarter of the memory, 2 GB at most.

        JPEG, PNG and TIFF above `max_megapixels` are read in pieces, other files refused.
        """
        self.cache = DecodedCache(default_bytes() if cache_bytes is None else cache_bytes)
        self._thumbnails = thumbnails or ThumbnailStore()
        self._pyramids = pyramids or PyramidStore()
        self._window = window or Window()
        self._max_megapixels = max_megapixels
        self._changed = threading.Condition()
        self._queue: list[tuple[Priority, int, _Job]] = []  # a heap; outdated entries stay in it
        self._count = itertools.count()
        self._jobs: dict[tuple[Path, int], _Job] = {}  # waiting and running
        self._background = 0  # running jobs that are not CURRENT
        self._background_limit = max(1, workers - 1)
        self._shown: list[Ticket] = []
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"image loader {n + 1}", daemon=True)
            for n in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def set_limit(self, max_megapixels: float) -> None:
        """Decode no larger images whole from now on; what is in memory is looked at anew."""
        self._max_megapixels = max_megapixels
        self.cache.clear()

    @property
    def busy(self) -> bool:
        """Whether something is being decoded or waits for it."""
        with self._changed:
            return bool(self._jobs)

    def cached(self, path: Path | str) -> Decoded | Tiled | None:
        """Return the image if it is in memory, at once and without looking at the file."""
        return self.cache.get(Path(path))

    def request(
        self,
        path: Path | str,
        callback: Callback | None,
        priority: Priority = Priority.CURRENT,
    ) -> Ticket:
        """Ask for a whole image. `callback` None only fills the cache."""
        return self._ask(Path(path), 0, callback, priority)

    def request_thumbnail(self, path: Path | str, side: int, callback: Callback) -> Ticket:
        """Ask for a thumbnail that fits `side` x `side`; it waits for every whole image."""
        return self._ask(Path(path), side, callback, Priority.THUMBNAIL)

    def show(
        self, path: Path | str, callback: Callback, neighbours: Iterable[Path | str] = ()
    ) -> Ticket:
        """Ask for the image to be shown now, and fetch `neighbours` (next, previous) after it.

        What an earlier call asked for is withdrawn: after this, its callback stays silent.
        """
        for stale in self._shown:
            stale.cancel()
        ticket = self.request(path, callback)
        ahead = [self.request(other, None, Priority.PREFETCH) for other in neighbours]
        self._shown = [ticket, *ahead]
        return ticket

    def close(self, timeout: float | None = None) -> None:
        """Drop what waits and end the threads, after what they decode now; then free the cache.

        Waits `timeout` seconds at most for each. No callback begins after the return. Requests
        made later are never answered.
        """
        with self._changed:
            self._closed = True
            self._queue.clear()
            for job in self._jobs.values():
                job.tickets.clear()
            self._jobs.clear()
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout)
        self.cache.close()

    def _ask(self, path: Path, side: int, callback: Callback | None, priority: Priority) -> Ticket:
        with self._changed:
            job = self._jobs.get((path, side)) or _Job(path, side, priority)
            ticket = Ticket(lambda gone: self._withdraw(gone, job), callback)
            if self._closed:
                return ticket
            job.tickets.append(ticket)
            if job.key not in self._jobs or (priority < job.priority and not job.running):
                self._jobs[job.key] = job
                job.priority = priority
                heapq.heappush(self._queue, (priority, next(self._count), job))
                self._changed.notify_all()
            return ticket

    def _withdraw(self, ticket: Ticket, job: _Job) -> None:
        with self._changed:
            if ticket in job.tickets:
                job.tickets.remove(ticket)
                if not job.tickets and not job.running:
                    del self._jobs[job.key]

    def _work(self) -> None:
        while (job := self._next()) is not None:
            self._serve(job)

    def _serve(self, job: _Job) -> None:
        """Do a job and answer. A method, so that no thread keeps a picture while it waits."""
        reply = self._perform(job)
        for ticket in self._finish(job):
            self._answer(ticket, reply)

    def _next(self) -> _Job | None:
        """Wait for the job that goes first and mark it running; None when closed."""
        with self._changed:
            while not self._closed:
                while self._queue and self._is_outdated(*self._queue[0]):
                    heapq.heappop(self._queue)
                if self._queue and self._may_run(self._queue[0][0]):
                    job = heapq.heappop(self._queue)[2]
                    job.running = True
                    job.background = job.priority is not Priority.CURRENT
                    self._background += job.background
                    return job
                self._changed.wait()
            return None

    def _is_outdated(self, priority: Priority, _count: int, job: _Job) -> bool:
        """Tell whether an entry of the queue was withdrawn, raised, or is running already."""
        return job.running or job.priority != priority or self._jobs.get(job.key) is not job

    def _may_run(self, priority: Priority) -> bool:
        return priority is Priority.CURRENT or self._background < self._background_limit

    def _perform(self, job: _Job) -> Loaded:
        """Do a job; again where its file changed meanwhile, as some may have asked since then."""
        for left in reversed(range(READINGS)):
            before = file_stamp(job.path)
            reply = self._read(job)
            if not left or self._closed or file_stamp(job.path) == before:
                break
            if isinstance(reply.image, Tiled):
                reply.image.rgb.leave()
        return reply

    def _read(self, job: _Job) -> Loaded:
        try:
            if not job.side:
                return self._whole(job)
            return Loaded(job.path, job.side, self._thumbnail(job), None)
        except ImageError as error:
            return Loaded(job.path, job.side, None, error)

    def _thumbnail(self, job: _Job) -> Decoded | None:
        """Return a small picture, or None for a large image that cannot be had small at once."""
        header = read_header(job.path)
        whole: float | None = self._max_megapixels
        if is_large(header, self._max_megapixels):
            if header.format not in QUICKLY_SMALL:
                return None
            whole = None
        return Decoded(self._thumbnails.load(job.path, job.side, whole), "")

    def _whole(self, job: _Job) -> Loaded:
        path = job.path
        with reasons(path):
            stamp = stamp_of(path)
        held = self.cache.get(path, stamp)
        if held is None:
            held = self._open(path)
            self.cache.put(path, stamp, held)
        if isinstance(held, Tiled) and not job.background:
            held.rgb.begin()
            held.rgb.wait_preview(PREVIEW_S)
        return Loaded(path, 0, held, None, stamp)

    def _open(self, path: Path) -> Decoded | Tiled:
        header = read_header(path)
        if is_large(header, self._max_megapixels):
            return open_tiled(path, header, self._window, self._pyramids)
        return read_image(path, self._window, self._max_megapixels)

    def _finish(self, job: _Job) -> list[Ticket]:
        """Take a job off the books; return who waits for it."""
        with self._changed:
            self._background -= job.background
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
            self._changed.notify_all()
            return list(job.tickets)

    def _answer(self, ticket: Ticket, reply: Loaded) -> None:
        callback = ticket.callback
        if callback is None or self._closed:
            return
        try:
            callback(reply)
        except Exception:  # noqa: BLE001 - one listener must not end the thread
            _log.exception("a reply for %s was not taken", reply.path)
