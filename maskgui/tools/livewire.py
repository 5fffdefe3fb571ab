"""Paths that cling to the edges of an image, from one anchor to wherever the pointer is.

OpenCV's intelligent scissors (Mortensen and Barrett 1995). Measured: its map costs about 1 s a
megapixel, a path from a finished map 10 microseconds; so the map is made for a small window on a
thread, and the paths are asked for while the pointer moves. Its traps: a target left of the window
is answered with nonsense and without an error, one right of it with an exception; paths name
pixels, not points.
"""

from typing import Any

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray

from maskgui.tools.base import Pixels

REACH = 256
"""Pixels (of the shrunken window) from the anchor in each direction that the map covers."""
LOOSE = 0.8
"""Pixels that a path may leave the scissors' staircase."""

Points = NDArray[np.float64]


class LiveWire:
    """The map of one anchor; made on a thread, then asked on any other."""

    def __init__(
        self, pixels: Pixels, anchor: tuple[float, float], corner: tuple[int, int], shrink: int
    ) -> None:
        """`pixels` is the window whose upper left is `corner`; `anchor` in image coordinates."""
        height, width = pixels.shape[:2]
        size = (max(1, width // shrink), max(1, height // shrink))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink > 1 else pixels
        self._pitch = np.array([width / size[0], height / size[1]])
        self._corner, self._size = np.array(corner), size
        self.anchor = anchor
        self._scissors: Any = cv2.segmentation.IntelligentScissorsMB()
        self._scissors.setEdgeFeatureCannyParameters(32, 100)
        self._scissors.setGradientMagnitudeMaxLimit(200)
        self._scissors.applyImage(np.ascontiguousarray(small))
        self._scissors.buildMap(self._pixel(anchor))

    def path_to(self, x: float, y: float) -> Points:
        """Return the path (N x 2, N >= 2) from the anchor to a point, both included.

        Beyond the window it goes on straight from the window's border.
        """
        found = self._scissors.getContour(self._pixel((x, y)))
        centres = (np.asarray(found).reshape(-1, 2) + 0.5) * self._pitch + self._corner
        inner = centres[1:-1] if len(centres) > 2 else np.empty((0, 2))
        line = shapely.LineString(np.vstack([self.anchor, inner, (x, y)]))
        loose = LOOSE * float(self._pitch.max())
        kept = shapely.simplify(line, loose, preserve_topology=False)
        return np.asarray(shapely.get_coordinates(kept), dtype=np.float64)

    def _pixel(self, point: tuple[float, float]) -> tuple[int, int]:
        """Return the pixel of the window that holds a point, the nearest when none does."""
        x, y = np.floor((np.array(point) - self._corner) / self._pitch).astype(int).tolist()
        return (min(max(x, 0), self._size[0] - 1), min(max(y, 0), self._size[1] - 1))
