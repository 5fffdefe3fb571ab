"""The order of trainings, the five-seed rule, resuming, kills and shared folders; none trains."""

import multiprocessing
import os
import signal
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from maskgui.core.errors import UserError
from maskgui.maskrcnn.ablate.plan import (
    check_results,
    close_rows,
    data_hash,
    pending,
    read_plan,
    settle,
)
from maskgui.maskrcnn.ablate.results import RESULTS, append_result, read_results
from maskgui.maskrcnn.ablate.runner import Progress, seconds_left, work
from maskgui.maskrcnn.ablate.tables import TABLES
from tests.maskrcnn.ablate.fakes import PLAN, FakeTrainer, result

MASKS = {"masks": TABLES["masks"]}
FAR = {"softmax": 0.2, "sigmoid": 0.4}


def far(row: str, seed: int) -> float:
    return FAR[row] + seed / 100


def near(row: str, seed: int) -> float:
    return 0.3 + (row == "sigmoid") / 100 + seed / 50


def run(folder: Path, trainer: Any, tables: Any = MASKS) -> list[Progress]:
    told: list[Progress] = []
    work(folder, PLAN, tables, trainer, told.append, wait=0.01)
    return told


def test_every_rows_first_seed_comes_before_any_second(tmp_path: Path) -> None:
    trainer = FakeTrainer(far)
    run(tmp_path, trainer)
    rows = ["softmax", "sigmoid"]
    assert trainer.asked == [(row, seed) for seed in range(3) for row in rows]


def test_rows_within_one_spread_get_two_more_seeds(tmp_path: Path) -> None:
    trainer = FakeTrainer(near)
    run(tmp_path, trainer)
    assert sorted({seed for _, seed in trainer.asked}) == [0, 1, 2, 3, 4]
    assert len(trainer.asked) == 10
    assert len(read_results(tmp_path)) == 10


def test_only_the_rows_that_are_close_get_more(tmp_path: Path) -> None:
    values = {"RoIPool": 0.1, "RoIAlign, ave": 0.5, "RoIAlign, max": 0.505}
    trainer = FakeTrainer(lambda row, seed: values.get(row, 0.1 + len(row) / 60) + seed / 80)
    table = TABLES["roi-c4"]
    run(tmp_path, trainer, {"roi-c4": table})
    more = {row for row, seed in trainer.asked if seed > 2}
    assert more == {row.name for row in close_rows(PLAN, table, read_results(tmp_path))}
    assert {"RoIAlign, ave", "RoIAlign, max"} <= more
    assert "RoIPool" not in more


def test_with_one_seed_no_more_are_asked_for(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(PLAN, seeds=1)
    trainer = FakeTrainer(lambda _row, _seed: 0.3)
    work(tmp_path, plan, MASKS, trainer, lambda _: None)
    assert len(trainer.asked) == 2


def test_tables_share_what_trains_the_same(tmp_path: Path) -> None:
    run(tmp_path, FakeTrainer(far))
    trainer = FakeTrainer(lambda row, seed: {"class-agnostic": 0.1}.get(row, 0.4) + seed / 100)
    run(tmp_path, trainer, {"agnostic": TABLES["agnostic"]})
    assert {row for row, _ in trainer.asked} == {"class-agnostic"}


def test_what_is_done_is_not_trained_again(tmp_path: Path) -> None:
    first = FakeTrainer(far)

    def interrupted(task: Any, on_step: Any) -> Any:
        if len(first.asked) == 4:
            raise KeyboardInterrupt
        return first(task, on_step)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, interrupted)
    rest = FakeTrainer(far)
    run(tmp_path, rest)
    assert sorted(first.asked + rest.asked) == sorted(set(first.asked + rest.asked))
    assert len(rest.asked) == 2


