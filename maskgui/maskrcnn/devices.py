"""Where a network can run, and getting torch into the process without holding the window up.

torch is imported inside the functions: they also serve to say what is wrong with it.
"""

import ctypes
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from maskgui.core.errors import UserError

CPU = "cpu"
DEVICES = ("auto", "cuda", "mps", CPU)

# In the order in which they need each other; those of other builds are missing.
LIBRARIES = ("c10", "c10_cuda", "torch_cpu", "torch_cuda", "torch", "torch_python")


def preload_torch() -> None:
    """Load torch's shared libraries ahead of `import torch`.

    The import holds the interpreter lock for as long as the loader works (200-800 ms), and so does
    ctypes when it loads a library itself; the loader's own function, called through ctypes, lets
    it go. Nothing happens when torch is there already, is missing, or on Windows, where the import
    knows best in which order its libraries load.
    """
    if "torch" in sys.modules or sys.platform == "win32":
        return
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.argtypes, dlopen.restype = [ctypes.c_char_p, ctypes.c_int], ctypes.c_void_p
    folder = Path(spec.origin).parent / "lib"
    suffix = "dylib" if sys.platform == "darwin" else "so"
    for name in LIBRARIES:
        # What is missing or cannot be loaded is reported by the import itself, in its own words.
        dlopen(os.fsencode(folder / f"lib{name}.{suffix}"), os.RTLD_NOW)


def check_torch() -> str | None:
    """Return None when torch and torchvision load and fit each other, else what is wrong."""
    try:
        torch = importlib.import_module("torch")
        torchvision = importlib.import_module("torchvision")
    except (ImportError, OSError) as error:
        return f"torch and torchvision cannot be loaded ({error}); install them again."
    except RuntimeError as error:
        # torchvision registers its operators on import and fails there beside a strange torch.
        return _mismatch(str(error))
    try:
        torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (RuntimeError, NotImplementedError) as error:
        return _mismatch(f"torch {torch.__version__}, torchvision {torchvision.__version__}", error)
    return None


def _mismatch(versions: str, error: Exception | None = None) -> str:
    reason = f": {str(error).splitlines()[0]}" if error else ""
    return (
        f"torch and torchvision do not fit each other ({versions}{reason}); install both from the "
        "same package index."
    )


def available_devices() -> list[str]:
    """Return the devices of this machine, the fastest first; the CPU is always among them."""
    torch = _torch()
    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, CPU]


def pick_device(wanted: str = "auto") -> str:
    """Return the device to run on: CUDA where there is any, else the CPU, unless one is named.

    MPS is taken by name only. Raises UserError for a device that is unknown or not there.
    """
    if wanted not in DEVICES:
        raise UserError(f"There is no device “{wanted}”; choose one of {', '.join(DEVICES)}.")
    if wanted == CPU:
        return CPU
    found = available_devices()
    if wanted == "auto":
        return "cuda" if "cuda" in found else CPU
    if wanted not in found:
        raise UserError(
            f"The device “{wanted}” is not available on this machine; choose {' or '.join(found)}."
        )
    return wanted


def device_name(device: str) -> str:
    """Return what to show a person for a device: the GPU's own name, or CPU."""
    return str(_torch().cuda.get_device_name()) if device == "cuda" else device.upper()


def _torch() -> Any:
    return importlib.import_module("torch")
