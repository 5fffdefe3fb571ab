"""Category colours: the Okabe-Ito set first, then further hues of equal lightness."""

import math
from collections.abc import Iterable

OKABE_ITO = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_LIGHTNESS = 0.70
_CHROMA = 0.125


def category_color(index: int) -> str:
    """Return the colour "#rrggbb" of the category at `index`, distinct for the first hundreds."""
    if index < len(OKABE_ITO):
        return OKABE_ITO[index]
    return _from_oklch(_LIGHTNESS, _CHROMA, 0.6 + index * _GOLDEN_ANGLE)


def next_color(used: Iterable[str]) -> str:
    """Return the first category colour that is not among `used`."""
    taken = {color.lower() for color in used}
    index = 0
    while category_color(index) in taken:
        index += 1
    return category_color(index)


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
