"""The threads: order, cancelling, sharing, bounds, errors and a clean end."""

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskgui.imaging import ImageError, loader, thumbnails
from maskgui.imaging.cache import DecodedCache
from maskgui.imaging.decode import Decoded, read_image
from maskgui.imaging.loader import ImageLoader, Loaded, Priority
from maskgui.imaging.thumbnails import ThumbnailStore

WAIT = 20.0  # seconds at most; reached only where something hangs


class Replies:
    """A callback that keeps what it was given, and can be waited for."""

    def __init__(self) -> None:
        self.got: list[Loaded] = []
        self.threads: set[str] = set()
        self._arrived = threading.Condition()

    def __call__(self, reply: Loaded) -> None:
        with self._arrived:
            self.got.append(reply)
            self.threads.add(threading.current_thread().name)
            self._arrived.notify_all()

    def wait(self, count: int) -> list[Loaded]:
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= count, WAIT)
            return list(self.got)

    @property
    def names(self) -> list[str]:
        return [reply.path.name for reply in self.got]


class Gate:
    """Holds decoding up until opened, and keeps the order in which it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.open = threading.Event()
        self._changed = threading.Condition()

    def read(self, path: Path, *_args: object) -> Decoded:
        with self._changed:
            self.begun.append(path.name)
            self._changed.notify_all()
        assert self.open.wait(WAIT)
        return Decoded(np.zeros((10, 10, 3), np.uint8), "")

    def wait_begun(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= count, WAIT)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made = Gate()
    monkeypatch.setattr(loader, "read_image", made.read)
    yield made
    made.open.set()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., ImageLoader]]:
    started: list[ImageLoader] = []

    def make(workers: int = 2, **options: int) -> ImageLoader:
        store = ThumbnailStore(tmp_path / "thumbnails")
        started.append(ImageLoader(workers, thumbnails=store, **options))
        return started[-1]

    yield make
    for each in started:
        each.close(WAIT)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{n}.png" for n in range(8)]
    for n, path in enumerate(paths):
        Image.new("RGB", (40, 30), (n, 0, 0)).save(path)
    return paths


def test_an_image_arrives_from_a_worker_thread_and_is_cached(start, files) -> None:
    images, replies = start(), Replies()
    assert images.cached(files[3]) is None
    images.request(files[3], replies)
    (reply,) = replies.wait(1)
    assert reply.error is None
    assert np.array_equal(reply.image.rgb, read_image(files[3]).rgb)
    assert threading.current_thread().name not in replies.threads
    assert images.cached(str(files[3])) is reply.image
    assert images.cache.held_bytes == 40 * 30 * 3


def test_errors_arrive_as_image_errors(start, files, tmp_path) -> None:
    images, replies = start(), Replies()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    images.request(tmp_path / "bad.png", replies)
    images.request(tmp_path / "gone.png", replies)
    images.request_thumbnail(tmp_path / "bad.png", 96, replies)
    for reply in replies.wait(3):
        assert reply.image is None
        assert isinstance(reply.error, ImageError)
    images.request(files[0], replies)
    assert replies.wait(4)[-1].error is None


def test_current_before_prefetch_before_thumbnails(start, files, gate) -> None:
    images, replies = start(workers=1), Replies()
    images.request(files[0], replies)
    gate.wait_begun(1)
    images.request_thumbnail(files[5], 16, replies)
    images.request(files[1], replies, Priority.PREFETCH)
    images.request(files[2], replies)
    images.request(files[3], replies, Priority.PREFETCH)
    images.request(files[1], replies)  # raised, and decoded once for both
    gate.open.set()
    replies.wait(6)
    assert gate.begun == ["0.png", "2.png", "1.png", "3.png"]
    assert replies.names[-1] == "5.png"
    assert replies.names.count("1.png") == 2


def test_the_loader_is_busy_until_all_is_decoded(start, files, gate) -> None:
    loader, replies = start(1), Replies()
    assert not loader.busy
    for path in files[:2]:
        loader.request(path, replies)
    gate.wait_begun(1)
    assert loader.busy
    gate.open.set()
    replies.wait(2)
    assert not loader.busy


def test_a_worker_is_left_for_the_current_image(start, files, gate) -> None:
    images, replies = start(workers=2), Replies()
    for path in files[:4]:
        images.request(path, None, Priority.PREFETCH)
    gate.wait_begun(1)
    images.request(files[7], replies)
    gate.wait_begun(2)
    assert gate.begun[1] == "7.png"


def test_show_withdraws_what_is_stale(start, files, gate) -> None:
    images, replies = start(workers=1), Replies()
    images.show(files[0], replies, [files[1], files[2]])
    gate.wait_begun(1)
    images.show(files[3], replies, [files[4], files[5]])
    images.show(files[5], replies, [files[6], files[4]])
    gate.open.set()
    replies.wait(1)
    images.request(files[7], replies, Priority.THUMBNAIL)
    replies.wait(2)
    assert replies.names == ["5.png", "7.png"]
    assert gate.begun == ["0.png", "5.png", "6.png", "4.png", "7.png"]


def test_a_cancelled_request_is_silent_and_others_are_served(start, files, gate) -> None:
    images, mine, theirs = start(workers=1), Replies(), Replies()
    running = images.request(files[0], mine)
    gate.wait_begun(1)
    images.request(files[0], theirs)
    images.request(files[1], mine).cancel()
    running.cancel()
    running.cancel()
    gate.open.set()
    theirs.wait(1)
    images.request(files[2], theirs)
    theirs.wait(2)
    assert mine.got == []
    assert gate.begun == ["0.png", "2.png"]


def test_a_changed_file_is_decoded_again(start, files) -> None:
    images, replies = start(), Replies()
    images.request(files[0], replies)
    replies.wait(1)
    Image.new("RGB", (50, 60), "white").save(files[0])
    images.request(files[0], replies)
    assert replies.wait(2)[1].image.rgb.shape == (60, 50, 3)
    assert images.cache.held_bytes == 60 * 50 * 3


class Slow:
    """A decoder that has read its file, and then waits until it may say so."""

    def __init__(self, real: Callable[..., object]) -> None:
        self.real = real
        self.reads = 0
        self.has_read, self.go_on = threading.Event(), threading.Event()

    def __call__(self, *args: object) -> object:
        self.reads += 1
        try:
            return self.real(*args)
        finally:
            self.has_read.set()
            assert self.go_on.wait(WAIT)


def test_who_asks_while_a_file_is_decoded_gets_the_file_that_took_its_place(
    start, files, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, replies = Slow(read_image), Replies()
    monkeypatch.setattr(loader, "read_image", slow)
    images = start()
    images.request(files[0], None, Priority.PREFETCH)
    assert slow.has_read.wait(WAIT)
    Image.new("RGB", (50, 60), "white").save(files[0])
    os.utime(files[0], ns=(1, 1))
    images.show(files[0], replies)
    slow.go_on.set()
    (reply,) = replies.wait(1)
    assert reply.image.rgb.shape == (60, 50, 3)
    status = files[0].stat()
    assert reply.stamp == (status.st_mtime_ns, status.st_size)
    assert slow.reads == 2


def test_who_asks_while_a_half_copied_file_fails_gets_the_whole_one(
    start, files, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, replies = Slow(read_image), Replies()
    monkeypatch.setattr(loader, "read_image", slow)
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-30])
    images = start()
    images.request(files[0], None, Priority.PREFETCH)
    assert slow.has_read.wait(WAIT)
    files[0].write_bytes(whole)
    images.show(files[0], replies)
    slow.go_on.set()
    (reply,) = replies.wait(1)
    assert reply.error is None
    assert reply.image.rgb.shape == (30, 40, 3)


def test_a_thumbnail_asked_for_while_one_is_made_is_of_the_new_file(
    start, files, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, replies = Slow(thumbnails.thumbnail), Replies()
    monkeypatch.setattr(thumbnails, "thumbnail", slow)
    images = start()
    images.request_thumbnail(files[0], 16, Replies())
    assert slow.has_read.wait(WAIT)
    Image.new("RGB", (30, 40), "white").save(files[0])
    os.utime(files[0], ns=(1, 1))
    images.request_thumbnail(files[0], 16, replies)
    slow.go_on.set()
    (reply,) = replies.wait(1)
    assert reply.image.rgb.shape == (16, 12, 3)


def test_a_file_that_changes_all_the_time_is_answered(
    start, files, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def read(path: Path, *args: object) -> Decoded:
        made = read_image(path, *args)
        reads.append(path)
        Image.new("RGB", (40, 30 + len(reads))).save(path)
        os.utime(path, ns=(len(reads), len(reads)))  # however quick the clock
        return made

    monkeypatch.setattr(loader, "read_image", read)
    replies = Replies()
    start().request(files[0], replies)
    (reply,) = replies.wait(1)
    assert len(reads) == loader.READINGS
    assert reply.image.rgb.shape == (30 + len(reads) - 1, 40, 3), "the last reading's"


def test_memory_is_flat_over_500_switches(start, files, gate) -> None:
    gate.open.set()
    one = 10 * 10 * 3
    images, replies = start(cache_bytes=4 * one + 7), Replies()
    most = 0
    for n in range(500):
        images.show(files[n % 8], replies, [files[(n + 1) % 8], files[(n - 1) % 8]])
        replies.wait(n + 1)
        most = max(most, images.cache.held_bytes)
        assert images.cache.held_bytes % one == 0
    assert 2 * one <= most <= 4 * one
    assert images.cached(files[499 % 8]) is not None


def test_held_bytes_are_not_read_while_an_image_takes_the_place_of_another() -> None:
    class Watched(DecodedCache):
        """Its count is above the bound for a moment, under the lock."""

        @property
        def _bytes(self) -> int:
            assert self._lock.locked()
            return self._count

        @_bytes.setter
        def _bytes(self, count: int) -> None:
            self._count = count

    cache = Watched(300)
    for n in range(3):
        cache.put(Path(f"{n}.png"), (n, n), Decoded(np.zeros((5, 10, 3), np.uint8), ""))
    assert cache.held_bytes == 300


def test_an_image_above_the_bound_is_delivered_and_not_held(start, files) -> None:
    images, replies = start(cache_bytes=100), Replies()
    images.request(files[0], replies)
    assert replies.wait(1)[0].image.rgb.shape == (30, 40, 3)
    assert images.cache.held_bytes == 0


def test_no_thread_keeps_a_picture_that_it_has_delivered(start, files) -> None:
    loader = start(cache_bytes=0)
    delivered = threading.Event()
    kept: list[weakref.ref[np.ndarray]] = []

    def take(reply: Loaded) -> None:
        assert isinstance(reply.image, Decoded)
        kept.append(weakref.ref(reply.image.rgb))
        delivered.set()

    loader.request(files[0], take)
    assert delivered.wait(WAIT)
    end = time.monotonic() + WAIT
    while kept[0]() is not None and time.monotonic() < end:
        time.sleep(0.01)
    assert kept[0]() is None


def test_thumbnails_carry_their_side(start, files) -> None:
    images, replies = start(), Replies()
    images.request_thumbnail(files[1], 20, replies)
    (reply,) = replies.wait(1)
    assert reply.side == 20
    assert reply.image.rgb.shape == (15, 20, 3)
    assert images.cached(files[1]) is None


def test_a_listener_that_fails_ends_no_thread(start, files, caplog) -> None:
    images, replies = start(workers=1), Replies()

    def fail(_reply: Loaded) -> None:
        raise RuntimeError("the window is gone")

    images.request(files[0], fail)
    images.request(files[1], replies)
    replies.wait(1)
    assert "was not taken" in caplog.text


def loader_threads() -> int:
    return sum(thread.name.startswith("image loader") for thread in threading.enumerate())


def test_closing_ends_every_thread_and_answers_nobody(start, files, gate) -> None:
    before = loader_threads()
    images, replies = start(workers=2), Replies()
    assert loader_threads() == before + 2
    for path in files:
        images.request(path, replies)
    gate.wait_begun(2)
    images.close(timeout=0)
    gate.open.set()
    images.close(WAIT)
    assert loader_threads() == before
    assert replies.got == []
    assert len(gate.begun) == 2
    images.request(files[0], replies).cancel()
    assert replies.got == []
    assert images.cache.held_bytes == 0


def test_closing_from_a_callback_does_not_wait_for_itself(start, files) -> None:
    images, closed = start(workers=2), threading.Event()

    def close(_reply: Loaded) -> None:
        images.close(WAIT)
        closed.set()

    images.request(files[0], close)
    assert closed.wait(WAIT)


@pytest.mark.parametrize("kind", ["png", "tif", "jpg"])
def test_a_thumbnail_of_a_large_image_is_no_problem(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"large.{kind}"
    Image.fromarray(np.full((1200, 1600, 3), 90, np.uint8)).save(path)
    replies = Replies()
    store = ThumbnailStore(tmp_path / "thumbnails")
    large = ImageLoader(thumbnails=store, max_megapixels=1)
    large.request_thumbnail(path, 96, replies)
    (reply,) = replies.wait(1)
    large.close()
    assert reply.error is None
    assert (reply.image is not None) == (kind == "jpg")
