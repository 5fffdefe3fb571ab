"""The window's start and its longest stalls, in processes of their own, offscreen.

Start: from the process's first instruction to the first painted picture with a folder open, beside
a bare Qt main window started the same way. Stalls: the longest time in which the main thread
answered nothing, from the window shown to the second auto-segmented image; the import of torch,
the model's loading and the first run are in between. Run
`python benchmarks/window.py [--model NAME|FILE] [--rounds 7] [--json]`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

START_GOAL_S, STALL_GOAL_MS, IMPORT_GOAL_MS = 1.0, 50.0, 150.0
TICK_MS = 2

Figures = dict[str, Any]


def child_ours(started: float, folder: Path, _model: str) -> Figures:
    """Show the window on a folder; return seconds to the window, to the image, and what loaded."""
    from PySide6.QtCore import QTimer

    from maskgui.ui.app import make_application
    from maskgui.ui.controller import Controller
    from maskgui.ui.headless import wait_until
    from maskgui.ui.options import Options

    app, themes = make_application()
    controller = Controller(app, themes, Options())
    painted: list[float] = []
    controller.window.show()
    QTimer.singleShot(0, lambda: painted.append(time.time()))
    controller.start([folder], None)
    wait_until(lambda: bool(painted), "The first picture", 30)
    wait_until(lambda: controller.desk.record is not None, "Opening", 30)
    wait_until(controller.canvas.is_settled, "Painting", 30)
    shown = time.time()
    torch = "torch" in sys.modules
    controller.window.close()
    controller.close()
    return {"window_s": painted[0] - started, "image_s": shown - started, "torch": torch}


def child_bare(started: float, _folder: Path, _model: str) -> Figures:
    """Show an empty Qt main window; return the seconds it took."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication([])
    window = QMainWindow()
    window.resize(1440, 900)
    window.show()
    painted: list[float] = []
    QTimer.singleShot(0, lambda: (painted.append(time.time()), app.quit()))
    app.exec()
    return {"window_s": painted[0] - started}


