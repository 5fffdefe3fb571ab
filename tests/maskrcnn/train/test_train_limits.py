"""One training an output, and no longer than the minutes given, measuring AP included."""

import re
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from maskgui.assist.learning import train_model
from maskgui.core.errors import Cancelled, Failure, UserError
from maskgui.core.files import sole_writer
from maskgui.maskrcnn.checkpoint import read_card
from maskgui.maskrcnn.train import TrainProgress, engine, keeper, loop, train, validate
from maskgui.maskrcnn.train.prepare import prepare

STEP, IMAGE = 1.0, 2.0
"""Seconds that a step and a measured image take by the clock of these tests."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that only steps and measured images move."""
    clock = SimpleNamespace(now=0.0)
    time = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(loop, "time", time)
    monkeypatch.setattr(keeper, "time", time)

    def slowed(function: Any, seconds: float) -> Any:
        def call(*given: Any) -> Any:
            clock.now += seconds
            return function(*given)

        return call

    predictions = slowed(validate.predictions, IMAGE)
    monkeypatch.setattr(validate, "predictions", predictions)
    monkeypatch.setattr(keeper, "predictions", predictions)
    monkeypatch.setattr(engine.Engine, "step", slowed(engine.Engine.step, STEP))
    return clock


def test_a_second_training_into_one_file_is_refused(toy: Any) -> None:
    toy.use(steps=1)
    model = toy.options().model_file
    with (
        sole_writer(model, "Another training"),
        pytest.raises(UserError, match=r"Another training is writing “.*model\.safetensors”"),
    ):
        train(toy.options())
    assert not model.exists()


def test_what_a_dead_training_left_locks_nothing(toy: Any) -> None:
    toy.use(steps=1)
    model = toy.options().model_file
    lock = model.with_name("model.safetensors.lock")
    model.parent.mkdir()
    lock.write_text("")
    train(toy.options())
    assert model.is_file()
    assert not lock.exists()


def test_the_minutes_hold_the_last_measurement_too(toy: Any, clock: SimpleNamespace) -> None:
    toy.use(steps=1000)
    reports: list[TrainProgress] = []
    notes: list[str] = []
    options = toy.options(minutes=1.0, val=toy.data)
    path = train(options, reports.append, on_note=notes.append)
    assert clock.now == 60
    assert "AP is measured on 7 of the 8 images" in notes[-1]
    assert read_card(path).measured_on.startswith("7 images of data.json")
    shown = [report for report in reports if report.measuring]
    assert [report.measuring for report in shown] == [(done, 7) for done in range(1, 7)]
    assert [report.seconds_left for report in shown] == [12, 10, 8, 6, 4, 2]
    last = reports[-7]
    assert last.seconds_left == pytest.approx(60 - last.step * STEP - keeper.PROBED * IMAGE)


def test_no_measurement_that_leaves_no_time_for_the_last_one(
    toy: Any, clock: SimpleNamespace
) -> None:
    toy.use(steps=1000, validate_minutes=0.25)
    reports: list[TrainProgress] = []
    train(toy.options(minutes=2.0, val=toy.data), reports.append)
    assert clock.now <= 120
    measured = [report for report in reports if report.measuring == (1, 8)]
    assert len(measured) >= 3


def test_few_steps_are_measured_within_the_minutes_too(toy: Any, clock: SimpleNamespace) -> None:
    toy.use(steps=2)
    train(toy.options(minutes=0.4, val=toy.data))
    assert clock.now <= 24


def test_a_stop_while_measuring_leaves_a_checkpoint(toy: Any, clock: SimpleNamespace) -> None:
    toy.use(steps=10)
    cancel = threading.Event()

    def stop(now: TrainProgress) -> None:
        if now.measuring:
            cancel.set()

    options = toy.options(val=toy.data)
    with pytest.raises(Cancelled, match="step 10"):
        train(options, stop, cancel)
    assert not options.model_file.exists()
    before = clock.now
    train(toy.options(val=toy.data, resume=True))
    assert clock.now == before + 8 * IMAGE
    assert options.model_file.is_file()


def test_a_training_goes_over_another_one_only_where_asked(toy: Any) -> None:
    """A finished model is fine-tuned in its own place with --overwrite; a stopped one is kept."""

    def run(overwrite: bool = False, **more: Any) -> None:
        train_model(toy.options(**more), lambda _: None, notes.append, overwrite)

    notes: list[str] = []
    toy.use(steps=2)
    run()
    model = toy.options().model_file
    first = model.read_bytes()
    with pytest.raises(UserError, match="--overwrite"):
        run(init=str(model))
    assert model.read_bytes() == first
    toy.options().checkpoint.write_bytes(b"of a run before")
    with pytest.raises(UserError, match="add --resume to go on"):
        run()
    assert toy.options().checkpoint.read_bytes() == b"of a run before"
    run(overwrite=True, init=str(model))
    assert "it knows 2 of 2 categories" in notes[-1]
    assert model.read_bytes() != first


