"""What the tables say: means, spreads, and whether rows are told apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from maskgui.core.errors import UserError
from maskgui.maskrcnn.ablate.plan import pending, settle
from maskgui.maskrcnn.ablate.report import markdown, put_into, summarise, write_report
from maskgui.maskrcnn.ablate.results import append_result
from maskgui.maskrcnn.ablate.runner import work
from maskgui.maskrcnn.ablate.tables import TABLES
from tests.maskrcnn.ablate.fakes import PLAN, FakeTrainer, result


def summary(folder: Path, name: str, value: Callable[[str, int], float]) -> dict[str, Any]:
    settle(folder, PLAN, resume=False)
    work(folder, PLAN, {name: TABLES[name]}, FakeTrainer(value), lambda _: None)
    told: dict[str, Any] = summarise(folder)["tables"][name]
    return told


def test_means_and_spreads_are_over_the_seeds(tmp_path: Path) -> None:
    told = summary(tmp_path, "masks", lambda row, seed: (row == "sigmoid") * 0.2 + seed / 100)
    sigmoid = told["rows"][1]
    assert sigmoid["n"] == 3
    assert sigmoid["mean"] == pytest.approx({"AP": 21.0, "AP50": 41.0, "AP75": 11.0})
    assert sigmoid["spread"]["AP"] == pytest.approx(1.0)
    assert sigmoid["paper"] == {"AP": 30.3, "AP50": 51.2, "AP75": 31.5}
    (pair,) = told["pairs"]
    assert pair["paper"] == 5.5
    assert pair["ours"] == pytest.approx(20.0)
    assert pair["says"] == "as in the paper"


def test_the_other_order_is_told_as_it_came_out(tmp_path: Path) -> None:
    told = summary(tmp_path, "masks", lambda row, seed: (row == "softmax") * 0.2 + seed / 100)
    assert told["pairs"][0]["says"] == "against the paper"
    assert "| sigmoid – softmax | +5.5 | -20.0 | 1.0 | against the paper |" in markdown(
        summarise(tmp_path)
    )


def test_within_the_larger_spread_rows_are_not_told_apart(tmp_path: Path) -> None:
    told = summary(
        tmp_path, "masks", lambda row, seed: 0.3 + (seed * 0.02 if row == "softmax" else 0.01)
    )
    assert told["pairs"][0]["says"] == "not told apart"
    assert [row["n"] for row in told["rows"]] == [5, 5]


def test_a_row_that_starts_from_nothing_is_not_compared_with_one_that_does_not(
    tmp_path: Path,
) -> None:
    settle(tmp_path, PLAN, resume=False)
    for task in pending(PLAN, {"masks": TABLES["masks"]}, []):
        found = result(task, 0.1 if task.row.name == "sigmoid" else 0.5)
        fresh = msgspec.structs.replace(found, taken=0, init="")
        append_result(tmp_path, fresh if task.row.name == "sigmoid" else found)
    (pair,) = summarise(tmp_path)["tables"]["masks"]["pairs"]
    assert pair["says"] == "not compared: one of the two starts from nothing"
    assert pair["ours"] == pytest.approx(-40.0)


def test_rows_whose_bodies_come_from_different_trainings_are_not_compared(tmp_path: Path) -> None:
    settle(tmp_path, PLAN, resume=False)
    for task in pending(PLAN, {"backbone": TABLES["backbone"]}, []):
        found = result(task, len(task.row.name) / 50 + task.seed / 1000)
        slim = task.row.name in ("slim-FPN", "R101-FPN")
        append_result(tmp_path, msgspec.structs.replace(found, init="parts" if slim else "body"))
    told = summarise(tmp_path)
    pairs = told["tables"]["backbone"]["pairs"]
    said = {(pair["better"], pair["worse"]): pair["says"] for pair in pairs}
    assert said["R101-FPN", "R50-FPN"] == "not compared: other body weights"
    assert said["X101-FPN", "R101-FPN"] == "not compared: other body weights"
    assert said["R50-FPN", "R50-C4"] == "as in the paper"
    assert said["R101-FPN", "slim-FPN"] == "not told apart"
    assert "| R101-FPN – R50-FPN | +1.8 | +2.0 | 0.1 | not compared: other body weights |" in (
        markdown(told)
    )


def test_boxes_are_compared_where_the_table_says_so(tmp_path: Path) -> None:
    told = summary(tmp_path, "multitask", lambda row, seed: len(row) / 100 + seed / 500)
    assert told["metric"] == "bbox"
    assert [row["mean"]["AP"] for row in told["rows"]] == pytest.approx([12.2, 10.2])


def test_only_tables_whose_rows_all_have_results_are_shown(tmp_path: Path) -> None:
    summary(tmp_path, "masks", lambda _row, seed: 0.3 + seed / 100)
    told = summarise(tmp_path)
    assert set(told["tables"]) == {"masks"}, "others have the sigmoid row, and no other"


def test_one_seed_says_nothing(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(PLAN, seeds=1)
    settle(tmp_path, plan, resume=False)
    tables = {"masks": TABLES["masks"]}
    work(tmp_path, plan, tables, FakeTrainer(lambda row, _seed: len(row) / 50), lambda _: None)
    assert summarise(tmp_path)["tables"]["masks"]["pairs"][0]["says"] == "one seed only"


def test_the_page_says_what_was_done(tmp_path: Path) -> None:
    summary(tmp_path, "backbone", lambda row, seed: len(row) / 50 + seed / 1000)
    text = write_report(tmp_path).read_text()
    assert "5 steps of 2 views" in text
    assert "`main.py ablate --table masks`" in text
    assert "toy/data.json" in text
    assert "with torch 2, torchvision 0 on cpu" in text
    assert "| R101-C4 | 32.7 / 54.2 / 34.3 | no network at this size |" in text
    assert "7 of 9, body" in text
    assert "| slim-FPN | – / – / – | slim-FPN |" in text


def test_a_result_of_another_recipe_is_not_reported(tmp_path: Path) -> None:
    summary(tmp_path, "masks", lambda _row, seed: seed / 100)
    other = msgspec.structs.replace(PLAN, val_images=9)
    append_result(tmp_path, result(pending(other, {"masks": TABLES["masks"]}, [])[0], 0.9))
    with pytest.raises(UserError, match="another recipe"):
        write_report(tmp_path)


def test_tables_are_put_between_a_pages_marks(tmp_path: Path) -> None:
    folder, page = tmp_path / "toy", tmp_path / "page.md"
    summary(folder, "masks", lambda _row, seed: seed / 100)
    page.write_text("Above\n<!-- ablation: toy -->\nstale\n<!-- end of toy -->\nBelow\n")
    put_into(page, folder)
    first = page.read_text()
    assert first.startswith("Above\n<!-- ablation: toy -->\n- Data: toy/data.json")
    assert first.endswith("\n<!-- end of toy -->\nBelow\n")
    assert "stale" not in first
    put_into(page, folder)
    assert page.read_text() == first
    page.write_text("<!-- ablation: toy -->")
    with pytest.raises(UserError, match="end of toy"):
        put_into(page, folder)
    assert page.read_text() == "<!-- ablation: toy -->"
