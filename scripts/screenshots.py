"""Take the pictures of README and docs: the real window, offscreen, light and dark.

`screenshots.py [windows] [tools] [animation]` takes all of them, or only those named. The demo
scenes ship; the microscopy and street images lie in ../shared/data, and what needs them is skipped
with a reason where that is missing. Only CC0 and CC BY images are shown: see docs/CREDITS.md.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import stage  # first: it makes the package and Qt's offscreen platform known
from animation import film
from PySide6.QtGui import QImage
from tool_pictures import shoot_tools

from maskgui.ui.controller import Controller

SIZE = (1440, 900)
STREET = (184324, 423617, 231460, 252219, 107438, 183709)
NUCLEI = 12


@dataclass(frozen=True)
class Subject:
    """A folder of images, how it gets its instances, and which image is shown."""

    name: str
    prepare: Callable[[Path], list[Path]]
    model: str | None
    image: int


SUBJECTS = (
    Subject("window", stage.demo_scenes, "parts", 1),
    Subject("nuclei", partial(stage.nuclei, count=NUCLEI), "nuclei", 3),
    Subject("street", partial(stage.photographs, name="street", ids=STREET), None, 2),
)


def pose(controller: Controller, subject: Subject) -> QImage:
    """Show the image with one instance selected, and take the picture."""
    desk = controller.desk
    stage.show(controller, desk.order[min(subject.image, len(desk.order) - 1)])
    whole = [one for one in desk.instances() if len(one.shape.parts) == 1]
    richest = max(whole, key=lambda one: one.shape.vertex_count)
    desk.selection.set({richest.id})
    stage.settle(controller)
    return controller.window.grab().toImage()


def shoot_windows(place: Path) -> None:
    """Take the window with nothing open, and on each subject."""
    for theme in stage.THEMES:
        with stage.application(theme, place / f"{theme}.ini", SIZE) as controller:
            picture = controller.window.grab().toImage()
            stage.save(picture, stage.DOCS / f"welcome-{theme}.png")
        for subject in SUBJECTS:
            if subject.prepare is not stage.demo_scenes and not stage.DATA.is_dir():
                print(f"Skipped {subject.name}: there is no shared data beside the project.")
                continue
            work = Path(tempfile.mkdtemp(dir=place))
            with stage.application(theme, work / "settings.ini", SIZE) as controller:
                stage.start(controller, subject.prepare(work), subject.model)
                if subject.model is not None:
                    stage.segment_all(controller)
                picture = pose(controller, subject)
                stage.save(picture, stage.DOCS / f"{subject.name}-{theme}.png")


SETS = {"windows": shoot_windows, "tools": shoot_tools, "animation": film}


def main(names: list[str]) -> int:
    """Take the pictures of the sets named, of all when none is; return the exit code."""
    unknown = set(names) - set(SETS)
    if unknown:
        print(f"There is no set of pictures named {min(unknown)}: choose of {', '.join(SETS)}.")
        return 2
    for name in names or SETS:
        if name != "windows" and not stage.DATA.is_dir():
            print(f"Skipped {name}: there is no shared data beside the project.")
            continue
        with tempfile.TemporaryDirectory() as place:
            SETS[name](Path(place))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
