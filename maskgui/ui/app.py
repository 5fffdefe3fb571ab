"""Start the application: the window first, everything heavy later."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from maskgui.core.errors import Failure
from maskgui.core.memory import share_one_heap
from maskgui.log import log_file, log_to_file
from maskgui.ui.display import display_problem

log = logging.getLogger(__name__)

Say = Callable[[str], object]


def run(paths: list[Path], *, model: str | None = None) -> int:
    """Show the window on what was named and return the exit code when it is closed.

    Raises Failure, in one sentence, where no window can be shown. Nothing here imports torch:
    the worker does when it is first asked to run a model.
    """
    problem = display_problem()
    if problem is not None:
        raise Failure(problem)
    from maskgui.ui.collector import collecting_here  # noqa: PLC0415
    from maskgui.ui.controller import Controller  # noqa: PLC0415
    from maskgui.ui.options import Options  # noqa: PLC0415

    log_to_file()
    app, themes = make_application()
    controller = Controller(app, themes, Options())
    catch_faults(controller.fault, controller.desk.main.post)
    controller.window.show()
    controller.desk.main.post(lambda: controller.start(paths, model))
    with collecting_here():
        code = app.exec()
        controller.close()
    if not controller.all_ended:
        leave_now(code)
    return code


def leave_now(code: int) -> NoReturn:
    """End the process at once, while a stage of the network is still under way in its thread.

    Python's own way out would wait for that stage, and torch crashes when it is cleaned up under
    it. Everything that counts is on disk: the project is closed, the layout written, downloads go
    on where they stopped; and files are replaced whole or not at all.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # there is none without a console on Windows
            stream.flush()
    os._exit(code)


def make_application():
    """Return the QApplication, named and styled, and its theme switch; threads begin after it."""
    from PySide6.QtGui import QImageReader  # noqa: PLC0415
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from maskgui.ui import icons  # noqa: PLC0415
    from maskgui.ui.theme import ThemeSwitch  # noqa: PLC0415

    share_one_heap()
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("MaskGUI")
    app.setDesktopFileName("maskgui")
    app.setWindowIcon(icons.app_icon())
    QImageReader.setAllocationLimit(0)
    return app, ThemeSwitch(app)


def catch_faults(say: Say, post: Callable[[Callable[[], object]], None]) -> None:
    """Write unhandled exceptions to the log and say one sentence; the application lives on."""

    def fault(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.error("Unhandled exception", exc_info=(kind, error, trace))
        text = f"Something went wrong ({kind.__name__}); your work is saved. Details: {log_file()}"
        post(lambda: say(text))

    def thread_fault(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            fault(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = fault
    threading.excepthook = thread_fault
