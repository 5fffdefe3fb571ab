"""The command line's own promises: exit codes, one sentence, lazy imports, the default command."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest

from maskgui import cli
from maskgui.cli.progress import progress, say
from maskgui.core.errors import Failure, UserError

REPOSITORY = Path(__file__).resolve().parents[2]
DEMO = str(REPOSITORY / "resources" / "demo")


def run_main(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, REPOSITORY / "main.py", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_every_listed_command_exists_and_explains_itself(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in cli.COMMANDS:
        assert cli.main([name, "--help"]) == 0
        assert "Usage:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ([], "open"),
        (["./train"], "open"),
        (["photo.jpg", "other.jpg"], "open"),
        (["--model", "parts", "folder"], "open"),
        (["doctor"], "doctor"),
    ],
)
def test_a_first_word_that_is_no_subcommand_is_a_path(words: list[str], command: str) -> None:
    group = cli.cli
    assert isinstance(group, cli.LazyGroup)
    context = click.Context(group)
    group.parse_args(context, words)
    assert context._protected_args[0] == command


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError("“x” is bad."), 2), (Failure("The disk is full."), 1), (KeyboardInterrupt(), 130)],
)
def test_exit_codes_tell_bad_input_failure_and_interruption_apart(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(cli.cli, "main", fail)
    assert cli.main(["doctor"]) == code
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    assert len(printed.strip().splitlines()) == 1


def test_a_fault_leaves_its_traceback_in_the_log_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASKGUI_LOG", str(tmp_path / "log.txt"))

    def fail(*_args: object, **_options: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(cli.cli, "main", fail)
    assert cli.main(["doctor"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert "ZeroDivisionError" in (tmp_path / "log.txt").read_text()


def test_data_commands_load_neither_qt_nor_torch(tmp_path: Path) -> None:
    coco = tmp_path / "empty.json"
    coco.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    words = ["import", str(tmp_path / "p.maskgui"), str(coco)]
    code = (
        "import sys; from maskgui.cli import main; "
        f"code = main({words!r}); "
        "heavy = [m for m in ('torch', 'PySide6') if m in sys.modules]; "
        "print(code, heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr


def test_scenes_writes_images_and_coco(tmp_path: Path) -> None:
    done = run_main("scenes", "--n", "1", "--seed", "1000007", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(json.loads((tmp_path / "instances.json").read_text())["images"]) == 1


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["import", "p.maskgui", "missing.json"], "missing.json"),
        (["import", "p.txt", "missing.json"], ".maskgui"),
        (["import", "no/folder/p.maskgui", "missing.json"], "There is no folder"),
        (["export", "missing.maskgui", "-o", "x.json"], "missing.maskgui"),
        (["segment", "missing.jpg", "--model", "parts", "-o", "x.json"], "missing.jpg"),
        (["segment", DEMO, "--model", "no-such-model", "-o", "x.json"], "no-such-model"),
        (["import", "p.maskgui", "missing.json", "--images", "no/folder"], "--images"),
        (["import", "p.maskgui", "a.json", "--report", "a.json"], "write over"),
        (["exprot", "p.maskgui"], "“exprot”"),
        (["evaluate", "--gt", "missing.json"], "--pred"),
        (["scenes", "--n", "0", "--seed", "0", "-o", "x"], "0 scenes"),
        (["models", "show", "no-such-model"], "no-such-model"),
    ],
)
def test_bad_input_is_one_sentence_and_code_2(
    words: list[str],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    printed = capsys.readouterr().err
    assert named in printed
    assert "Traceback" not in printed
    assert not list(tmp_path.iterdir())


def test_an_interrupted_import_leaves_no_half_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("maskgui.assist.importing.import_coco", interrupt)
    assert cli.main(["import", str(tmp_path / "p.maskgui"), "any.json"]) == 130
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_sentence_and_leaves_no_half_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MASKGUI_LOG", "/dev/null/log.txt")  # the log cannot be written either
    coco = tmp_path / "coco.json"
    coco.write_text(json.dumps({"images": [{"id": 1}], "annotations": [], "categories": []}))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("maskgui.project.rows.write_changes", full)
    assert cli.main(["import", str(tmp_path / "p.maskgui"), str(coco)]) == 1
    assert list(tmp_path.iterdir()) == [coco]
    printed = capfd.readouterr().err
    assert "Traceback" not in printed
    assert "Not all of coco.json could be written" in printed


def test_a_sentence_beside_a_bar_has_its_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Training") as update:
        update(1, 2)
        say("Half of it.")
    assert "Half of it." in capsys.readouterr().err.replace("\r", "\n").splitlines()


def test_no_empty_bar_stands_before_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Segmenting"):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("rank", ["0", "1"])
def test_of_torchruns_processes_the_first_says_what_is_wrong(
    rank: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("RANK", rank)
    monkeypatch.setattr("maskgui.cli.training.FOLLOWER_WAIT", 0.0)

    def refuse(*_: object) -> None:
        raise UserError("data.json has no object to learn from; label some images first.")

    monkeypatch.setattr("maskgui.assist.learning.train_model", refuse)
    words = ["--data", "data.json", "--images", str(tmp_path), "-o", str(tmp_path / "model")]
    assert cli.main(["train", *words]) == 2
    assert ("no object" in capsys.readouterr().err) == (rank == "0")


def test_a_report_or_page_is_not_written_over_somebody_elses_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco = tmp_path / "coco.json"
    coco.write_text('{"images": [], "annotations": [], "categories": []}')
    theirs = tmp_path / "labels.json"
    theirs.write_text("their labels")
    words = ["import", str(tmp_path / "p.maskgui"), str(coco), "--report", str(theirs)]
    page = ["evaluate", "--gt", str(coco), "--pred", str(coco), "--html", str(theirs)]
    for command in (words, page):
        assert cli.main(command) == 2
        assert "labels.json” is there already" in capsys.readouterr().err
    assert theirs.read_text() == "their labels"
    assert not (tmp_path / "p.maskgui").exists()
    assert cli.main([*words, "--overwrite"]) == 0
    assert cli.main(words) == 0, "its own report"
    assert json.loads(theirs.read_text())["file"] == str(coco)
