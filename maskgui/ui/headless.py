"""The whole job without a display: the real window, worker and project file, offscreen."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import QEventLoop, QTimer

from maskgui.assist.exporting import ExportOptions, ExportReport, export_coco
from maskgui.core.edits import replace_instance
from maskgui.core.entities import Instance
from maskgui.core.errors import Failure
from maskgui.tools.base import VertexRef
from maskgui.tools.shaping import move_vertices, settle
from maskgui.ui.app import make_application
from maskgui.ui.collector import collecting_here
from maskgui.ui.controller import Controller
from maskgui.ui.options import Options

LOOK_MS = 20
OPEN_SECONDS = 30.0
SEGMENT_SECONDS = 600.0
SIZE = (1440, 900)

Condition = Callable[[], bool]


def wait_until(condition: Condition, what: str, seconds: float) -> None:
    """Let the window work until the condition holds. Raises Failure when it takes too long."""
    if condition():
        return
    loop = QEventLoop()
    look = QTimer(interval=LOOK_MS)
    look.timeout.connect(lambda: loop.quit() if condition() else None)
    look.start()
    limit = QTimer(singleShot=True, interval=int(seconds * 1000))
    limit.timeout.connect(lambda: loop.exit(1))
    limit.start()
    if loop.exec():
        raise Failure(f"{what} took more than {seconds:.0f} s; see the log for the reason.")


def run_headless(
    folder: Path, model: str, say: Callable[[str], object], tell: Callable[[str], object]
) -> int:
    """Open a folder, auto-segment it, correct one outline, export COCO, take a screenshot.

    Returns the exit code; `say` is told where everything is, `tell` what is done now. Raises
    Failure where a step fails.
    """
    tell("Opening the window…")
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app, themes = make_application()
    controller = Controller(app, themes, Options())
    controller.mapping.asks = False
    controller.window.resize(*SIZE)
    controller.window.show()
    with collecting_here():
        try:
            tell("Opening the images…")
            project = _open(controller, folder, model)
            _segment(controller, tell)
            tell("Correcting an outline…")
            corrected = _correct(controller)
            tell("Exporting COCO…")
            report = _export(controller, folder / "export")
            picture = _screenshot(controller, folder / "screenshot.png")
        finally:
            controller.window.close()
            controller.close()
    say(f"Project:     {project}")
    say(f"Corrected:   {corrected}")
    say(f"COCO:        {report.path}")
    say(f"             {report.summary()}")
    say(f"Screenshot:  {picture}")
    return 0


def _open(controller: Controller, folder: Path, model: str) -> Path:
    opening = controller.opening
    opening.asks = False
    controller.start([folder], model)

    def ended() -> bool:
        return controller.desk.record is not None or bool(opening.problem)

    wait_until(ended, "Opening the images", OPEN_SECONDS)
    if opening.problem:
        raise Failure(opening.problem)
    if controller.desk.session is None:
        raise Failure(f"“{folder}” was not opened; see the log for the reason.")
    return controller.desk.session.project.path


def _segment(controller: Controller, tell: Callable[[str], object]) -> None:
    controller.segmenting.segment_all()
    told = -1

    def ended() -> bool:
        nonlocal told
        batch = controller.segmenting.batch
        if batch is not None and batch.done != told:
            told = batch.done
            tell(f"Auto-segmenting: {batch.text()}")
        return controller.segmenting.batch is None and not controller.jobs.busy

    wait_until(ended, "Auto-segmenting", SEGMENT_SECONDS)


def _correct(controller: Controller) -> str:
    """Do what a person would: pull one vertex of the first outline a pixel outwards."""
    desk = controller.desk
    instance = _show_something(controller)
    record = desk.image(instance.image_id)
    outline = instance.shape.parts[0].exterior
    dx, dy = (outline[0] - outline.mean(axis=0)) / 20
    pulled = move_vertices(instance.shape, [VertexRef(instance.id, 0, 0, 0)], float(dx), float(dy))
    shape = settle(pulled, record.width, record.height)
    after = msgspec.structs.replace(instance, shape=shape)
    edit = replace_instance(instance, after, "Move vertex", record, desk.detections(record.id))
    if not desk.apply(edit):
        raise Failure("The correction was refused; see the log for the reason.")
    return f"one vertex of instance {instance.id} on {record.path}"


def _show_something(controller: Controller) -> Instance:
    """Go to the first image on which something was found; return its lowest instance."""
    desk = controller.desk
    for image_id in desk.order:
        controller.navigation.go(image_id)
        if desk.instances():
            wait_until(controller.canvas.is_settled, "Painting", OPEN_SECONDS)
            return desk.instances()[0]
    raise Failure("The model found nothing on any image; `doctor` looks at models and torch.")


def _export(controller: Controller, target: Path) -> ExportReport:
    session = controller.desk.session
    if session is None:
        raise Failure("The project closed before the export; see the log for the reason.")
    session.flush(OPEN_SECONDS)
    return export_coco(session.project, target, ExportOptions())


def _screenshot(controller: Controller, path: Path) -> Path:
    wait_until(controller.canvas.is_settled, "Painting", OPEN_SECONDS)
    controller.window.grab().save(str(path))
    return path
