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
FAINTEST = 100.0
"""Sobel's gradient from which a point snaps: what Canny above takes for an edge by itself."""
LOOSE = 0.8
"""Pixels that a path may leave the scissors' staircase."""

Points = NDArray[np.float64]


class LiveWire:
    """The map of one anchor; made on a thread, then asked on any other."""

    def __init__(
        self,
        pixels: Pixels,
        anchor: tuple[float, float],
        corner: tuple[int, int],
        shrink: int,
        snap: float = 0.0,
    ) -> None:
        """`pixels` is the window whose upper left is `corner`; `anchor` in image coordinates.

        The anchor goes to the strongest edge within `snap` image pixels.
        """
        height, width = pixels.shape[:2]
        size = (max(1, width // shrink), max(1, height // shrink))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink > 1 else pixels
        self._pitch = np.array([width / size[0], height / size[1]])
        self._corner, self._size = np.array(corner), size
        self._edges = _gradient(small)
        self.anchor = self.snapped(anchor, snap)
        self._scissors: Any = cv2.segmentation.IntelligentScissorsMB()
        self._scissors.setEdgeFeatureCannyParameters(32, 100)
        self._scissors.setGradientMagnitudeMaxLimit(200)
        self._scissors.applyImage(np.ascontiguousarray(small))
        self._scissors.buildMap(self._pixel(self.anchor))

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

    def snapped(self, point: tuple[float, float], reach: float) -> tuple[float, float]:
        """Return the strongest edge within `reach` image pixels of a point, the nearer of equals.

        The point itself where there is none, or where it lies outside of the window.
        """
        middle = np.array(self._pixel(point))
        if reach <= 0 or (np.abs(self._centre(middle) - point) > self._pitch).any():
            return point
        low = np.maximum(middle - np.ceil(reach / self._pitch).astype(int), 0)
        high = middle + np.ceil(reach / self._pitch).astype(int) + 1
        near = self._edges[low[1] : high[1], low[0] : high[0]]
        rows, columns = np.indices(near.shape)
        centres = self._centre(np.stack([columns, rows], axis=-1) + low)
        away = np.hypot(*np.moveaxis(centres - point, -1, 0))
        pull = np.where((away <= reach) & (near >= FAINTEST), near * (1 - away / (2 * reach)), 0)
        best = np.unravel_index(int(pull.argmax()), pull.shape)
        if not pull[best]:
            return point
        x, y = centres[best].tolist()
        return (x, y)

    def _centre(self, pixels: NDArray[np.int_]) -> Points:
        """Return the middles of pixels of the window in image coordinates."""
        return np.asarray((pixels + 0.5) * self._pitch + self._corner)

    def _pixel(self, point: tuple[float, float]) -> tuple[int, int]:
        """Return the pixel of the window that holds a point, the nearest when none does."""
        x, y = np.floor((np.array(point) - self._corner) / self._pitch).astype(int).tolist()
        return (min(max(x, 0), self._size[0] - 1), min(max(y, 0), self._size[1] - 1))


def _gradient(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the length of the brightness' gradient (H x W), by Sobel."""
    grey = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY)
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down), dtype=np.float32)
