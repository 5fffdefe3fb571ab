"""An ablation's results as Markdown and as plain data, beside the paper's figures, in per cent."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from maskgui.core.errors import UserError
from maskgui.core.files import write_atomic
from maskgui.maskrcnn.ablate.plan import (
    MORE_SEEDS,
    Measured,
    Plan,
    check_results,
    measure,
    read_plan,
    recipe_key,
    within_spread,
)
from maskgui.maskrcnn.ablate.results import Result, read_results
from maskgui.maskrcnn.ablate.tables import TABLES, Row, Table, network

TABLE = "TABLE.md"
FIGURES = ("AP", "AP50", "AP75")
NONE = "–"
FROM_NOTHING = "not compared: one of the two starts from nothing"
OTHER_WEIGHTS = "not compared: other body weights"


def summarise(folder: Path) -> dict[str, Any]:
    """Return the budget, and each table whose rows all have a result: rows with means, spreads and
    number of seeds (per cent), and pairs with the paper's difference, ours, and what that says.

    Raises:
        UserError: the folder holds no ablation, or a result that is not of its plan.
    """
    plan, results = read_plan(folder), read_results(folder)
    check_results(folder, plan, results)
    found = {name: _table(plan, table, results) for name, table in TABLES.items()}
    train = plan.base.train
    return {
        "data": plan.data,
        "data_hash": plan.data_hash,
        "command": plan.command,
        "steps": train.steps,
        "batch": train.batch,
        "train_images": plan.train_images,
        "val_images": plan.val_images,
        "seeds": plan.seeds,
        "torch": sorted({result.torch for result in results}),
        "torchvision": sorted({result.torchvision for result in results}),
        "device": sorted({result.device for result in results}),
        "trainings": len(results),
        "hours": sum(result.seconds for result in results) / 3600,
        "inits": sorted({result.init for result in results if result.init}),
        "crop": train.crop,
        "max_detections": plan.base.model.max_detections,
        "tables": {name: table for name, table in found.items() if table["trained"]},
    }


def _table(plan: Plan, table: Table, results: Sequence[Result]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    measured: dict[str, Measured] = {}
    bodies: dict[str, str] = {}
    for row in table.rows:
        key = recipe_key(plan, row)
        own = [result for result in results if result.recipe == key]
        if own:
            measured[row.name] = measure(own, table.metric)
            bodies[row.name] = own[0].init if own[0].taken else ""
        rows.append(_row(plan, row, own, measured.get(row.name)))
    places = {row.name: row for row in table.rows}
    pairs = [_pair(places[a], places[b], measured, bodies) for a, b in table.pairs]
    return {
        "title": table.title,
        "metric": table.metric,
        "trained": all(row["n"] for row in rows if row["network"]),
        "rows": rows,
        "pairs": [pair for pair in pairs if pair],
    }


def _row(plan: Plan, row: Row, own: Sequence[Result], found: Measured | None) -> dict[str, Any]:
    named = network(row, plan.size)
    told: dict[str, Any] = {
        "row": row.name,
        "paper": dict(zip(FIGURES, row.figures, strict=True)),
        "network": named[0] if named else None,
        "n": len(own),
    }
    if found is None:
        return told
    return {
        **told,
        "mean": _per_cent(found.means),
        "spread": _per_cent(found.spreads),
        "seconds": mean(result.seconds for result in own),
        "cpu_seconds": mean(result.cpu_seconds for result in own),
        "taken": own[0].taken,
        "tensors": own[0].tensors,
        "init": own[0].init,
    }


def _per_cent(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: 100 * value for name, value in figures.items()}


def _pair(
    better: Row, worse: Row, measured: Mapping[str, Measured], bodies: Mapping[str, str]
) -> dict[str, Any]:
    """Return a pair of rows whose order the paper asserts; {} while one is not trained.

    `bodies` tells whose trained body each row started from ("" for none): where two did not start
    alike, their difference says nothing about what the paper compares.
    """
    if better.name not in measured or worse.name not in measured:
        return {}
    first, second = measured[better.name], measured[worse.name]
    difference = 100 * (first.means["AP"] - second.means["AP"])
    starts = {bodies[better.name], bodies[worse.name]}
    uneven = FROM_NOTHING if "" in starts else OTHER_WEIGHTS
    return {
        "better": better.name,
        "worse": worse.name,
        "paper": _difference(better.figures[0], worse.figures[0]),
        "ours": difference,
        "spread": 100 * max(first.spreads["AP"], second.spreads["AP"]),
        "says": uneven if len(starts) > 1 else _verdict(first, second, difference),
    }


def _difference(better: float | None, worse: float | None) -> float | None:
    return None if better is None or worse is None else round(better - worse, 1)


def _verdict(first: Measured, second: Measured, difference: float) -> str:
    if min(first.count, second.count) < 2:
        return "one seed only"
    if within_spread(first, second):
        return "not told apart"
    return "as in the paper" if difference > 0 else "against the paper"


def write_report(folder: Path) -> Path:
    """Write TABLE.md from the results in the folder and return it."""
    place = folder / TABLE
    write_atomic(place, markdown(summarise(folder)).encode())
    return place


def put_into(page: Path, folder: Path) -> None:
    """Replace what stands on a Markdown page between the marks `<!-- ablation: NAME -->` and
    `<!-- end of NAME -->`, NAME being the folder's, by the folder's tables.

    Raises:
        UserError: the page cannot be read or lacks the marks.
    """
    begin, end = (f"<!-- {words} {folder.resolve().name} -->" for words in ("ablation:", "end of"))
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"{page} cannot be read ({error.strerror}); check the path.") from error
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise UserError(f"{page} has no lines “{begin}” and “{end}”; add them where tables go.")
    tables = markdown(summarise(folder))
    write_atomic(page, f"{before}{begin}\n{tables}{end}{after}".encode())


def markdown(told: Mapping[str, Any]) -> str:
    """Return the summary as Markdown."""
    parts = [_head(told)]
    parts += [_table_text(table) for table in told["tables"].values()]
    return "\n\n".join(parts) + "\n"


def _head(told: Mapping[str, Any]) -> str:
    inits = ", ".join(told["inits"]) or "none, all weights fresh"
    more = told["seeds"] + MORE_SEEDS
    return "\n".join(
        [
            f"- Data: {told['data']} ({told['train_images']} images to learn from, "
            f"{told['val_images']} to measure on; hash {told['data_hash']}).",
            f"- Budget of every row: {told['steps']} steps of {told['batch']} views of "
            f"{told['crop']} px; the weights after the last step are measured.",
            f"- Seeds: {told['seeds']}, and {more} for rows that lie within one spread of another "
            "row of their table. Means ± standard deviation over the seeds, in per cent; at most "
            f"{told['max_detections']} detections an image.",
            f"- Body weights to start from: {inits}. All else is fresh.",
            f"- Made by `{told['command']}` with torch {', '.join(told['torch']) or NONE}, "
            f"torchvision {', '.join(told['torchvision']) or NONE} on "
            f"{', '.join(told['device']) or NONE}; {told['trainings']} trainings, "
            f"{told['hours']:.1f} hours of one process.",
        ]
    )


def _table_text(table: Mapping[str, Any]) -> str:
    lines = [
        f"### {table['title']}",
        "",
        "| paper's row | paper AP / AP50 / AP75 | trained here | AP | AP50 | AP75 | seeds | "
        "seconds (CPU) | body tensors taken |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row_text(row) for row in table["rows"] if row["n"] or row["paper"]["AP"] is not None]
    if table["pairs"]:
        lines += [
            "",
            "| difference in AP | paper | here | larger spread | |",
            "|---|---|---|---|---|",
        ]
        lines += [_pair_text(pair) for pair in table["pairs"]]
    return "\n".join(lines)


def _row_text(row: Mapping[str, Any]) -> str:
    paper = " / ".join(_figure(row["paper"][name]) for name in FIGURES)
    name = row["network"] or "no network at this size"
    start = f"| {row['row']} | {paper} | {name} |"
    if not row["n"]:
        return f"{start} {' | '.join([NONE] * 3)} | 0 | {NONE} | {NONE} |"
    cells = [f"{row['mean'][name]:.1f} ± {row['spread'][name]:.1f}" for name in FIGURES]
    taken = f"{row['taken']} of {row['tensors']}" + (f", {row['init']}" if row["init"] else "")
    time = f"{row['seconds']:.0f} ({row['cpu_seconds']:.0f})"
    return f"{start} {' | '.join(cells)} | {row['n']} | {time} | {taken} |"


def _pair_text(pair: Mapping[str, Any]) -> str:
    paper = NONE if pair["paper"] is None else f"{pair['paper']:+.1f}"
    return (
        f"| {pair['better']} – {pair['worse']} | {paper} | {pair['ours']:+.1f} | "
        f"{pair['spread']:.1f} | {pair['says']} |"
    )


def _figure(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"
