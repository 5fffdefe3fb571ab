"""What `train` shows: one refreshed line on a terminal, lines elsewhere, JSON for scripts."""

import json
from pathlib import Path

import pytest

from maskgui import cli
from maskgui.cli.training import JsonLines, Lines, duration, status_line
from maskgui.maskrcnn.train import TrainProgress

LOSSES = {"objectness": 0.1, "rpn_box": 0.2, "class": 0.3, "box": 0.4, "mask": 0.5, "total": 1.5}
FIGURES = {"AP": 0.25, "AP50": 0.5, "AP75": 0.2}


def progress(step: int = 10, best: float = -1.0, **more: object) -> TrainProgress:
    return TrainProgress(step, 300, 1.5, LOSSES, 1e-3, 7.25, 90.0, best=best, **more)


def test_the_line_names_every_loss_speed_and_time_left() -> None:
    assert status_line(progress()) == (
        "step 10/300  epoch 1.5  1 min 30 s left  7.2 images/s  loss 1.500 "
        "(objectness 0.100  rpn box 0.200  class 0.300  box 0.400  mask 0.500)"
    )
    assert [duration(s) for s in (5, 75, 7265)] == ["5 s", "1 min 15 s", "2 h 01 min"]


def test_measuring_shows_the_image_and_the_time_left() -> None:
    now = progress(300, measuring=(11, 60))
    assert status_line(now) == "step 300/300  measuring AP, image 12/60  1 min 30 s left"


def test_a_terminal_has_one_refreshed_line_and_sentences_that_stay(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show = Lines(live=True)
    show.note("Training on 6 images.")
    show.progress(progress(logged=False))
    show.progress(progress(20, best=0.25, validation=FIGURES))
    show.progress(progress(30, best=0.25, validation=FIGURES))
    show.end()
    shown = capsys.readouterr().err
    lines = shown.split("\n")
    assert lines[0].endswith("Training on 6 images.")
    assert lines[1].endswith(
        "step 20: AP 0.250, AP50 0.500, AP75 0.200 on the held-out images (the best so far, kept)"
    )
    assert len(lines) == 3  # the refreshed line never ends
    parts = [part for part in lines[2].split("\r\x1b[K") if part]
    assert all(len(part) == 39 for part in parts)


def test_elsewhere_lines_come_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    show = Lines(live=False)
    for step in range(10, 60, 10):
        show.progress(progress(step))
    show.progress(progress(60, best=0.4, validation=FIGURES))
    shown = capsys.readouterr().err.splitlines()
    assert len(shown) == 2
    assert shown[0].startswith("step 10/300")
    assert shown[1].endswith("(best 0.400)")


def test_scripts_read_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show = JsonLines()
    show.note("Left out: 3.")
    show.progress(progress(logged=False))
    show.progress(progress(validation=FIGURES))
    show.progress(progress(logged=False, measuring=(11, 60)))
    show.wrote(Path("m.safetensors"))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["note", "progress", "measuring", "done"]
    assert events[1]["losses"] == LOSSES
    assert events[1]["validation"] == FIGURES
    assert events[1]["seconds_left"] == 90.0
    assert "measuring" not in events[1]
    told = {"event": "measuring", "step": 10, "done": 11, "images": 60, "seconds_left": 90.0}
    assert events[2] == told


def test_bad_data_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    words = ["train", "--data", str(data), "--images", str(tmp_path), "-o", str(tmp_path / "m")]
    assert cli.main(words) == 2
    assert capsys.readouterr().err.strip().endswith("choose a data set with images.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["segment", "photos", "--model", "parts", "-o", "found.json", "--score", "nan"],
        ["train", "--data", "a.json", "--images", "a", "-o", "m", "--minutes", "nan"],
        ["ablate", "-o", "a", "--minutes", "inf"],
    ],
)
def test_options_take_finite_numbers_only(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert "is no finite number" in capsys.readouterr().err


def test_a_place_that_takes_no_file_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "m"
    arguments = ["train", "--data", "a.json", "--images", str(tmp_path), "-o", str(out)]
    assert cli.main(arguments) == 1
    assert "choose another place" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["model.safetensors", "model.toml", "model.checkpoint"])
def test_what_a_training_left_is_not_trained_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words = ["train", "--data", "a.json", "--images", str(tmp_path), "-o"]
    words.append(str(tmp_path / "model"))
    (tmp_path / name).write_bytes(b"hours of work")
    assert cli.main(words) == 2
    said = capsys.readouterr().err
    assert f"{name}” is " in said
    assert "--resume" in said
    assert said.endswith("give another name with -o, or add --overwrite to begin anew.\n")
    for more in ("--overwrite", "--resume"):
        assert cli.main([*words, more]) == 2
        assert "begin anew" not in capsys.readouterr().err, "only the data is missing"
    assert (tmp_path / name).read_bytes() == b"hours of work"


def test_the_card_does_not_take_the_place_of_the_recipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[train]")
    words = ["train", "--data", "a.json", "--images", str(tmp_path), "--config", str(recipe)]
    assert cli.main([*words, "-o", str(tmp_path / "mine"), "--overwrite"]) == 2
    assert "take the place of the recipe" in capsys.readouterr().err
    assert recipe.read_text() == "[train]"