def child_stall(_started: float, folder: Path, model: str) -> Figures:
    """Open, auto-segment two images; return the longest gaps between ticks of the main thread."""
    from PySide6.QtCore import Qt, QTimer

    from maskgui.assist import segmenter
    from maskgui.maskrcnn import models
    from maskgui.ui.app import make_application
    from maskgui.ui.collector import collecting_here
    from maskgui.ui.controller import Controller
    from maskgui.ui.headless import wait_until
    from maskgui.ui.options import Options

    app, themes = make_application()
    controller = Controller(app, themes, Options())
    controller.mapping.asks = False
    gaps: list[tuple[float, bool]] = []
    last = [0.0]
    importing = _watch_import(segmenter, models)

    def tick() -> None:
        now = time.perf_counter()
        overlaps = importing["from"] < now and importing["to"] > last[0]
        gaps.append((1000 * (now - last[0]) - TICK_MS, overlaps))
        last[0] = now

    timer = QTimer(interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    with collecting_here():
        controller.window.resize(1440, 900)
        controller.window.show()
        wait_until(controller.window.isVisible, "Showing", 30)
        last[0] = time.perf_counter()
        timer.start()
        controller.start([folder], model)
        wait_until(lambda: controller.desk.record is not None, "Opening", 30)
        for number in range(2):
            controller.segmenting.segment_this()
            wait_until(lambda: bool(controller.desk.instances()), "The network", 300)
            wait_until(controller.canvas.is_settled, "Painting", 30)
            if number == 0:
                controller.navigation.step(1)
        timer.stop()
        controller.window.close()
        controller.close()
    return {
        "stall_ms": max(gap for gap, during in gaps if not during),
        "import_stall_ms": max((gap for gap, during in gaps if during), default=0.0),
    }


def _watch_import(segmenter: Any, models: Any) -> dict[str, float]:
    """Note when the worker begins loading torch and when it goes on to the model's weights."""
    span = {"from": float("inf"), "to": float("inf")}
    preload: Callable[[], None] = segmenter.preload_torch
    load = models.ModelRef.load

    def watched_preload() -> None:
        span["from"] = time.perf_counter()
        preload()

    def watched_load(*words: Any) -> Any:
        span["to"] = min(span["to"], time.perf_counter())
        return load(*words)

    segmenter.preload_torch = watched_preload
    models.ModelRef.load = watched_load
    return span


CHILDREN = {"ours": child_ours, "bare": child_bare, "stall": child_stall}


def run_child(kind: str, folder: Path, model: str, bytecode: Path) -> Figures:
    """Run one measurement in a fresh process with settings of its own.

    `bytecode` keeps what Python compiled in the rounds before, as it does from a person's second
    start on, whatever this environment says about it.
    """
    with tempfile.TemporaryDirectory() as settings:
        environment = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(bytecode),
            "QT_QPA_PLATFORM": "offscreen",
            "MASKGUI_CONFIG": str(Path(settings) / "settings.ini"),
            "MASKGUI_STARTED": repr(time.time()),
        }
        command = [sys.executable, __file__, "--child", kind, "--folder", str(folder)]
        done = subprocess.run(
            [*command, "--model", model],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"The measurement “{kind}” failed:\n{done.stderr[-2000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def spread(values: list[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def measure(model: str, rounds: int) -> Figures:
    """Run all measurements in turn, `rounds` of each after one that warms the caches."""
    from maskgui.assist.demo import prepare_demo

    found: dict[str, list[Figures]] = {"ours": [], "bare": [], "stall": []}
    with tempfile.TemporaryDirectory() as place:
        for number in range(rounds + 1):
            for kind, results in found.items():
                folder = prepare_demo(Path(place) / f"{kind}{number}")
                figures = run_child(kind, folder, model, Path(place) / "bytecode")
                if number:
                    results.append(figures)
    ratios = [
        ours["window_s"] / bare["window_s"]
        for ours, bare in zip(found["ours"], found["bare"], strict=True)
    ]
    return {
        "window_s": spread([one["window_s"] for one in found["ours"]]),
        "bare_window_s": spread([one["window_s"] for one in found["bare"]]),
        "ratio": spread(ratios),
        "image_s": spread([one["image_s"] for one in found["ours"]]),
        "torch_imported_at_start": any(one["torch"] for one in found["ours"]),
        "stall_ms": spread([one["stall_ms"] for one in found["stall"]]),
        "import_stall_ms": spread([one["import_stall_ms"] for one in found["stall"]]),
    }


ROWS = (
    ("window_s", "time to window, s", START_GOAL_S),
    ("bare_window_s", "a bare Qt window, s", None),
    ("ratio", "ours / bare", None),
    ("image_s", "time to the first image, s", None),
    ("stall_ms", "longest stall, ms", STALL_GOAL_MS),
    ("import_stall_ms", "longest stall while torch is imported, ms", IMPORT_GOAL_MS),
)


def table(figures: Figures) -> str:
    """Lay the figures out for people."""
    lines = [f"{'':<44}{'min':>9}{'median':>9}{'max':>9}{'goal':>9}"]
    for key, label, goal in ROWS:
        one = figures[key]
        aim = "" if goal is None else f"<= {goal:g}"
        values = f"{one['min']:9.2f}{one['median']:9.2f}{one['max']:9.2f}"
        lines.append(f"{label:<44}{values}{aim:>9}")
    lines.append(f"torch imported before the window: {figures['torch_imported_at_start']}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="parts")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        started = float(os.environ["MASKGUI_STARTED"])
        print(json.dumps(CHILDREN[options.child](started, options.folder, options.model)))
        return
    figures = measure(options.model, options.rounds)
    print(json.dumps(figures, indent=1) if options.json else table(figures))


if __name__ == "__main__":
    main()
