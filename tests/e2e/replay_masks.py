"""Masks of outlines by COCO's own rasteriser, as the replay compares them."""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import pycocotools.mask

Rings = Sequence[np.ndarray]
"""The exterior of a part, N x 2, and its holes."""


def mask_of(parts: Iterable[Rings], size: Sequence[float]) -> np.ndarray:
    """Return the pixels of an outline's parts, H x W bool; size: width and height."""
    width, height = (int(side) for side in size)
    found = np.zeros((height, width), bool)
    for part in parts:
        exterior, *holes = (_filled(ring, height, width) for ring in part)
        for hole in holes:
            exterior = exterior & ~hole
        found |= exterior
    return found


def read_mask(segmentation: dict | list, size: Sequence[float]) -> np.ndarray:
    """Return the pixels of an annotation's segmentation as pycocotools reads it, H x W bool."""
    width, height = (int(side) for side in size)
    runs = pycocotools.mask.frPyObjects(segmentation, height, width)
    return _decoded(pycocotools.mask.merge(runs) if isinstance(runs, list) else runs)


def _filled(ring: np.ndarray, height: int, width: int) -> np.ndarray:
    return _decoded(pycocotools.mask.frPyObjects([ring.ravel()], height, width)[0])


def _decoded(run: dict) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own array, of an older numpy
        return pycocotools.mask.decode(run).astype(bool)
