"""Training what is left of a plan, row by row; several processes may share a folder."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from maskgui.maskrcnn.ablate.plan import Plan, Task, pending
from maskgui.maskrcnn.ablate.results import Result, append_result, read_results
from maskgui.maskrcnn.ablate.tables import Table, network
from maskgui.project.errors import ProjectInUse
from maskgui.project.lock import ProjectLock

CLAIMS = "claims"
"""Folder of the locks: whoever holds one trains that row, and lets go by dying, too."""
WAIT = 2.0
"""Seconds between two looks for work while other processes have all that is left."""

TrainRow = Callable[[Task, Callable[[int, int], None]], Result]


@dataclass(frozen=True)
class Progress:
    """How a run stands. `step` of `steps` in the row that `name` tells; `result` when it is done.

    `left` trainings remain, this one and those of other processes included, for about
    `seconds_left` of one process.
    """

    name: str
    step: int
    steps: int
    left: int
    seconds_left: float
    result: Result | None = None


Report = Callable[[Progress], None]


def work(
    folder: Path,
    plan: Plan,
    tables: Mapping[str, Table],
    train_row: TrainRow,
    report: Report,
    wait: float = WAIT,
) -> None:
    """Train until nothing is left that the plan asks for, also of what other processes have in
    hand: their results may ask for more seeds. Each result is on disk before the next begins."""
    (folder / CLAIMS).mkdir(parents=True, exist_ok=True)
    while left := pending(plan, tables, read_results(folder)):
        if not any(_train_if_free(folder, plan, tables, task, train_row, report) for task in left):
            time.sleep(wait)


def _train_if_free(
    folder: Path,
    plan: Plan,
    tables: Mapping[str, Table],
    task: Task,
    train_row: TrainRow,
    report: Report,
) -> bool:
    """Train and store one row unless another process has it; return whether anything changed."""
    try:
        claim = ProjectLock(folder / CLAIMS / f"{task.key}-{task.seed}")
    except ProjectInUse:
        return False
    try:
        results = read_results(folder)
        left = pending(plan, tables, results)
        if task not in left:
            return True  # another process has finished it since
        begun = time.monotonic()

        def on_step(step: int, steps: int) -> None:
            pace = (time.monotonic() - begun) * steps / max(step, 1)
            rest = seconds_left(plan, left, results, pace) - (time.monotonic() - begun)
            report(Progress(task.name, step, steps, len(left), max(rest, 0.0)))

        result = train_row(task, on_step)
        append_result(folder, result)
        results = read_results(folder)
        left = pending(plan, tables, results)
        rest = seconds_left(plan, left, results, result.seconds)
        report(Progress(task.name, result.steps, result.steps, len(left), rest, result))
    finally:
        claim.release()
    return True


def seconds_left(plan: Plan, left: list[Task], results: list[Result], pace: float) -> float:
    """Return the seconds that one process needs for the tasks: each as long as those of its
    network took, as all took where there were none, or `pace` before the first result."""
    every = [result.seconds for result in results] or [pace]
    total = 0.0
    for task in left:
        named = network(task.row, plan.size)
        same = [result.seconds for result in results if named and result.network == named[0]]
        total += mean(same or every)
    return total
