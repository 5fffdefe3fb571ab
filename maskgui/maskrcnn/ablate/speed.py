"""How many steps fit a number of minutes: the slowest row decides for all."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import msgspec
import torch

from maskgui.maskrcnn.ablate.plan import Plan, Task, pending
from maskgui.maskrcnn.ablate.tables import Table
from maskgui.maskrcnn.ablate.trainer import Data, Trainer

CORES = 2
"""A row's minutes are those of two cores, as one row takes them or two rows side by side."""
FEW_STEPS, FEW_IMAGES = 4, 2


@dataclass(frozen=True)
class Cost:
    """Seconds of one core, or of the GPU, for a step and for an image of the validation."""

    step: float
    image: float


def steps_for(minutes: float, costs: list[Cost], val_images: int, cores: int = CORES) -> int:
    """Return the steps with which the slowest row takes `minutes` on the cores, at least one."""
    room = minutes * 60 * cores
    return max(1, min(int((room - cost.image * val_images) / cost.step) for cost in costs))


def steps_of_budget(
    minutes: float, plan: Plan, tables: Mapping[str, Table], data: Data, device: str
) -> int:
    """Return `steps_for` the tables' rows, each measured on this machine for a few steps."""
    gpu = device != "cpu"
    clock = time.perf_counter if gpu else time.process_time
    few = msgspec.structs.replace(plan, train_images=len(data.train), val_images=FEW_IMAGES)
    trainer = Trainer(few, data, device)
    tasks = {task.key: task for task in pending(plan, tables, []) if task.seed == 0}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        costs = [_cost(trainer, task, clock) for task in tasks.values()]
    finally:
        torch.set_num_threads(threads)
    return steps_for(minutes, costs, plan.val_images, 1 if gpu else CORES)


def _cost(trainer: Trainer, task: Task, clock: Callable[[], float]) -> Cost:
    train = msgspec.structs.replace(task.recipe.train, steps=FEW_STEPS)
    short = replace(task, recipe=msgspec.structs.replace(task.recipe, train=train))
    marks: list[float] = []

    def mark(_step: int, _steps: int) -> None:
        marks.append(clock())

    trainer(short, mark)
    steps = marks[-1] - marks[0]
    return Cost(steps / (FEW_STEPS - 1), (clock() - marks[-1]) / FEW_IMAGES)
