"""What every decoder's samples go through: 8 bits, white behind alpha, RGB, upright."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maskgui.imaging.opencv import cv2
from maskgui.imaging.window import Window, to_8_bit

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Raw:
    """Samples as a decoder gave them.

    pixels: H x W (grey), H x W x 3 (RGB), or one band more when the last one is `alpha`;
    uint8 as stored, any other integer or float type to be windowed.
    orientation: EXIF's 1-8, still to be applied.
    """

    pixels: NDArray[Any]
    alpha: bool = False
    orientation: int = 1


def finish(raw: Raw, window: Window) -> Rgb:
    """Return `raw` as upright RGB, uint8, H x W x 3, C-contiguous."""
    pixels = raw.pixels
    if not raw.alpha:
        rgb = _gray_to_rgb(_windowed(pixels, window))
    elif pixels.dtype == np.uint8 and pixels.shape[2] == 4:
        rgb = over_white(pixels)
    else:
        color = np.squeeze(pixels[..., :-1], axis=2) if pixels.shape[2] == 2 else pixels[..., :-1]
        color = _gray_to_rgb(_windowed(np.ascontiguousarray(color), window))
        rgb = over_white(np.dstack([color, _alpha_8_bit(pixels[..., -1])]))
    return upright(rgb, raw.orientation)


def _windowed(samples: NDArray[Any], window: Window) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8:
        return samples.view(np.uint8)
    return to_8_bit(samples, window)


def _alpha_8_bit(alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale by the type's range, never by percentiles: opacity has a fixed meaning."""
    if alpha.dtype == np.uint8:
        return alpha.view(np.uint8)
    top = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "iu" else 1.0
    share = np.nan_to_num(alpha.astype(np.float32) / np.float32(top), nan=1.0)
    scaled: NDArray[np.uint8] = (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
    return scaled


def _gray_to_rgb(pixels: NDArray[np.uint8]) -> Rgb:
    return pixels if pixels.ndim == 3 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))


def over_white(rgba: NDArray[np.uint8]) -> Rgb:
    """Return H x W x 4 (not premultiplied) over white, rounded as Pillow does it."""
    if rgba[..., 3].min(initial=255) == 255:
        return np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB))
    image = Image.fromarray(rgba)
    return rgb_of(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image))


def rgb_of(image: Image.Image) -> Rgb:
    """Return a Pillow image's RGB as an array that may be written to."""
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


_TURNS: dict[int, tuple[int | None, int | None]] = {
    2: (None, 1),
    3: (cv2.ROTATE_180, None),
    4: (None, 0),
    5: (cv2.ROTATE_90_CLOCKWISE, 1),
    6: (cv2.ROTATE_90_CLOCKWISE, None),
    7: (cv2.ROTATE_90_COUNTERCLOCKWISE, 1),
    8: (cv2.ROTATE_90_COUNTERCLOCKWISE, None),
}  # EXIF orientation -> turn, then cv2.flip's code (1: left and right, 0: up and down)


def orientation_of(image: Image.Image) -> int:
    """Return EXIF's orientation of a Pillow image; 1 where its metadata cannot be read.

    Broken metadata is no reason to refuse a picture: it is shown as it is stored.
    """
    try:
        orientation = int(image.getexif().get(0x0112, 1))
    except (ValueError, TypeError, SyntaxError, OSError, struct.error, Warning):
        return 1  # (a Warning where Python runs with -W error)
    return orientation if orientation in _TURNS else 1


def upright(rgb: Rgb, orientation: int) -> Rgb:
    """Return `rgb` turned and mirrored as EXIF 2.32's tag Orientation (1-8) asks."""
    turn, mirror = _TURNS.get(orientation, (None, None))
    if turn is not None:
        rgb = np.asarray(cv2.rotate(rgb, turn))
    if mirror is not None:
        rgb = np.asarray(cv2.flip(rgb, mirror))
    return np.ascontiguousarray(rgb)
