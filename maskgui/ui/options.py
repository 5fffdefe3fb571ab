"""What the window remembers: options declared once, kept in the application's own ini file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QByteArray, QObject, QSettings, Signal


@dataclass(frozen=True)
class Option:
    """One thing that a person may choose, with its type, default and text."""

    name: str
    default: Any
    label: str
    hint: str = ""
    choices: tuple[tuple[Any, str], ...] = ()  # value and text, where there are few
    range: tuple[float, float] | None = None
    unit: str = ""


OPTIONS = (
    Option(
        "theme",
        "system",
        "Appearance",
        choices=(("system", "As the system"), ("dark", "Dark"), ("light", "Light")),
    ),
    Option(
        "wheel",
        "pan",
        "Mouse wheel",
        "Ctrl turns it into the other one.",
        choices=(("pan", "Scrolls the image"), ("zoom", "Zooms at the cursor")),
    ),
    Option(
        "move_freely",
        False,
        "Move instances by a plain drag",
        "Otherwise only Ctrl+drag moves a whole instance, so that none is moved by accident.",
    ),
    Option("labels", False, "Show labels on all instances", "Otherwise on hover and selection."),
    Option("opacity", 100, "Strength of the instances", range=(0, 100), unit=" %"),
    Option(
        "megapixels",
        500,
        "Largest image",
        "Larger ones are refused, so that they cannot fill the memory.",
        range=(10, 5000),
        unit=" MP",
    ),
    Option(
        "reduced_motion",
        False,
        "Reduce motion",
        "Toasts and zooms appear at once.",
    ),
)

MAX_RECENT = 10


def config_file() -> Path:
    """Return the ini file; the variable MASKGUI_CONFIG names another one."""
    given = os.environ.get("MASKGUI_CONFIG")
    if given:
        return Path(given)
    return Path(platformdirs.user_config_path("maskgui", appauthor=False)) / "maskgui.ini"


class Options(QObject):
    """The options as attributes-by-name, the layout, and the recent projects."""

    changed = Signal(str)

    def __init__(self, file: Path | None = None) -> None:
        super().__init__()
        self._store = QSettings(str(file or config_file()), QSettings.Format.IniFormat)
        self._by_name = {option.name: option for option in OPTIONS}

    def __getitem__(self, name: str) -> Any:
        option = self._by_name[name]
        value = self._store.value(f"options/{name}", option.default)
        kind = type(option.default)
        if kind is bool:
            return value if isinstance(value, bool) else str(value).lower() == "true"
        try:
            return kind(value)
        except (TypeError, ValueError):
            return option.default

    def __setitem__(self, name: str, value: Any) -> None:
        if self[name] != value:
            self._store.setValue(f"options/{name}", value)
            self.changed.emit(name)

    def watch(self, name: str, listener: Callable[[Any], None]) -> None:
        """Call `listener(value)` now and whenever the option changes."""
        self.changed.connect(lambda changed: listener(self[name]) if changed == name else None)
        listener(self[name])

    def layout(self, name: str) -> QByteArray | None:
        """Return remembered geometry, None for none."""
        value = self._store.value(f"layout/{name}")
        return value if isinstance(value, QByteArray) else None

    def set_layout(self, name: str, value: QByteArray) -> None:
        """Remember geometry."""
        self._store.setValue(f"layout/{name}", value)

    def shown(self, name: str) -> bool:
        """Whether a panel is to be shown."""
        return str(self._store.value(f"panels/{name}", "true")).lower() == "true"

    def set_shown(self, name: str, value: bool) -> None:
        """Remember whether a panel is shown."""
        self._store.setValue(f"panels/{name}", "true" if value else "false")

    def text(self, name: str, default: str = "") -> str:
        """Return a remembered word: the last folder, device or model."""
        return str(self._store.value(f"last/{name}", default))

    def set_text(self, name: str, value: str) -> None:
        """Remember a word."""
        self._store.setValue(f"last/{name}", value)

    def recent(self) -> list[Path]:
        """Return the projects opened last that still exist, the newest first."""
        stored = self._store.value("last/recent", [])
        names = [stored] if isinstance(stored, str) else stored if isinstance(stored, list) else []
        return [Path(name) for name in names if name and Path(name).is_file()]

    def add_recent(self, path: Path) -> None:
        """Put a project first among the recent ones."""
        others = [item for item in self.recent() if item != path]
        self._store.setValue("last/recent", [str(item) for item in (path, *others)][:MAX_RECENT])

    def sync(self) -> None:
        """Write everything to the file now."""
        self._store.sync()
