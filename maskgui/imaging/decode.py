"""Decode one image file to upright RGB."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


def read_rgb(path: Path) -> np.ndarray:
    """Return the upright image as uint8, H x W x 3, RGB."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
