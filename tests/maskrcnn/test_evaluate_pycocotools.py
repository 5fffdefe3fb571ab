"""Every figure equals pycocotools', on random data sets and on the reference evaluation."""

import contextlib
import copy
import io
from typing import Any

import cv2
import msgspec
import numpy as np
import pycocotools.mask as coco_mask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from maskgui.maskrcnn.evaluate import BOUNDARY, evaluate_results, score
from maskgui.maskrcnn.evaluate.rows import Annotation, DataSet, results_of, truth_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEIGHT, WIDTH = 110, 120
NAMES = ("AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L")
LIMITS = ([1, 10, 100], [1, 2, 5], [1, 10, 200], [1, 1, 1])

Mask = NDArray[np.uint8]


def rle(mask: Mask) -> dict[str, Any]:
    packed = coco_mask.encode(np.asfortranarray(mask))
    return {"size": list(packed["size"]), "counts": packed["counts"].decode()}


def blob(rng: np.random.Generator) -> Mask:
    """A mask of one or two rectangles, of any of COCO's three sizes, now and then empty."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for _ in range(rng.integers(1, 3)):
        side = int(rng.choice([3, 8, 20, 40, 100]))
        y, x = rng.integers(0, HEIGHT - 3), rng.integers(0, WIDTH - 3)
        mask[y : y + side, x : x + int(rng.choice([side, side // 2 + 1]))] = 1
    return mask * (rng.random() > 0.03)


def record(mask: Mask, **more: Any) -> dict[str, Any]:
    form = rle(mask)
    return {"segmentation": form, "bbox": coco_mask.toBbox(form).tolist(), **more}


def data_set(rng: np.random.Generator) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A ground truth (crowd, ignore, areas of its own and at the limits, empty images, sparse ids)
    and results (shifted truth, noise, ties in the score; with boxes or without; maybe none)."""
    images = rng.choice(50, rng.integers(1, 5), replace=False).tolist()
    categories = rng.choice(90, rng.integers(1, 4), replace=False).tolist()
    objects = []
    masks = [blob(rng) for _ in range(rng.integers(0, 20))]
    for number, mask in enumerate(masks, 1):
        area = rng.choice([float(mask.sum()), float(mask.sum()), 1024.0, 9216.0, 5.0])
        owner = {"image_id": int(rng.choice(images)), "category_id": int(rng.choice(categories))}
        crowd = int(rng.random() < 0.2)
        one = record(mask, id=number, **owner, area=float(area), iscrowd=crowd)
        if rng.random() < 0.2:
            one["ignore"] = int(rng.integers(0, 2))
        objects.append(one)
    boxed = rng.random() < 0.5
    results = []
    for _ in range(rng.integers(0, 35) if rng.random() < 0.95 else 0):
        mask, owner = blob(rng), {}
        if objects and rng.random() < 0.7:
            place = int(rng.integers(len(objects)))
            mask = np.roll(masks[place], rng.integers(-3, 4), rng.integers(0, 2))
            owner = {key: objects[place][key] for key in ("image_id", "category_id")}
        if not owner or rng.random() < 0.1:
            owner = {
                "image_id": int(rng.choice(images)),
                "category_id": int(rng.choice(categories)),
            }
        value = float(rng.choice([0.0, 0.1, 0.5, 0.5, 0.9, 1.0, rng.random()]))
        one = record(mask, **owner, score=value)
        results.append(one if boxed else {k: v for k, v in one.items() if k != "bbox"})
    truth = {
        "images": [{"id": i, "width": WIDTH, "height": HEIGHT} for i in images],
        "categories": [{"id": c, "name": f"c{c}"} for c in categories],
        "annotations": objects,
    }
    return truth, results


