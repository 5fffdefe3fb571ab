"""The one place that converts between screen and image coordinates.

Three kinds of coordinates meet here. Image coordinates are continuous: pixel (i, j) covers
[i, i+1) x [j, j+1). Device coordinates are continuous too, in physical pixels of the widget, from
its top left; `scale` is device pixels per image pixel, so that 100 % shows one image pixel on one
physical pixel. Logical coordinates are what Qt's events and painters use: device divided by the
device pixel ratio.

The half-pixel rule: a mouse position names a device pixel by its top left corner, and means the
centre of that pixel. So pointer -> image adds half a device pixel; painting adds nothing.

The image's corner always lies on a whole device pixel. Tiles painted once can then be shown at any
scroll position without being resampled, and image pixels are sharp at whole-number scales.
"""

import math

from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QTransform

from maskgui.core.shape import Box

LARGEST_SCALE = 64.0
SMALLEST_SIDE = 24.0
"""Device pixels: the image cannot be made smaller than this."""
FIT_MARGIN = 16.0
"""Logical pixels left free around a fitted image."""
KEEP_IN_VIEW = 48.0
"""Logical pixels of the image that scrolling always leaves in the widget."""


class Viewport:
    """Where the image lies in the widget, and how large."""

    def __init__(self) -> None:
        self.width = 1.0  # of the widget, logical
        self.height = 1.0
        self.ratio = 1.0  # device pixels per logical pixel
        self.image_width = 0
        self.image_height = 0
        self.scale = 1.0  # device pixels per image pixel
        self._left = 0.0  # device position of the image's corner, before rounding
        self._top = 0.0

    @property
    def origin(self) -> tuple[int, int]:
        """The device pixel on which the image's corner lies."""
        return (round(self._left), round(self._top))

    @property
    def logical_scale(self) -> float:
        """Logical pixels per image pixel: what distances on the screen are measured by."""
        return self.scale / self.ratio

    @property
    def state(self) -> tuple[float, float, float]:
        """Scale and image point at the widget's centre: what an animation runs between."""
        x = (self.width * self.ratio / 2 - self._left) / self.scale
        y = (self.height * self.ratio / 2 - self._top) / self.scale
        return (self.scale, x, y)

    def resize(self, width: float, height: float, ratio: float) -> None:
        """The widget changed; the image point at its centre stays there."""
        scale, x, y = self.state
        logical = scale / self.ratio
        self.width, self.height, self.ratio = max(width, 1.0), max(height, 1.0), ratio
        if self.image_width:
            self.show(logical * ratio, x, y)

    def set_image(self, width: int, height: int) -> None:
        """Another image is shown, width x height pixels."""
        self.image_width, self.image_height = width, height

    def show(self, scale: float, x: float, y: float) -> None:
        """Put the image point (x, y) at the widget's centre, at a scale within the limits."""
        self.scale = min(max(scale, self.smallest_scale), LARGEST_SCALE)
        self._left = self.width * self.ratio / 2 - x * self.scale
        self._top = self.height * self.ratio / 2 - y * self.scale
        self._keep_in_view()

    @property
    def smallest_scale(self) -> float:
        """The scale below which zooming out stops."""
        side = max(self.image_width, self.image_height, 1)
        return min(SMALLEST_SIDE / side, 1.0)

    def fit_state(self) -> tuple[float, float, float]:
        """Return the state that shows the whole image, enlarged at most to 100 % x ratio... x 8."""
        return self.box_state((0.0, 0.0, self.image_width, self.image_height), FIT_MARGIN, 8.0)

    def box_state(
        self, box: Box, margin: float, largest: float = LARGEST_SCALE
    ) -> tuple[float, float, float]:
        """Return the state that shows a box with `margin` logical pixels around it."""
        wide = max(self.width - 2 * margin, 8.0) * self.ratio / max(box[2] - box[0], 1.0)
        high = max(self.height - 2 * margin, 8.0) * self.ratio / max(box[3] - box[1], 1.0)
        return (min(wide, high, largest), (box[0] + box[2]) / 2, (box[1] + box[3]) / 2)

    def zoom_at(self, x: float, y: float, factor: float) -> None:
        """Scale by a factor; what lies under the logical position (x, y) stays there."""
        image_x, image_y = self.to_image(x, y)
        self.scale = min(max(self.scale * factor, self.smallest_scale), LARGEST_SCALE)
        self._left = x * self.ratio + 0.5 - image_x * self.scale
        self._top = y * self.ratio + 0.5 - image_y * self.scale
        self._keep_in_view()

    def scroll(self, dx: float, dy: float) -> None:
        """Move the image by logical pixels."""
        self._left += dx * self.ratio
        self._top += dy * self.ratio
        self._keep_in_view()

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Return the image point that a mouse position (logical) means: its pixel's centre."""
        left, top = self.origin
        return (
            (x * self.ratio + 0.5 - left) / self.scale,
            (y * self.ratio + 0.5 - top) / self.scale,
        )

    def to_screen(self, x: float, y: float) -> QPointF:
        """Return where an image point is painted, in logical coordinates."""
        left, top = self.origin
        return QPointF((left + x * self.scale) / self.ratio, (top + y * self.scale) / self.ratio)

    def box_to_screen(self, box: Box) -> QRectF:
        """Return where an image box is painted, in logical coordinates."""
        return QRectF(self.to_screen(box[0], box[1]), self.to_screen(box[2], box[3]))

    def device_rect(self, rect: QRectF) -> QRect:
        """Return the whole device pixels that a logical rectangle touches."""
        corner, size = rect.topLeft() * self.ratio, rect.size() * self.ratio
        return QRectF(corner, size).toAlignedRect()

    def transform(self) -> QTransform:
        """Return image -> logical coordinates, for a painter on the widget."""
        left, top = self.origin
        scale = self.logical_scale
        return QTransform(scale, 0, 0, scale, left / self.ratio, top / self.ratio)

    def visible_box(self) -> Box:
        """Return the part of the image that the widget shows; of no area when it shows none."""
        left, top = self.origin
        x0, y0 = max(-left / self.scale, 0.0), max(-top / self.scale, 0.0)
        x1 = min((self.width * self.ratio - left) / self.scale, float(self.image_width))
        y1 = min((self.height * self.ratio - top) / self.scale, float(self.image_height))
        return (x0, y0, max(x1, x0), max(y1, y0))

    def device_view(self) -> tuple[int, int, int, int]:
        """Return the widget's rectangle in device pixels from the image's corner, x0 y0 x1 y1."""
        left, top = self.origin
        width, height = self.width * self.ratio, self.height * self.ratio
        return (-left, -top, math.ceil(width) - left, math.ceil(height) - top)

    def _keep_in_view(self) -> None:
        keep = KEEP_IN_VIEW * self.ratio
        self._left = _within(
            self._left, self.width * self.ratio, self.image_width * self.scale, keep
        )
        self._top = _within(
            self._top, self.height * self.ratio, self.image_height * self.scale, keep
        )


def _within(start: float, room: float, length: float, keep: float) -> float:
    """Return the start that leaves `keep` of a length, or all of a short one, inside the room."""
    keep = min(keep, length, room)
    return min(max(start, keep - length), room - keep)
