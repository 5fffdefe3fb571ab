"""The canvas' own colours, made once from a theme."""

from dataclasses import dataclass

from PySide6.QtGui import QColor

from maskgui.ui.theme import Theme


@dataclass(frozen=True)
class CanvasColors:
    """What the canvas paints besides image and categories."""

    surround: QColor
    text: QColor
    accent: QColor
    label: QColor
    on_label: QColor
    danger: QColor
    track: QColor


def canvas_colors(theme: Theme) -> CanvasColors:
    """Return the colours for a theme. Labels are dark in both: they lie on the image."""
    track = QColor(theme.surround_dim)
    track.setAlpha(60)
    return CanvasColors(
        surround=QColor(theme.surround),
        text=QColor(theme.surround_dim),
        accent=QColor(theme.accent),
        label=QColor(22, 23, 26, 225),
        on_label=QColor("#f4f5f7"),
        danger=QColor("#ff5a52"),
        track=track,
    )
