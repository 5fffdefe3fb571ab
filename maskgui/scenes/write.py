"""Scenes as a COCO data set: images and one JSON with compressed RLE."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as rle_codec

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.core.seal import Standing
from maskgui.scenes.compose import CATEGORIES, GENERATOR_VERSION, Scene, SceneObject, draw_scene

JPEG_QUALITY = 92
SAME = "the data set of these scenes"


def write_scenes(
    folder: Path,
    n: int,
    seed: int,
    on_progress: Callable[[int, int], None] | None = None,
    overwrite: bool = False,
) -> Path:
    """Draw `n` scenes, image i from seed + i, into `folder`; returns the path of the COCO JSON.

    Writes images/scene_<seed, ten digits>.jpg and instances.json, each to a temporary name first.
    Every annotation carries `hidden`, the share of the object that something else covers.
    `on_progress(done, n)` is called after each image.

    Raises:
        UserError: `n` < 1, or a negative seed.
        Standing: another instances.json is there, and `overwrite` is off.
        Failure: the folder cannot be written.
    """
    if n < 1:
        raise UserError(f"{n} scenes cannot be drawn; ask for 1 or more.")
    if seed < 0:
        raise UserError(f"The seed {seed} is negative; give 0 or more.")
    categories = [{"id": i, "name": name} for i, name in enumerate(CATEGORIES, start=1)]
    data: dict[str, Any] = {
        "info": {
            "description": "MaskGUI demo scenes",
            "version": str(GENERATOR_VERSION),
            "seeds": [seed, seed + n - 1],
        },
        "images": [],
        "annotations": [],
        "categories": categories,
    }
    target = folder / "instances.json"
    before = target.read_bytes() if target.is_file() and not overwrite else None
    head = json.dumps({"info": data["info"]}).encode("ascii")[:-1]
    if before is not None and not before.startswith(head):
        raise Standing(target, SAME)
    for i in range(n):
        _add_scene(folder, data, draw_scene(seed + i), seed + i)
        if on_progress is not None:
            on_progress(i + 1, n)
    written = json.dumps(data, ensure_ascii=True).encode("ascii")
    if before not in (None, written):
        raise Standing(target, SAME)
    write_atomic(target, written)
    return target


def encode_image(scene: Scene, suffix: str = ".jpg") -> bytes:
    """The scene's image as a file's bytes, in the format that the suffix names."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    _, buffer = cv2.imencode(suffix, scene.image[..., ::-1], options)
    return bytes(buffer)


def _add_scene(folder: Path, data: dict[str, Any], scene: Scene, seed: int) -> None:
    name = f"scene_{seed:010d}.jpg"
    write_atomic(folder / "images" / name, encode_image(scene))
    height, width = scene.image.shape[:2]
    image_id = len(data["images"]) + 1
    data["images"].append(
        {"id": image_id, "file_name": f"images/{name}", "width": width, "height": height}
    )
    for item in scene.objects:
        record = _annotation(item)
        record.update(id=len(data["annotations"]) + 1, image_id=image_id)
        data["annotations"].append(record)


def _annotation(item: SceneObject) -> dict[str, Any]:
    code = rle_codec.encode(np.asfortranarray(item.mask.astype(np.uint8)))
    return {
        "category_id": CATEGORIES.index(item.category) + 1,
        "segmentation": {"size": list(code["size"]), "counts": code["counts"].decode("ascii")},
        "area": int(rle_codec.area(code)),
        "bbox": [float(value) for value in rle_codec.toBbox(code)],
        "iscrowd": 0,
        "hidden": round(item.hidden_fraction, 4),
    }
