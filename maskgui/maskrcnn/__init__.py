"""The network: its variants, weights, inference, training and evaluation.

`Config`, `build(config)` and `load(path)` are what others start from; they are imported at their
first use, because torch takes its time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskgui.maskrcnn.builder import build
    from maskgui.maskrcnn.config import Config
    from maskgui.maskrcnn.models import load

__all__ = ["Config", "build", "load"]

_PLACES = {
    "Config": ("config", "Config"),
    "build": ("builder", "build"),
    "load": ("models", "load"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
