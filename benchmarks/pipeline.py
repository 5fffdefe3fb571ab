"""Image to polygons: ours against what a script does today, with the same weights.

The script: torchvision's model, its full-size masks, a threshold, cv2.findContours. Both sides run
in one process, in turn, float32, on the same threads and input, and must find the same objects.
Then masks to polygons alone, at 12 megapixels, each side in a process of its own for its memory.

    python benchmarks/pipeline.py [--model v1|NAME] [--rounds 7] [--threads 2] [--json]
"""

import argparse
import copy
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.roi_heads import paste_masks_in_image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from maskgui.core.detections import CERTAIN, Detections
from maskgui.imaging import read_rgb
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.config import COCO_V1
from maskgui.maskrcnn.models import find_model
from maskgui.maskrcnn.predictor import Predictor
from maskgui.maskrcnn.vectorize import shapes
from maskgui.paths import resources_dir

FLOOR, LIMIT = 0.05, 100  # torchvision's own, on both sides
LARGE = (3000, 4000)
OBJECTS = 100
WHOLE_GOAL, TIME_GOAL, MEMORY_GOAL = 0.9, 0.02, 0.01

Rgb = np.ndarray[Any, np.dtype[np.uint8]]


# What a script does today.


def script(model: MaskRCNN, rgb: Rgb) -> tuple[dict[str, torch.Tensor], list[Any]]:
    """Run torchvision's model and outline its masks."""
    image = torch.from_numpy(rgb).permute(2, 0, 1).float() / 255
    with torch.inference_mode():
        found = model([image])[0]
    return found, contours(found["masks"])


def contours(masks: torch.Tensor) -> list[Any]:
    """Threshold N x 1 x H x W probabilities and trace each mask."""
    binary = (masks[:, 0] > 0.5).numpy().astype(np.uint8)
    return [cv2.findContours(m, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)[0] for m in binary]


# What we do.


def ours(predictor: Predictor, rgb: Rgb) -> tuple[Detections, list[Any]]:
    """Run the staged predictor, without its cache, and outline the soft masks."""
    predictor.forget()
    found = predictor.detect(rgb, floor=FLOOR, limit=LIMIT)
    return found, list(shapes(found, range(len(found)), image_size=rgb.shape[:2]))


# The network: random, but with about a hundred clear detections and masks of one piece.


def random_v1(rgb: Rgb) -> tuple[MaskRCNN, Card]:
    """Return R50-FPN v1 whose activations, scores and masks are in a trained network's range."""
    torch.manual_seed(3)
    model = build(COCO_V1)
    image = [torch.from_numpy(rgb).permute(2, 0, 1).float() / 255]
    heads = model.roi_heads
    _blur(heads.mask_head, heads.mask_predictor)
    model.eval()
    heads.score_thresh, heads.detections_per_img = FLOOR, 10  # while the layers are scaled
    calibrate(model, image)
    with torch.no_grad():
        _scale(model, image, model.rpn.head.cls_logits, 2.0)
        _scale(model, image, model.rpn.head.bbox_pred, 0.2)
        _scale(model, image, heads.box_predictor.cls_score, 2.5)
        _scale(model, image, heads.box_predictor.bbox_pred, 0.5)
        _scale(model, image, heads.mask_predictor.mask_fcn_logits, 5.0)  # as in the shipped models
    names = tuple(f"category {number}" for number in range(1, COCO_V1.categories + 1))
    return model, Card("random-v1", "R50-FPN v1, random", COCO_V1, names, "0" * 64)


def calibrate(model: MaskRCNN, image: list[torch.Tensor]) -> None:
    """Give every frozen norm the statistics of its input, as training would have."""
    hooks = []
    for norm in model.modules():
        if type(norm).__name__ == "FrozenBatchNorm2d":
            hooks.append(norm.register_forward_pre_hook(_take_statistics))
    with torch.inference_mode():
        images, _ = model.transform(image)
        model.backbone(images.tensors)
    for hook in hooks:
        hook.remove()


def _take_statistics(norm: nn.Module, inputs: tuple[torch.Tensor]) -> None:
    norm.running_mean.copy_(inputs[0].mean((0, 2, 3)))
    norm.running_var.copy_(inputs[0].var((0, 2, 3)) + 1e-5)


def _blur(mask_head: nn.Module, predictor: nn.Module) -> None:
    """Let the mask head average its surroundings, so that masks are blobs and not noise."""
    with torch.no_grad():
        for conv in mask_head.modules():
            if isinstance(conv, nn.Conv2d):
                conv.weight.copy_(conv.weight.mean((2, 3), keepdim=True).expand_as(conv.weight))
        deconv = predictor.conv5_mask
        deconv.weight.copy_(deconv.weight.mean((2, 3), keepdim=True).expand_as(deconv.weight))


