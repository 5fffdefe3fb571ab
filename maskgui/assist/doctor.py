"""A look at everything the application needs on this machine."""

import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import platformdirs

from maskgui.log import log_file
from maskgui.paths import models_dir, resources_dir


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `detail` says what to do when it is not good."""

    what: str
    good: bool
    detail: str


def examine() -> list[Finding]:
    """Look at packages, torch, devices, Qt, shipped files and the user's folders."""
    return [
        *_packages(),
        _torch(),
        _devices(),
        _qt(),
        _shipped(),
        _folder("cache folder", Path(platformdirs.user_cache_path("maskgui"))),
        _folder("data folder", Path(platformdirs.user_data_path("maskgui"))),
        _folder("log folder", log_file().parent),
    ]


def _packages() -> list[Finding]:
    names = ["numpy", "opencv-python", "shapely", "pillow", "torch", "torchvision"]
    found = []
    for name in names:
        try:
            found.append(Finding(name, good=True, detail=metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append(Finding(name, good=False, detail="not installed; run `make setup`"))
    return found


def _torch() -> Finding:
    from maskgui.maskrcnn.devices import check_torch

    fault = check_torch()
    return Finding("torch and torchvision", fault is None, fault or "load and agree")


def _devices() -> Finding:
    from maskgui.maskrcnn.devices import available_devices

    return Finding("devices", good=True, detail=", ".join(available_devices()))


def _qt() -> Finding:
    if importlib.util.find_spec("PySide6") is None:
        return Finding("Qt", good=False, detail="PySide6-Essentials is not installed")
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not display:
        return Finding("Qt", good=True, detail="no display: only headless commands work")
    return Finding("Qt", good=True, detail=metadata.version("PySide6-Essentials"))


def _shipped() -> Finding:
    missing = [
        str(path)
        for path in (models_dir() / "parts.safetensors", models_dir() / "nuclei.safetensors")
        if not path.is_file()
    ]
    if not (resources_dir() / "demo").is_dir():
        missing.append(str(resources_dir() / "demo"))
    if missing:
        return Finding("shipped files", good=False, detail=f"missing: {', '.join(missing)}")
    return Finding("shipped files", good=True, detail="models and demo images are there")


def _folder(what: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Finding(what, good=True, detail=str(folder))
    except OSError as error:
        return Finding(what, good=False, detail=f"{folder} cannot be written ({error.strerror})")
