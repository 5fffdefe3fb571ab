"""The two palettes, and the one place where they become Qt's colours and style sheet."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from functools import cache

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from maskgui.paths import resources_dir


@dataclass(frozen=True)
class Theme:
    """Colours as "#rrggbb". `edge` outlines controls; `line` only groups."""

    name: str
    window: str
    panel: str
    raised: str
    hover: str
    line: str
    edge: str
    text: str
    dim: str
    faint: str  # text of what is disabled
    accent: str
    accent_hover: str
    on_accent: str
    selection: str  # behind selected rows
    surround: str  # around the image
    surround_dim: str  # quiet text on the surround
    good: str
    warning: str
    error: str
    toast: str
    on_toast: str
    toast_accent: str

    @property
    def is_dark(self) -> bool:
        """Whether light text stands on dark ground."""
        return self.name == "dark"


DARK = Theme(
    name="dark",
    window="#1e1f22",
    panel="#26282c",
    raised="#2f3237",
    hover="#373a40",
    line="#3a3d43",
    edge="#7a808a",
    text="#e6e7ea",
    dim="#9aa0a8",
    faint="#6c727a",
    accent="#4c9aff",
    accent_hover="#6aabff",
    on_accent="#1e1f22",
    selection="#2b4263",
    surround="#18191b",
    surround_dim="#9aa0a8",
    good="#4cc38a",
    warning="#f2b84b",
    error="#ff8080",
    toast="#3a3d43",
    on_toast="#f2f3f5",
    toast_accent="#8fc0ff",
)

LIGHT = Theme(
    name="light",
    window="#f6f7f9",
    panel="#ffffff",
    raised="#eef0f3",
    hover="#e3e6eb",
    line="#d9dde3",
    edge="#7c828c",
    text="#1d2025",
    dim="#646b75",
    faint="#9aa1ab",
    accent="#1a73e8",
    accent_hover="#1765cc",
    on_accent="#ffffff",
    selection="#d5e5fb",
    surround="#d5d7db",
    surround_dim="#4d535c",
    good="#17703f",
    warning="#8a5a00",
    error="#c5221f",
    toast="#2b2e34",
    on_toast="#f2f3f5",
    toast_accent="#8fc0ff",
)

RADIUS = 6
GRID = 8
TEXT_PX = 13
CAPTION_PX = 11
ICON_PX = 18


def contrast(one: str, other: str) -> float:
    """Return WCAG 2.1's contrast ratio of two colours "#rrggbb", from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def system_theme() -> Theme:
    """Return the theme that the system asks for; dark where it does not say."""
    scheme = QGuiApplication.styleHints().colorScheme()
    return LIGHT if scheme == Qt.ColorScheme.Light else DARK


def theme_of(choice: str) -> Theme:
    """Return the theme of the setting "system", "light" or "dark"."""
    return {"light": LIGHT, "dark": DARK}.get(choice) or system_theme()


def stylesheet(theme: Theme) -> str:
    """Return the application's style sheet in the theme's colours."""
    folder = resources_dir()
    sheet = _template()
    values = asdict(theme)
    values["icons"] = (folder / "icons" / theme.name).as_posix()
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", str(values[name]))
    return sheet


@cache
def _template() -> str:
    return (resources_dir() / "styles" / "application.qss").read_text(encoding="utf-8")


def qt_palette(theme: Theme) -> QPalette:
    """Return the palette for what the style sheet does not reach."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    for which, color in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.panel),
        (role.AlternateBase, theme.raised),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.ToolTipBase, theme.toast),
        (role.ToolTipText, theme.on_toast),
        (role.PlaceholderText, theme.dim),
        (role.Link, theme.accent),
        (role.Accent, theme.accent),
    ):
        palette.setColor(which, QColor(color))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, which, QColor(theme.faint))
    return palette


def text_font(pixels: int = TEXT_PX, *, bold: bool = False) -> QFont:
    """Return the system's font at a size in pixels, with tabular figures."""
    font = QFont(QGuiApplication.font())
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


class ThemeSwitch(QObject):
    """Applies a theme to the application, and follows the system while the choice is "system"."""

    changed = Signal(object)  # Theme

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._choice = "system"
        self.theme = DARK
        app.setStyle("Fusion")
        app.setFont(text_font())
        QGuiApplication.styleHints().colorSchemeChanged.connect(lambda _: self.choose(self._choice))

    def listen(self, listener: Callable[[Theme], object]) -> None:
        """Call a QObject's method with the theme now and on every change, while it lives."""
        self.changed.connect(listener)
        listener(self.theme)

    def choose(self, choice: str) -> None:
        """Apply "system", "light" or "dark"."""
        self._choice = choice
        self.theme = theme_of(choice)
        self._app.setPalette(qt_palette(self.theme))
        self._app.setStyleSheet(stylesheet(self.theme))
        self.changed.emit(self.theme)


COLOR_NAMES = tuple(field.name for field in fields(Theme) if field.name != "name")
