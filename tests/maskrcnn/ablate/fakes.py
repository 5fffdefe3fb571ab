"""A plan and results without any training."""

from collections.abc import Callable

from maskgui.maskrcnn.ablate.plan import Plan, Task
from maskgui.maskrcnn.ablate.results import Result
from maskgui.maskrcnn.ablate.tables import network
from maskgui.maskrcnn.config import Recipe, TrainConfig

PLAN = Plan(
    base=Recipe(train=TrainConfig(steps=5, batch=2)),
    size="small",
    seeds=3,
    categories=2,
    train_images=10,
    val_images=4,
    data="toy/data.json",
    data_hash="0123456789ab",
    command="main.py ablate --table masks",
)


def result(task: Task, value: float, plan: Plan = PLAN) -> Result:
    """A task's result with the AP `value`; AP50 and AP75 lie 0.2 above and 0.1 below."""
    figures = {"AP": value, "AP50": value + 0.2, "AP75": value - 0.1}
    named = network(task.row, plan.size)
    assert named is not None
    return Result(
        recipe=task.key,
        data=plan.data_hash,
        seed=task.seed,
        row=task.name,
        network=named[0],
        segm={} if task.row.changes.get("mask_branch") == "none" else figures,
        bbox=figures,
        steps=5,
        images=10,
        seconds=4.0,
        cpu_seconds=3.0,
        taken=7,
        tensors=9,
        init="body",
        torch="2",
        torchvision="0",
        device="cpu",
    )


class FakeTrainer:
    """Returns AP by row name and seed at once, and remembers what it was asked for."""

    def __init__(self, value: Callable[[str, int], float]) -> None:
        self.value = value
        self.asked: list[tuple[str, int]] = []

    def __call__(self, task: Task, on_step: Callable[[int, int], None]) -> Result:
        self.asked.append((task.row.name, task.seed))
        on_step(1, 5)
        return result(task, self.value(task.row.name, task.seed))
