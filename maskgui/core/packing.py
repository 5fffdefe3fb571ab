"""Unpacking what was compressed, without trusting how large it gets."""

import zlib


def unpack(data: bytes, limit: int) -> bytes:
    """Return what zlib.compress packed, at most `limit` bytes.

    Raises ValueError when it is malformed, or would be larger: a small file from a stranger must
    not fill the memory.
    """
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, limit)
    except zlib.error as error:
        raise ValueError("a compressed value is damaged") from error
    if not unpacker.eof:
        raise ValueError("a compressed value is cut short or too large")
    return found
