"""Images larger than memory, in the real window: first view, next views, memory, pyramid.

A tiled TIFF (deflate) and a JPEG are made in a temporary folder, repeats of one textured picture,
and each is opened in a process of its own: once without a pyramid, once with it.

    python benchmarks/large.py [--tiff 32768] [--jpeg 30000x20000] [--json]
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.child import measured, memory_mb

FIRST_VIEW_GOAL_S = 3.0
TILE, TEXTURE = 256, 2048
SCALES = (1.0, 0.5, 0.25)
WAIT_S = 300.0


def texture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a square picture with detail of every size and a little noise."""
    import cv2

    rng = np.random.default_rng(0)
    sides = ((8, 60.0), (64, 40.0), (512, 20.0), (TEXTURE, 2.0))
    layers = [
        cv2.resize(rng.standard_normal((side, side, 3), np.float32), (TEXTURE, TEXTURE)) * weight
        for side, weight in sides
    ]
    return np.clip(sum(layers) + 128, 0, 255).astype(np.uint8)


def make_tiff(path: Path, side: int) -> None:
    """Write a square tiled TIFF; every different tile is packed once."""
    import imagecodecs
    import tifffile

    picture, packed = texture(), dict[tuple[int, int], bytes]()

    def tiles() -> Any:
        for y in range(0, side, TILE):
            for x in range(0, side, TILE):
                place = y % TEXTURE, x % TEXTURE
                if place not in packed:
                    tile = picture[place[0] : place[0] + TILE, place[1] : place[1] + TILE]
                    flat = imagecodecs.delta_encode(np.ascontiguousarray(tile), axis=1)
                    packed[place] = imagecodecs.zlib_encode(flat.tobytes(), level=1)
                yield packed[place]

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side, 3),
        dtype="uint8",
        tile=(TILE, TILE),
        photometric="rgb",
        compression="deflate",
        predictor=True,
        bigtiff=True,
    )


def make_jpeg(path: Path, width: int, height: int) -> None:
    """Write a JPEG of quality 90, streamed."""
    import pyvips

    picture = pyvips.Image.new_from_array(texture())
    across, down = -(-width // TEXTURE), -(-height // TEXTURE)
    picture.replicate(across, down).crop(0, 0, width, height).jpegsave(str(path), Q=90)


def measure(path: Path) -> dict[str, float]:
    """Open an image in the real window. Run in a process of its own.

    Memory in MB: the peak of what is resident, and what of it is not files' pages at the end.
    """
    from PySide6.QtWidgets import QApplication

    from maskgui.ui.controller import Controller
    from maskgui.ui.options import Options
    from maskgui.ui.theme import ThemeSwitch

    app = QApplication([])
    window = Controller(app, ThemeSwitch(app), Options())
    window.options["reduced_motion"] = True
    window.window.resize(1600, 1000)
    window.window.show()

    def until(condition: Any) -> float:
        start = time.perf_counter()
        while not condition() and time.perf_counter() - start < WAIT_S:
            app.processEvents()
            time.sleep(0.002)
        return round(time.perf_counter() - start, 2)

    found: dict[str, float] = {}
    cpu = time.process_time()
    window.start([path], None)
    canvas, layer = window.canvas, window.canvas._image
    found["first_view_s"] = until(lambda: canvas.scene.image_id is not None)
    mosaic = layer._mosaic
    assert mosaic is not None
    pixels = mosaic.pixels
    found["first_view_s"] += until(
        lambda: pixels.complete or bool(pixels.overview()[::64, ::64].std() > 1)
    )
    found["first_view_cpu_s"] = round(time.process_time() - cpu, 2)
    found["pyramid_s"] = until(lambda: pixels.complete or pixels.problem is not None)
    found["pyramid_cpu_s"] = round(time.process_time() - cpu, 2)
    for scale in SCALES:
        canvas.view.show(scale, pixels.shape[1] * 0.4, pixels.shape[0] * 0.4)
        canvas.scroll_by(0, 0)
        level = mosaic.level_for(canvas.view.scale)
        if level is not None:
            box = mosaic._level_box(level, canvas.view.visible_box())
            places = [(level, *place) for place in pixels.grid.tiles(box)]
            found[f"view_at_{scale:g}_s"] = until(
                lambda places=places: all(pixels.tile(one) is not None for one in places)
            )
    memory = memory_mb()
    if memory:
        found |= {"peak_mb": round(memory["VmHWM"]), "own_mb": round(memory["RssAnon"])}
    window.window.close()
    window.close()
    return found


def main() -> int:
    """Print the figures; return 1 when a first view takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiff", type=int, default=32768, help="side of the TIFF")
    parser.add_argument("--jpeg", default="30000x20000", help="size of the JPEG")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    given, _ = parser.parse_known_args()
    if given.open:
        print(json.dumps(measure(given.open)))
        return 0
    width, height = (int(figure) for figure in given.jpeg.split("x"))
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for kind in ("tiff", "jpeg"):
            (home / kind).mkdir()
            path = home / kind / f"large.{kind}"
            if kind == "tiff":
                make_tiff(path, given.tiff)
            else:
                make_jpeg(path, width, height)
            for name in (kind, f"{kind}, again"):
                found[name] = measured(__file__, ["--open", str(path)], home)
            path.unlink()
    if given.json:
        print(json.dumps(found))
    else:
        for name, figures in found.items():
            print(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in figures.items()))
    return int(any(one["first_view_s"] > FIRST_VIEW_GOAL_S for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
