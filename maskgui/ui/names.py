"""Names as they are shown: files of others hold some with line breaks and tabs in them."""

import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

_CONTROLS = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*")


def one_line(name: str) -> str:
    """Return a name with a space for each run of line breaks, tabs and other control characters."""
    return _CONTROLS.sub(" ", name).strip()


_HEAD = 3
"""Characters of a long name's beginning; the rest of the room is its end's."""


def shortened(name: str, metrics: QFontMetrics, width: int) -> str:
    """Return as much of a file's name as fits into `width` logical pixels.

    Names of one folder mostly begin alike and differ at the end, so the end is what stays.
    """
    whole = one_line(name)
    if metrics.horizontalAdvance(whole) <= width:
        return whole
    room = width - metrics.horizontalAdvance(whole[:_HEAD])
    return whole[:_HEAD] + metrics.elidedText(whole[_HEAD:], Qt.TextElideMode.ElideLeft, room)


def menu_text(name: str) -> str:
    """Return a name for a menu, where a single & would underline what follows it."""
    return one_line(name).replace("&", "&&")
