"""Names as they are shown: files of others hold some with line breaks and tabs in them."""

import re

_CONTROLS = re.compile(r"\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*")


def one_line(name: str) -> str:
    """Return a name with a space for each run of line breaks, tabs and other control characters."""
    return _CONTROLS.sub(" ", name).strip()


def menu_text(name: str) -> str:
    """Return a name for a menu, where a single & would underline what follows it."""
    return one_line(name).replace("&", "&&")
