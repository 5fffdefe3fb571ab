"""Demo scenes: machine parts on a bench, drawn from a seed with exact masks."""

from maskgui.scenes.compose import (
    CATEGORIES,
    GENERATOR_VERSION,
    Scene,
    SceneObject,
    draw_scene,
)
from maskgui.scenes.write import encode_image, write_scenes

__all__ = [
    "CATEGORIES",
    "GENERATOR_VERSION",
    "Scene",
    "SceneObject",
    "draw_scene",
    "encode_image",
    "write_scenes",
]
