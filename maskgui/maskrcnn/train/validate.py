"""AP of a network on held-out images while it trains."""

from typing import Any

import numpy as np
import torch
from faster_coco_eval import mask as coco_mask
from numpy.typing import NDArray
from torchvision.models.detection import MaskRCNN

from maskgui.maskrcnn.evaluate import evaluate_results
from maskgui.maskrcnn.train.dataset import DataSet, Sample

MAX_DETS = (1, 10, 200)
MATCH_IOU = 0.5


def validate(module: MaskRCNN, data: DataSet, images: int) -> tuple[dict[str, float], float]:
    """Return mask AP, AP50, AP75, ... on the first `images` images at 200 detections an image, and
    the score at which to show detections."""
    count = min(images, len(data))
    samples = data.samples[:count]
    results: list[dict[str, Any]] = []
    for index, sample in enumerate(samples):
        results += predictions(module, data.image(index), sample.image_id)
    truth = _truth(samples, len(data.categories))
    found = evaluate_results(truth, results, MAX_DETS, ["segm"])
    return found.segm, best_threshold(truth, results)


def best_threshold(truth: dict[str, Any], results: list[dict[str, Any]]) -> float:
    """Return the score (0.05, 0.10, ... 0.95) above which masks have the highest F1 at IoU 0.5.

    Detections are matched as COCO matches them, best score first, within image and category.
    """
    groups: dict[tuple[int, int], tuple[list[Any], list[Any]]] = {}
    for side, rows in enumerate((truth["annotations"], results)):
        for row in rows:
            key = (row["image_id"], row["category_id"])
            groups.setdefault(key, ([], []))[side].append(row)
    right: list[bool] = []
    scores: list[float] = []
    for objects, found in groups.values():
        found.sort(key=lambda row: -float(row["score"]))
        right += _matches(objects, found)
        scores += [float(row["score"]) for row in found]
    hits, values = np.array(right, bool), np.array(scores)
    candidates = np.arange(1, 20) / 20
    shown = [values >= candidate for candidate in candidates]
    count = max(len(truth["annotations"]), 1)
    f1 = [2 * np.count_nonzero(hits & kept) / (np.count_nonzero(kept) + count) for kept in shown]
    return float(candidates[int(np.argmax(f1))])


def _matches(objects: list[Any], found: list[Any]) -> list[bool]:
    """Return which of the detections, in order, take an object at IoU 0.5 or more."""
    if not objects or not found:
        return [False] * len(found)
    masks = [[row["segmentation"] for row in rows] for rows in (found, objects)]
    overlaps = np.array(coco_mask.iou(*masks, [0] * len(objects)))
    hits = []
    for row in overlaps:
        best = int(row.argmax())
        hits.append(bool(row[best] >= MATCH_IOU))
        if hits[-1]:
            overlaps[:, best] = 0
    return hits


@torch.inference_mode()
def predictions(module: MaskRCNN, image: NDArray[np.uint8], image_id: int) -> list[dict[str, Any]]:
    """Return the network's detections on one H x W x 3 image as COCO results with RLE masks."""
    pixels = torch.from_numpy(image.transpose(2, 0, 1) / np.float32(255))
    output = module.eval()([pixels])[0]
    masks = (output["masks"][:, 0] >= 0.5).numpy().astype(np.uint8)
    rles = coco_mask.encode(np.asfortranarray(masks.transpose(1, 2, 0)))
    return [
        {
            "image_id": image_id,
            "category_id": int(label),
            "score": float(score),
            "segmentation": rle,
        }
        for rle, label, score in zip(rles, output["labels"], output["scores"], strict=True)
    ]


def _truth(samples: list[Sample], categories: int) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for sample in samples:
        for target in sample.targets:
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
                    "iscrowd": 0,
                }
            )
    return {
        "images": [{"id": s.image_id, "height": s.height, "width": s.width} for s in samples],
        "annotations": annotations,
        "categories": [{"id": n, "name": str(n)} for n in range(1, categories + 1)],
    }
