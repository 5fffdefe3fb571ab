"""Training speed: images a second of ours beside torchvision's reference loop.

Both sides train the same network (own copies of the same weights) with SGD on the same generated
scenes, views, batches, threads and number of loading workers, in turn, in one process. float32 by
default on both; bfloat16, on both, is a row of its own.

Theirs is restated from torchvision's references/detection (train.py, engine.py train_one_epoch,
utils.collate_fn; BSD-3-Clause): a DataLoader that collates tuples, images as float tensors to the
model, the sum of the losses, backward, step; the warm-up of its first epoch and its MetricLogger
are left out, reducing the losses (an exchange between processes) too.

    python benchmarks/training.py [--rounds 5] [--steps 6] [--batch 4] [--bf16] [--json]
"""

import argparse
import copy
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.config import Config, Recipe, TrainConfig
from maskgui.maskrcnn.train.dataset import DataSet
from maskgui.maskrcnn.train.engine import Engine
from maskgui.maskrcnn.train.feed import batches
from maskgui.maskrcnn.train.loader import make_batch
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.reading import read_dataset
from maskgui.scenes import write_scenes

SCENES = 16
SIDE = 320
RATE = 1e-4  # small: both must stay in the same range for as long as is measured
GOALS = {"cpu": 1.0, "cuda": 1.3}
Target = dict[str, Tensor]


# What torchvision's references do.


class Views(Dataset[tuple[Tensor, Target]]):
    """The same views as ours, one an item, in the reference's form: float C x H x W, 0 to 1."""

    def __init__(self, data: DataSet, recipe: Recipe, count: int) -> None:
        single = TrainConfig(**{**fields(recipe.train), "batch": 1})
        self.data, self.recipe, self.count = data, Recipe(recipe.model, single), count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        batch = make_batch(self.data, self.recipe, index)
        return batch.images[0].float() / 255, batch.targets[0]


def fields(value: Any) -> dict[str, Any]:
    """Return a struct's fields."""
    return {name: getattr(value, name) for name in value.__struct_fields__}


def collate_fn(items: list[tuple[Tensor, Target]]) -> tuple[Any, ...]:
    """torchvision's references/detection/utils.py, collate_fn."""
    return tuple(zip(*items, strict=True))


class Theirs:
    """torchvision's references/detection/engine.py, train_one_epoch, a step at a time."""

    def __init__(self, module: Any, data: DataSet, recipe: Recipe, device: Any, bf16: bool) -> None:
        self.model, self.device, self.bf16 = module.to(device).train(), device, bf16
        loader = DataLoader(
            Views(data, recipe, 10_000),
            batch_size=recipe.train.batch,
            num_workers=recipe.train.workers,
            collate_fn=collate_fn,
        )
        self.batches = iter(loader)
        self.optimizer = torch.optim.SGD(
            [p for p in module.parameters() if p.requires_grad],
            lr=RATE,
            momentum=0.9,
            weight_decay=1e-4,
        )

    def step(self) -> None:
        """Take one step."""
        images, targets = next(self.batches)
        images = [image.to(self.device) for image in images]
        targets = [{k: v.to(self.device) for k, v in t.items()} for t in targets]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            loss_dict = self.model(images, targets)
            losses = sum(loss for loss in loss_dict.values())
        if not torch.isfinite(losses):
            raise RuntimeError(f"the reference loop diverged: {loss_dict}")
        self.optimizer.zero_grad()
        losses.backward()
        self.optimizer.step()


# What we do.


class Ours:
    """The engine and loader of `main.py train`, a step at a time."""

    def __init__(self, module: Any, data: DataSet, recipe: Recipe, device: Any, bf16: bool) -> None:
        train = TrainConfig(
            **{**fields(recipe.train), "precision": "bfloat16" if bf16 else "float32"}
        )
        self.engine = Engine(module, train, device, Ranks(), print)
        steps = batches(data, Recipe(recipe.model, train), range(10_000), Ranks(), device)
        self.batches: Iterator[Any] = steps

    def step(self) -> None:
        """Take one step."""
        step, batch = next(self.batches)
        self.engine.step(step, batch, RATE)


def measure(sides: dict[str, Any], rounds: int, steps: int, batch: int, gpu: bool) -> Any:
    """Return name -> images a second of each round; the sides take turns within a round."""
    speeds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        names = list(sides) if number % 2 else list(sides)[::-1]
        for name in names:
            started = time.perf_counter()
            for _ in range(steps):
                sides[name].step()
            if gpu:
                torch.cuda.synchronize()
            if number:  # the first round warms up
                speeds[name].append(steps * batch / (time.perf_counter() - started))
    return speeds


def compare(data: DataSet, recipe: Recipe, arguments: Any, bf16: bool) -> dict[str, Any]:
    """Return one row: medians, and the ratio of each round with its spread."""
    device = torch.device(arguments.device)
    torch.manual_seed(0)
    module: nn.Module = build(recipe.model)
    sides = {
        "reference": Theirs(copy.deepcopy(module), data, recipe, device, bf16),
        "ours": Ours(module, data, recipe, device, bf16),
    }
    gpu = device.type == "cuda"
    speeds = measure(sides, arguments.rounds, arguments.steps, recipe.train.batch, gpu)
    pairs = zip(speeds["ours"], speeds["reference"], strict=True)
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "precision": "bfloat16" if bf16 else "float32",
        **{f"{name} images/s": statistics.median(values) for name, values in speeds.items()},
        "ratio": statistics.median(ratios),
        "ratio lowest": ratios[0],
        "ratio highest": ratios[-1],
        "peak MB, both": (torch.cuda.max_memory_allocated() if gpu else kilobytes * 1024) / 1e6,
        "goal": GOALS.get(device.type, 1.0),
    }


def main() -> int:
    """Measure, print a table or JSON; return 1 when float32 misses the goal."""
    parser = argparse.ArgumentParser(description="Training speed beside torchvision's loop.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="a round and side")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0: its own choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="a second row in bfloat16")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    # The same figures for our views and torchvision's transform, which then resizes 1 : 1.
    model = Config(categories=11, min_side=SIDE, max_side=SIDE, train_rois=64)
    train = TrainConfig(
        batch=arguments.batch, crop=SIDE, workers=arguments.workers, optimiser="sgd",
        weight_decay=1e-4, ema_decay=0.0, clip_norm=0.0, learning_rate=RATE, warmup_steps=0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        written = write_scenes(Path(folder), SCENES, 0)
        data = read_dataset(Path(written), Path(folder))
        for index in range(len(data)):
            data.image(index)  # both read from memory
        kinds = [False, True] if arguments.bf16 else [False]
        rows = [compare(data, Recipe(model, train), arguments, bf16) for bf16 in kinds]
    if arguments.json:
        print(json.dumps({"training": rows}))
    else:
        for row in rows:
            print(table(row))
    return int(rows[0]["ratio"] < rows[0]["goal"])


def table(row: dict[str, Any]) -> str:
    """Return one row as text."""
    values = {n: f"{v:.2f}" if isinstance(v, float) else v for n, v in row.items()}
    return "  ".join(f"{name} {value}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
