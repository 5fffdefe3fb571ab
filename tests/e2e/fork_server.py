"""A process that forks the children of the kill tests: an import of everything costs it once."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


def serve(work: Callable[[dict[str, Any]], object]) -> None:
    """Fork one child for each JSON line on stdin, or wait for one: what a script does that is run.

    The answer to a task is the child's pid, that to {"reap": pid} its exit code.
    """
    for line in sys.stdin:
        task = json.loads(line)
        if "reap" in task:
            _, status = os.waitpid(task["reap"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid == 0:
            try:
                work(task)
            except BaseException:  # noqa: BLE001 - the child must never come back to the loop
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        print(pid, flush=True)


class ForkServer:
    """Runs `script`, which hands its tasks to `serve`: each is answered with a number."""

    def __init__(self, script: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        )

    @classmethod
    def of_windows(cls, script: Path, places: Path) -> "ForkServer":
        """Run a script whose children open the window, with all its own files in `places`."""
        return cls(
            script,
            QT_QPA_PLATFORM="offscreen",
            MASKGUI_CONFIG=str(places / "config.ini"),
            MASKGUI_LOG=str(places / "log.txt"),
            XDG_CACHE_HOME=str(places / "cache"),
            XDG_DATA_HOME=str(places / "data"),
        )

    def ask(self, **task: Any) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(20)
