"""What a stopped `segment` run has finished, so that it can be continued."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from maskgui.core.errors import Failure, UserError


@dataclass(frozen=True)
class Settings:
    """What must be the same for a stopped run to be continued."""

    model: str
    score: float
    form: str
    category_map: dict[str, str | None]


class Journal:
    """Finished images, one JSON line each, behind a line with the run's settings."""

    def __init__(self, path: Path, settings: Settings, resume: bool) -> None:
        self._path = path
        self.done: dict[str, dict[str, Any]] = {}
        header = msgspec.json.encode(settings)
        try:
            if resume and path.is_file():
                self._read(header)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
            self._file.write(header + b"\n")
            for row in self.done.values():
                self._file.write(msgspec.json.encode(row) + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error

    def _read(self, header: bytes) -> None:
        lines = self._path.read_bytes().split(b"\n")
        if lines[0] != header:
            raise UserError(
                f"“{self._path}” is of a run with another model or other settings; repeat those, "
                "or start anew without --resume."
            )
        for number, line in enumerate(lines[1:-1], 2):  # after the last break: nothing, or half
            try:
                row = msgspec.json.decode(line)
                self.done[row["file_name"]] = row
            except (msgspec.DecodeError, UnicodeDecodeError, TypeError, KeyError) as error:
                raise UserError(
                    f"“{self._path}” is damaged in line {number}; start anew without --resume."
                ) from error

    def add(self, row: dict[str, Any]) -> None:
        """Keep one image's outcome, on its way to the disk before this returns."""
        try:
            self._file.write(msgspec.json.encode(row) + b"\n")
            self._file.flush()
        except OSError as error:
            raise self._failure(error) from error
        self.done[row["file_name"]] = row

    def close(self) -> None:
        """Close the file; it stays."""
        self._file.close()

    def remove(self) -> None:
        """Delete the file: the data set has been written."""
        self._path.unlink(missing_ok=True)

    def _failure(self, error: OSError) -> Failure:
        reason = error.strerror or type(error).__name__
        return Failure(f"“{self._path}” could not be written ({reason}); choose another place.")
