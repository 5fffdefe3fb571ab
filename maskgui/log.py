"""The log file in the user's log folder, where tracebacks go."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs


def log_file() -> Path:
    """Return where the log is written; MASKGUI_LOG names another file."""
    given = os.environ.get("MASKGUI_LOG")
    return Path(given) if given else Path(platformdirs.user_log_path("maskgui")) / "maskgui.log"


def log_to_file() -> None:
    """Send warnings and errors to the log file; a folder that cannot be written is no failure."""
    logging.raiseExceptions = False  # a log that cannot be written is nobody's traceback
    root = logging.getLogger()
    for held in [one for one in root.handlers if isinstance(one, RotatingFileHandler)]:
        if Path(held.baseFilename) == log_file().absolute():
            return
        root.removeHandler(held)
        held.close()
    try:
        log_file().parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            log_file(), maxBytes=1_000_000, backupCount=3, encoding="utf-8", delay=True
        )
    except OSError:
        root.addHandler(logging.NullHandler())  # without any, they would go to stderr
        return
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
