"""What `ablate` shows, and what it refuses before it reads anything."""

from pathlib import Path

import pytest

from maskgui import cli
from maskgui.cli.ablate import TABLE_NAMES, Display
from maskgui.maskrcnn.ablate.plan import pending
from maskgui.maskrcnn.ablate.runner import Progress
from maskgui.maskrcnn.ablate.tables import TABLES
from tests.maskrcnn.ablate.fakes import PLAN, result

FASTER, MASK = pending(PLAN, {"multitask": TABLES["multitask"]}, [])[:2]


def test_the_tables_are_those_there_are() -> None:
    assert {*TABLES, "all"} == set(TABLE_NAMES)


def test_a_finished_row_gets_a_line_that_stays(capsys: pytest.CaptureFixture[str]) -> None:
    show = Display(live=False, jobs=2)
    show.progress(Progress("head: FCN, seed 0", 1, 400, 9, 1200.0))
    show.progress(Progress("head: FCN, seed 0", 2, 400, 9, 1199.0))
    show.progress(Progress("head: FCN, seed 0", 400, 400, 8, 960.0, result(MASK, 0.25)))
    show.progress(Progress("multitask", 400, 400, 7, 840.0, result(FASTER, 0.25)))
    assert capsys.readouterr().err.splitlines() == [
        "head: FCN, seed 0: step 1/400; 9 left, about 10 min 00 s",
        "head: FCN, seed 0: AP 0.250, AP50 0.450, AP75 0.150 in 4 s; 8 left, about 8 min 00 s",
        "multitask: box AP 0.250, box AP50 0.450, box AP75 0.150 in 4 s; 7 left, about 7 min 00 s",
    ]


def test_a_terminal_has_one_refreshed_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show = Display(live=True, jobs=1)
    show.progress(Progress("head: FCN, seed 0", 1, 400, 9, 1200.0))
    show.end()
    shown = capsys.readouterr().err
    assert "\n" not in shown
    assert shown.split("\r\x1b[K")[1] == "head: FCN, seed 0: step 1/400; 9 left, "


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "--data and --images are needed"),
        (["--data", "a", "--images", "b", "--steps", "5", "--minutes", "1"], "give one of them"),
        (["--table", "rpn"], "rpn"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert cli.main(["ablate", "-o", str(tmp_path / "out"), *more]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