def _train_until_killed(folder: Path) -> None:
    trainer = FakeTrainer(far)

    def dying(task: Any, on_step: Any) -> Any:
        if len(trainer.asked) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return trainer(task, on_step)

    run(folder, dying)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_kill_loses_the_row_in_hand_and_frees_it(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(
        target=_train_until_killed, args=(tmp_path,)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(read_results(tmp_path)) == 3
    rest = FakeTrainer(far)
    run(tmp_path, rest)
    assert rest.asked == [("sigmoid", 1), ("softmax", 2), ("sigmoid", 2)]


def test_a_torn_line_is_no_result_and_spoils_no_other(tmp_path: Path) -> None:
    tasks = pending(PLAN, MASKS, [])
    append_result(tmp_path, result(tasks[0], 0.1))
    whole = (tmp_path / RESULTS).read_bytes()
    (tmp_path / RESULTS).write_bytes(whole + whole[:40])
    append_result(tmp_path, result(tasks[1], 0.2))
    assert [one.segm["AP"] for one in read_results(tmp_path)] == [0.1, 0.2]


def test_two_processes_share_a_folder_and_no_row_is_trained_twice(tmp_path: Path) -> None:
    met = threading.Barrier(2, timeout=20)
    trainers = [FakeTrainer(near), FakeTrainer(near)]

    def together(trainer: FakeTrainer) -> Any:
        def train(task: Any, on_step: Any) -> Any:
            if not trainer.asked:
                met.wait()  # both have a row in hand at the same time
            return trainer(task, on_step)

        return train

    threads = [
        threading.Thread(target=run, args=(tmp_path, together(trainer))) for trainer in trainers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    asked = trainers[0].asked + trainers[1].asked
    assert len(asked) == len(set(asked)) == 10
    assert all(trainer.asked for trainer in trainers)


def test_progress_tells_what_is_left_and_for_how_long(tmp_path: Path) -> None:
    told = run(tmp_path, FakeTrainer(far))
    done = [one for one in told if one.result is not None]
    assert [one.left for one in done] == [5, 4, 3, 2, 1, 0]
    assert [one.seconds_left for one in done] == [20, 16, 12, 8, 4, 0]
    assert told[0].step == 1
    assert told[0].name == "masks: softmax, seed 0"


def test_time_left_goes_by_network() -> None:
    tasks = pending(PLAN, {"backbone": TABLES["backbone"]}, [])
    slow = msgspec.structs.replace(result(tasks[0], 0.1), seconds=100.0)
    quick = result(tasks[1], 0.1)
    left = [tasks[0], tasks[1], tasks[3]]
    assert seconds_left(PLAN, left, [slow, quick], 9.0) == 100 + 4 + 52
    assert seconds_left(PLAN, left, [], 9.0) == 27


def test_a_folder_keeps_to_its_plan(tmp_path: Path) -> None:
    assert settle(tmp_path, PLAN, resume=True) == PLAN
    assert read_plan(tmp_path) == PLAN
    with pytest.raises(UserError, match="holds an ablation already; add --resume"):
        settle(tmp_path, PLAN, resume=False)
    again = msgspec.structs.replace(PLAN, command="another")
    assert settle(tmp_path, again, resume=True) == PLAN


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("data_hash", "f" * 12, r"other data \(toy/data.json\)"),
        ("inits", ({"name": "body", "sha256": "1"},), "other starting weights"),
        ("seeds", 4, "other recipes"),
        ("size", "paper", "other recipes"),
    ],
)
def test_another_plan_is_refused(tmp_path: Path, field: str, value: Any, said: str) -> None:
    settle(tmp_path, PLAN, resume=False)
    other = msgspec.convert(msgspec.to_builtins(PLAN) | {field: value}, type(PLAN))
    with pytest.raises(UserError, match=said):
        settle(tmp_path, other, resume=True)


def test_results_of_other_recipes_or_data_are_refused(tmp_path: Path) -> None:
    own = result(pending(PLAN, MASKS, [])[0], 0.1)
    check_results(tmp_path, PLAN, [own])
    for name, said in (("recipe", "another recipe"), ("data", "other data")):
        with pytest.raises(UserError, match=f"a result of {said}"):
            check_results(tmp_path, PLAN, [msgspec.structs.replace(own, **{name: "0" * 12})])


def test_the_data_hash_follows_the_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    hashes = {data_hash(one), data_hash(two), data_hash(one, two), data_hash(two, one)}
    assert len(hashes) == 4
    with pytest.raises(UserError, match="cannot be read"):
        data_hash(tmp_path / "none")


def test_a_folder_without_a_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no ablation"):
        read_plan(tmp_path)


def test_a_damaged_plan_is_told_in_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / "plan.json"
    place.write_text('{"base": {}, "size": "large"}')
    with pytest.raises(UserError) as told:
        read_plan(tmp_path)
    assert "“size” must be" in str(told.value)
    assert "$." not in str(told.value)
    place.write_text('{"base": {}, ')
    with pytest.raises(UserError, match=r"plan\.json is not whole JSON.*name a new folder"):
        read_plan(tmp_path)
