"""Counting words."""

import pytest

from maskgui.core.words import counted


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("0 images", (0, "image")),
        ("1 image", (1, "image")),
        ("1,041 images", (1041, "image")),
        ("1 category", (1, "category", "categories")),
        ("2 categories", (2, "category", "categories")),
    ],
)
def test_a_count_and_its_noun_agree(text: str, given: tuple) -> None:
    assert counted(*given) == text
