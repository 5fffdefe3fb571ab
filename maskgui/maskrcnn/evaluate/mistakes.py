"""What went wrong, told as a person would: missed, spurious, wrong category, poor mask.

Looked at where the results are best used: at the score with the highest F1 at IoU 0.5. The kinds
follow Bolya et al. 2020 ("TIDE"), but each object and each detection is counted once.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from faster_coco_eval import mask as coco_mask
from numpy.typing import NDArray

from maskgui.maskrcnn.evaluate.rows import Row, Truth

Kind = Literal["missed", "spurious", "wrong category", "poor mask"]
MISTAKE_KINDS: tuple[Kind, ...] = get_args(Kind)

MATCH_IOU = 0.5
NEAR_IOU = 0.1
"""From here on a detection is meant for an object, though its outline does not count."""


@dataclass(frozen=True)
class Mistake:
    """One mistake; `truth` and `found` are rows, each None where there is none."""

    kind: Kind
    truth: Row | None
    found: Row | None
    iou: float = 0.0


@dataclass(frozen=True)
class Mistakes:
    """All mistakes at one score, the gravest of each kind first.

    `right + missed + wrong category + poor mask` are the objects (crowd regions aside), and
    `right + spurious + wrong category + poor mask` the detections from `score` on that lie on no
    crowd region.
    """

    score: float
    right: int
    of_kind: dict[Kind, list[Mistake]]

    @property
    def precision(self) -> float:
        """Right detections of all; 0 where there are none."""
        return self._share("spurious")

    @property
    def recall(self) -> float:
        """Objects found of all; 0 where there are none."""
        return self._share("missed")

    def _share(self, lone: Kind) -> float:
        kinds: tuple[Kind, ...] = (lone, "wrong category", "poor mask")
        return self.right / max(self.right + sum(len(self.of_kind[kind]) for kind in kinds), 1)


def find_mistakes(truth: Truth, rows: list[Row], max_dets: int) -> Mistakes:
    """Return the mistakes of the `max_dets` best results of each image and category."""
    scenes = _scenes(truth.rows, rows, max_dets, truth.has_masks)
    threshold = _best_score(scenes)
    right = 0
    of_kind: dict[Kind, list[Mistake]] = {kind: [] for kind in MISTAKE_KINDS}
    for scene in scenes:
        right += _sort_out(scene, threshold, of_kind)
    of_kind["missed"].sort(key=lambda m: -(m.truth or {})["area"])
    of_kind["poor mask"].sort(key=lambda m: m.iou)
    for kind in ("spurious", "wrong category"):
        of_kind[kind].sort(key=lambda m: -(m.found or {})["score"])
    return Mistakes(threshold, right, of_kind)


@dataclass(frozen=True)
class _Scene:
    """One image: its objects, its results from the best score on, and their IoU (results x
    objects; with a crowd region, the share of the result that lies in it)."""

    objects: list[Row]
    found: list[Row]
    iou: NDArray[np.float64]
    same: NDArray[np.bool_]
    crowd: NDArray[np.bool_]


def _scenes(
    objects: Iterable[Row], results: Iterable[Row], max_dets: int, masks: bool
) -> list[_Scene]:
    grouped: dict[int, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
    for row in objects:
        grouped[row["image_id"]][0].append(row)
    counts: dict[tuple[int, int], int] = defaultdict(int)
    for row in sorted(results, key=lambda r: -r["score"]):
        key = (row["image_id"], row["category_id"])
        counts[key] += 1
        if counts[key] <= max_dets:
            grouped[row["image_id"]][1].append(row)
    return [_scene(*grouped[image], masks) for image in sorted(grouped)]


def _scene(objects: list[Row], found: list[Row], masks: bool) -> _Scene:
    crowd = np.array([bool(row["iscrowd"]) for row in objects], bool)
    overlaps = np.zeros((len(found), len(objects)))
    if objects and found:
        key = "segmentation" if masks else "bbox"
        sides = [[row[key] for row in rows] for rows in (found, objects)]
        overlaps = np.array(coco_mask.iou(*sides, [int(one) for one in crowd]))
    categories = [np.array([row["category_id"] for row in rows], int) for rows in (found, objects)]
    return _Scene(objects, found, overlaps, categories[0][:, None] == categories[1], crowd)


def _match(
    scene: _Scene, open_found: list[int], taken: set[int], usable: NDArray[np.bool_], least: float
) -> list[tuple[int, int]]:
    """Pair results (best score first) with the free object they overlap most, from `least` on."""
    pairs = []
    for one in open_found:
        values = np.where(usable[one], scene.iou[one], -1.0)
        values[list(taken)] = -1.0
        if values.size and values.max() >= least:
            best = int(values.argmax())
            taken.add(best)
            pairs.append((one, best))
    return pairs


def _best_score(scenes: list[_Scene]) -> float:
    """Return the lowest score at which F1 at IoU 0.5 is highest; 0 where there are no results."""
    hits: list[tuple[float, bool]] = []
    objects = sum(int(np.count_nonzero(~scene.crowd)) for scene in scenes)
    for scene in scenes:
        everyone = list(range(len(scene.found)))
        pairs = _match(scene, everyone, set(), scene.same & ~scene.crowd, MATCH_IOU)
        right = {one for one, _ in pairs}
        in_crowd = _in_crowd(scene)
        hits += [
            (scene.found[one]["score"], one in right)
            for one in everyone
            if one in right or not in_crowd[one]
        ]
    if not hits:
        return 0.0
    hits.sort(key=lambda hit: -hit[0])
    scores = np.array([value for value, _ in hits])
    found = np.cumsum([hit for _, hit in hits])
    f1 = 2 * found / (np.arange(1, len(hits) + 1) + max(objects, 1))
    ends = np.append(scores[1:] < scores[:-1], True)  # a score is shown whole or not at all
    f1[~ends] = -1
    return float(scores[int(f1.argmax())])


def _in_crowd(scene: _Scene) -> NDArray[np.bool_]:
    covered = (scene.iou >= MATCH_IOU) & scene.same & scene.crowd
    return np.asarray(covered.any(axis=1), np.bool_)


def _sort_out(scene: _Scene, threshold: float, of_kind: dict[Kind, list[Mistake]]) -> int:
    """Add one image's mistakes to `of_kind`; return how many detections are right."""
    remaining = [n for n, row in enumerate(scene.found) if row["score"] >= threshold]
    taken: set[int] = set()
    single = ~scene.crowd

    def pair(usable: NDArray[np.bool_], least: float) -> list[tuple[int, int]]:
        pairs = _match(scene, remaining, taken, usable, least)
        done = {one for one, _ in pairs}
        remaining[:] = [one for one in remaining if one not in done]
        return pairs

    right = pair(scene.same & single, MATCH_IOU)
    in_crowd = _in_crowd(scene)
    remaining[:] = [one for one in remaining if not in_crowd[one]]
    wrong: tuple[tuple[Kind, list[tuple[int, int]]], ...] = (
        ("wrong category", pair(~scene.same & single, MATCH_IOU)),
        ("poor mask", pair(scene.same & single, NEAR_IOU)),
    )
    for kind, pairs in wrong:
        for one, other in pairs:
            overlap = float(scene.iou[one, other])
            of_kind[kind].append(Mistake(kind, scene.objects[other], scene.found[one], overlap))
    of_kind["spurious"] += [Mistake("spurious", None, scene.found[one]) for one in remaining]
    of_kind["missed"] += [
        Mistake("missed", row, None)
        for number, row in enumerate(scene.objects)
        if number not in taken and single[number]
    ]
    return len(right)