def _scale(model: MaskRCNN, image: list[torch.Tensor], layer: nn.Module, spread: float) -> None:
    """Scale and shift a layer so that its output has mean 0 and this standard deviation."""
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(output))
    model(image)
    hook.remove()
    flat = torch.cat([output.flatten(2).mean((0, 2)) if output.ndim == 4 else output.mean(0)
                      for output in seen[:1]])  # fmt: skip
    layer.bias.sub_(flat)
    factor = spread / torch.cat([output.flatten() for output in seen]).std()
    layer.weight.mul_(factor)
    layer.bias.mul_(factor)


# Measuring.


def whole(name: str, rounds: int) -> dict[str, Any]:
    """Time the whole path on both sides in turn, after checking that they agree."""
    rgb = read_rgb(sorted((resources_dir() / "demo").glob("*.jpg"))[0])
    model, card = random_v1(rgb) if name == "v1" else find_model(name).load()
    predictor = Predictor(copy.deepcopy(model), card)
    half = Predictor(copy.deepcopy(model), card, half=True)
    model.roi_heads.score_thresh, model.roi_heads.detections_per_img = FLOOR, LIMIT
    agreement = agree(script(model, rgb)[0], ours(predictor, rgb)[0], rgb.shape[:2])
    sides: dict[str, Callable[[], object]] = {
        "script": lambda: script(model, rgb),
        "ours": lambda: ours(predictor, rgb),
        "ours, backbone in bfloat16": lambda: ours(half, rgb),
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    busy: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds + 1):  # the first of each is not counted
        for side, run in sides.items():
            start, worked = time.perf_counter(), time.process_time()
            run()
            times[side].append(1000 * (time.perf_counter() - start))
            busy[side].append(1000 * (time.process_time() - worked))
    return {
        "model": name,
        "image": f"{rgb.shape[1]} x {rgb.shape[0]}",
        "agreement": agreement,
        "ms": {side: values[1:] for side, values in times.items()},
        "cpu ms": {side: values[1:] for side, values in busy.items()},
    }


def agree(
    theirs: dict[str, torch.Tensor], mine: Detections, size: tuple[int, ...]
) -> dict[str, Any]:
    """Pair detections of one label by their boxes, and compare boxes and masks of each pair.

    By box and not by rank: scores of a random network lie close together, so that rounding may
    let two neighbours change places.
    """
    boxes, labels = theirs["boxes"].numpy(), theirs["labels"].numpy() - 1
    pairs = []
    free = set(range(len(mine)))
    for index, (box, label) in enumerate(zip(boxes, labels, strict=True)):
        near = [j for j in free if mine.labels[j] == label]
        best = min(near, key=lambda j: np.abs(mine.boxes[j] - box).max(), default=None)
        if best is not None and np.abs(mine.boxes[best] - box).max() <= 0.5:
            free.remove(best)
            pairs.append((index, best))
    ours_of = [j for _, j in pairs]
    soft = torch.from_numpy(mine.masks[ours_of].astype(np.float32))[:, None] / CERTAIN
    pasted = paste_masks_in_image(soft, torch.from_numpy(mine.boxes[ours_of]), size)[:, 0] > 0.5
    expected = theirs["masks"][[i for i, _ in pairs], 0] > 0.5
    either = (pasted | expected).sum((1, 2))
    ious = torch.where(either == 0, 1.0, (pasted & expected).sum((1, 2)) / either.clamp(min=1))
    furthest = max((np.abs(mine.boxes[j] - boxes[i]).max() for i, j in pairs), default=0.0)
    return {
        "theirs": len(boxes),
        "ours": len(mine),
        "same box and label": len(pairs),
        "mask IoU >= 0.99": int((ious >= 0.99).sum()),
        "furthest corner px": round(float(furthest), 4),
        "least mask IoU": round(float(ious.min()), 4) if len(ious) else 1.0,
    }


def large_objects() -> Detections:
    """Return OBJECTS soft blobs with sides of 5-60 % of the short side at 12 megapixels."""
    rng = np.random.default_rng(0)
    height, width = LARGE
    y, x = (np.mgrid[:28, :28] + 0.5) / 28 - 0.5
    angle, radius = np.arctan2(y, x), np.hypot(x, y)
    masks, boxes = [], []
    for number in range(OBJECTS):
        waves = sum(
            rng.normal() * 0.05 / k * np.cos(k * angle + rng.uniform(0, 6)) for k in range(1, 6)
        )
        depth = 0.4 + waves - radius
        if number % 4 == 0:
            depth = np.minimum(depth, radius - 0.15)
        masks.append(np.round(CERTAIN / (1 + np.exp(-60 * depth))).astype(np.uint16))
        w, h = rng.uniform(0.05, 0.6, 2) * height
        x0, y0 = rng.uniform(0, width - w), rng.uniform(0, height - h)
        boxes.append([x0, y0, x0 + w, y0 + h])
    count = np.arange(OBJECTS)
    return Detections(
        "blobs", ("blob",), np.array(boxes, np.float32), np.ones(len(count), np.float32),
        np.zeros(len(count), np.int32), np.array(masks),
    )  # fmt: skip


