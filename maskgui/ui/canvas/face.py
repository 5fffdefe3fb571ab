"""What the canvas shows besides image and instances, and the order in which a frame is painted."""

from dataclasses import dataclass, field

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from maskgui.core.shape import Shape
from maskgui.tools.base import Overlay
from maskgui.ui.canvas import frame
from maskgui.ui.canvas.decorations import Brush, draw_pixel_grid
from maskgui.ui.canvas.overlay import InstanceLayer
from maskgui.ui.canvas.pyramid import ImageLayer
from maskgui.ui.canvas.scene import CanvasScene


@dataclass
class Face:
    """The words, the bar, the tool's overlay and the outline that waits for a category."""

    overlay: Overlay = field(default_factory=Overlay)
    message: str = ""  # why the image cannot be shown
    note: str = ""  # a short word on the image
    busy: float | None = None  # how far work on this image is, 0-1
    opacity: float = 1.0  # of the instances
    pending: Shape | None = None
    covered: QRectF = field(default_factory=QRectF)  # by a bar that lies over the canvas
    vertices: bool = False  # show those of selected instances however crowded they are


def paint(
    brush: Brush, scene: CanvasScene, image: ImageLayer, layer: InstanceLayer, face: Face
) -> None:
    """Compose one frame."""
    if scene.image_id is None:
        whole = QRectF(0, 0, brush.view.width, brush.view.height)
        brush.painter.fillRect(whole, brush.colors.surround)
        frame.draw_message(brush, face.message)
    else:
        image.draw(brush.painter, brush.view, brush.colors.surround)
        draw_pixel_grid(brush)
        _paint_instances(brush, scene, layer, face)
        if face.note:
            frame.draw_note(brush, face.note)
    if face.busy is not None:
        frame.draw_busy(brush, face.busy)


def _paint_instances(brush: Brush, scene: CanvasScene, layer: InstanceLayer, face: Face) -> None:
    painter = brush.painter
    painter.setOpacity(face.opacity)
    layer.draw(painter)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    frame.draw_live(brush, layer, scene, face.overlay, vertices=face.vertices)
    painter.setOpacity(1.0)
    if face.pending is not None:
        frame.draw_pending(brush, face.pending)
    if face.opacity > 0:
        frame.draw_labels(brush, layer, scene, face.overlay, face.covered)
