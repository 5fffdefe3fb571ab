"""What all pictures share: the real window offscreen, images that may be shown, and waiting."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PySide6.QtGui import QImage  # noqa: E402

from maskgui.assist.demo import prepare_demo  # noqa: E402
from maskgui.ui.app import make_application  # noqa: E402
from maskgui.ui.controller import Controller  # noqa: E402
from maskgui.ui.headless import wait_until  # noqa: E402
from maskgui.ui.options import Options  # noqa: E402

DOCS = ROOT / "docs"
DATA = ROOT.parent / "shared" / "data"
COCO_PHOTOS = DATA / "coco-photos"
NUCLEI = DATA / "nuclei"
THEMES = ("dark", "light")
CC_BY = 4  # the id of “Attribution License” in COCO's list
SECONDS = 300.0
QUALITY = 85


@contextmanager
def application(theme: str, settings: Path, size: tuple[int, int]) -> Iterator[Controller]:
    """Run the application in one theme, its window of a size, with settings of its own."""
    app, themes = make_application()
    options = Options(settings)
    options["theme"] = theme
    options["reduced_motion"] = True
    controller = Controller(app, themes, options)
    controller.mapping.asks = False
    controller.datasets.tells = False
    controller.window.resize(*size)
    controller.window.show()
    try:
        yield controller
    finally:
        controller.window.close()
        controller.close()


def demo_scenes(place: Path) -> list[Path]:
    """Copy the demo scenes; return what is to be opened."""
    return [prepare_demo(place / "machine-parts")]


def photographs(place: Path, name: str, ids: Sequence[int]) -> list[Path]:
    """Copy photographs under CC BY by their numbers in COCO, with their labels."""
    data = json.loads((COCO_PHOTOS / "instances.json").read_bytes())
    free = {one["id"]: one for one in data["images"] if one["license"] == CC_BY}
    data["images"] = [free[number] for number in ids]
    return [_labelled(place / name, COCO_PHOTOS / "images", data)]


def nuclei(place: Path, count: int) -> list[Path]:
    """Copy the first microscopy images, without labels."""
    folder = place / "nuclei"
    folder.mkdir()
    for image in sorted((NUCLEI / "val").glob("*.png"))[:count]:
        shutil.copy(image, folder)
    return [folder]


def labelled_nuclei(place: Path, names: Sequence[str]) -> list[Path]:
    """Copy microscopy images by name, with their labels."""
    data = json.loads((NUCLEI / "instances_val.json").read_bytes())
    data["images"] = [one for one in data["images"] if one["file_name"] in names]
    return [_labelled(place / "cells", NUCLEI / "val", data)]


def _labelled(folder: Path, source: Path, data: dict) -> Path:
    """Write the images that `data` names and what belongs to them; return the label file."""
    folder.mkdir()
    for image in data["images"]:
        shutil.copy(source / image["file_name"], folder)
    kept = {one["id"] for one in data["images"]}
    data["annotations"] = [one for one in data["annotations"] if one["image_id"] in kept]
    used = {one["category_id"] for one in data["annotations"]}
    data["categories"] = [one for one in data["categories"] if one["id"] in used]
    target = folder / f"{folder.name}.json"
    target.write_text(json.dumps(data))
    return target


def start(controller: Controller, paths: list[Path], model: str | None = None) -> None:
    """Open images, with a model chosen."""
    controller.start(paths, model)
    wait_until(lambda: controller.desk.record is not None, "Opening", SECONDS)
    wait_until(lambda: not controller.jobs.busy, "Importing", SECONDS)


def segment_all(controller: Controller) -> None:
    """Let the model find the instances of all images."""
    controller.segmenting.segment_all()
    wait_until(
        lambda: controller.segmenting.batch is None and not controller.jobs.busy,
        "Auto-segmenting",
        SECONDS,
    )


def show(controller: Controller, image_id: int) -> None:
    """Go to an image and wait until it is on the canvas."""
    controller.navigation.go(image_id)
    canvas = controller.canvas
    wait_until(lambda: canvas.scene.image_id == image_id, "Decoding", SECONDS)
    controller.window.toasts.clear()


def settle(controller: Controller) -> None:
    """Wait until everything in view is painted."""
    thumbnails = controller.navigation.thumbnails
    wait_until(lambda: not thumbnails.waiting, "Thumbnails", SECONDS)
    wait_until(controller.canvas.is_settled, "Painting", SECONDS)


def save(picture: QImage, path: Path) -> None:
    """Write a picture: PNG in all its colours, or WebP whose thin lines keep theirs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        picture.save(str(path))
    else:
        frame = as_vips(picture)
        frame.webpsave(str(path), Q=QUALITY, smart_subsample=True, effort=6)
    print(path.relative_to(ROOT))


def as_vips(picture: QImage):
    """Return a picture as an image of libvips."""
    import pyvips

    plain = picture.convertToFormat(QImage.Format.Format_RGB888)
    width, height, line = plain.width(), plain.height(), plain.bytesPerLine()
    rows = bytes(plain.constBits())
    packed = b"".join(rows[at * line : at * line + 3 * width] for at in range(height))
    return pyvips.Image.new_from_memory(packed, width, height, 3, "uchar")
