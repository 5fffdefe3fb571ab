"""Fetching weights from a server that stands on this machine: whole, in parts, broken, wrong."""

import hashlib
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from maskgui.core.errors import Cancelled, Failure
from maskgui.maskrcnn import download as module
from maskgui.maskrcnn.download import cache_dir, download, file_sha256, hash_in_name

CONTENT = bytes(range(256)) * 8000  # 2 MB
NAME = f"weights-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


class Server(ThreadingHTTPServer):
    """Serves CONTENT; `drops` are how many bytes of each next answer are sent before it breaks."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.drops: list[int] = []
        self.takes_ranges = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/{urllib.parse.quote(NAME)}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        if "missing" in self.path:
            self.send_error(404)
            return
        start = 0
        if wanted and self.server.takes_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.drops:
            body = body[: self.server.drops.pop(0)]
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_fetches_with_progress_and_leaves_no_part(server: Server, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    target = tmp_path / "new" / NAME
    download(server.url, target, lambda *now: told.append(now))
    assert target.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)
    assert [path.name for path in target.parent.iterdir()] == [NAME]


def test_goes_on_from_the_part_that_is_there(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:500_000])
    told: list[tuple[int, int]] = []
    download(server.url, tmp_path / NAME, lambda *now: told.append(now))
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.ranges == ["bytes=500000-"]
    assert told[0][0] > 500_000
    assert told[-1] == (len(CONTENT), len(CONTENT))


def test_starts_anew_where_the_server_knows_no_ranges(server: Server, tmp_path: Path) -> None:
    server.takes_ranges = False
    (tmp_path / f"{NAME}.part").write_bytes(b"x" * 500_000)
    download(server.url, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_complete_part_is_checked_and_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)
    download(server.url, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == CONTENT


def test_a_broken_connection_is_taken_up_again(server: Server, tmp_path: Path) -> None:
    server.drops = [700_000, 700_000]
    download(server.url, tmp_path / NAME)
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=700000-", "bytes=1400000-"]


def test_a_connection_that_keeps_breaking_keeps_the_part(server: Server, tmp_path: Path) -> None:
    server.drops = [100_000, 0, 0, 0]
    with pytest.raises(Failure, match="could not be fetched") as caught:
        download(server.url, tmp_path / NAME)
    assert NAME in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert (tmp_path / f"{NAME}.part").stat().st_size == 100_000
    assert not (tmp_path / NAME).exists()


def test_wrong_content_is_thrown_away(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "weights-00000000.pth"
    with pytest.raises(Failure, match="its name says 00000000"):
        download(server.url, target)
    assert list(tmp_path.iterdir()) == []


def test_no_network_and_no_such_file_name_the_file_and_the_folder(
    server: Server, tmp_path: Path
) -> None:
    closed = "http://127.0.0.1:9/x"
    for url in (closed, server.url.replace("weights", "missing")):
        with pytest.raises(Failure) as caught:
            download(url, tmp_path / NAME)
        assert NAME in str(caught.value)
        assert f"put the file into “{tmp_path}” yourself" in str(caught.value)


def test_a_cancel_keeps_the_part(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 10_000)
    cancel = threading.Event()

    def tell(done: int, _total: int) -> None:
        if done >= 50_000:
            cancel.set()

    with pytest.raises(Cancelled):
        download(server.url, tmp_path / NAME, tell, cancel)
    assert (tmp_path / f"{NAME}.part").read_bytes() == CONTENT[:50_000]


def test_a_place_that_cannot_be_written_is_a_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Failure, match="MASKGUI_CACHE"):
        download(server.url, tmp_path / "file" / NAME)


def test_names_and_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hash_in_name(Path("maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth")) == "bf2d0c1e"
    assert hash_in_name(Path("my-model.pth")) == ""
    monkeypatch.setenv("MASKGUI_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path / "models"
    (tmp_path / "a").write_bytes(CONTENT)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(CONTENT).hexdigest()
