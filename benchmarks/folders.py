"""A folder of 100,000 images in the real window, and 500 switches between images of mixed sizes.

The images are hard links of a few. Listing: seconds until every image is named and the strip can
be scrolled, for a new folder and for one whose project is there; the longest stalls of the window's
thread meanwhile, while headers are read, and while the strip is scrolled. Switches: resident memory
after a warm-up and at the end. Each in a process of its own, offscreen.

    python benchmarks/folders.py [--images 100000] [--switches 500] [--json]
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.child import Figures, measured, memory_mb

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from maskgui.ui.controller import Controller

LIST_GOAL_S, STALL_GOAL_MS, MEMORY_GOAL = 2.0, 50.0, 0.05
LINKS = 5_000  # of one file: file systems have a limit
HEADERS_S = 10.0
STEPS = 240
WARM_UP = 100  # switches
REST_S = 1.5
LABELS = 30
CACHE_BYTES = 256 << 20  # two thirds of the mixed images: they come and go
SIZES = ((640, 480), (1024, 1024), (1920, 1080), (3000, 2000), (4000, 3000), (5200, 3900))
WAIT_S = 600.0


def make_folder(folder: Path, count: int) -> None:
    """Fill a folder with `count` small images of different sizes."""
    import cv2

    folder.mkdir()
    rng = np.random.default_rng(0)
    for first in range(0, count, LINKS):
        side = 48 + first // LINKS
        start = folder / f"frame_{first}.jpg"
        cv2.imwrite(str(start), rng.integers(0, 255, (side, 64, 3), np.uint8))
        for number in range(first + 1, min(first + LINKS, count)):
            os.link(start, folder / f"frame_{number}.jpg")


def make_mixed(folder: Path) -> None:
    """Make three images of each of SIZES."""
    import cv2

    folder.mkdir()
    rng = np.random.default_rng(1)
    for number, size in enumerate(3 * SIZES):
        coarse = rng.integers(0, 255, (size[1] // 16, size[0] // 16, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.jpg"), cv2.resize(coarse, size))


class Watch:
    """The longest time in which the main thread answered nothing."""

    def __init__(self, app: "QApplication") -> None:
        self._app = app

    def until(self, condition: Callable[[], bool], limit: float = WAIT_S) -> tuple[float, float]:
        """Run the event loop until something is so; return seconds and the longest stall in ms."""
        start = last = time.perf_counter()
        longest = 0.0
        while not condition() and time.perf_counter() - start < limit:
            self._app.processEvents()
            now = time.perf_counter()
            longest = max(longest, now - last)
            time.sleep(0.001)
            last = time.perf_counter()
        return round(time.perf_counter() - start, 3), round(longest * 1e3, 1)


@contextmanager
def window() -> "Iterator[tuple[Controller, Watch]]":
    """Show the real window; close it in the end."""
    from maskgui.ui.app import make_application
    from maskgui.ui.collector import collecting_here
    from maskgui.ui.controller import Controller
    from maskgui.ui.options import Options

    app, themes = make_application()
    controller = Controller(app, themes, Options())
    controller.options["reduced_motion"] = True
    controller.window.resize(1440, 900)
    with collecting_here():
        controller.window.show()
        watch = Watch(app)
        watch.until(lambda: False, 0.5)
        yield controller, watch
        controller.window.close()
        controller.close()


def child_list(folder: Path, _: int) -> Figures:
    """Open the folder; scroll through it while headers are read."""
    with window() as (controller, watch):
        cpu = time.process_time()
        rows = controller.window.film.rows
        controller.start([folder], None)
        found: Figures = {}
        found["list_s"], found["list_stall_ms"] = watch.until(lambda: rows.total > 0)
        found["list_cpu_s"] = round(time.process_time() - cpu, 2)
        found["images"] = rows.total
        canvas = controller.canvas
        _, found["first_image_stall_ms"] = watch.until(
            lambda: canvas.scene.image_id is not None and canvas.is_settled()
        )
        _, stall = watch.until(lambda: False, 0.5)  # the strip's rows are laid out
        found["first_image_stall_ms"] = max(stall, found["first_image_stall_ms"])
        found |= scroll(controller, watch)
        _, found["headers_stall_ms"] = watch.until(lambda: not controller.sizes.busy, HEADERS_S)
        images = controller.desk.session.document.images.values()
        found["headers_read"] = sum(bool(one.width) for one in images)
        _, stall = watch.until(lambda: False, 1.0)
        found["idle_stall_ms"] = stall
        start = time.perf_counter()
    found["close_s"] = round(time.perf_counter() - start, 2)
    return found


def scroll(controller: "Controller", watch: Watch) -> Figures:
    """Scroll the strip: a quarter of a view at a time, then by jumps; return ms of the steps."""
    bar = controller.window.film.view.horizontalScrollBar()
    times: list[float] = []
    rng = np.random.default_rng(2)
    for step in range(STEPS):
        near = bar.value() + bar.pageStep() // 4
        target = near if step < STEPS // 2 else int(rng.integers(bar.maximum()))
        start = time.perf_counter()
        bar.setValue(target)
        watch._app.processEvents()
        times.append((time.perf_counter() - start) * 1e3)
        time.sleep(0.012)
    return {
        "scroll_median_ms": round(float(np.median(times)), 1),
        "scroll_p95_ms": round(float(np.percentile(times, 95)), 1),
        "scroll_worst_ms": round(max(times), 1),
        "scroll_range": bar.maximum(),
    }


def child_switch(folder: Path, switches: int) -> Figures:
    """Go from image to image with labels on each; return resident memory in MB.

    It is taken each time after a lap through all images, so that the same ones are held, and
    after a moment's rest.
    """
    with window() as (controller, watch):
        controller.loader.cache.limit_bytes = CACHE_BYTES
        controller.start([folder], None)
        watch.until(lambda: controller.desk.record is not None)
        order = controller.desk.order
        _label(controller)
        worst = 0.0

        def show(number: int) -> float:
            image_id = order[number % len(order)]
            controller.navigation.go(image_id)
            path = controller.desk.session.image_path(image_id)
            ready = controller.canvas.is_settled
            return watch.until(lambda: controller.loader.cached(path) is not None and ready())[1]

        def lap() -> float:
            for number in range(len(order)):
                show(number)
            watch.until(lambda: not controller.loader.busy)  # what is fetched ahead has come
            watch.until(lambda: False, REST_S)
            gc.collect()
            return memory_mb().get("VmRSS", 0.0)

        rng = np.random.default_rng(3)
        memory = []
        for count in (WARM_UP, switches // 2, switches // 2):
            for _ in range(count):
                worst = max(worst, show(int(rng.integers(len(order)))))
            memory.append(lap())
    return {
        "switches": switches,
        "warm_mb": memory[0],
        "half_mb": memory[1],
        "end_mb": memory[2],
        "peak_mb": memory_mb().get("VmHWM", 0.0),
        "grown": round(memory[2] / memory[0] - 1, 3) if memory[0] else 0.0,
        "switch_stall_ms": worst,
    }


def _label(controller: "Controller") -> None:
    """Put some instances on every image."""
    from maskgui.core.document import Change, Edit
    from maskgui.core.entities import Category, Instance
    from maskgui.core.shape import Polygon, Shape

    session = controller.desk.session
    category = Category(session.new_id(), "kind", "#0072b2", 0)
    session.apply(Edit("Add category", None, (Change(None, category),)))
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 40
    for image_id in controller.desk.order:
        made = [
            Instance(session.new_id(), image_id, category.id, Shape([Polygon(ring + 45 + 12 * n)]))
            for n in range(LABELS)
        ]
        session.apply(Edit("Draw", image_id, tuple(Change(None, one) for one in made)))


CHILDREN: dict[str, Callable[[Path, int], Figures]] = {"list": child_list, "switch": child_switch}


def run(kind: str, folder: Path, home: Path, switches: int) -> Figures:
    """Measure in another process."""
    given = ["--child", kind, "--folder", str(folder), "--switches", str(switches)]
    return measured(__file__, given, home)


def main() -> int:
    """Print the figures; return 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--switches", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", choices=CHILDREN, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given, _ = parser.parse_known_args()
    if given.child:
        print(json.dumps(CHILDREN[given.child](given.folder, given.switches)))
        return 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        make_folder(home / "images", given.images)
        make_mixed(home / "mixed")
        found = {
            "new folder": run("list", home / "images", home, 0),
            "again": run("list", home / "images", home, 0),
            "switches": run("switch", home / "mixed", home, given.switches),
        }
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        for name, figures in found.items():
            print(f"{name}: " + ", ".join(f"{key} {value:g}" for key, value in figures.items()))
        print(
            f"goals: listed in {LIST_GOAL_S:g} s, no stall above {STALL_GOAL_MS:g} ms, memory "
            f"within {MEMORY_GOAL:.0%}"
        )
    return int(
        max(found["new folder"]["list_s"], found["again"]["list_s"]) > LIST_GOAL_S
        or found["switches"]["grown"] > MEMORY_GOAL
    )


if __name__ == "__main__":
    sys.exit(main())
