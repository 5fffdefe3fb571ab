"""What commands say on stderr: progress with time left, and sentences."""

import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm

PLAIN_SECONDS = 10.0
CLEAR = "\r\x1b[K"


def say(sentence: str) -> None:
    """Print one sentence on stderr, on a line of its own also while a bar is shown."""
    with tqdm.external_write_mode(file=sys.stderr):
        click.echo(sentence, err=True)


@contextmanager
def progress(what: str, unit: str = "image") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr from the first report on; the yielded function takes (done, total)."""
    bars: list[tqdm[None]] = []

    def update(done: int, total: int) -> None:
        if not bars:
            bars.append(tqdm(desc=what, total=total, unit=unit, dynamic_ncols=True, leave=False))
        bar = bars[0]
        if bar.total != total:
            bar.total = total
            bar.refresh()
        bar.update(done - bar.n)

    try:
        yield update
    finally:
        for bar in bars:
            bar.close()


class StatusLine:
    """One refreshed line on stderr where that is a terminal, else a line now and then."""

    def __init__(self, live: bool, seconds: float = PLAIN_SECONDS) -> None:
        """`seconds` lie between two of the lines that cannot be refreshed."""
        self._live = live
        self._seconds = seconds
        self._shown = -math.inf

    def show(self, line: str) -> None:
        """Show how things stand."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"{CLEAR}{line[:width]}")
        elif time.monotonic() - self._shown >= self._seconds:
            self._shown = time.monotonic()
            self._write(f"{line}\n")

    def note(self, sentence: str) -> None:
        """Show a sentence that stays."""
        self._write(f"{CLEAR if self._live else ''}{sentence}\n")

    def end(self) -> None:
        """Leave the refreshed line."""
        if self._live:
            self._write(CLEAR)

    def _write(self, text: str) -> None:
        click.echo(text, err=True, nl=False, color=self._live)


def duration(seconds: float) -> str:
    """Return a time span as people say it."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"
    return f"{seconds // 3600:.0f} h {seconds % 3600 // 60:02.0f} min"
