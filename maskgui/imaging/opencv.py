"""OpenCV, without the Qt settings that it leaves in the environment.

The wheel points QT_QPA_PLATFORM_PLUGIN_PATH and QT_QPA_FONTDIR at its own copies; a child
process would inherit them and start PySide6 with the wrong plugins.
"""

import os

import cv2

for _name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    os.environ.pop(_name, None)

__all__ = ["cv2"]
