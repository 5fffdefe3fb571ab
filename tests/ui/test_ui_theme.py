"""Palettes: readable by computation, complete in the style sheet."""

import math
import re

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon

from maskgui.core.colors import OKABE_ITO, category_color
from maskgui.ui.panels.picker import dot
from maskgui.ui.theme import DARK, LIGHT, Theme, contrast, stylesheet

GROUNDS = ("window", "panel", "raised", "hover", "selection")


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == pytest.approx(1)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_text_can_be_read(theme: Theme) -> None:
    pairs = [(theme.text, getattr(theme, ground)) for ground in GROUNDS]
    pairs += [(theme.dim, theme.window), (theme.dim, theme.panel), (theme.dim, theme.raised)]
    pairs += [(theme.surround_dim, theme.surround), (theme.text, theme.surround)]
    pairs += [(theme.on_accent, theme.accent), (theme.on_accent, theme.accent_hover)]
    pairs += [(theme.on_toast, theme.toast), (theme.toast_accent, theme.toast)]
    pairs += [(color, theme.panel) for color in (theme.good, theme.warning, theme.error)]
    for text, ground in pairs:
        assert contrast(text, ground) >= 4.5, (text, ground)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_controls_can_be_seen(theme: Theme) -> None:
    for ground in (theme.window, theme.panel, theme.raised):
        assert contrast(theme.edge, ground) >= 3
        assert contrast(theme.accent, ground) >= 3


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_the_style_sheet_has_no_name_left(theme: Theme) -> None:
    sheet = stylesheet(theme)
    assert not re.search(r"@[a-z]", sheet)
    assert theme.accent in sheet


def test_the_theme_can_be_switched_while_open(controller) -> None:
    controller.options["theme"] = "light"
    assert controller.themes.theme is LIGHT
    controller.options["theme"] = "dark"
    assert controller.themes.theme is DARK
    assert controller.window.grab().toImage().pixelColor(500, 1).name() == DARK.panel


def oklab(color: str) -> tuple[float, float, float]:
    """Ottosson's perceptual space: distances of 0.02 are just seen."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels)
    long = math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_what_is_selected_looks_like_no_category(theme: Theme) -> None:
    blues = {"#56b4e9", "#0072b2"}  # of the set that colour-blind people can tell apart
    assert blues == set(OKABE_ITO[-2:]), "these come last"
    selected = oklab(theme.accent)
    for index in range(512):
        color = category_color(index)
        assert color in blues or math.dist(oklab(color), selected) >= 0.1, color


def test_a_categorys_dot_keeps_its_colour_in_a_selected_row(qapp) -> None:
    icon = dot("#e69f00", 1.0)
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        assert icon.pixmap(QSize(12, 12), mode).toImage().pixelColor(6, 6).name() == "#e69f00"
