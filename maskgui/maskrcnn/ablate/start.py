"""From what a person asks for to a settled plan, and its trainings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from maskgui.maskrcnn.ablate.jobs import Job, run_jobs
from maskgui.maskrcnn.ablate.plan import (
    PLAN,
    VAL_IMAGES,
    Plan,
    check_results,
    data_hash,
    pending,
    read_plan,
    settle,
)
from maskgui.maskrcnn.ablate.results import read_results
from maskgui.maskrcnn.ablate.runner import Report
from maskgui.maskrcnn.ablate.speed import steps_of_budget
from maskgui.maskrcnn.ablate.tables import Size, chosen_tables
from maskgui.maskrcnn.ablate.trainer import Data, find_init, read_data
from maskgui.maskrcnn.config import Recipe, read_toml
from maskgui.maskrcnn.devices import pick_device
from maskgui.paths import models_dir

BASE = "configs/ablation-parts.toml"
"""The recipe that is taken where none is named, among the models."""


@dataclass(frozen=True)
class Wishes:
    """An ablation as it is asked for. `steps` and `minutes` None: the base recipe's steps."""

    table: str
    data: Path
    images: Path
    val: Path | None
    val_images: Path | None
    folder: Path
    config: Path | None = None
    seeds: int = 3
    steps: int | None = None
    minutes: float | None = None
    inits: tuple[str, ...] = ()
    size: Size = "small"
    jobs: int = 2
    device: str = "auto"
    resume: bool = False
    command: str = ""


def start(wishes: Wishes, report: Report, note: Callable[[str], None]) -> None:
    """Settle the plan and train what is left of it.

    Raises:
        UserError: the data, the base recipe or the starting weights cannot be used, or the folder
            holds something else.
        Failure: a process could not go on.
    """
    device = pick_device(wishes.device)
    tables = chosen_tables(wishes.table)
    data = read_data(
        wishes.data, wishes.images, wishes.val, wishes.val_images, base_recipe(wishes).train
    )
    plan = settle(wishes.folder, _plan(wishes, data, device, note), wishes.resume)
    results = read_results(wishes.folder)
    check_results(wishes.folder, plan, results)
    left = pending(plan, tables, results)
    note(
        f"{len(left)} trainings of {plan.base.train.steps} steps in {wishes.jobs} "
        f"{'process' if wishes.jobs == 1 else 'processes'}; {len(results)} are done."
    )
    if not left:
        return
    job = Job(
        wishes.folder,
        plan,
        wishes.table,
        wishes.data,
        wishes.images,
        wishes.val,
        wishes.val_images,
        device,
    )
    run_jobs(job, min(wishes.jobs, len(left)), report)


def base_recipe(wishes: Wishes) -> Recipe:
    """Return what all rows have in common."""
    return read_toml(wishes.config or models_dir() / BASE, Recipe)


def _plan(wishes: Wishes, data: Data, device: str, note: Callable[[str], None]) -> Plan:
    base = base_recipe(wishes)
    inits = tuple(find_init(name) for name in wishes.inits)
    hashed = [wishes.data] if wishes.val is None else [wishes.data, wishes.val]
    plan = Plan(
        base,
        wishes.size,
        wishes.seeds,
        len(data.train.categories),
        0,
        min(len(data.val), VAL_IMAGES),
        _named(wishes),
        data_hash(*hashed),
        inits,
        wishes.command,
    )
    steps = wishes.steps
    if wishes.minutes is not None and wishes.resume and (wishes.folder / PLAN).is_file():
        steps = read_plan(wishes.folder).base.train.steps
    elif wishes.minutes is not None:
        note("Measuring how quick each row is.")
        steps = steps_of_budget(wishes.minutes, plan, chosen_tables(wishes.table), data, device)
    return _with_steps(plan, steps or base.train.steps, len(data.train))


def _with_steps(plan: Plan, steps: int, images: int) -> Plan:
    """Return the plan with its budget: no row sees more images than the steps have places for."""
    train = msgspec.structs.replace(plan.base.train, steps=steps)
    return msgspec.structs.replace(
        plan,
        base=Recipe(plan.base.model, train),
        train_images=min(images, steps * train.batch),
    )


def _named(wishes: Wishes) -> str:
    if wishes.val is None:
        return f"{wishes.data.parent.name}/{wishes.data.name}, a tenth held out"
    return (
        f"{wishes.data.parent.name}/{wishes.data.name}, measured on "
        f"{wishes.val.parent.name}/{wishes.val.name}"
    )
