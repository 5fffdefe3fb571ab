"""JPEG: libjpeg-turbo through imagecodecs, a third of Pillow's and OpenCV's time for an array."""

import re

import imagecodecs

from maskgui.imaging.pixels import Raw

_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # neither a stuffed byte nor a restart
_END_OF_IMAGE = 0xD9


def is_complete(data: bytes) -> bool:
    """Tell whether the first picture in `data` reaches its end marker.

    The library fills what is missing with grey and says nothing. Segments are stepped over by
    their length, so that the end of an embedded thumbnail does not count.
    """
    place = 2
    while found := _MARKER.search(data, place):
        marker = data[found.end() - 1]
        if marker == _END_OF_IMAGE:
            return True
        size = int.from_bytes(data[found.end() : found.end() + 2], "big")
        place = found.end() + size
    return False


def decode(data: bytes, orientation: int) -> Raw:
    """Return the samples of an 8-bit grey or colour JPEG; CMYK is Pillow's (Adobe's inversion).

    Raises ValueError when the picture is cut short.
    """
    if not is_complete(data):
        raise ValueError("the picture ends before its last line")
    return Raw(imagecodecs.jpeg8_decode(data), orientation=orientation)
