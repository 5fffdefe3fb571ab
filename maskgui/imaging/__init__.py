"""Reading image files: upright RGB pixels from whatever a camera or microscope wrote."""

from maskgui.imaging.decode import read_rgb

__all__ = ["read_rgb"]
