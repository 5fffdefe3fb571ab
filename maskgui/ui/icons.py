"""Icons: the Phosphor family only, 18 px, tinted from the palette.

The font and its table of names come from qtawesome's package; importing qtawesome itself would
load all of Qt through its compatibility layer, a quarter of the time to the window.
"""

import importlib.util
import json
from functools import cache
from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from maskgui.paths import resources_dir
from maskgui.ui.theme import ICON_PX, Theme

FILL = 1.0
"""Size of a glyph as a share of its icon's side."""


@cache
def _font_folder() -> Path:
    spec = importlib.util.find_spec("qtawesome")
    if spec is None or spec.origin is None:
        raise RuntimeError("qtawesome is not installed; set the environment up again")
    return Path(spec.origin).parent / "fonts"


@cache
def _family() -> str:
    font = next(_font_folder().glob("phosphor*.ttf"))
    return QFontDatabase.applicationFontFamilies(QFontDatabase.addApplicationFont(str(font)))[0]


@cache
def _glyphs() -> dict[str, str]:
    table = next(_font_folder().glob("phosphor-charmap*.json"))
    codes: dict[str, str] = json.loads(table.read_bytes())
    return {name: chr(int(code, 16)) for name, code in codes.items()}


class GlyphEngine(QIconEngine):
    """Draws one glyph at any size, in a colour for each mode and state."""

    def __init__(self, glyph: str, normal: str, disabled: str, checked: str) -> None:
        super().__init__()
        self._glyph = glyph
        self._colors = (normal, disabled, checked)
        self._made: dict[tuple[int, int, QIcon.Mode, QIcon.State], QPixmap] = {}

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the glyph into a rectangle."""
        normal, disabled, checked = self._colors
        color = checked if state == QIcon.State.On else normal
        font = QFont(_family())
        font.setPixelSize(max(1, round(FILL * rect.height())))
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setFont(font)
        painter.setPen(QColor(disabled if mode == QIcon.Mode.Disabled else color))
        painter.drawText(QRectF(rect), Qt.AlignmentFlag.AlignCenter, self._glyph)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the glyph as a pixmap of `size` device pixels, drawn the first time only."""
        key = (size.width(), size.height(), mode, state)
        if key not in self._made:
            made = QPixmap(size)
            made.fill(Qt.GlobalColor.transparent)
            painter = QPainter(made)
            self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
            painter.end()
            self._made[key] = made
        return self._made[key]

    def clone(self) -> QIconEngine:
        """Return another of the same."""
        return GlyphEngine(self._glyph, *self._colors)


@cache
def _tinted(name: str, color: str, disabled: str, checked: str) -> QIcon:
    return QIcon(GlyphEngine(_glyphs()[name], color, disabled, checked))


def icon(name: str, theme: Theme, *, color: str | None = None) -> QIcon:
    """Return Phosphor's icon `name` in the theme's text colour, or in `color`.

    Raises KeyError for a name that the family does not have.
    """
    return _tinted(name, color or theme.text, theme.faint, color or theme.accent)


def pixmap(name: str, color: str, side: int = ICON_PX, ratio: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap of `side` logical pixels for a screen of `ratio`."""
    return _tinted(name, color, color, color).pixmap(QSize(side, side), ratio)


def app_icon() -> QIcon:
    """Return the application's own icon."""
    return QIcon(str(resources_dir() / "icons" / "maskgui.svg"))
