"""Real trainings of a few steps: rows in this process, and a table in processes of its own."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from maskgui import cli
from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn.ablate import start as start_module
from maskgui.maskrcnn.ablate.jobs import Job
from maskgui.maskrcnn.ablate.plan import Plan, Task, data_hash, pending, read_plan
from maskgui.maskrcnn.ablate.results import Result, read_results
from maskgui.maskrcnn.ablate.speed import Cost, steps_for, steps_of_budget
from maskgui.maskrcnn.ablate.tables import NETWORKS, TABLES, Network
from maskgui.maskrcnn.ablate.trainer import Data, Trainer, draw, find_init, read_data
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.checkpoint import save_model
from maskgui.maskrcnn.config import Recipe, to_toml
from tests.maskrcnn.train.conftest import QUICK, TINY, Toy

MULTITASK = {"multitask": TABLES["multitask"]}
BASE = Recipe(TINY, msgspec.structs.replace(QUICK, steps=3))


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toy]:
    """The toy data set, and slim networks in the place of all others."""
    for name in NETWORKS:
        monkeypatch.setitem(NETWORKS, name, Network(("slim-FPN", {"backbone": "slim"}), None))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Toy(tmp_path)
    torch.set_num_threads(threads)


def plan_of(toy: Toy, **more: Any) -> Plan:
    return Plan(BASE, "small", 1, 2, 6, 2, "toy", data_hash(toy.data), **more)


def data_of(toy: Toy) -> Data:
    return read_data(toy.data, toy.folder, None, None, BASE.train)


def train_all(toy: Toy, plan: Plan) -> list[Result]:
    trainer = Trainer(plan, data_of(toy), "cpu")
    return [trainer(task, lambda _step, _steps: None) for task in pending(plan, MULTITASK, [])]


def test_a_row_is_trained_and_measured(toy: Toy) -> None:
    steps: list[tuple[int, int]] = []
    plan = plan_of(toy)
    faster, mask = pending(plan, MULTITASK, [])
    trainer = Trainer(plan, data_of(toy), "cpu")
    boxes = trainer(faster, lambda *done: steps.append(done))
    masks = trainer(mask, lambda *_: None)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert boxes.segm == {}
    assert {"AP", "AP50", "AP75"} <= set(boxes.bbox) & set(masks.segm) & set(masks.bbox)
    assert (boxes.steps, boxes.images, boxes.taken) == (3, 6, 0)
    assert boxes.recipe != masks.recipe
    assert boxes.data == masks.data == plan.data_hash
    assert boxes.cpu_seconds > 0


def test_the_same_seed_gives_the_same_figures(toy: Toy) -> None:
    plan = plan_of(toy)
    plan = msgspec.structs.replace(
        plan, base=msgspec.structs.replace(BASE, train=msgspec.structs.replace(QUICK, steps=12))
    )
    first, second = train_all(toy, plan), train_all(toy, plan)
    assert [one.bbox for one in first] == [one.bbox for one in second]


def test_the_body_to_start_from_is_told(toy: Toy, tmp_path: Path) -> None:
    file = tmp_path / "body.safetensors"
    save_model(file, build(TINY), Card("body", "Body", TINY, ("disc", "square")))
    init = find_init(str(file))
    assert len(init.sha256) == 64
    told = train_all(toy, plan_of(toy, inits=(init,)))
    assert {(one.init, one.taken == one.tensors) for one in told} == {("body", True)}


def test_a_loss_that_is_no_number_is_told_with_its_row(toy: Toy) -> None:
    train = msgspec.structs.replace(BASE.train, learning_rate=1e30, clip_norm=0.0, steps=40)
    plan = msgspec.structs.replace(plan_of(toy), base=Recipe(TINY, train))
    with pytest.raises(Failure, match=r"“multitask: Faster R-CNN, seed 0” is no longer a number"):
        train_all(toy, plan)


def test_all_rows_see_the_same_draw_of_images(toy: Toy) -> None:
    whole = data_of(toy).train
    ids = [[one.image_id for one in draw(whole, 4).samples] for _ in range(2)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 4
    assert len(draw(whole, 99)) == len(whole)


def test_validation_images_are_not_learned_from(toy: Toy) -> None:
    found = data_of(toy)
    learned = {one.image_id for one in found.train.samples}
    assert learned.isdisjoint(one.image_id for one in found.val.samples)
    assert len(found.val) == QUICK.hold_out


def test_the_slowest_row_decides_the_steps(toy: Toy) -> None:
    costs = [Cost(step=0.5, image=1.0), Cost(step=2.0, image=0.1)]
    assert steps_for(1, costs, val_images=20) == 59
    assert steps_for(0.01, costs, val_images=20) == 1
    few = steps_of_budget(0.2, plan_of(toy), MULTITASK, data_of(toy), "cpu")
    assert few > 1


def test_minutes_settle_the_steps_once(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs: list[Job] = []
    said: list[str] = []
    monkeypatch.setattr(start_module, "run_jobs", lambda job, _count, _report: jobs.append(job))
    config = toy.folder / "base.toml"
    config.write_text(to_toml(BASE))
    wishes = start_module.Wishes(
        *("multitask", toy.data, toy.folder, None, None, toy.folder / "out", config),
        minutes=0.1,
        device="cpu",
    )
    start_module.start(wishes, lambda _: None, said.append)
    assert said[0] == "Measuring how quick each row is."
    steps = jobs[0].plan.base.train.steps
    assert jobs[0].plan.train_images == min(6, 2 * steps)
    assert said[1] == f"6 trainings of {steps} steps in 2 processes; 0 are done."
    start_module.start(replace(wishes, resume=True), lambda _: None, said.append)
    assert jobs[1].plan == jobs[0].plan
    assert said.count("Measuring how quick each row is.") == 1


def test_data_that_does_not_fit_is_named(toy: Toy) -> None:
    other = toy.folder / "other.json"
    table = toy.table()
    table["categories"][0]["name"] = "ring"
    other.write_text(json.dumps(table))
    with pytest.raises(UserError, match="other categories"):
        read_data(toy.data, toy.folder, other, None, BASE.train)
    none = msgspec.structs.replace(BASE.train, hold_out=0)
    with pytest.raises(UserError, match="give --val"):
        read_data(toy.data, toy.folder, None, None, none)
    table["annotations"] = []
    other.write_text(json.dumps(table))
    with pytest.raises(UserError, match="no object to learn from"):
        read_data(other, toy.folder, None, None, BASE.train)


def test_the_command_trains_a_table_in_processes_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy, out = Toy(tmp_path), tmp_path / "out"
    config = tmp_path / "base.toml"
    config.write_text(to_toml(BASE))
    command = ["ablate", "--table", "roi-c5", "--data", str(toy.data), "--images", str(tmp_path)]
    command += ["-o", str(out), "--config", str(config), "--steps", "2"]
    assert cli.main([*command, "--seeds", "1"]) == 0
    said = capsys.readouterr()
    assert "2 trainings of 2 steps in 2 processes; 0 are done." in said.err
    assert "roi-c5: RoIPool, seed 0: AP 0." in said.err
    assert len(read_results(out)) == 2
    told = read_plan(out).command
    assert told.startswith("main.py ablate --table roi-c5 --data data.json --images ")
    assert told.endswith(" -o out --config base.toml --seeds 1 --steps 2")
    assert "| RoIAlign | 30.9 / 51.8 / 32.1 | resnet18-C5 |" in (out / "TABLE.md").read_text()

    assert cli.main([*command, "--seeds", "1", "--resume", "--json"]) == 0
    said = capsys.readouterr()
    assert "0 trainings" in said.err
    assert json.loads(said.out)["tables"]["roi-c5"]["rows"][0]["n"] == 1

    assert cli.main([*command, "--seeds", "1"]) == 2
    assert "holds an ablation already; add --resume" in capsys.readouterr().err
    assert cli.main([*command, "--seeds", "2", "--resume"]) == 2
    assert "results of other recipes" in capsys.readouterr().err
    assert cli.main(["ablate", "--report-only", "-o", str(out)]) == 0
    assert cli.main(["ablate", "--report-only", "-o", str(tmp_path)]) == 2
    assert "holds no ablation" in capsys.readouterr().err


def test_a_task_says_its_name() -> None:
    row = TABLES["head"].rows[2]
    assert Task("head", row, "0", BASE, 1).name == "head: FCN, seed 1"