def outline(side: str, found: Detections) -> list[Any]:
    """Masks to polygons, by one side."""
    if side == "ours":
        return list(shapes(found, range(len(found)), image_size=LARGE))
    soft = torch.from_numpy(found.masks.astype(np.float32))[:, None] / CERTAIN
    return contours(paste_masks_in_image(soft, torch.from_numpy(found.boxes), LARGE))


def measure_outline(side: str) -> None:
    """In a process of its own: print the time and the extra memory of one side."""
    found = large_objects()
    few = Detections(
        "blobs",
        ("blob",),
        found.boxes[:1] / 50,
        found.scores[:1],
        found.labels[:1],
        found.masks[:1],
    )
    outline("ours", few)  # libraries that load at their first use are not this part's memory
    contours(torch.zeros(1, 1, 32, 32))
    before = peak_mb(reset=True)
    start = time.perf_counter()
    polygons = outline(side, found)
    seconds = time.perf_counter() - start
    extra = peak_mb() - before
    print(json.dumps({"ms": 1000 * seconds, "mb": extra, "outlines": len(polygons)}))


def peak_mb(reset: bool = False) -> float:
    """Return the process's highest resident memory so far, or since the last reset (Linux)."""
    if reset and sys.platform == "linux":
        # Otherwise what importing took and gave back would hide what this part takes.
        Path("/proc/self/clear_refs").write_text("5")
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def masks_alone(rounds: int, threads: int) -> dict[str, Any]:
    """Run both sides in turn, each in fresh processes."""
    found: dict[str, list[dict[str, float]]] = {"script": [], "ours": []}
    for _ in range(rounds):
        for side, results in found.items():
            command = [sys.executable, __file__, "--outline", side, "--threads", str(threads)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            results.append(json.loads(done.stdout))
    return {
        side: {key: [result[key] for result in results] for key in ("ms", "mb")}
        for side, results in found.items()
    }


# Telling.


def table(report: dict[str, Any]) -> str:
    """Return the report as lines for people."""
    one, masks = report["whole"], report["masks"]
    base = statistics.median(one["ms"]["script"])
    lines = [
        f"Image to polygons, {one['model']}, {one['image']}, {report['threads']} threads; "
        f"detections agree: {one['agreement']}",
    ]
    for side, values in one["ms"].items():
        ratio, worked = (_ratio(one[key][side], one[key]["script"]) for key in ("ms", "cpu ms"))
        lines.append(
            f"  {side:<28}{statistics.median(values):9.0f} ms   {min(values):.0f}-{max(values):.0f}"
            f"   ratio {ratio:.3f}   of processor time {worked:.3f}"
        )
    lines.append(f"  goal: ratio <= {WHOLE_GOAL} (medians: {base:.0f} ms theirs)")
    if masks is None:
        return "\n".join(lines)
    lines.append(f"Masks to polygons alone, {OBJECTS} instances, {LARGE[1]} x {LARGE[0]}")
    for side, values in masks.items():
        ms, mb = statistics.median(values["ms"]), statistics.median(values["mb"])
        theirs = [statistics.median(masks["script"][key]) for key in ("ms", "mb")]
        lines.append(
            f"  {side:<28}{ms:9.1f} ms   {min(values['ms']):.0f}-{max(values['ms']):.0f}"
            f"   ratio {ms / theirs[0]:.4f}   extra {mb:.1f} MB   ratio {mb / theirs[1]:.4f}"
        )
    lines.append(f"  goals: time <= {TIME_GOAL}, memory <= {MEMORY_GOAL}")
    return "\n".join(lines)


def _ratio(mine: list[float], theirs: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))


def main() -> None:
    """Parse the arguments and print the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="v1")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--whole-only", action="store_true", help="leave out masks alone (10 GB on their side)"
    )
    parser.add_argument("--outline", choices=["script", "ours"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.outline:
        measure_outline(given.outline)
        return
    report = {
        "threads": given.threads,
        "whole": whole(given.model, given.rounds),
        "masks": None
        if given.whole_only
        else masks_alone(max(1, given.rounds // 2), given.threads),
    }
    print(json.dumps(report) if given.json else table(report))


if __name__ == "__main__":
    main()
