"""AP of masks and boxes by COCO's rules, through faster-coco-eval."""

import contextlib
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from numpy.typing import NDArray

from maskgui.core.errors import UserError

MAX_DETS = (1, 10, 100)
KINDS = ("segm", "bbox")
Floats = NDArray[np.float64]


class Evaluation(msgspec.Struct, frozen=True):
    """Figures as fractions under AP, AP50, AP75, AP_S, AP_M, AP_L, AR1, AR10, AR100 (AR's numbers
    are the detections allowed an image), -1 where the ground truth has no such objects.

    `categories` maps each kind ('segm', 'bbox') to category name -> AP.
    """

    segm: dict[str, float]
    bbox: dict[str, float]
    categories: dict[str, dict[str, float]]


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
    truth = _read(gt)
    if not isinstance(truth, dict) or not truth.get("images"):
        raise UserError(f"{gt} is no COCO data set with images; choose the ground truth.")
    given = _read(results)
    try:
        return evaluate_results(truth, _matched(truth, given, gt, results), max_dets, kinds)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise UserError(
            f"{results} cannot be scored against {gt}: a record lacks what COCO prescribes "
            f"({type(error).__name__}: {error}); export both once more."
        ) from error


def evaluate_results(
    truth: dict[str, Any],
    results: list[dict[str, Any]],
    max_dets: tuple[int, int, int] = MAX_DETS,
    kinds: Sequence[str] = KINDS,
) -> Evaluation:
    """Score results (image_id, category_id, score, segmentation or bbox) against a data set."""
    figures: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
    categories: dict[str, dict[str, float]] = {}
    with contextlib.redirect_stdout(io.StringIO()):
        ground = COCO(truth)
        for kind in kinds:
            precision, recall = _curves(ground, _usable(results, kind), kind, max_dets)
            figures[kind] = _figures(precision, recall, max_dets)
            categories[kind] = {
                entry["name"]: _mean(precision[:, :, place, 0, -1])
                for place, entry in enumerate(sorted(truth["categories"], key=lambda e: e["id"]))
            }
    return Evaluation(figures["segm"], figures["bbox"], categories)


def _usable(results: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return copies, as loading fills them in; boxes are the masks' where no result has any."""
    boxed = [result for result in results if "bbox" in result]
    return [dict(result) for result in (boxed if kind == "bbox" and boxed else results)]


def _curves(
    ground: Any, results: list[dict[str, Any]], kind: str, max_dets: tuple[int, int, int]
) -> tuple[Floats, Floats]:
    """Return precision (IoU x 101 recalls x K x area x maxDets) and recall (without the recall
    axis), -1 where there is no ground truth; K in the order of the category ids."""
    judge = COCOeval_faster(ground, ground.loadRes(results) if results else _nothing(ground), kind)
    judge.params.maxDets = list(max_dets)
    judge.evaluate()
    judge.accumulate()
    return judge.eval["precision"], judge.eval["recall"]


def _nothing(ground: Any) -> Any:
    return COCO({**ground.dataset, "annotations": []})


def _figures(precision: Floats, recall: Floats, max_dets: tuple[int, int, int]) -> dict[str, float]:
    names = ["AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", *(f"AR{count}" for count in max_dets)]
    values = [_mean(precision[index, :, :, 0, -1]) for index in (slice(None), 0, 5)]
    values += [_mean(precision[:, :, :, area, -1]) for area in (1, 2, 3)]
    values += [_mean(recall[:, :, 0, place]) for place in range(len(max_dets))]
    return dict(zip(names, values, strict=True))


def _mean(values: Floats) -> float:
    known = values[values > -1]
    return float(known.mean()) if known.size else -1.0


def _read(path: Path) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check the path.") from error
    except msgspec.DecodeError as error:
        raise UserError(f"{path} is not JSON ({error}); choose a COCO file.") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply for COCO; choose another file.") from error


def _matched(truth: dict[str, Any], given: Any, gt: Path, results: Path) -> list[dict[str, Any]]:
    """Return the results under the ground truth's image and category ids."""
    if isinstance(given, list):
        images = {entry["id"]: entry["id"] for entry in truth["images"]}
        categories = {entry["id"]: entry["id"] for entry in truth["categories"]}
        rows = given
    elif isinstance(given, dict) and isinstance(given.get("annotations"), list):
        images = _by_file(truth["images"], given.get("images", []))
        categories = _by_name(truth["categories"], given.get("categories", []), "name")
        rows = given["annotations"]
    else:
        raise UserError(f"{results} is neither a result list nor a COCO data set; choose another.")
    matched = []
    for place, row in enumerate(rows):
        for key, table in (("image_id", images), ("category_id", categories)):
            if row.get(key) not in table:
                raise UserError(
                    f"{results}: result {row.get('id', place)} has the {key} {row.get(key)}, which "
                    f"{gt} does not have; score results of the same data set."
                )
        matched.append(
            {
                "score": 1.0,
                **row,
                "image_id": images[row["image_id"]],
                "category_id": categories[row["category_id"]],
            }
        )
    return matched


def _by_name(
    truth: list[dict[str, Any]], given: list[dict[str, Any]], key: str
) -> dict[object, object]:
    ids = {entry[key]: entry["id"] for entry in truth}
    return {entry["id"]: ids[entry[key]] for entry in given if entry[key] in ids}


def _by_file(truth: list[dict[str, Any]], given: list[dict[str, Any]]) -> dict[object, object]:
    """Match images by file name, else by the name without its folder where only one has it."""
    bases = Counter(_base(entry) for entry in truth)
    alone = [
        {"id": entry["id"], "base": _base(entry)} for entry in truth if bases[_base(entry)] == 1
    ]
    loose = _by_name(alone, [{"id": entry["id"], "base": _base(entry)} for entry in given], "base")
    return {**loose, **_by_name(truth, given, "file_name")}


def _base(entry: dict[str, Any]) -> str:
    return str(entry["file_name"]).replace("\\", "/").rpartition("/")[2]
