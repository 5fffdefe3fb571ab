"""A picture of every tool at work: toolbar, canvas and options bar, light and dark."""

from pathlib import Path

import stage
from bench import Bench
from hand import Hand
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage
from tool_scenes import CELLS, PHOTOS, SCENES, Scene

from maskgui.tools.toolbox import TOOLS
from maskgui.ui.controller import Controller

SIZE = (960, 644)
"""The window's; 600 pixels of the height are below its top bar."""
FOLDER = stage.DOCS / "tools"


def shoot_tools(place: Path) -> None:
    """Take all pictures in both themes."""
    missing = set(TOOLS) - {scene.tool for scene in SCENES}
    assert not missing, f"there is no picture of {', '.join(sorted(missing))}"
    for theme in stage.THEMES:
        work = place / theme
        work.mkdir()
        paths = (
            *stage.photographs(work, "photos", PHOTOS),
            *stage.labelled_nuclei(work, [CELLS]),
        )
        for number, path in enumerate(paths):
            with stage.application(theme, work / f"{number}.ini", SIZE) as controller:
                _shoot_all(controller, path, theme)


def _shoot_all(controller: Controller, path: Path, theme: str) -> None:
    """Take the pictures of the scenes whose images lie beside a label file."""
    for panel in ("toggle_side", "toggle_film"):
        controller.window.commands[panel].trigger()
    stage.start(controller, [path])
    bench = Bench(controller, Hand(controller))
    for scene in SCENES:
        if (path.parent / scene.file_name).is_file():
            stage.save(shoot(bench, scene), FOLDER / f"{scene.tool}-{theme}.webp")
            bench.put_back()


def shoot(bench: Bench, scene: Scene) -> QImage:
    """Play a scene and return the window without its top bar, pointer included."""
    controller = bench.controller
    bench.open(scene.file_name)
    bench.look_at(*scene.middle, scene.zoom)
    scene.act(bench)
    assert bench.canvas.tool == scene.tool
    controller.window.toasts.clear()
    stage.settle(controller)
    picture = bench.hand.picture()
    top = controller.window.topbar.height()
    return picture.copy(QRect(0, top, picture.width(), picture.height() - top))
