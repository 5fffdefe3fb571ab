"""A large image written anew, upright: through a file of bare pixels, never whole in memory."""

import tempfile
from pathlib import Path

from maskgui.imaging.errors import reasons
from maskgui.imaging.tiled.pixels import TiledPixels

_ROWS_AT_ONCE = 512
_JPEG_QUALITY = 95


def write_upright(pixels: TiledPixels, place: Path) -> None:
    """Write an image as 8-bit RGB to `place`, in the format that its ending (.jpg ...) names.

    Beside it three bytes a pixel of the disk are needed meanwhile. Takes minutes; not for the main
    thread. Raises ImageError where the image cannot be read, OSError where `place` cannot be
    written.
    """
    import pyvips  # noqa: PLC0415 - half a second, and only for the largest files

    height, width = pixels.shape[:2]
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".upright ") as folder:
        bare = Path(folder) / "pixels"
        with bare.open("wb") as file:
            for top in range(0, height, _ROWS_AT_ONCE):
                box = (0, top, width, min(height, top + _ROWS_AT_ONCE))
                file.write(pixels.read(box).tobytes())
        image = pyvips.Image.rawload(str(bare), width, height, 3).copy(interpretation="srgb")
        options = {"Q": _JPEG_QUALITY} if place.suffix.lower() in (".jpg", ".jpeg") else {}
        with reasons(pixels.path):
            image.write_to_file(str(place), **options)
