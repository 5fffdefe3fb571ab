"""labelme in an environment of its own: made on first use, asked for frame times line by line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import platformdirs

from benchmarks.scenes import Scene

LABELME = "labelme==6.3.1"
CHILD = Path(__file__).with_name("labelme_canvas.py")
INSTALL_S = 900


class NoPeer(Exception):
    """labelme cannot be had here; the message is a sentence."""


def environment(folder: Path | None = None) -> Path:
    """Return the interpreter of an environment that has labelme, making it where there is none.

    folder: where, the user's cache by default. Raises NoPeer without uv or a network.
    """
    name = LABELME.replace("==", "-")
    folder = folder or platformdirs.user_cache_path("maskgui") / "benchmarks" / name
    place = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "installed"
    if ready.exists():
        return place
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise NoPeer("labelme is left out: uv, which installs it, was not found; run `make setup`.")
    print(f"Installing {LABELME} below {folder} (once)…", file=sys.stderr)
    steps = (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(place), LABELME],
    )
    for step in steps:
        try:
            subprocess.run(step, check=True, capture_output=True, timeout=INSTALL_S)
        except (subprocess.SubprocessError, OSError) as error:
            raise NoPeer(
                f"labelme is left out: {LABELME} could not be installed; connect to the network "
                "and run this again."
            ) from error
    ready.touch()
    return place


class Labelme:
    """labelme's canvas in a process that waits while ours is measured."""

    def __init__(self, python: Path) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("QT_QPA_")}
        self._process = subprocess.Popen(
            [python, CHILD],
            env=kept | {"QT_QPA_PLATFORM": "offscreen", "QT_QPA_UPDATE_IDLE_TIME": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def frames(
        self, scene: Scene, scale: float | None, gesture: str, frames: int, seconds: float
    ) -> list[tuple[float, float]]:
        """Return ms of each frame of a gesture (passed, of processor time).

        At least 2 frames, at most `frames`, until `seconds` are over.
        scale: screen pixels per image pixel, None for the whole image in view. Raises NoPeer
        when its process has ended.
        """
        asked: dict[str, Any] = {
            "instances": scene.instances,
            "vertices": scene.vertices,
            "scale": scale,
            "gesture": gesture,
            "frames": frames,
            "seconds": seconds,
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise NoPeer("labelme is left out from here on: its process ended.")
        found = json.loads(answer)
        return [(float(passed), float(used)) for passed, used in found["times"]]
