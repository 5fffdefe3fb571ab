"""TIFF: tifffile reads the tags and every deep, many-banded or unusually packed page.

Pillow keeps what it does well, 8 bits and less (palette, fax, CMYK, YCbCr); it cannot open
most pages of several 16-bit or float bands. tifffile with imagecodecs knows planar pages, tiles
and the newer compressions. It takes a quarter of a second to import: import this module lazily.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from maskgui.imaging.pixels import Raw

# Its log of oddities would go to a person's terminal; what matters comes as an exception.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

_PILLOW_COMPRESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946}  # none, fax, LZW, JPEG, deflate
_PHOTOMETRIC_MIN_IS_WHITE = 0
_PHOTOMETRIC_SEPARATED = 5
_ALPHA = (1, 2)  # associated, unassociated


@dataclass(frozen=True)
class TiffInfo:
    """The first page's tags; width and height as stored."""

    width: int
    height: int
    bits: int
    bands: int  # with alpha
    pages: int
    orientation: int
    alpha: bool
    for_pillow: bool
    note: str  # which bands and pages are shown, when that is not all


def read_info(path: Path) -> TiffInfo:
    """Read the tags of the first page, and count the pages; decodes nothing.

    Raises ValueError with the reason when the page's data lies behind the file's end.
    """
    with tifffile.TiffFile(path) as file:
        page = first_page(file)
        bits = int(np.max(page.bitspersample))  # one figure, or one for each band
        orientation = page.tags.get(274)
        pages = _count_pages(file)
        _check_complete(page, file.filehandle.size)
        return TiffInfo(
            width=int(page.imagewidth),
            height=int(page.imagelength),
            bits=bits,
            bands=int(page.samplesperpixel),
            pages=pages,
            orientation=int(orientation.value) if orientation is not None else 1,
            alpha=_has_alpha(page),
            for_pillow=bits <= 8 and int(page.compression) in _PILLOW_COMPRESSIONS,
            note=_note(page, pages),
        )


def is_tiled(path: Path) -> bool:
    """Tell whether the first page is stored in tiles; else it is in strips of whole rows."""
    with tifffile.TiffFile(path) as file:
        return bool(first_page(file).is_tiled)


def first_page(file: tifffile.TiffFile) -> tifffile.TiffPage:
    """Return the page that is shown. Raises ValueError where there is none."""
    if not len(file.pages):
        raise ValueError("it has no page")
    page = file.pages[0]
    assert isinstance(page, tifffile.TiffPage)
    if page.imagewidth == 0 or page.imagelength == 0:
        raise ValueError("it has no pixels: its width or height is 0")
    return page


def _count_pages(file: tifffile.TiffFile) -> int:
    """Count pages, also those of ImageJ's stacks, which have one directory for all planes."""
    stacked = (file.imagej_metadata or {}).get("images", 1) if file.is_imagej else 1
    return max(len(file.pages), int(stacked))


def _note(page: tifffile.TiffPage, pages: int) -> str:
    notes = [f"the first of {pages} pages is shown"] if pages > 1 else []
    bands = int(page.samplesperpixel)
    colors = bands - _has_alpha(page)
    if colors == 4 and int(page.photometric) == _PHOTOMETRIC_SEPARATED:
        colors = 3
    if colors not in (1, 3):
        shown = "first three" if colors > 3 else "first"
        notes.append(f"of {bands} bands the {shown} {'are' if colors > 3 else 'is'} shown")
    return "; ".join(notes)


def _check_complete(page: tifffile.TiffPage, file_size: int) -> None:
    ends = (a + b for a, b in zip(page.dataoffsets, page.databytecounts, strict=False))
    if max(ends, default=0) > file_size:
        raise ValueError("its pixels lie behind the end of the file")


def _has_alpha(page: tifffile.TiffPage) -> bool:
    extra = [int(value) for value in page.extrasamples]
    colors = int(page.samplesperpixel) - len(extra)
    return len(extra) >= 1 and extra[0] in _ALPHA and colors in (1, 3)


def decode(path: Path, info: TiffInfo) -> Raw:
    """Decode the first page: grey, RGB or the first three bands, and alpha when it has one.

    Raises ValueError for complex samples, and whatever tifffile and its codecs raise.
    """
    with tifffile.TiffFile(path) as file:
        page = first_page(file)
        return raw_of(page, info, _bands_last(page, page.asarray()))


def raw_of(page: tifffile.TiffPage, info: TiffInfo, samples: NDArray[Any]) -> Raw:
    """Return H x W x bands of the page, all of it or a piece, as grey or RGB and its alpha.

    Raises ValueError for complex samples.
    """
    if samples.dtype.kind == "c":
        raise ValueError("its samples are complex numbers")
    color, alpha = _pick_bands(samples, info)
    color = _plain_color(color, int(page.photometric), info.bits)
    if alpha is None:
        return Raw(color, orientation=info.orientation)
    if int(page.extrasamples[0]) == _ALPHA[0]:
        color = _unmultiplied(color, alpha)
    pixels = np.concatenate([color.reshape(*alpha.shape[:2], -1), alpha], axis=2)
    return Raw(pixels, True, info.orientation)


def _bands_last(page: tifffile.TiffPage, samples: NDArray[Any]) -> NDArray[Any]:
    """Return H x W x bands, the first plane where a page has depth."""
    axes = str(page.axes)
    if "Z" in axes:
        samples = samples.take(0, axis=axes.index("Z"))
        axes = axes.replace("Z", "")
    if axes == "SYX":
        return np.moveaxis(samples, 0, -1)
    return samples[..., np.newaxis] if axes == "YX" else samples


def _pick_bands(samples: NDArray[Any], info: TiffInfo) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Split H x W x bands into color (H x W or H x W x 3 or 4 of CMYK) and alpha."""
    if samples.dtype == np.bool_:
        samples = samples.astype(np.uint8)
    if info.alpha:
        colors = 1 if info.bands == 2 else 3
        color = samples[..., 0] if colors == 1 else samples[..., :3]
        return np.ascontiguousarray(color), samples[..., colors : colors + 1]
    if info.bands < 3:
        return np.ascontiguousarray(samples[..., 0]), None
    return np.ascontiguousarray(samples[..., :4] if info.bands == 4 else samples[..., :3]), None


def _plain_color(color: NDArray[Any], photometric: int, bits: int) -> NDArray[Any]:
    """Undo inverted grey and ink colours, drop a fourth band, spread fewer than 8 bits."""
    if color.dtype == np.uint8 and bits < 8:
        color = (color.astype(np.uint16) * 255 // (2**bits - 1)).astype(np.uint8)
    top = np.iinfo(color.dtype).max if color.dtype.kind in "iu" else 1
    if photometric == _PHOTOMETRIC_MIN_IS_WHITE and color.ndim == 2:
        return (top - color).astype(color.dtype)
    if color.ndim == 3 and color.shape[2] == 4:
        if photometric == _PHOTOMETRIC_SEPARATED:
            light = (top - color.astype(np.float64)) / top
            return (light[..., :3] * light[..., 3:] * top).astype(color.dtype)
        return np.ascontiguousarray(color[..., :3])
    return color


def _unmultiplied(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Divide premultiplied colour by its alpha."""
    top = np.iinfo(color.dtype).max if color.dtype.kind in "iu" else 1.0
    share = np.clip(alpha.astype(np.float64) / top, 1e-6, 1)
    whole = color / (share if color.ndim == 3 else share[..., 0])
    return np.clip(whole, None, top).astype(color.dtype)
