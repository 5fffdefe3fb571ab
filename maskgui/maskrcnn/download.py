"""Fetching a weights file: with progress, going on where it stopped, checked before it is used."""

import hashlib
import http.client
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import platformdirs

from maskgui.core.errors import Cancelled, Failure, UserError

BLOCK = 1 << 18
TIMEOUT = 20.0
"""Seconds without a byte after which a connection counts as lost."""
ATTEMPTS = 3

Progress = Callable[[int, int], None]
"""Called with (bytes there, bytes in all; 0 when the server does not say)."""


def cache_dir() -> Path:
    """Return the folder of downloaded weights; MASKGUI_CACHE names another place for the cache."""
    given = os.environ.get("MASKGUI_CACHE")
    return (Path(given) if given else platformdirs.user_cache_path("maskgui")) / "models"


def hash_in_name(path: Path) -> str:
    """Return the sha256 digits that PyTorch's file names end in ("...-bf2d0c1e.pth"), or ""."""
    found = re.search(r"-([0-9a-f]{8,64})\.[a-z]+$", path.name)
    return found[1] if found else ""


def file_sha256(path: Path, cancel: threading.Event | None = None) -> str:
    """Return the hex sha256 of a file. Raises UserError when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
                if cancel and cancel.is_set():
                    raise Cancelled
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    return digest.hexdigest()


def check_name_hash(path: Path, digest: str, named: Path) -> None:
    """Raise Failure when the content of `path` is not what the name of `named` promises."""
    if not digest.startswith(hash_in_name(named)):
        raise Failure(
            f"“{path}” is damaged or another file (its sha256 begins {digest[:8]}, its name says "
            f"{hash_in_name(named)}); delete it and fetch it again."
        )


def download(
    url: str,
    target: Path,
    on_progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> None:
    """Fetch `url` to `target`, keeping what is there of it in `target`.part.

    The sha256 digits in the file's name are checked before it takes its name.

    Raises:
        Failure: no network, a refused request, a full disk or a wrong sha256.
        Cancelled: `cancel` was set; the part stays for the next time.
    """
    part = target.with_name(target.name + ".part")
    cancel = cancel or threading.Event()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_all(url, part, on_progress or _silent, cancel)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as e:
        raise Failure(_offline(target, e)) from e
    except OSError as error:
        raise Failure(
            f"“{part}” could not be written ({error.strerror or error}); make room or set "
            "MASKGUI_CACHE to another folder."
        ) from error
    try:
        check_name_hash(part, file_sha256(part, cancel), target)
    except Failure:
        part.unlink()
        raise
    part.replace(target)


def _fetch_all(url: str, part: Path, tell: Progress, cancel: threading.Event) -> None:
    """Ask again from where the last attempt ended, as long as each brings something."""
    for attempt in range(ATTEMPTS):
        before = part.stat().st_size if part.exists() else 0
        try:
            _fetch(url, part, tell, cancel)
        except (http.client.HTTPException, ConnectionError, TimeoutError):
            got_more = part.exists() and part.stat().st_size > before
            if attempt == ATTEMPTS - 1 or not got_more:
                raise
        else:
            return


def _fetch(url: str, part: Path, tell: Progress, cancel: threading.Event) -> None:
    there = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "maskgui"})
    if there:
        request.add_header("Range", f"bytes={there}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and there:
            return  # all of it is there; the sha256 tells whether it is right
        raise
    with (
        response,
        part.open("ab" if response.status == http.HTTPStatus.PARTIAL_CONTENT else "wb") as file,
    ):
        there = file.tell()
        length = int(response.headers.get("Content-Length") or 0)
        total = there + length if length else 0
        _copy(response, file, there, total, tell, cancel)


def _copy(
    source: http.client.HTTPResponse,
    file: IO[bytes],
    there: int,
    total: int,
    tell: Progress,
    cancel: threading.Event,
) -> None:
    while block := source.read(BLOCK):
        if cancel.is_set():
            raise Cancelled
        file.write(block)
        there += len(block)
        tell(there, total)
    if there < total:
        raise ConnectionError(f"the connection ended after {there} of {total} bytes")


def _offline(target: Path, error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return (
        f"“{target.name}” could not be fetched ({reason}); try again with a network, or put the "
        f"file into “{target.parent}” yourself."
    )


def _silent(_done: int, _total: int) -> None:
    return
