"""The builder's former place."""

from maskgui.maskrcnn.builder import build  # noqa: F401
