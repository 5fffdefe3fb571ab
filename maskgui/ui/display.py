"""Whether a window can be shown here, asked before Qt would abort the process."""

import os
import subprocess
import sys
from pathlib import Path

OFFSCREEN = ("offscreen", "minimal", "vnc")


def display_problem() -> str | None:
    """Return one sentence on why no window can be shown, None when one can."""
    if not sys.platform.startswith("linux"):
        return None
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    if chosen.startswith(OFFSCREEN):
        return None
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return (
            "There is no display to open a window on; run it in a desktop session, or use "
            "`demo --headless`."
        )
    if os.environ.get("DISPLAY") and not chosen.startswith("wayland"):
        missing = missing_libraries(xcb_plugin())
        if missing and not os.environ.get("WAYLAND_DISPLAY"):
            return (
                f"Qt cannot open a window: {', '.join(missing)} {_are(missing)} missing; install "
                "the system's packages of these names."
            )
    return None


def xcb_plugin() -> Path:
    """Return where Qt's plugin for X11 lies."""
    import PySide6  # noqa: PLC0415

    return Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"


def missing_libraries(plugin: Path) -> list[str]:
    """Return the shared libraries that a plugin needs and the system lacks, as `ldd` says.

    Qt's own message names xcb-cursor0 whichever one is missing.
    """
    if not plugin.is_file():
        return []
    try:
        answer = subprocess.run(
            ["ldd", str(plugin)], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return parse_ldd(answer.stdout)


def parse_ldd(text: str) -> list[str]:
    """Return the names of the libraries that `ldd` did not find."""
    return [line.split()[0] for line in text.splitlines() if "=> not found" in line]


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
