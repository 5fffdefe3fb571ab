"""Frame times of our canvas, and beside them labelme's own and plain graphics items, in one run.

Scenes of 1,000 polygons of 100 vertices and of 300 of 2,000 on an 8000 x 6000 image: each gesture
runs on ours and on labelme's canvas by turns, `--rounds` times, and what counts is the ratio of
the median frames. Then 10,000 polygons on ours alone. labelme lives in an environment of its own,
made on first use.

    python benchmarks/canvas.py [--rounds 3] [--seconds 6] [--no-labelme] [--json]

Offscreen unless QT_QPA_PLATFORM says else.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_QPA_UPDATE_IDLE_TIME", "0")  # a frame is painted by its own event
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import shapely
from PySide6.QtWidgets import QApplication

from benchmarks.gestures import FRAMES, OurCanvas, Times
from benchmarks.peer import Labelme, NoPeer, environment
from benchmarks.plain_items import measure_items
from benchmarks.scenes import DENSE, MANY, USUAL, Scene, photo
from maskgui.core.shape import Polygon, Shape
from maskgui.ui.canvas.outlines import Outlines

GOAL_RATIO = 25.0
FRAME_GOAL_MS, MANY_GOAL_MS = 16.0, 50.0
WHOLE, FULL_SIZE, CLOSE = "whole image", "100 %", "400 %"
SCALES = {WHOLE: None, FULL_SIZE: 1.0, CLOSE: 4.0}
GESTURES = {
    "repaint": "repaint",
    "hover": "hover",
    "pan": "pan",
    "zoom": "zoom",
    "vertex": "vertex drag",
    "brush": "brush stroke",
    "select": "selection change",
}
OURS_ALONE = {("brush", WHOLE), ("brush", FULL_SIZE), ("pan", WHOLE)}
"""labelme has no brush, and does not pan when all is in view."""
Frames = Callable[[str, str], Times]


def sum_up(times: Times) -> dict[str, float]:
    """Sum up frame times; `cpu_` tells the canvas apart from a busy machine's other work."""
    passed, used = zip(*times, strict=True)
    return {
        "median_ms": round(statistics.median(passed), 2),
        "p95_ms": round(float(np.percentile(passed, 95)), 2),
        "worst_ms": round(max(passed), 2),
        "cpu_median_ms": round(statistics.median(used), 2),
        "cpu_p95_ms": round(float(np.percentile(used, 95)), 2),
    }


def ratios(rounds: list[tuple[Times, Times]], which: int) -> dict[str, float]:
    """Return how many times as long labelme's median frame takes: over rounds, in short.

    which: 0 for time passed, 1 for processor time.
    """
    found = [
        statistics.median(one[which] for one in theirs)
        / max(statistics.median(one[which] for one in ours), 0.01)
        for ours, theirs in rounds
    ]
    return {
        "median": round(statistics.median(found), 1),
        "min": round(min(found), 1),
        "max": round(max(found), 1),
    }


def measure_scene(
    ours: OurCanvas, theirs: Frames | None, scales: list[str], rounds: int
) -> list[dict[str, Any]]:
    """Run every gesture in every view, by turns on ours and on theirs."""
    rows = []
    for view in scales:
        for gesture, title in GESTURES.items():
            beside = theirs if view != CLOSE and (gesture, view) not in OURS_ALONE else None
            pairs: list[tuple[Times, Times]] = []
            mine: Times = []
            for _ in range(rounds if beside else 1):
                ours.look(SCALES[view])
                times = ours.frames(gesture)
                mine += times
                if beside:
                    pairs.append((times, beside(gesture, view)))
            found: dict[str, Any] = {"gesture": f"{title}, {view}", "ours": sum_up(mine)}
            if pairs:
                found["labelme"] = sum_up([one for _, times in pairs for one in times])
                found["ratio"] = ratios(pairs, 0)
                found["cpu_ratio"] = ratios(pairs, 1)
            rows.append(found)
            progress(found)
    return rows


def measure_settling(ours: OurCanvas) -> list[dict[str, Any]]:
    """Return ms to the first tile and to the whole picture after zooms to new scales."""
    rows = []
    for view, scale in SCALES.items():
        first, whole = ours.fresh(scale)
        rows.append(
            {
                "gesture": f"settled after zoom, {view}",
                "first_ms": round(first),
                "whole_ms": round(whole),
            }
        )
    return rows


