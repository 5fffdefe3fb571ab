"""AP and AR of masks, boxes and mask boundaries by COCO's rules, through faster-coco-eval.

That engine equals pycocotools figure by figure (tests/maskrcnn/test_evaluate_pycocotools.py).
Boundary AP is Cheng et al. 2021, "Boundary IoU": the lower of mask IoU and boundary IoU, the
boundary being 2 % of the image's diagonal wide.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from maskgui.core.errors import UserError
from maskgui.core.forms import first_fault
from maskgui.maskrcnn.evaluate.reading import read_results, read_truth
from maskgui.maskrcnn.evaluate.rows import Annotation, DataSet, Row, Truth, results_of, truth_of

MAX_DETS = (1, 10, 100)
KINDS = ("segm", "bbox")
BOUNDARY = "boundary"
Floats = NDArray[np.float64]
Figures = dict[str, float]


class Evaluation(msgspec.Struct, frozen=True):
    """Figures as fractions under AP, AP50, AP75, AP_S, AP_M, AP_L, AR1, AR10, AR100 (AR's numbers
    are the detections allowed an image), -1 where the ground truth has no such objects.

    `segm` and `boundary` are empty where they were not asked for or the truth has no masks.
    `categories` maps each kind ('segm', 'bbox', 'boundary') to category name -> AP, `per_category`
    to category name -> all figures.
    """

    segm: Figures
    bbox: Figures
    categories: dict[str, dict[str, float]]
    per_category: dict[str, dict[str, Figures]]
    boundary: Figures = {}


@dataclass(frozen=True)
class Scored:
    """An evaluation with the curves behind it."""

    evaluation: Evaluation
    precision: dict[str, Floats]
    """Kind -> precision, 10 IoU thresholds (0.50, 0.55, ... 0.95) x 101 recalls (0, 0.01, ... 1)
    x K categories, for all areas and the most detections; -1 where there is no truth."""


def evaluate(
    gt: Path,
    results: Path,
    max_dets: tuple[int, int, int] = MAX_DETS,
    kinds: Sequence[str] = KINDS,
) -> Evaluation:
    """Score a result list or a COCO data set with scores against a ground-truth file.

    A result list's ids are taken as given; a data set's images are matched by file name and its
    categories by name. Every image of the ground truth counts.

    Raises:
        UserError: a file cannot be read, or a result belongs to an image or category that the
            ground truth does not have.
    """
    truth = read_truth(gt)
    return score(truth, read_results(results, truth, gt), max_dets, kinds).evaluation


def evaluate_results(
    truth: dict[str, Any],
    results: list[dict[str, Any]],
    max_dets: tuple[int, int, int] = MAX_DETS,
    kinds: Sequence[str] = KINDS,
) -> Evaluation:
    """Score results (image_id, category_id, score, segmentation or bbox) against a data set.

    Both are plain Python values as JSON would give them; RLE counts may also be bytes.

    Raises:
        UserError: something in them cannot be counted.
    """
    try:
        ground = truth_of(msgspec.convert(truth, DataSet), "the ground truth")
        entries = msgspec.convert(results, list[Annotation])
    except msgspec.ValidationError as error:
        fault = first_fault(truth, DataSet) or first_fault(results, list[Annotation])
        raise UserError(f"These are no COCO records: {fault}; correct them.") from error
    numbers = (ground.image_numbers(), ground.category_numbers())
    rows = results_of(entries, ground, numbers, "the results")
    return score(ground, rows, max_dets, kinds).evaluation


def score(
    truth: Truth, rows: list[Row], max_dets: tuple[int, int, int], kinds: Sequence[str]
) -> Scored:
    """Score checked results; masks are left out where the truth has none."""
    figures: dict[str, Figures] = {}
    each: dict[str, dict[str, Figures]] = {}
    curves: dict[str, Floats] = {}
    ground, found = _coco(truth, truth.rows), _coco(truth, rows)
    for kind in kinds:
        if kind != "bbox" and not truth.has_masks:
            continue
        precision, recall = _accumulate(ground, found, kind, max_dets)
        figures[kind] = _figures(precision, recall, max_dets)
        each[kind] = {
            name: _figures(precision[:, :, [place]], recall[:, [place]], max_dets)
            for place, name in enumerate(truth.names)
        }
        curves[kind] = precision[:, :, :, 0, -1]
    average = {
        kind: {name: values["AP"] for name, values in table.items()} for kind, table in each.items()
    }
    evaluation = Evaluation(
        figures.get("segm", {}), figures.get("bbox", {}), average, each, figures.get(BOUNDARY, {})
    )
    return Scored(evaluation, curves)


def _coco(truth: Truth, rows: list[Row]) -> Any:
    images = [
        {"id": number, "height": image.height, "width": image.width}
        for number, image in enumerate(truth.images, 1)
    ]
    categories = [{"id": number, "name": name} for number, name in enumerate(truth.names, 1)]
    return COCO({"images": images, "annotations": rows, "categories": categories})


def _accumulate(
    ground: Any, found: Any, kind: str, max_dets: tuple[int, int, int]
) -> tuple[Floats, Floats]:
    """Return precision (IoU x 101 recalls x K x area x maxDets) and recall (without the recall
    axis), -1 where there is no ground truth; K in the order of the category ids."""
    count = len(ground.dataset["categories"])
    if count == 0:
        return np.full((10, 101, 0, 4, 3), -1.0), np.full((10, 0, 4, 3), -1.0)
    judge = COCOeval_faster(ground, found, kind)
    judge.params.maxDets = list(max_dets)
    with contextlib.redirect_stdout(io.StringIO()):
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"], judge.eval["recall"]


def _figures(precision: Floats, recall: Floats, max_dets: tuple[int, int, int]) -> Figures:
    names = ["AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", *(f"AR{count}" for count in max_dets)]
    values = [_mean(precision[index, :, :, 0, -1]) for index in (slice(None), 0, 5)]
    values += [_mean(precision[:, :, :, area, -1]) for area in (1, 2, 3)]
    values += [_mean(recall[:, :, 0, place]) for place in range(len(max_dets))]
    return dict(zip(names, values, strict=True))


def _mean(values: Floats) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0