def by_pycocotools(
    truth: dict[str, Any], results: list[dict[str, Any]], kind: str, limits: list[int]
) -> COCOeval:
    with contextlib.redirect_stdout(io.StringIO()):
        ground, found = COCO(), COCO()
        ground.dataset = copy.deepcopy(truth)
        ground.createIndex()
        if results:
            found = ground.loadRes(copy.deepcopy(results))
        else:
            found.dataset = {**truth, "annotations": []}
            found.createIndex()
        judge = COCOeval(ground, found, kind)
        judge.params.maxDets = limits
        judge.evaluate()
        judge.accumulate()
    return judge


def figures(judge: COCOeval, limits: list[int]) -> dict[str, float]:
    def mean(values: NDArray[np.float64]) -> float:
        return float(values[values > -1].mean()) if (values > -1).any() else -1.0

    precision, recall = judge.eval["precision"], judge.eval["recall"]
    cuts = (precision[..., 0, -1], precision[0, ..., 0, -1], precision[5, ..., 0, -1])
    sizes = (precision[..., area, -1] for area in (1, 2, 3))
    values = dict(zip(NAMES, map(mean, (*cuts, *sizes)), strict=True))
    recalls = {f"AR{limit}": mean(recall[:, :, 0, at]) for at, limit in enumerate(limits)}
    return {**values, **recalls}


@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), limits=st.sampled_from(LIMITS))
def test_a_thousand_random_data_sets(seed: int, limits: list[int]) -> None:
    truth, results = data_set(np.random.default_rng(seed))
    kind = ("segm", "bbox")[seed % 2]
    judge = by_pycocotools(truth, results, kind, limits)
    ours = evaluate_results(truth, results, tuple(limits), [kind])
    found = msgspec.to_builtins(ours)[kind]
    assert found == pytest.approx(figures(judge, limits), abs=1e-12)
    for place, entry in enumerate(sorted(truth["categories"], key=lambda e: e["id"])):
        known = judge.eval["precision"][:, :, place, 0, -1]
        expected = known[known > -1].mean() if (known > -1).any() else -1.0
        assert ours.categories[kind][entry["name"]] == pytest.approx(expected, abs=1e-12)


def test_precision_and_recall_are_the_same_arrays() -> None:
    truth, results = data_set(np.random.default_rng(5))
    judge = by_pycocotools(truth, results, "segm", [1, 10, 100])
    ground = truth_of(msgspec.convert(truth, DataSet), "truth")
    numbers = ground.image_numbers(), ground.category_numbers()
    rows = results_of(msgspec.convert(results, list[Annotation]), ground, numbers, "results")
    scored = score(ground, rows, (1, 10, 100), ["segm"])
    np.testing.assert_allclose(
        scored.precision["segm"], judge.eval["precision"][..., 0, -1], atol=1e-12
    )


def band(mask: Mask) -> Mask:
    """The mask's pixels within 2 % of the image's diagonal of its outline (Boundary IoU)."""
    wide = max(round(0.02 * float(np.hypot(*mask.shape))), 1)
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=wide)
    return mask - inside[1:-1, 1:-1]


def overlap(first: Mask, second: Mask) -> float:
    return float((first & second).sum() / max((first | second).sum(), 1))


@pytest.mark.parametrize("seed", range(20))
def test_boundary_ap_is_the_lower_of_two_overlaps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask, other = np.zeros((HEIGHT, WIDTH), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    side = int(rng.integers(20, 80))
    mask[10 : 10 + side, 8 : 8 + side] = 1
    shift, trim = rng.integers(0, 4, 2)
    other[10 + shift : 10 + side, 8 + trim : 8 + side] = 1
    truth = {
        "images": [{"id": 1, "width": WIDTH, "height": HEIGHT}],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [record(mask, id=1, image_id=1, category_id=1)],
    }
    results = [record(other, image_id=1, category_id=1, score=0.5)]
    lower = min(overlap(mask, other), overlap(band(mask), band(other)))
    expected = np.mean([lower >= cut for cut in np.linspace(0.5, 0.95, 10)])
    found = evaluate_results(truth, results, kinds=["segm", "bbox", BOUNDARY])
    assert found.boundary["AP"] == pytest.approx(float(expected))
    assert found.boundary["AP"] <= found.segm["AP"]
