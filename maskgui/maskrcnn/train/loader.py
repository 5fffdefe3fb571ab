"""Batches by step number: any step can be made again, so a resumed run sees the same data."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maskgui.maskrcnn.config import Recipe
from maskgui.maskrcnn.train.augment import View, random_view
from maskgui.maskrcnn.train.copy_paste import paste_objects
from maskgui.maskrcnn.train.dataset import DataSet


@dataclass(frozen=True)
class Batch:
    """Images B x 3 x S x S uint8 and torchvision's targets (boxes, labels, masks), one a image.

    Each target also has `crowd`, S x S uint8: where anything found is neither right nor wrong.
    `crowded` says whether any of them has such a place: asking a GPU would hold it up.
    """

    images: Tensor
    targets: list[dict[str, Tensor]]
    crowded: bool

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device; the copy from pinned memory runs beside the work there."""
        if device.type == "cpu":
            return self
        targets = [
            {name: value.to(device, non_blocking=True) for name, value in target.items()}
            for target in self.targets
        ]
        return Batch(self.images.to(device, non_blocking=True), targets, self.crowded)

    def pin_memory(self) -> "Batch":
        """Return the batch in memory that a GPU can read by itself."""
        targets = [{n: value.pin_memory() for n, value in one.items()} for one in self.targets]
        return Batch(self.images.pin_memory(), targets, self.crowded)

    def parts(self, count: int) -> list["Batch"]:
        """Return the batch in at most `count` pieces."""
        size = -(-len(self.targets) // count)
        starts = range(0, len(self.targets), size)
        return [
            Batch(self.images[a : a + size], self.targets[a : a + size], self.crowded)
            for a in starts
        ]


def make_batch(data: DataSet, recipe: Recipe, turn: int) -> Batch:
    """Return the batch of one turn: a function of the seed and the turn alone.

    Alone, a process takes a turn a step; of n processes, rank r takes turn n * step + r.
    """
    size = recipe.train.batch
    views = [_view(data, recipe, place) for place in range(turn * size, (turn + 1) * size)]
    images = torch.from_numpy(np.stack([view.image for view in views]))
    crowded = any(bool(view.crowd.any()) for view in views)
    return Batch(images.permute(0, 3, 1, 2), [_target(view) for view in views], crowded)


def _view(data: DataSet, recipe: Recipe, place: int) -> View:
    """Return the view at one place of the endless row of epochs."""
    config = recipe.train
    epoch, position = divmod(place, len(data))
    order = np.random.default_rng((config.seed, 1, epoch)).permutation(len(data))
    rng = np.random.default_rng((config.seed, 2, place))
    view = _view_of(data, recipe, int(order[position]), rng)
    if rng.random() < config.copy_paste:
        other = _view_of(data, recipe, int(rng.integers(len(data))), rng)
        view = paste_objects(view, other, rng)
    return view


def _view_of(data: DataSet, recipe: Recipe, index: int, rng: np.random.Generator) -> View:
    sample, model = data.samples[index], recipe.model
    scale = network_scale(sample.height, sample.width, model.min_side, model.max_side)
    image = data.image(index)
    return random_view(image, sample.targets, recipe.train, scale, rng, sample.crowds)


def network_scale(height: int, width: int, min_side: int, max_side: int) -> float:
    """Return the factor by which torchvision's transform enlarges an image of that size."""
    return min(min_side / min(height, width), max_side / max(height, width))


def _target(view: View) -> dict[str, Tensor]:
    return {
        "boxes": torch.from_numpy(view.boxes),
        "labels": torch.from_numpy(view.labels),
        "masks": torch.from_numpy(view.masks),
        "crowd": torch.from_numpy(view.crowd),
    }
