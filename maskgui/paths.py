"""Where the files that ship with the application lie, in a checkout and in a wheel."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def _shipped(name: str) -> Path:
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name


def resources_dir() -> Path:
    """Return the folder of demo images, styles and icons."""
    return _shipped("resources")


def models_dir() -> Path:
    """Return the folder of the weights that ship and their cards."""
    return _shipped("models")
