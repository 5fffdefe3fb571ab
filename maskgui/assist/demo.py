"""The demo project: a folder of the shipped scenes that the person may change."""

import os
import shutil
import sys
from pathlib import Path

import platformdirs

from maskgui.core.errors import Failure
from maskgui.paths import resources_dir


def has_display() -> bool:
    """Whether a window can be shown; QT_QPA_PLATFORM=offscreen counts as no display."""
    if os.environ.get("QT_QPA_PLATFORM", "").startswith(("offscreen", "minimal")):
        return False
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def prepare_demo(folder: Path | None = None) -> Path:
    """Copy the demo images that are not there yet; return the folder.

    The default lies in the user's data folder, so that the shipped files stay as they are.
    Raises Failure where the folder cannot be written.
    """
    target = folder or Path(platformdirs.user_data_path("maskgui")) / "demo"
    try:
        target.mkdir(parents=True, exist_ok=True)
        for image in sorted((resources_dir() / "demo").iterdir()):
            if image.suffix in {".jpg", ".png"} and not (target / image.name).exists():
                shutil.copyfile(image, target / image.name)
    except OSError as error:
        raise Failure(
            f"The demo images could not be copied to “{target}” ({error.strerror}); "
            "give another folder with --out."
        ) from error
    return target
