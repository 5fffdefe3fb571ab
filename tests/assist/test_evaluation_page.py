"""The page holds what was measured, loads nothing, and lets no name through as markup."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maskgui import cli
from maskgui.assist.evaluation import evaluate_file
from maskgui.assist.evaluation.page import page
from maskgui.core.errors import UserError
from maskgui.maskrcnn.evaluate import read_results, read_truth

NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Reader(HTMLParser):
    """Collects tags, attributes and text; complains where tags do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


def files(folder: Path, categories: int, name: str = "a.png") -> tuple[Path, Path]:
    objects, results = [], []
    for number in range(categories):
        x, y = 12 * (number % 20), 12 * (number // 20)
        ring = [[x, y, x + 10, y, x + 10, y + 10, x, y + 10]]
        one = {"image_id": 1, "category_id": number, "segmentation": ring}
        objects.append({"id": number + 1, **one, "area": 100, "iscrowd": 0})
        if number % 3:
            called = number if number % 4 else (number + 1) % categories
            results.append({**one, "category_id": called, "score": 0.3 + number / 1000})
    names = [NASTY, "x" * 300, *(f"범주 {n}" for n in range(2, categories))][:categories]
    truth = {
        "images": [{"id": 1, "file_name": name, "width": 250, "height": 150}],
        "categories": [{"id": n, "name": text} for n, text in enumerate(names)],
        "annotations": objects,
    }
    paths = folder / "gt.json", folder / "dt.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(json.dumps(content))
    return paths


@pytest.mark.parametrize("categories", [0, 1, 2, 200])
def test_any_number_of_categories_and_any_name(tmp_path: Path, categories: int) -> None:
    report = evaluate_file(*files(tmp_path, categories, NASTY), 100, boundary=True)
    html = page(report)
    reader = read(html)
    assert not {"script", "img", "link", "iframe", "object"} & set(reader.tags)
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    if categories:
        assert NASTY in reader.text
        assert f"{report.scored.evaluation.segm['AP']:.3f}" in reader.text
    for name, value in reader.attributes:
        assert name not in {"href", "src"} or value.startswith("data:image/")
    assert not re.search(r"url\(|@import|https?://", html)


def test_pictures_show_the_image_where_it_is_found(tmp_path: Path) -> None:
    paths = files(tmp_path, 2)
    report = evaluate_file(*paths, 100)
    assert "data:image" not in page(report)
    assert "without their image" in page(report)
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.fromarray(np.zeros((150, 250, 3), np.uint8)).save(folder / "a.png")
    html = page(report, folder)
    assert "data:image/jpeg;base64," in html
    assert "without their image" not in html


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gt, dt = files(tmp_path, 20)
    words = ["evaluate", "--gt", str(gt), "--pred", str(dt), "--max-dets", "50"]
    assert cli.main([*words, "--json", "--html", str(tmp_path / "page.html")]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures["segm"]) == [
        "AP", "AP50", "AP75", "AP_S", "AP_M", "AP_L", "AR1", "AR10", "AR50",
    ]  # fmt: skip
    assert figures["segm"]["AP"] == round(figures["segm"]["AP"], 3)
    assert set(figures["categories"]) == {"segm", "bbox"}
    kinds = ("right", "missed", "wrong category", "poor mask")
    assert sum(figures["mistakes"][kind] for kind in kinds) == figures["objects"] == 20
    assert read((tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert cli.main([*words, "--boundary"]) == 0
    assert "edge" in capsys.readouterr().out


def test_what_stands_in_the_way_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt, dt = files(tmp_path, 2)
    words = ["evaluate", "--gt", str(gt)]
    assert cli.main([*words, "--pred", str(dt), "--html", str(dt / "page.html")]) == 1
    assert "could not be written" in capsys.readouterr().err
    for path in (gt, dt):
        assert cli.main([*words, "--pred", str(dt), "--html", str(path)]) == 2
        assert "--html would write over" in capsys.readouterr().err
    assert cli.main([*words, "--pred", str(dt), "--model", "parts"]) == 2
    assert "one of them" in capsys.readouterr().err
    assert cli.main([*words, "--images", str(tmp_path), "--model", "parts"]) == 2
    assert "1 of 1 images" in capsys.readouterr().err


def test_a_model_of_other_categories_is_refused_before_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt, _ = files(tmp_path, 2)
    Image.new("RGB", (400, 400)).save(tmp_path / "a.png")
    arguments = ["evaluate", "--gt", str(gt), "--images", str(tmp_path), "--model", "parts"]
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert "parts finds none of the categories of" in said
    assert "“washer”" in said


def test_a_model_that_finds_more_than_the_truth_has_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gt, _ = files(tmp_path, 2)
    table = json.loads(gt.read_text())
    for category, name in zip(table["categories"], ("washer", "nut", "gear"), strict=False):
        category["name"] = name
    gt.write_text(json.dumps(table))
    Image.new("RGB", (400, 400)).save(tmp_path / "a.png")
    arguments = ["evaluate", "--gt", str(gt), "--images", str(tmp_path), "--model", "parts"]
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("parts also finds “")
    assert f"which {gt} does not have" in said


def test_what_a_model_finds_is_called_by_the_models_name(tmp_path: Path) -> None:
    gt, dt = files(tmp_path, 2)
    table = json.loads(gt.read_text())
    category = {"id": 99, "name": "mug"}
    found = {"image_id": table["images"][0]["id"], "category_id": 99, "score": 0.5}
    dt.write_text(
        json.dumps(
            {**table, "categories": [category], "annotations": [{**found, "bbox": [1, 2, 3, 4]}]}
        )
    )
    with pytest.raises(UserError, match=r"^What tiny finds has objects of the category “mug”"):
        read_results(dt, read_truth(gt), gt, "What tiny finds")
