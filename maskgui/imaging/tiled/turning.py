"""Where a box of the upright image lies in the stored one."""

from maskgui.imaging.tiled.grid import Box


def is_turned(orientation: int) -> bool:
    """Whether EXIF's orientation swaps width and height."""
    return orientation in (5, 6, 7, 8)


def stored_box(box: Box, orientation: int, size: tuple[int, int]) -> Box:
    """Return the box in a stored picture of width x height that `upright` turns into `box`."""
    x0, y0, x1, y1 = box
    width, height = size
    if is_turned(orientation):
        x0, y0, x1, y1 = y0, x0, y1, x1
    if orientation in (2, 3, 7, 8):
        x0, x1 = width - x1, width - x0
    if orientation in (3, 4, 6, 7):
        y0, y1 = height - y1, height - y0
    return x0, y0, x1, y1
