"""A measurement in a process of its own, and what the system says of such a process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

Figures = dict[str, float]


def measured(script: str, arguments: Sequence[str], home: Path) -> Figures:
    """Run a script with its cache and settings below `home`, offscreen.

    Returns what it prints last, a JSON object. Raises CalledProcessError when it fails.
    """
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "MASKGUI_CONFIG": str(home / "config.ini"),
        "MASKGUI_LOG": str(home / "log.txt"),
    }
    command = [sys.executable, script, *arguments]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def memory_mb() -> Figures:
    """Return this process' memory in MB by the names of /proc; nothing where that is not told."""
    status = Path("/proc/self/status")
    if not status.exists():
        return {}
    lines = (line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return {name: int(text.split()[0]) / 1e3 for name, text in lines if text.endswith("kB")}
