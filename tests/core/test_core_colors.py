"""Category colours."""

from collections import Counter
from itertools import islice

from maskgui.core.colors import OKABE_ITO, category_color, fresh_colors, next_color


def test_okabe_ito_comes_first() -> None:
    assert tuple(category_color(index) for index in range(7)) == OKABE_ITO


def test_two_hundred_colours_differ() -> None:
    colors = [category_color(index) for index in range(200)]
    assert len(set(colors)) == 200
    assert all(len(color) == 7 and color.startswith("#") for color in colors)


def test_the_next_colour_is_one_that_nobody_has() -> None:
    assert next_color(["#0072B2", "#009e73"]) == "#e69f00"
    assert next_color(category_color(index) for index in range(30)) == category_color(30)


def test_more_categories_than_colours_share_them_evenly() -> None:
    colors = list(islice(fresh_colors(["#0072B2", "#123456"]), 3000))
    counts = Counter(colors)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert counts["#0072b2"] == min(counts.values())  # one had it before
