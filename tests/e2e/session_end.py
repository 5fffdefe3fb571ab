"""How a run of the window in the scripted session ends: it is closed, or killed.

A kill comes at a place in the work, not at a moment, so that a seed always leaves the same project
behind. `test_kill_window` kills at moments.
"""

import os
import random
import signal
import sqlite3

CLOSE, GESTURE, WRITING, WRITTEN = "close", "gesture", "writing", "written"
KILLS = (GESTURE, WRITING, WRITTEN)
"""Before any event of a gesture, inside an edit's transaction, or once it is on disk, untold."""


def die() -> None:
    """Kill this process."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_writing(connection: sqlite3.Connection, rng: random.Random) -> None:
    """Kill this process in the next transaction that writes to the history: early, or at its end.

    Other transactions, of what the window remembers, do not count: they come at any time.
    """
    waits_for_commit, in_history = rng.random() < 0.5, False

    def statement(text: str) -> None:
        nonlocal in_history
        in_history |= "history" in text
        if in_history and (text == "COMMIT" or not waits_for_commit):
            die()

    connection.set_trace_callback(statement)
