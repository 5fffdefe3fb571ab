"""MaskGUI: label images with Mask R-CNN, correct by hand, export COCO."""

__version__ = "0.1.0"
