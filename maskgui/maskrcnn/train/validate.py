"""AP of a network on held-out images while it trains."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import torch
from faster_coco_eval import mask as coco_mask
from numpy.typing import NDArray

from maskgui.maskrcnn import stages
from maskgui.maskrcnn.evaluate import evaluate_results
from maskgui.maskrcnn.train.dataset import DataSet, Sample

MAX_DETS = (1, 10, 200)
MATCH_IOU = 0.5

OnImage = Callable[[int, int], None]
"""Told (images done, images)."""


def validate(
    module: Any, data: DataSet, images: int, on_image: OnImage | None = None
) -> tuple[dict[str, float], float]:
    """Return mask AP, AP50, AP75, ... on the first `images` images at 200 detections an image, and
    the score at which to show detections; box AP where the network has no mask branch."""
    count = min(images, len(data))
    samples = data.samples[:count]
    results: list[dict[str, Any]] = []
    for index, sample in enumerate(samples):
        if on_image is not None:
            on_image(index, count)
        results += predictions(module, data.image(index), sample.image_id)
    truth = truth_of(samples, len(data.categories))
    masks = module.roi_heads.has_mask()
    found = evaluate_results(truth, results, MAX_DETS, ["segm" if masks else "bbox"])
    shape = "segmentation" if masks else "bbox"
    return (found.segm if masks else found.bbox), best_threshold(truth, results, shape)


def best_threshold(
    truth: dict[str, Any], results: list[dict[str, Any]], shape: str = "segmentation"
) -> float:
    """Return the score (0.05, 0.10, ... 0.95) above which masks, or boxes where `shape` is "bbox",
    have the highest F1 at IoU 0.5. Crowd regions take no part.

    Detections are matched as COCO matches them, best score first, within image and category.
    """
    groups: dict[tuple[int, int], tuple[list[Any], list[Any]]] = {}
    for side, rows in enumerate((truth["annotations"], results)):
        for row in rows:
            if row.get("iscrowd"):
                continue
            key = (row["image_id"], row["category_id"])
            groups.setdefault(key, ([], []))[side].append(row)
    right: list[bool] = []
    scores: list[float] = []
    for objects, found in groups.values():
        found.sort(key=lambda row: -float(row["score"]))
        right += _matches(objects, found, shape)
        scores += [float(row["score"]) for row in found]
    hits, values = np.array(right, bool), np.array(scores)
    candidates = np.arange(1, 20) / 20
    shown = [values >= candidate for candidate in candidates]
    count = max(sum(len(objects) for objects, _ in groups.values()), 1)
    f1 = [2 * np.count_nonzero(hits & kept) / (np.count_nonzero(kept) + count) for kept in shown]
    return float(candidates[int(np.argmax(f1))])


def _matches(objects: list[Any], found: list[Any], shape: str) -> list[bool]:
    """Return which of the detections, in order, take an object at IoU 0.5 or more."""
    if not objects or not found:
        return [False] * len(found)
    masks = [[row[shape] for row in rows] for rows in (found, objects)]
    overlaps = np.array(coco_mask.iou(*masks, [0] * len(objects)))
    hits = []
    for row in overlaps:
        best = int(row.argmax())
        hits.append(bool(row[best] >= MATCH_IOU))
        if hits[-1]:
            overlaps[:, best] = 0
    return hits


@torch.inference_mode()
def predictions(module: Any, image: NDArray[np.uint8], image_id: int) -> list[dict[str, Any]]:
    """Return the network's detections on one H x W x 3 image as COCO results: boxes, and RLE masks
    where it has a mask branch."""
    heads = module.eval().roi_heads
    features = stages.compute_features(module, image)
    regions = stages.propose_regions(module, features)
    floor, limit = heads.score_thresh, heads.detections_per_img
    found = stages.classify_boxes(module, features, regions, floor, limit)
    boxes = stages.to_image(found.boxes, features).cpu().numpy()
    results: list[dict[str, Any]] = [
        {
            "image_id": image_id,
            "category_id": int(label),
            "score": float(score),
            "bbox": [float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])],
        }
        for box, label, score in zip(boxes, found.labels, found.scores, strict=True)
    ]
    if heads.has_mask() and results:
        soft = stages.predict_masks(module, features, found.boxes, found.labels)
        size = (image.shape[0], image.shape[1])
        for result, box, mask in zip(results, boxes, soft.cpu().numpy(), strict=True):
            result["segmentation"] = encode(mask, box, size)
    return results


def encode(soft: NDArray[np.float32], box: NDArray[np.float32], size: tuple[int, int]) -> Any:
    """Return an m x m soft mask, cut at 0.5, as the RLE of an image of `size` (height, width).

    Placed as torchvision's paste_masks_in_image places it: a border of one cell, the box rounded
    outwards; only the box's pixels are worked on.
    """
    side = soft.shape[0]
    half = (box[2:] - box[:2]) / 2 * ((side + 2) / side)
    centre = (box[2:] + box[:2]) / 2
    x0, y0 = (int(v) for v in centre - half)
    x1, y1 = (int(v) for v in centre + half)
    shape = (max(x1 - x0 + 1, 1), max(y1 - y0 + 1, 1))
    crop = np.asarray(cv2.resize(np.pad(soft, 1), shape, interpolation=cv2.INTER_LINEAR)) > 0.5
    top, left = max(y0, 0), max(x0, 0)
    bottom, right = min(y1 + 1, size[0]), min(x1 + 1, size[1])
    mask = np.zeros(size, np.uint8, order="F")
    if bottom > top and right > left:
        mask[top:bottom, left:right] = crop[top - y0 : bottom - y0, left - x0 : right - x0]
    return coco_mask.encode(mask)


def truth_of(samples: list[Sample], categories: int) -> dict[str, Any]:
    """Return the samples as a COCO table; its category ids are 1..`categories`."""
    annotations: list[dict[str, Any]] = []
    for sample in samples:
        shapes = [(target, 0) for target in sample.targets]
        for target, crowd in [*shapes, *((region, 1) for region in sample.crowds)]:
            mask = np.zeros((sample.height, sample.width), np.uint8, order="F")
            height, width = target.mask.shape
            mask[target.y : target.y + height, target.x : target.x + width] = target.mask
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": sample.image_id,
                    "category_id": target.category,
                    "segmentation": coco_mask.encode(mask),
                    "bbox": [target.x, target.y, width, height],
                    "area": int(target.mask.sum()),
                    "iscrowd": crowd,
                }
            )
    return {
        "images": [{"id": s.image_id, "height": s.height, "width": s.width} for s in samples],
        "annotations": annotations,
        "categories": [{"id": n, "name": str(n)} for n in range(1, categories + 1)],
    }
