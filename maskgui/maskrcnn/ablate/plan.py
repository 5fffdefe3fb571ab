"""What an ablation trains: its settled plan, and which row and seed come next."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import mean, stdev

import msgspec

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.core.jsonfile import decode_json, read_bytes
from maskgui.maskrcnn.ablate.results import Result
from maskgui.maskrcnn.ablate.tables import TABLES, Metric, Row, Size, Table, recipe_of
from maskgui.maskrcnn.config import Recipe

PLAN = "plan.json"
MORE_SEEDS = 2
"""Added for rows that lie within one spread of each other."""
VAL_IMAGES = 50


class Init(msgspec.Struct, frozen=True):
    """A model whose body the rows may start from: its name, and its weights' sha256."""

    name: str
    sha256: str


class Plan(msgspec.Struct, frozen=True):
    """Everything that decides the figures, but for the machine; plan.json in the folder.

    `base` holds the budget (`train.steps` and `train.batch`) and what the rows have in common.
    """

    base: Recipe
    size: Size
    seeds: int
    categories: int
    train_images: int
    val_images: int
    data: str
    data_hash: str
    inits: tuple[Init, ...] = ()
    command: str = ""


@dataclass(frozen=True)
class Task:
    """One training: a row's network at one seed. `key` stands for its recipe."""

    table: str
    row: Row
    key: str
    recipe: Recipe
    seed: int

    @property
    def name(self) -> str:
        """What people read."""
        return f"{self.table}: {self.row.name}, seed {self.seed}"


@dataclass(frozen=True)
class Measured:
    """Figures of one row over its seeds: means and standard deviations (0 with one seed)."""

    count: int
    means: dict[str, float]
    spreads: dict[str, float]


def data_hash(*files: Path) -> str:
    """Return 12 hex digits that stand for the files' bytes, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        try:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        except OSError as error:
            raise UserError(f"{file} cannot be read ({error.strerror}); check the path.") from error
    return digest.hexdigest()[:12]


def recipe_key(plan: Plan, row: Row) -> str | None:
    """Return 12 hex digits that stand for what is trained for a row, or None where nothing is.

    Rows of two tables that train the same have the same key, and share their results.
    """
    recipe = recipe_of(row, plan.size, plan.base, plan.categories)
    if recipe is None:
        return None
    images = (plan.train_images, plan.val_images)
    told = msgspec.json.encode((recipe, images, [init.sha256 for init in plan.inits]))
    return hashlib.sha256(told).hexdigest()[:12]


def pending(plan: Plan, tables: Mapping[str, Table], results: Sequence[Result]) -> list[Task]:
    """Return what is left to train, in order: every row's first seed, then every second one, ...,
    then two more seeds of the rows of a table that lie within one spread of each other."""
    done = {(result.recipe, result.seed) for result in results}
    left: dict[tuple[str, int], Task] = {}
    for seed in range(plan.seeds):
        for name, table in tables.items():
            for row in table.rows:
                _add(left, plan, name, row, seed)
    for name, table in tables.items():
        for row in close_rows(plan, table, results):
            for seed in range(plan.seeds, plan.seeds + MORE_SEEDS):
                _add(left, plan, name, row, seed)
    return [task for place, task in left.items() if place not in done]


def _add(left: dict[tuple[str, int], Task], plan: Plan, name: str, row: Row, seed: int) -> None:
    key = recipe_key(plan, row)
    recipe = recipe_of(row, plan.size, plan.base, plan.categories)
    if key is None or recipe is None or (key, seed) in left:
        return
    train = msgspec.structs.replace(recipe.train, seed=seed)
    left[key, seed] = Task(name, row, key, Recipe(recipe.model, train), seed)


def close_rows(plan: Plan, table: Table, results: Sequence[Result]) -> list[Row]:
    """Return the rows that, by their first seeds, lie within one spread of another one.

    None before all rows of the table have these seeds, and none with a single seed.
    """
    found = {}
    for row in table.rows:
        key = recipe_key(plan, row)
        if key is not None:
            firsts = [r for r in results if r.recipe == key and r.seed < plan.seeds]
            if len(firsts) < max(plan.seeds, 2):
                return []
            found[row.name] = measure(firsts, table.metric)
    close = {
        name
        for pair in combinations(found, 2)
        if within_spread(*(found[name] for name in pair))
        for name in pair
    }
    return [row for row in table.rows if row.name in close]


def measure(results: Sequence[Result], metric: Metric) -> Measured:
    """Return means and sample standard deviations of AP, AP50 and AP75 (fractions)."""
    figures = [result.segm if metric == "segm" else result.bbox for result in results]
    columns = {name: [one[name] for one in figures] for name in ("AP", "AP50", "AP75")}
    return Measured(
        len(results),
        {name: mean(values) for name, values in columns.items()},
        {name: stdev(values) if len(values) > 1 else 0.0 for name, values in columns.items()},
    )


def within_spread(one: Measured, other: Measured) -> bool:
    """Whether the means of AP differ by no more than the larger of the two spreads."""
    difference = abs(one.means["AP"] - other.means["AP"])
    return difference <= max(one.spreads["AP"], other.spreads["AP"])


def settle(folder: Path, plan: Plan, resume: bool) -> Plan:
    """Write the plan into the folder, or go on with the one that is there.

    Raises:
        UserError: the folder holds an ablation and `resume` is off, or one of another recipe,
            other data or other starting weights.
    """
    place = folder / PLAN
    if not place.is_file():
        write_atomic(place, msgspec.json.format(msgspec.json.encode(plan), indent=1))
        return plan
    if not resume:
        raise UserError(f"{folder} holds an ablation already; add --resume or name a new folder.")
    before = read_plan(folder)
    for what, differs in _differences(before, plan):
        if differs:
            raise UserError(
                f"{folder} holds results of other {what}; resume with the same, or name a new "
                "folder."
            )
    return before


def _differences(before: Plan, now: Plan) -> Iterator[tuple[str, bool]]:
    yield f"data ({before.data})", before.data_hash != now.data_hash
    yield "starting weights (--init)", before.inits != now.inits
    changed = ("base", "size", "seeds", "train_images", "val_images")
    yield (
        "recipes (network sizes, steps, seeds or the base recipe differ)",
        any(getattr(before, name) != getattr(now, name) for name in changed),
    )


def read_plan(folder: Path) -> Plan:
    """Return the plan of a folder; UserError when it has none, or what is wrong with it."""
    place = folder / PLAN
    if not place.is_file():
        raise UserError(f"{folder} holds no ablation; run `ablate` into it first.")
    return decode_json(read_bytes(place), Plan, place, "an ablation's plan", "name a new folder")


def check_results(folder: Path, plan: Plan, results: Sequence[Result]) -> None:
    """Raise UserError when a result belongs to other data or to a recipe that no row has."""
    keys = {recipe_key(plan, row) for table in TABLES.values() for row in table.rows}
    for result in results:
        if result.data != plan.data_hash or result.recipe not in keys:
            what = "other data" if result.data != plan.data_hash else "another recipe"
            raise UserError(
                f"{folder} holds a result of {what} ({result.row}, seed {result.seed}); name a new "
                "folder."
            )