def vertex_error(scene: Scene) -> float:
    """Return how far, in screen pixels, a vertex lies from the outline painted instead of it."""
    shapes = [Shape([Polygon(ring)]) for ring in scene.rings()]
    worst = 0.0
    for scale in (0.165, 0.3, 0.7, 1.0, 2.9):
        outlines = Outlines().at_scale(list(enumerate(shapes)), scale)
        for shape, outline in zip(shapes, outlines, strict=True):
            line = shapely.LinearRing(outline.points)
            distance = shapely.distance(line, shapely.points(shape.parts[0].exterior))
            worst = max(worst, float(distance.max()) * scale)
    return round(worst, 3)


def progress(row: dict[str, Any]) -> None:
    """Say what was measured last: labelme takes minutes."""
    beside = f", labelme {row['labelme']['median_ms']} ms" if "labelme" in row else ""
    print(f"  {row['gesture']}: {row['ours']['median_ms']} ms{beside}", file=sys.stderr)


def table(found: dict[str, Any]) -> str:
    """Lay the figures out for people."""
    lines = [
        f"{'ms a frame':<30}{'ours':>8}{'p95':>8}{'cpu p95':>9}{'labelme':>9}"
        f"{'ratio':>8}{'min':>7}{'max':>7}{'of cpu':>8}"
    ]
    for name, rows in found["scenes"].items():
        lines.append(name)
        for row in rows:
            lines.append(_line(row))
    lines.append("plain graphics items, " + USUAL.name)
    lines += [f"  {name:<28}{one['median_ms']:>8.1f}{one['p95_ms']:>8.1f}{one['cpu_p95_ms']:>9.1f}"
              for name, one in found["plain items"].items()]  # fmt: skip
    lines.append(f"settled picture: vertices at most {found['vertex_error_px']} px from exact")
    lines.append(
        f"goals: p95 <= {FRAME_GOAL_MS:g} ms ({MANY.name}: {MANY_GOAL_MS:g}), ratio >= "
        f"{GOAL_RATIO:g}, settled from 150 ms on and whole within 400 ms"
    )
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    if "ours" not in row:
        return f"  {row['gesture']:<28} first tile {row['first_ms']}, whole {row['whole_ms']}"
    ours = row["ours"]
    text = f"  {row['gesture']:<28}{ours['median_ms']:>8.1f}{ours['p95_ms']:>8.1f}"
    text += f"{ours['cpu_p95_ms']:>9.1f}"
    if "labelme" in row:
        ratio = row["ratio"]
        text += f"{row['labelme']['median_ms']:>9.0f}{ratio['median']:>8.1f}{ratio['min']:>7.1f}"
        text += f"{ratio['max']:>7.1f}{row['cpu_ratio']['median']:>8.1f}"
    return text


def measure(peer: Labelme | None, rounds: int, seconds: float) -> dict[str, Any]:
    """Measure all scenes. Raises NoPeer when labelme ends on the way."""
    app = QApplication.instance() or QApplication([])
    pixels = photo()
    scenes: dict[str, Any] = {}
    for scene in (USUAL, DENSE, MANY):
        print(f"{scene.name} vertices", file=sys.stderr)
        ours = OurCanvas(app, scene, pixels)

        def theirs(gesture: str, view: str, scene: Scene = scene) -> Times:
            assert peer is not None
            return peer.frames(scene, SCALES[view], gesture, FRAMES, seconds)

        views = [WHOLE, FULL_SIZE] if scene is MANY else list(SCALES)
        beside = theirs if peer is not None and scene is not MANY else None
        scenes[scene.name] = measure_scene(ours, beside, views, rounds)
        scenes[scene.name] += measure_settling(ours)
        ours.close()
    plain = measure_items(app, USUAL, pixels)
    return {
        "scenes": scenes,
        "plain items": {name: sum_up(times) for name, times in plain.items()},
        "vertex_error_px": max(vertex_error(USUAL), vertex_error(DENSE)),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns of ours and labelme's")
    parser.add_argument("--seconds", type=float, default=6.0, help="of labelme's in each turn")
    parser.add_argument("--no-labelme", action="store_true", help="measure ours alone")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    chosen, _ = parser.parse_known_args()
    found: dict[str, Any] | None = None
    if not chosen.no_labelme:
        try:
            with Labelme(environment()) as peer:
                found = measure(peer, chosen.rounds, chosen.seconds)
        except NoPeer as error:
            print(error, file=sys.stderr)
    if found is None:
        found = measure(None, 1, 0.0)
    print(json.dumps(found, indent=1) if chosen.json else table(found))


if __name__ == "__main__":
    main()
