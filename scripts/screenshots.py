"""Take the pictures of README and docs: the real window, offscreen, light and dark.

The demo scenes ship; the microscopy and street images lie in ../shared/data and are skipped with a
reason where that is missing. Only CC0 and CC BY images are shown; docs/CREDITS.md names them.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
SIZE = (1440, 900)
CC_BY = 4  # the id of “Attribution License” in COCO's list
STREET = (184324, 423617, 231460, 252219, 107438, 183709)
NUCLEI = 12
SECONDS = 300.0


@dataclass(frozen=True)
class Subject:
    """A folder of images, how it gets its instances, and which image is shown."""

    name: str
    prepare: Callable[[Path], list[Path]]
    model: str | None
    image: int


def demo_scenes(place: Path) -> list[Path]:
    """Copy the demo scenes."""
    return [prepare_demo(place / "machine-parts")]


def nuclei(place: Path) -> list[Path]:
    """Copy a few microscopy images."""
    folder = place / "nuclei"
    folder.mkdir()
    for image in sorted((DATA / "nuclei" / "val").glob("*.png"))[:NUCLEI]:
        shutil.copy(image, folder)
    return [folder]


def street(place: Path) -> list[Path]:
    """Copy street photographs under CC BY with their labels."""
    folder = place / "street"
    folder.mkdir()
    data = json.loads((DATA / "coco-photos" / "instances.json").read_bytes())
    images = [one for one in data["images"] if one["id"] in STREET and one["license"] == CC_BY]
    images.sort(key=lambda one: STREET.index(one["id"]))
    for image in images:
        shutil.copy(DATA / "coco-photos" / "images" / image["file_name"], folder)
    kept = {one["id"] for one in images}
    labels = [one for one in data["annotations"] if one["image_id"] in kept]
    used = {one["category_id"] for one in labels}
    categories = [one for one in data["categories"] if one["id"] in used]
    target = folder / "street.json"
    whole = {**data, "images": images, "annotations": labels, "categories": categories}
    target.write_text(json.dumps(whole))
    return [target]


SUBJECTS = (
    Subject("window", demo_scenes, "parts", 1),
    Subject("nuclei", nuclei, "nuclei", 3),
    Subject("street", street, None, 2),
)


@contextmanager
def application(theme: str, settings: Path) -> Iterator[Controller]:
    """Run the application in one theme, with settings of its own."""
    app, themes = make_application()
    options = Options(settings)
    options["theme"] = theme
    options["reduced_motion"] = True
    controller = Controller(app, themes, options)
    controller.mapping.asks = False
    controller.datasets.tells = False
    controller.window.resize(*SIZE)
    controller.window.show()
    try:
        yield controller
    finally:
        controller.window.close()
        controller.close()


def fill(controller: Controller, subject: Subject, paths: list[Path]) -> None:
    """Open a subject and give it its instances."""
    controller.start(paths, subject.model)
    wait_until(lambda: controller.desk.record is not None, "Opening", SECONDS)
    wait_until(lambda: not controller.jobs.busy, "Importing", SECONDS)
    if subject.model is not None:
        controller.segmenting.segment_all()
        wait_until(
            lambda: controller.segmenting.batch is None and not controller.jobs.busy,
            "Auto-segmenting",
            SECONDS,
        )


def pose(controller: Controller, subject: Subject) -> QImage:
    """Show the image with one instance selected, and take the picture."""
    desk = controller.desk
    controller.navigation.go(desk.order[min(subject.image, len(desk.order) - 1)])
    wait_until(lambda: controller.canvas.scene.image_id == desk.image_id, "Decoding", SECONDS)
    controller.window.toasts.clear()
    whole = [one for one in desk.instances() if len(one.shape.parts) == 1]
    richest = max(whole, key=lambda one: one.shape.vertex_count)
    desk.selection.set({richest.id})
    thumbnails = controller.navigation.thumbnails
    wait_until(lambda: not thumbnails.waiting, "Thumbnails", SECONDS)
    wait_until(controller.canvas.is_settled, "Painting", SECONDS)
    return controller.window.grab().toImage()


def main() -> int:
    """Take every picture that can be taken; return the exit code."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        for theme in ("dark", "light"):
            with application(theme, Path(place) / f"{theme}.ini") as controller:
                shoot_welcome(controller, theme)
            for subject in SUBJECTS:
                if subject.prepare is not demo_scenes and not DATA.is_dir():
                    print(f"Skipped {subject.name}: there is no shared data beside the project.")
                    continue
                work = Path(tempfile.mkdtemp(dir=place))
                with application(theme, work / "settings.ini") as controller:
                    fill(controller, subject, subject.prepare(work))
                    save(pose(controller, subject), f"{subject.name}-{theme}.png")
    return 0


def shoot_welcome(controller: Controller, theme: str) -> None:
    """Take the window as it is with nothing open."""
    save(controller.window.grab().toImage(), f"welcome-{theme}.png")


def save(picture: QImage, name: str) -> None:
    """Write a picture to docs/, in all its colours: category dots must keep theirs."""
    picture.save(str(DOCS / name))
    print(f"docs/{name}")


if __name__ == "__main__":
    sys.exit(main())
