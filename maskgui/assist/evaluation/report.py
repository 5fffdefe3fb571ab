"""What `evaluate` does: score a file, or a model run on the images of a ground truth."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskgui.assist.locating import ImageFinder
from maskgui.assist.segment import find_images, segment_files
from maskgui.core.detections import SCORE_FLOOR, UNUSED_CATEGORY
from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.evaluate import (
    BOUNDARY,
    KINDS,
    Mistakes,
    Row,
    Scored,
    Truth,
    find_mistakes,
    read_results,
    read_truth,
    score,
)
from maskgui.maskrcnn.models import ModelRef, find_model


@dataclass(frozen=True)
class Report:
    """An evaluation: what was scored, the figures, and the mistakes."""

    gt: Path
    predictions: str
    """The result file's name, or the model's."""
    truth: Truth
    rows: list[Row]
    scored: Scored
    mistakes: Mistakes

    @property
    def objects(self) -> int:
        """Objects of the ground truth, crowd regions aside."""
        return sum(not row["iscrowd"] for row in self.truth.rows)

    @property
    def notes(self) -> list[str]:
        """What must be known to read the figures rightly, a sentence each."""
        said = []
        if not self.truth.has_masks and self.truth.rows:
            said.append("The ground truth has no masks: only boxes are scored.")
        elif self.rows and all(row["from_box"] for row in self.rows):
            said.append("The predictions have no masks: their boxes are scored as rectangles.")
        return said

    def to_dict(self) -> dict[str, Any]:
        """Return what a script wants to know, fractions rounded to three decimals.

        {"segm": {"AP": ...}, "bbox": {...}, "categories": {"segm": {name: AP}}, "per_category":
        {"segm": {name: {"AP": ...}}}, "mistakes": {...}, counts}; "boundary" where asked for.
        """
        found = self.scored.evaluation
        mistakes = self.mistakes
        table: dict[str, Any] = {"segm": found.segm, "bbox": found.bbox}
        if found.boundary:
            table[BOUNDARY] = found.boundary
        return {
            **_rounded(table),
            "categories": _rounded(found.categories),
            "per_category": _rounded(found.per_category),
            "mistakes": {
                "score": mistakes.score,
                "precision": round(mistakes.precision, 3),
                "recall": round(mistakes.recall, 3),
                "right": mistakes.right,
                **{kind: len(entries) for kind, entries in mistakes.of_kind.items()},
            },
            "images": len(self.truth.images),
            "objects": self.objects,
            "detections": len(self.rows),
            "notes": self.notes,
        }


def _rounded(table: Any) -> Any:
    if isinstance(table, dict):
        return {key: _rounded(value) for key, value in table.items()}
    return round(table, 3)


def evaluate_file(gt: Path, pred: Path, max_dets: int, boundary: bool = False) -> Report:
    """Score a COCO result list or data set. Raises UserError for files that cannot be used."""
    truth = read_truth(gt)
    return _report(gt, pred.name, truth, read_results(pred, truth, gt), max_dets, boundary)


def evaluate_model(
    gt: Path,
    images: Path,
    model: str,
    device: str,
    max_dets: int,
    on_progress: Callable[[int, int], None],
    boundary: bool = False,
) -> Report:
    """Run a model on the images of a ground truth and score what it finds, from score 0.01 on.

    Box figures are those of the network's own boxes, as the field counts them.

    Raises:
        UserError: the truth or the model cannot be used, or an image is missing or unreadable.
    """
    truth = read_truth(gt)
    ref = find_model(model)
    name = ref.name
    paths = _locate(truth, images, gt)
    _check_categories(ref, truth, gt)
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "detections.json"
        sources = list(paths)
        done = segment_files(
            sources,
            model,
            found,
            score=SCORE_FLOOR,
            device=device,
            network_boxes=True,
            on_progress=on_progress,
        )
        if done.problems:
            raise UserError(
                f"{done.problems[0]} {len(done.problems)} of {len(paths)} images could not be "
                "read; all must count, so mend them or take them out of the ground truth."
            )
        _rename_images(found, {name: paths[path] for name, path in find_images(sources).items()})
        rows = read_results(found, truth, gt, f"What {name} finds")
    return _report(gt, name, truth, rows, max_dets, boundary)


def _report(
    gt: Path, predictions: str, truth: Truth, rows: list[Row], max_dets: int, boundary: bool
) -> Report:
    limits = (min(1, max_dets), min(10, max_dets), max_dets)
    kinds = [*KINDS, BOUNDARY] if boundary else KINDS
    scored = score(truth, rows, limits, kinds)
    return Report(gt, predictions, truth, rows, scored, find_mistakes(truth, rows, max_dets))


def _check_categories(ref: ModelRef, truth: Truth, gt: Path) -> None:
    """Refuse a model whose card has other categories than the truth, before it runs."""
    try:
        known = ref.card().categories
    except UserError:
        return  # foreign weights get their card when they are loaded
    wanted = [str(entry.name) for entry in truth.categories]
    if not set(known) & set(wanted):
        raise UserError(
            f"{ref.name} finds none of the categories of {gt}: it knows {_some(known)}, which has "
            f"{_some(wanted)}; choose another model, or score what `segment --map` writes."
        )
    more = [name for name in known if name not in {*wanted, UNUSED_CATEGORY}]
    if more:
        raise UserError(
            f"{ref.name} also finds {_some(more)}, which {gt} does not have, and all that it finds "
            "counts; choose another model, or score what `segment --map` writes without them."
        )


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names[:3]) + (", …" if len(names) > 3 else "")


def _locate(truth: Truth, images: Path, gt: Path) -> dict[Path, str]:
    """Return the truth's images as files, each with the name that the truth gives it."""
    if not images.is_dir():
        raise UserError(f"There is no folder “{images}”; check --images.")
    finder = ImageFinder(gt, images)
    located = {image.file_name: finder.find(image.file_name) for image in truth.images}
    missing = [name for name, path in located.items() if path is None]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(truth.images)} images of {gt} are not in {images}, the first "
            f"is “{missing[0]}”; all must count, so give the folder that has them."
        )
    return {path: name for name, path in located.items() if path is not None}


def _rename_images(data_set: Path, names: dict[str, str]) -> None:
    content = json.loads(data_set.read_bytes())
    for image in content["images"]:
        image["file_name"] = names[image["file_name"]]
    write_atomic(data_set, json.dumps(content).encode("ascii"))
