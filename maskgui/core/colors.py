"""Category colours: the Okabe-Ito set first, then further hues of equal lightness."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from heapq import heapify, heapreplace

OKABE_ITO = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#f0e442", "#56b4e9", "#0072b2")
"""The blues come last: what is selected is drawn in blue, and a thin dark blue outline is weak on
the dark images and violet stains of microscopy."""

_GOLDEN_SHARE = (math.sqrt(5) - 1) / 2
_HUES_FROM = math.radians(295)
_HUES_ARC = math.radians(280)
"""All further hues but the blues, from 215 to 295 degrees."""
_LIGHTNESS = 0.70
_CHROMA = 0.125
_PALETTE = 512
"""Hues of one lightness are some 700 different colours in all, fewer than some data sets have
categories: these many are used, and then again."""


def category_color(index: int) -> str:
    """Return the colour "#rrggbb" of the category at `index`, distinct for the first hundreds."""
    if index < len(OKABE_ITO):
        return OKABE_ITO[index]
    share = index * _GOLDEN_SHARE % 1.0
    return _from_oklch(_LIGHTNESS, _CHROMA, _HUES_FROM + share * _HUES_ARC)


def next_color(used: Iterable[str]) -> str:
    """Return the category colour that is least among `used`, the first of those."""
    return next(fresh_colors(used))


def fresh_colors(used: Iterable[str]) -> Iterator[str]:
    """Yield colours without end, each time the one that was used least, `used` included."""
    counts = Counter(color.lower() for color in used)
    waiting = [(counts[color], place, color) for place, color in enumerate(_palette())]
    heapify(waiting)
    while True:
        count, place, color = waiting[0]
        yield color
        heapreplace(waiting, (count + 1, place, color))


@cache
def _palette() -> tuple[str, ...]:
    return tuple(dict.fromkeys(category_color(index) for index in range(_PALETTE)))


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    """Return a colour of the perceptual space OKLCH (Ottosson 2020), clipped into sRGB."""
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{_gamma(channel):02x}" for channel in linear)


def _gamma(linear: float) -> int:
    clipped = min(max(linear, 0.0), 1.0)
    curved = 12.92 * clipped if clipped <= 0.0031308 else 1.055 * clipped ** (1 / 2.4) - 0.055
    return round(255 * curved)
