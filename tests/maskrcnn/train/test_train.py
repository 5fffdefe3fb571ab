"""Whole runs: what they report and leave behind; a broken run goes on as if it had not been."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch
from tensorboardX.proto import event_pb2

from maskgui.core.errors import Cancelled, UserError
from maskgui.maskrcnn.checkpoint import load_model, read_card
from maskgui.maskrcnn.train import TrainProgress, keeper, train
from maskgui.maskrcnn.train.record import PARTS, read_rows

REPOSITORY = Path(__file__).resolve().parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from maskgui.maskrcnn.train import TrainOptions, loop, train
loop.SHOW_SECONDS = -1.0  # a report after each step
folder, last = Path(sys.argv[1]), int(sys.argv[2])
options = TrainOptions(
    folder / "data.json", folder, folder / "recipe.toml", folder / "broken/model", device="cpu"
)
def report(now):
    if now.step == last:
        os.kill(os.getpid(), signal.SIGKILL)
train(options, report)
"""


def saved(content: object) -> bytes:
    """Return what torch.save writes."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Return tag -> step -> value of the event files, as TensorBoard reads their records."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.out.tfevents.*")):
        data, place = path.read_bytes(), 0
        while place < len(data):
            length = int.from_bytes(data[place : place + 8], "little")
            event = event_pb2.Event.FromString(data[place + 12 : place + 12 + length])
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
            place += 16 + length
    return found


def losses_of(model: Path) -> dict[int, list[float]]:
    """Return step -> losses of a CSV log."""
    rows = read_rows(model.with_suffix(".log.csv"))
    return {int(row["step"]): [row[n] for n in PARTS] for row in rows if "total" in row}


def test_a_run_reports_and_leaves_a_model_logs_and_curves(toy: Any) -> None:
    toy.use(validate_minutes=1e-6)
    reports: list[TrainProgress] = []
    notes: list[str] = []
    path = train(toy.options(), reports.append, on_note=notes.append)
    assert "6 images with" in notes[-1]
    assert "2 more are held out" in notes[-1]
    logged = [report for report in reports if report.logged]
    assert [report.step for report in logged] == [10, 10, 20, 20]  # each before and after AP
    last = logged[-1]
    parts = {name: value for name, value in last.losses.items() if name != "total"}
    assert list(parts) == ["objectness", "rpn_box", "class", "box", "mask"]
    assert last.losses["total"] == pytest.approx(sum(parts.values()))
    assert last.images_per_second > 0
    assert logged[0].seconds_left > 0
    assert last.epoch == pytest.approx(40 / 6)
    assert set(last.validation) >= {"AP", "AP50", "AP75"}
    card = read_card(path)
    assert card.category_ids == (0, 7)
    assert card.categories == ("square", "disc")
    with path.with_suffix(".log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["10", "10", "20", "20", "20"]
    events = scalars(path.with_suffix(".tensorboard"))
    assert events["loss/total"][20] == pytest.approx(float(rows[2]["total"]), rel=1e-5)
    assert set(events["validation/AP"]) == {10, 20}
    picture = cv2.imread(str(path.with_suffix(".curves.png")))
    assert picture is not None
    assert picture.std() > 5
    assert not path.with_suffix(".checkpoint").exists()


def test_a_resumed_run_equals_an_unbroken_one(toy: Any) -> None:
    whole = train(toy.options("whole/model"))
    cancel = threading.Event()
    asked = []

    def stop_in_between(now: TrainProgress) -> None:
        asked.append(now.step)
        cancel.set()

    with pytest.raises(Cancelled, match="--resume"):
        train(toy.options("broken/model"), stop_in_between, cancel)
    assert asked[0] <= 10
    again = train(toy.options("broken/model", resume=True))
    one, two = load_model(whole), load_model(again)
    for (name, value), other in zip(
        one[0].state_dict().items(), two[0].state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name
    assert losses_of(whole) == losses_of(again)
    assert list(losses_of(again)) == [10, 20]


def test_losses_after_a_kill_equal_an_unbroken_runs(toy: Any) -> None:
    """kill -9 after any step; the schedule, the average and SGD's momentum go on."""
    toy.use(
        steps=40, save_minutes=1e-6, optimiser="sgd", learning_rate=0.01, schedule="step",
        drops=(0.5,), copy_paste=0.5,
    )  # fmt: skip
    program = toy.folder / "program.py"
    program.write_text(KILLED)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    last = random.SystemRandom().randrange(11, 40)
    print(f"killed after step {last}")
    killed = subprocess.run(
        [sys.executable, str(program), str(toy.folder), str(last)],
        env=environment,
        cwd=REPOSITORY,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    checkpoint = toy.folder / "broken/model.checkpoint"
    saved_at = (last - 1) // 10 * 10  # every tenth step, once it was reported
    assert torch.load(checkpoint, weights_only=True)["step"] == saved_at
    broken = train(toy.options("broken/model", resume=True))
    whole = train(toy.options("whole/model"))
    first, second = losses_of(whole), losses_of(broken)
    assert list(first) == list(second) == list(range(10, 41, 10))
    for step, values in first.items():
        assert second[step] == pytest.approx(values, abs=1e-6)
    assert scalars(broken.with_suffix(".tensorboard"))["loss/total"].keys() == first.keys()


def test_weights_that_are_no_numbers_are_not_kept(toy: Any) -> None:
    toy.use(steps=2, warmup_steps=0, learning_rate=1e10, ema_decay=0.0)
    with pytest.raises(UserError, match="no longer numbers at step 2; lower learning_rate"):
        train(toy.options())
    assert not toy.options().model_file.exists()


def test_of_equal_weights_the_latest_are_kept(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"AP": 0.0, "AP50": 0.0, "AP75": 0.0}
    monkeypatch.setattr(keeper, "validate", lambda *_: (dict(figures), 0.5))
    toy.use(validate_minutes=1e-6)
    assert read_card(train(toy.options())).measured_on.endswith(", 20 steps")


def test_where_no_measured_image_has_an_object_the_latest_weights_are_kept(toy: Any) -> None:
    val = toy.folder / "val.json"
    val.write_text(json.dumps({**toy.table(), "annotations": []}))
    toy.use(validate_minutes=1e-6)
    notes: list[str] = []
    reports: list[TrainProgress] = []
    path = train(toy.options(val=val), reports.append, on_note=notes.append)
    assert notes[-1].endswith(
        "none of the 8 images of val.json has an object, so AP is not measured and the latest "
        "weights are kept."
    )
    assert not any(report.validation or report.measuring for report in reports)
    assert read_card(path).figures == {}
    toy.use(validate_minutes=60.0)
    last = load_model(train(toy.options("other", val=val)))[0].state_dict()
    for name, value in load_model(path)[0].state_dict().items():
        assert torch.equal(value, last[name]), name


def test_resume_without_a_recipe_takes_the_checkpoints(toy: Any) -> None:
    toy.use(steps=10)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled, match="step 0"):
        train(toy.options(), None, cancel)
    path = train(toy.options(config=None, resume=True))
    assert list(losses_of(path)) == [10]


