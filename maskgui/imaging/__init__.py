"""Reading image files: upright RGB pixels from whatever a camera or microscope wrote."""

from maskgui.imaging.decode import Decoded, read_image, read_rgb, thumbnail
from maskgui.imaging.errors import ImageError
from maskgui.imaging.header import MAX_MEGAPIXELS, Header, read_header
from maskgui.imaging.scan import (
    IMAGE_SUFFIXES,
    files_by_name,
    natural_key,
    natural_order,
    one_file,
    scan_folder,
)
from maskgui.imaging.window import Window

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_MEGAPIXELS",
    "Decoded",
    "Header",
    "ImageError",
    "Window",
    "files_by_name",
    "natural_key",
    "natural_order",
    "one_file",
    "read_header",
    "read_image",
    "read_rgb",
    "scan_folder",
    "thumbnail",
]
