"""Icons: the Phosphor family only, 18 px, tinted from the palette."""

from functools import cache

import qtawesome
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPixmap
from qtawesome.iconic_font import IconicFont

from maskgui.paths import resources_dir
from maskgui.ui.theme import ICON_PX, Theme

FAMILY = "ph"


@cache
def _font() -> IconicFont:
    """Load the one family that is used: all of qtawesome's take five times as long."""
    return IconicFont(*(font for font in qtawesome._BUNDLED_FONTS if font[0] == FAMILY))


@cache
def _tinted(name: str, color: str, disabled: str, checked: str) -> QIcon:
    return _font().icon(
        f"{FAMILY}.{name}", color=color, color_disabled=disabled, color_on=checked, scale_factor=1.1
    )


def icon(name: str, theme: Theme, *, color: str | None = None) -> QIcon:
    """Return Phosphor's icon `name` in the theme's text colour, or in `color`.

    Raises KeyError for a name that the family does not have.
    """
    tint = color or theme.text
    return _tinted(name, tint, theme.faint, color or theme.accent)


def pixmap(name: str, color: str, side: int = ICON_PX, ratio: float = 1.0) -> QPixmap:
    """Return an icon as a pixmap of `side` logical pixels for a screen of `ratio`."""
    return _tinted(name, color, color, color).pixmap(QSize(side, side), ratio)


def app_icon() -> QIcon:
    """Return the application's own icon."""
    return QIcon(str(resources_dir() / "icons" / "maskgui.svg"))