def test_resume_refuses_what_does_not_belong(toy: Any) -> None:
    with pytest.raises(UserError, match="without --resume"):
        train(toy.options(resume=True))
    (toy.folder / "out").mkdir(exist_ok=True)
    checkpoint = toy.folder / "out" / "model.checkpoint"
    for content in (b"not one", b"junk", saved({"a": 1}), saved([1])):
        checkpoint.write_bytes(content)
        with pytest.raises(UserError, match="no training checkpoint"):
            train(toy.options(resume=True))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled, match="step 0"):
        train(toy.options(), None, cancel)
    toy.use(seed=3)
    with pytest.raises(UserError, match="another recipe"):
        train(toy.options(resume=True))
    toy.use(seed=0)
    table = toy.table()
    more = [*table["categories"], {"id": 900, "name": "one more"}]
    one = {**table["annotations"][0], "id": 9000, "category_id": 900}
    toy.replace(categories=more, annotations=[*table["annotations"], one])
    for config in ({}, {"config": None}):
        with pytest.raises(UserError, match="or other categories; resume on the same data"):
            train(toy.options(resume=True, **config))
    toy.replace(categories=table["categories"], annotations=table["annotations"])
    toy.replace(images=table["images"][:7])
    with pytest.raises(UserError, match="made on 6 images, the data has 5"):
        train(toy.options(resume=True))


def test_a_loss_that_is_no_number_stops_the_run_in_a_sentence(toy: Any) -> None:
    toy.use(optimiser="sgd", learning_rate=1e9, warmup_steps=0, clip_norm=0.0)
    with pytest.raises(UserError, match="lower learning_rate"):
        train(toy.options())
    assert not (toy.folder / "out/model.safetensors").exists()


@pytest.mark.parametrize(
    "choice",
    [
        {"mask_branch": "none"},
        {"mask_branch": "mlp", "mask_classes": "agnostic"},
        {"mask_loss": "softmax"},
        {"neck": "c5", "roi_layer": "pool", "anchor_sizes": (16, 32)},
        {"backbone": "resnet18", "norm": "gn"},
    ],
)
def test_every_kind_of_network_trains_and_is_measured(toy: Any, choice: dict[str, Any]) -> None:
    toy.use(model=choice, steps=2)
    path = train(toy.options())
    module, card = load_model(path)
    assert "AP" in card.figures
    assert module.roi_heads.has_mask() == (choice.get("mask_branch") != "none")
