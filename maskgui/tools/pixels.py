"""The image work that tools ask for: pure functions of a window of pixels, to run on a thread.

All take upright RGB uint8 (H x W x 3) and coordinates of that window, pixel (i, j) covering
[i, i+1) x [j, j+1), and hold no state.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from maskgui.core.errors import UserError
from maskgui.core.raster import shape_to_mask
from maskgui.core.shape import Polygon, Shape
from maskgui.core.simplify import outline_of
from maskgui.tools.base import Pixels

MOST_PIXELS = 400_000
"""GrabCut works on a smaller copy of windows above this; a pass of it takes 1 s a megapixel."""
GRABCUT_ROUNDS = 4


def flood(pixels: Pixels, seed: tuple[int, int], tolerance: int) -> Shape:
    """Return the connected area whose colours differ from the seed pixel's by `tolerance` or less.

    The difference counts in each of R, G, B. Specks below about 3 x 3 pixels are smoothed away,
    unless nothing else would be left.
    """
    height, width = pixels.shape[:2]
    found = np.zeros((height + 2, width + 2), np.uint8)
    spread = (tolerance,) * 3
    flags = 4 | (255 << 8) | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY
    cv2.floodFill(np.ascontiguousarray(pixels), found, seed, (0, 0, 0), spread, spread, flags)
    exact = found[1:-1, 1:-1]
    smooth = cv2.medianBlur(np.ascontiguousarray(exact), 5)
    return outline_of((smooth if smooth.any() else exact) > 0)


def refine(pixels: Pixels, shape: Shape, band: float) -> Shape:
    """Return the shape with its outline moved, by GrabCut, within `band` pixels of where it was.

    What lies deeper inside stays, what lies farther outside stays out (Rother, Kolmogorov and
    Blake 2004, with the trimap from the outline). Raises UserError when the window has no pixel
    that is certainly outside, or the shape none that is inside.
    """
    shrink = min(1.0, float(np.sqrt(MOST_PIXELS / (pixels.shape[0] * pixels.shape[1]))))
    small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    fx, fy = width / pixels.shape[1], height / pixels.shape[0]
    mask = shape_to_mask(_scaled(shape, fx, fy), height, width)
    trimap = _trimap(mask, max(1.5, band * shrink))
    outside, within = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(1)  # of this thread: the same outline gives the same result
    colors = np.ascontiguousarray(small)
    whole = (0, 0, width, height)  # not looked at: the trimap has it all
    mode = cv2.GC_INIT_WITH_MASK
    cv2.grabCut(colors, trimap, whole, outside, within, GRABCUT_ROUNDS, mode)
    inside = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
    smooth = cv2.medianBlur(inside.astype(np.uint8), 5) > 0
    return _scaled(outline_of(smooth), 1 / fx, 1 / fy)


def _trimap(mask: NDArray[np.bool_], band: float) -> NDArray[np.uint8]:
    """Return GrabCut's labels (H x W): certain outside the band, likely inside it."""
    ours = mask.astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(ours, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    away = cv2.distanceTransform(1 - ours, cv2.DIST_L2, 5)
    if not mask.any():
        raise UserError("The instance covers no pixel here: zoom in and draw it larger")
    if not (away > band).any():
        raise UserError("The image shows nothing beside the instance: make the band narrower")
    trimap = np.where(mask, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[away > band] = cv2.GC_BGD
    trimap[depth > min(band, 0.7 * float(depth.max()))] = cv2.GC_FGD
    return trimap


def _scaled(shape: Shape, fx: float, fy: float) -> Shape:
    by = np.array([fx, fy])
    return Shape(
        Polygon(part.exterior * by, [hole * by for hole in part.holes]) for part in shape.parts
    )
