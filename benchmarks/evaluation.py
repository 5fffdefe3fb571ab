"""Evaluation beside pycocotools: time and memory, the same files, the same figures.

The reference evaluation (100 images of COCO val2014, 80 categories, the published fake masks) is
repeated 20 times with ids of its own. Both sides read both files, score masks and boxes, and give
the 18 figures. They take turns in one process for the time; memory is each one's peak in a
process of its own. A second row scores the small set itself, 20 times over.

    python benchmarks/evaluation.py [--data ../shared/data/coco-eval] [--rounds 3] [--json]
"""

import argparse
import contextlib
import io
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

ROOT = Path(__file__).resolve().parent.parent
TRUTH, RESULTS = "instances_val2014_100.json", "instances_val2014_fakesegm100_results.json"
TIMES = 20
GOAL = 0.5
KINDS = ("segm", "bbox")
NAMES = ("AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR1", "AR10", "AR100")

Figures = dict[str, dict[str, float]]
Side = Callable[[Path, Path], Figures]


def pycocotools(gt: Path, pred: Path) -> Figures:
    """Evaluate as a script does today."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    figures = {}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(gt))
        found = truth.loadRes(str(pred))
        for kind in KINDS:
            judge = COCOeval(truth, found, kind)
            judge.evaluate()
            judge.accumulate()
            judge.summarize()
            figures[kind] = dict(zip(NAMES, judge.stats[:9].tolist(), strict=True))
    return figures


def ours(gt: Path, pred: Path) -> Figures:
    """Evaluate as `main.py evaluate` does."""
    from maskgui.maskrcnn.evaluate import evaluate

    found = evaluate(gt, pred)
    return {"segm": found.segm, "bbox": found.bbox}


SIDES: dict[str, Side] = {"pycocotools": pycocotools, "maskgui": ours}


def repeat(data: Path, folder: Path) -> tuple[Path, Path]:
    """Write the reference evaluation 20 times as one data set; return truth and results."""
    truth = json.loads((data / TRUTH).read_text())
    results = json.loads((data / RESULTS).read_text())
    image_step = 1 + max(image["id"] for image in truth["images"])
    step = 1 + max(one["id"] for one in truth["annotations"])
    big = {**truth, "images": [], "annotations": []}
    found = []
    for time_ in range(TIMES):
        shift = time_ * image_step
        big["images"] += [{**one, "id": one["id"] + shift} for one in truth["images"]]
        big["annotations"] += [
            {**one, "id": one["id"] + time_ * step, "image_id": one["image_id"] + shift}
            for one in truth["annotations"]
        ]
        found += [{**one, "image_id": one["image_id"] + shift} for one in results]
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (big, found), strict=True):
        path.write_text(json.dumps(content))
    return paths


def turns(gt: Path, pred: Path, rounds: int, times: int = 1) -> dict[str, list[float]]:
    """Return seconds of processor time a side and round; the sides' figures must be equal.

    Processor time, as on a busy machine the clock tells more about the others.
    """
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    for _ in range(rounds):
        figures = {}
        for name, side in SIDES.items():
            start = time.process_time()
            for _ in range(times):
                figures[name] = side(gt, pred)
            seconds[name].append(time.process_time() - start)
        check(figures)
    return seconds


def check(figures: dict[str, Figures]) -> None:
    """Refuse to compare what does not agree."""
    for kind in KINDS:
        for name in NAMES:
            theirs, mine = (figures[side][kind][name] for side in SIDES)
            if abs(theirs - mine) > 1e-9:
                sys.exit(f"{kind} {name}: {mine} is not pycocotools' {theirs}")


def peak_mib(side: str, gt: Path, pred: Path) -> float:
    """Return the peak memory of one side in a process of its own, its imports included."""
    words = [sys.executable, __file__, "--alone", side, str(gt), str(pred)]
    return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def own_peak_mib() -> float:
    """Return this process's peak memory; getrusage would count the parent's before exec."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(name: str, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Return medians, the ratio of each round, and their spread."""
    ratios = [a / b for a, b in zip(seconds["maskgui"], seconds["pycocotools"], strict=True)]
    return {
        "what": name,
        **{f"{side}_s": round(statistics.median(values), 3) for side, values in seconds.items()},
        "ratio": round(statistics.median(ratios), 3),
        "ratio_min": round(min(ratios), 3),
        "ratio_max": round(max(ratios), 3),
    }


def main() -> int:
    """Measure, print, and return 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/coco-eval")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        name, gt, pred = options.alone
        SIDES[name](Path(gt), Path(pred))
        print(own_peak_mib())
        return 0
    if not (options.data / TRUTH).is_file():
        print(f"There is no {options.data / TRUTH}; name its folder with --data.", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        gt, pred = repeat(options.data, Path(folder))
        small = options.data / TRUTH, options.data / RESULTS
        turns(*small, rounds=1)  # imports and first calls
        rows = [
            row(f"one set of {TIMES} x 100 images", turns(gt, pred, options.rounds)),
            row(f"{TIMES} times 100 images", turns(*small, options.rounds, TIMES)),
        ]
        memory = {side: round(peak_mib(side, gt, pred), 1) for side in SIDES}
    report(rows, memory, options.json)
    return int(any(one["ratio"] > GOAL for one in rows))


def report(rows: list[dict[str, Any]], memory: dict[str, float], as_json: bool) -> None:
    """Print the rows, as JSON or text."""
    if as_json:
        print(json.dumps({"rows": rows, "peak_mib": memory, "goal": GOAL}))
        return
    for one in rows:
        print(
            f"{one['what']:<28} pycocotools {one['pycocotools_s']:7.2f} s   maskgui "
            f"{one['maskgui_s']:7.2f} s   ratio {one['ratio']:.2f} "
            f"({one['ratio_min']:.2f}-{one['ratio_max']:.2f}), goal <= {GOAL}"
        )
    print(
        "peak memory                  " + "   ".join(f"{k} {v:.0f} MiB" for k, v in memory.items())
    )


if __name__ == "__main__":
    sys.exit(main())
