"""What a file is that cannot be read as weights, from its first bytes and its names of tensors."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

EXPECTED = (
    "expected the weights of a Mask R-CNN: torchvision's, your own state_dict or checkpoint, or "
    "detectron2's R50, R101 or X101"
)

HEAD = 512
"""Bytes that are looked at."""

BROKEN_ZIP = (
    zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError,
    struct.error, zlib.error,
)  # fmt: skip
"""What a damaged archive makes zipfile raise."""

_STARTS = (
    (b"version https://git-lfs", "a Git LFS pointer instead of the weights; run `git lfs pull`"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"7z\xbc\xaf", "a 7-zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%PDF", "a PDF document"),
)

# By names of tensors that only such networks have; the first that fits counts.
_NETWORKS = (
    ("roi_heads.keypoint_head", "a Keypoint R-CNN"),
    ("head.classification_head", "a RetinaNet"),
    ("rpn_head.rpn_conv", "an mmdetection model"),
    ("roi_head.bbox_head", "an mmdetection model"),
    ("model.0.conv", "a YOLO model"),
    ("model.model.0.conv", "a YOLO model"),
    ("image_encoder", "a Segment Anything model"),
    ("sam2", "a Segment Anything 2 model"),
    ("transformer.encoder", "a transformer (such as DETR)"),
    ("unet", "a U-Net"),
    ("roi_heads.box_predictor", "an R-CNN of another kind"),
    ("blocks.0.attn", "a vision transformer"),
    ("encoder.layer", "a transformer"),
    ("fc.weight", "an image classifier"),
    ("classifier", "an image classifier"),
    ("head.fc", "an image classifier"),
)


def file_kind(path: Path) -> str:
    """Return in words what a file that holds no weights seems to be. Reads its first bytes only."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "is empty; it may be a download that did not start"
    if head.startswith(b"PK"):
        return _zip_kind(path)
    tests = {
        _by_start(head): True,
        "is a web page, not weights; download the file itself": b"<html" in head.lower()
        or head.lstrip()[:1] == b"<",
        "is an ONNX model, which has no state_dict any more": head[:1] == b"\x08"
        and (path.suffix == ".onnx" or b"pytorch" in head or b"onnx" in head),
        "is a safetensors file under another name; call it .safetensors": path.suffix
        != ".safetensors"
        and _is_safetensors(path, head),
        "is a text file": _is_text(head),
    }
    fitting = (words for words, fits in tests.items() if words and fits)
    return next(fitting, "is damaged, cut off or no weights file")


def network_kind(names: Iterable[str]) -> str:
    """Return in words which other network has tensors of these names."""
    names = list(names)
    for start, words in _NETWORKS:
        if any(name.startswith(start) for name in names):
            return words
    return f"{len(names)} tensors of another kind of network (such as “{names[0]}”)"


def _by_start(head: bytes) -> str:
    return next((f"is {words}" for start, words in _STARTS if head.startswith(start)), "")


def _zip_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except BROKEN_ZIP:
        return "is damaged or cut off, perhaps a download that did not finish; fetch it again"
    if any(name.endswith("constants.pkl") for name in names):
        return "is a TorchScript program; save model.state_dict() instead"
    if any(name.endswith(".npy") for name in names):
        return "is a NumPy archive (.npz)"
    if any(name.endswith("data.pkl") for name in names):
        return "is damaged or was written by another PyTorch"
    return "is a zip archive without weights"


def _is_safetensors(path: Path, head: bytes) -> bool:
    size = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and 2 <= size <= path.stat().st_size - 8


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(head) < HEAD or error.start < HEAD - 3:
            return False  # else a letter is cut in two
        text = head[: error.start].decode("utf-8")
    return all(letter.isprintable() or letter.isspace() for letter in text)
