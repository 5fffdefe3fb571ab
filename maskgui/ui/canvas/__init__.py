"""The canvas: an image, its instances above it, and the tools that change them."""

from maskgui.ui.canvas.canvas import Canvas
from maskgui.ui.canvas.scene import EditContext

__all__ = ["Canvas", "EditContext"]
