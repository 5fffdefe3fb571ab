"""One random view of an image and its masks, at the network's scale.

Geometry (crop, scale, flips, quarter turns) is a single affine map, so pixels are interpolated
once; colour follows. All randomness comes from the generator given.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskgui.maskrcnn.config import TrainConfig
from maskgui.maskrcnn.train.dataset import Target

Matrix = NDArray[np.float64]
Pixels = NDArray[np.uint8]
MIN_AREA = 9
PADDING = (124, 116, 104)


@dataclass(frozen=True)
class View:
    """What the network sees: image S x S x 3 uint8, masks N x S x S 0/1, boxes N x 4 (x0 y0 x1 y1)
    exclusive on the right, labels N from 1, crowd S x S 0/1 where nothing is to be learned."""

    image: Pixels
    masks: Pixels
    boxes: NDArray[np.float32]
    labels: NDArray[np.int64]
    crowd: Pixels


def random_view(
    image: Pixels,
    targets: tuple[Target, ...],
    config: TrainConfig,
    scale: float,
    rng: np.random.Generator,
    crowds: tuple[Target, ...] = (),
) -> View:
    """Return a random crop of side `config.crop` of the image taken `scale` times as large.

    Objects of which fewer than 9 pixels remain are dropped. What lies outside the image is the
    mean colour, which the network sees as zero.
    """
    side = config.crop
    matrix = _random_map(image.shape[0], image.shape[1], config, scale, rng)
    pixels = cv2.warpAffine(
        image, _for_opencv(matrix), (side, side), flags=cv2.INTER_LINEAR, borderValue=PADDING
    )
    pixels = _colour(np.asarray(pixels, dtype=np.uint8), config, rng)
    masks, boxes, labels = [], [], []
    for target in targets:
        moved = _move(target, matrix, side)
        if moved is None:
            continue
        masks.append(moved)
        boxes.append(box_of(moved))
        labels.append(target.category)
    crowd = np.zeros((side, side), np.uint8)
    for region in crowds:
        moved = _move(region, matrix, side)
        if moved is not None:
            crowd |= moved
    return View(
        pixels,
        np.stack(masks) if masks else np.zeros((0, side, side), np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels, np.int64),
        crowd,
    )


def box_of(mask: Pixels) -> list[int]:
    """Return the box around the set pixels of a mask that has some."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def _random_map(
    height: int, width: int, config: TrainConfig, scale: float, rng: np.random.Generator
) -> Matrix:
    """Return the 2 x 3 map from continuous image to continuous view coordinates."""
    low, high = np.log(config.scale[0]), np.log(config.scale[1])
    factor = scale * float(np.exp(rng.uniform(low, high)))
    matrix = np.array([[factor, 0.0], [0.0, factor]])
    if config.flip and rng.random() < 0.5:
        matrix = np.array([[-1.0, 0.0], [0.0, 1.0]]) @ matrix
    if config.flip_vertical and rng.random() < 0.5:
        matrix = np.array([[1.0, 0.0], [0.0, -1.0]]) @ matrix
    if config.quarter_turns and rng.random() < 0.5:
        matrix = np.array([[0.0, -1.0], [1.0, 0.0]]) @ matrix
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float) @ matrix.T
    low_corner, extent = corners.min(axis=0), np.ptp(corners, axis=0)
    spare = extent - config.crop
    offset = np.where(spare > 0, rng.random(2) * spare, spare / 2)
    return np.column_stack([matrix, -low_corner - offset])


def _for_opencv(matrix: Matrix) -> Matrix:
    """Return the same map between pixel centres: OpenCV's pixel i lies at i, ours at i + 0.5."""
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([0.5, 0.5]) - 0.5
    return shifted


def _move(target: Target, matrix: Matrix, side: int) -> Pixels | None:
    """Return the target's S x S mask in the view, or None when too little is left."""
    height, width = target.mask.shape
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    corners = (corners + np.array([target.x, target.y])) @ matrix[:, :2].T + matrix[:, 2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, side).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)), 0, side).astype(int)
    if x1 <= x0 or y1 <= y0:
        return None
    local = matrix.copy()
    local[:, 2] += matrix[:, :2] @ np.array([target.x, target.y], float) - (x0, y0)
    soft = cv2.warpAffine(
        target.mask * np.uint8(255),
        _for_opencv(local),
        (int(x1 - x0), int(y1 - y0)),
        flags=cv2.INTER_LINEAR,
    )
    inside = np.asarray(soft) >= 128
    if np.count_nonzero(inside) < MIN_AREA:
        return None
    mask = np.zeros((side, side), np.uint8)
    mask[y0:y1, x0:x1] = inside
    return mask


def _colour(pixels: Pixels, config: TrainConfig, rng: np.random.Generator) -> Pixels:
    """Return the pixels with random light, contrast, tint, grey, inversion, blur and noise."""
    if rng.random() < config.invert:
        pixels = 255 - pixels
    values = pixels.astype(np.float32)
    if rng.random() < config.grey:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    strength = config.colour
    gain = np.exp(rng.uniform(-strength, strength))
    tint = np.exp(rng.uniform(-strength, strength, 3) / 3).astype(np.float32)
    mean = values.mean(axis=(0, 1), keepdims=True)
    saturation = np.float32(np.exp(rng.uniform(-strength, strength)))
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * saturation
    values = (values - mean) * np.float32(np.exp(rng.uniform(-strength, strength))) + mean
    values = values * np.float32(gain) * tint + np.float32(rng.uniform(-40, 40) * strength)
    if rng.random() < config.blur:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.4, 1.4)))
    if rng.random() < config.noise:
        noise = rng.standard_normal(values.shape, dtype=np.float32)
        values = values + noise * np.float32(rng.uniform(1, 10))
    return np.clip(values, 0, 255).astype(np.uint8)
