"""Finished trainings on disk: one JSON line each, flushed to the disk before the next begins."""

import os
from pathlib import Path

import msgspec

RESULTS = "results.jsonl"


class Result(msgspec.Struct, frozen=True):
    """One row trained with one seed, and what it reached.

    `recipe` and `data` are the plan's hashes. `segm` and `bbox` hold AP, AP50, ... as fractions;
    without a mask branch `segm` is empty. `taken` of the body's `tensors` came from trained
    weights, `init` says whose.
    """

    recipe: str
    data: str
    seed: int
    row: str
    network: str
    segm: dict[str, float]
    bbox: dict[str, float]
    steps: int
    images: int
    seconds: float
    cpu_seconds: float
    taken: int
    tensors: int
    init: str
    torch: str
    torchvision: str
    device: str


def append_result(folder: Path, result: Result) -> None:
    """Add a line; a torn last line of a process that was killed is closed first."""
    place = folder / RESULTS
    with place.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        torn = b""
        if end:
            file.seek(end - 1)
            torn = b"" if file.read(1) == b"\n" else b"\n"
        file.write(torn + msgspec.json.encode(result) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_results(folder: Path) -> list[Result]:
    """Return the finished trainings in order; torn lines and repetitions are left out."""
    place = folder / RESULTS
    if not place.is_file():
        return []
    found: dict[tuple[str, int], Result] = {}
    for line in place.read_bytes().splitlines():
        try:
            result = msgspec.json.decode(line, type=Result)
        except msgspec.DecodeError:
            continue
        found.setdefault((result.recipe, result.seed), result)
    return list(found.values())