def test_a_run_that_begins_anew_drops_the_checkpoint_before_its_first_step(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its own checkpoint, it must not go on with another run's."""
    options = toy.options()
    options.model_file.parent.mkdir()
    options.checkpoint.write_bytes(b"of a run before")
    monkeypatch.setattr(engine.Engine, "step", lambda *_: pytest.fail(str(options.checkpoint)))
    with pytest.raises(pytest.fail.Exception):
        train(options)
    assert not options.checkpoint.exists()


@pytest.mark.parametrize(
    "name", ["model.toml", "model.log.csv", "model.curves.png", "model.checkpoint"]
)
def test_every_file_of_a_run_is_tried_before_it(toy: Any, name: str) -> None:
    (toy.folder / "out" / name).mkdir(parents=True)
    with pytest.raises(Failure, match=rf"{name}” could not be written"):
        train_model(toy.options(), lambda _: None, lambda _: None)


def test_logs_that_cannot_be_written_are_one_sentence(toy: Any) -> None:
    (toy.folder / "out").mkdir()
    (toy.folder / "out" / "model.tensorboard").write_text("")
    with pytest.raises(Failure, match=r"model\.tensorboard” could not be written"):
        train(toy.options())


def test_a_dot_in_the_name_is_part_of_it(toy: Any) -> None:
    assert toy.options("exp.1").model_file.name == "exp.1.safetensors"
    assert toy.options("exp.1").checkpoint.name == "exp.1.checkpoint"
    assert toy.options("exp.safetensors").model_file.name == "exp.safetensors"


def test_scales_the_wrong_way_round_are_named(toy: Any) -> None:
    toy.use(scale=(2.0, 0.5))
    with pytest.raises(UserError, match=r"“scale” in \[train\] of .*recipe\.toml is \[2.0, 0.5\]"):
        train(toy.options())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "[train]\nseed = 1180591620717411303424",
            "“seed” in [train] must be a whole number from 0",
        ),
        (
            "[train]\nscale = [1.0, inf]",
            "entry 2 of “scale” in [train] must be a number from 0.01 to",
        ),
        (
            "[train]\ncrop = 1000000",
            "“crop” in [train] must be a whole number from 32 to 8,192, not",
        ),
        ("[train]\ncrop = 1", "“crop” in [train] must be a whole number from 32 to 8,192, not 1;"),
        ("[train]\nbatch = 100000000", "“batch” in [train] must be a whole number from 1 to 1,024"),
        ("[train]\nbatch = 1000\ncrop = 8000", "batch of 1000 views of 8000 x 8000 pixels is too"),
        ("[train]\nlearning_rate = nan", "“learning_rate” in [train] must be a number above 0 and"),
        (
            "[model]\nroi_samples = 100000",
            "“roi_samples” in [model] must be a whole number from 0 to",
        ),
        ("[model]\npixel_mean = [nan, 0.4, 0.4]", "entry 1 of “pixel_mean” in [model] must be a"),
        ("[model]\npixel_std = [0.2, inf, 0.2]", "entry 2 of “pixel_std” in [model] must be a"),
        ("[model]\nanchor_ratios = [1e300]", "entry 1 of “anchor_ratios” in [model] must be a"),
        (
            "[model]\ndepths = [1, 1, 1, 100000000]",
            "entry 4 of “depths” in [model] must be a whole",
        ),
    ],
)
def test_values_that_no_run_survives_are_named_with_their_range(
    toy: Any, table: str, said: str
) -> None:
    (toy.folder / "recipe.toml").write_text(table)
    with pytest.raises(UserError, match=re.escape(said)):
        train(toy.options())


def test_categories_of_the_recipe_that_the_data_contradicts_are_said(toy: Any) -> None:
    toy.use(model={"categories": 3})
    prepared = prepare(toy.options(), "cpu")
    assert prepared.recipe.model.categories == 2
    assert "is 3, but the data has 2: the network gets as many" in prepared.notes[0]


def test_minutes_given_to_a_run_that_goes_on_are_its_new_limit(toy: Any) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled, match="step 0"):
        train(toy.options(minutes=5.0), None, cancel)
    for config in (toy.folder / "recipe.toml", None):
        for given, limit in ((None, 5.0), (9.0, 9.0)):
            options = toy.options(config=config, minutes=given, resume=True)
            prepared = prepare(options, "cpu")
            assert prepared.recipe.train.minutes == limit
            assert f"Going on to {limit:g} minutes in all" in prepared.notes[0]


def test_a_network_beyond_any_memory_is_refused(toy: Any) -> None:
    toy.use(model={"widths": (8, 8, 16, 100_000_000)})
    with pytest.raises(UserError, match="billion parameters; make widths"):
        train(toy.options())
