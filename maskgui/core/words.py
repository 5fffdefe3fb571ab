"""Counting words in sentences for people."""


def counted(count: int, one: str, more: str = "") -> str:
    """Return "1 image", "2 images", "1,000 images"; `more`: a plural without s."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
