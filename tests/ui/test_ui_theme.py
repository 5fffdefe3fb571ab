"""Palettes: readable by computation, complete in the style sheet."""

import re

import pytest

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
