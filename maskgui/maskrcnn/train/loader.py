"""Batches by step number: any step can be made again, so a resumed run sees the same data."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maskgui.maskrcnn.config import Recipe
from maskgui.maskrcnn.train.augment import View, random_view
from maskgui.maskrcnn.train.dataset import DataSet
from maskgui.maskrcnn.train.parallel import Ranks

AHEAD = 3


@dataclass(frozen=True)
class Batch:
    """Images B x 3 x S x S uint8 and torchvision's targets (boxes, labels, masks), one a image."""

    images: Tensor
    targets: list[dict[str, Tensor]]


def make_batch(data: DataSet, recipe: Recipe, turn: int) -> Batch:
    """Return the batch of one turn: a function of the seed and the turn alone.

    Alone, a process takes a turn a step; of n processes, rank r takes turn n * step + r.
    """
    config = recipe.train
    views = []
    for place in range(turn * config.batch, (turn + 1) * config.batch):
        epoch, position = divmod(place, len(data))
        order = np.random.default_rng((config.seed, 1, epoch)).permutation(len(data))
        index = int(order[position])
        sample = data.samples[index]
        scale = network_scale(
            sample.height, sample.width, recipe.model.min_side, recipe.model.max_side
        )
        rng = np.random.default_rng((config.seed, 2, place))
        views.append(random_view(data.image(index), sample.targets, config, scale, rng))
    images = torch.from_numpy(np.stack([view.image for view in views]))
    return Batch(images.permute(0, 3, 1, 2), [_target(view) for view in views])


def network_scale(height: int, width: int, min_side: int, max_side: int) -> float:
    """Return the factor by which torchvision's transform enlarges an image of that size."""
    return min(min_side / min(height, width), max_side / max(height, width))


def batches(
    data: DataSet, recipe: Recipe, steps: range, ranks: Ranks, stop: threading.Event
) -> Iterator[tuple[int, Batch]]:
    """Yield (step, batch) for each of the steps, made ahead in one thread."""
    ready: queue.Queue[tuple[int, Batch] | BaseException] = queue.Queue(AHEAD)

    def work() -> None:
        try:
            for step in steps:
                turn = step * ranks.size + ranks.rank
                _put(ready, (step, make_batch(data, recipe, turn)), stop)
                if stop.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - handed to the consumer, raised there
            _put(ready, error, stop)

    threading.Thread(target=work, name="training-data", daemon=True).start()
    for _ in steps:
        item = ready.get()
        if isinstance(item, BaseException):
            raise item
        yield item


def _put(
    ready: "queue.Queue[tuple[int, Batch] | BaseException]",
    item: tuple[int, Batch] | BaseException,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            ready.put(item, timeout=0.2)
        except queue.Full:
            continue
        return


def _target(view: View) -> dict[str, Tensor]:
    return {
        "boxes": torch.from_numpy(view.boxes),
        "labels": torch.from_numpy(view.labels),
        "masks": torch.from_numpy(view.masks),
    }
