"""What commands say on stderr: progress with time left, and sentences."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from tqdm import tqdm


def say(sentence: str) -> None:
    """Print one sentence on stderr, on a line of its own also while a bar is shown."""
    with tqdm.external_write_mode(file=sys.stderr):
        click.echo(sentence, err=True)


@contextmanager
def progress(what: str, unit: str = "image") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr; the yielded function takes (done, total)."""
    with tqdm(desc=what, unit=unit, dynamic_ncols=True, leave=False) as bar:

        def update(done: int, total: int) -> None:
            if bar.total != total:
                bar.total = total
                bar.refresh()
            bar.update(done - bar.n)

        yield update
