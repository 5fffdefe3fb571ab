"""Training: data checked first, losses fall, a broken run goes on as if it had not been."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from maskgui.core.errors import Cancelled, UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.checkpoint import load_model
from maskgui.maskrcnn.config import Config, Recipe, TrainConfig, read_toml, to_toml
from maskgui.maskrcnn.train import TrainOptions, TrainProgress, train
from maskgui.maskrcnn.train.augment import random_view
from maskgui.maskrcnn.train.dataset import Target, read_dataset
from maskgui.maskrcnn.train.loader import make_batch
from maskgui.maskrcnn.train.step import (
    LOSSES,
    Average,
    keep_outputs_float,
    learning_rate,
    losses,
    optimiser,
)

SIDE = 64
TINY = Config(
    min_side=SIDE,
    max_side=SIDE,
    widths=(8, 8, 16, 16),
    depths=(1, 1, 1, 1),
    neck_channels=8,
    box_features=16,
    mask_channels=8,
    rpn_candidates=50,
    proposals=20,
    train_proposals=30,
    train_rois=16,
)
QUICK = TrainConfig(
    steps=20, batch=2, crop=SIDE, warmup_steps=2, bf16=False, learning_rate=3e-3, hold_out=2
)


REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = """
import hashlib, json, sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from maskgui.maskrcnn.train import TrainOptions, loader, loop
folder, seen, runs = Path(sys.argv[1]), [], []
make_batch, start = loader.make_batch, loop._Run.__init__
def spy(data, recipe, turn):
    if turn < 4:  # the first epoch
        seen.extend(range(turn * 2, turn * 2 + 2))
    return make_batch(data, recipe, turn)
def keep(self, *arguments):
    start(self, *arguments)
    runs.append(self)
loader.make_batch, loop._Run.__init__ = spy, keep
options = TrainOptions(
    folder / "data.json", folder, folder / "recipe.toml", folder / sys.argv[2] / "model"
)
path = loop.train(options)
values = b"".join(v.numpy().tobytes() for v in runs[0].module.state_dict().values())
print(json.dumps({
    "seen": seen, "weights": hashlib.sha256(values).hexdigest(), "wrote": path.exists(),
}))
"""


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight images of squares (category id 0) and discs (id 7), the last one empty."""
    rng = np.random.default_rng(5)
    annotations: list[dict[str, Any]] = []
    images = []
    for number in range(8):
        picture = rng.integers(0, 60, (SIDE, SIDE, 3), dtype=np.uint8)
        for kind in (0, 7) if number < 7 else ():
            x, y = int(rng.integers(4, 20)) + (28 if kind else 0), int(rng.integers(4, 40))
            shape = np.zeros((SIDE, SIDE), np.uint8)
            if kind:
                cv2.circle(shape, (x + 8, y + 8), 8, 1, -1)
            else:
                shape[y : y + 16, x : x + 16] = 1
            picture[shape > 0] = (230, 200, 90) if kind else (90, 120, 240)
            contour = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0][0]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": kind,
                    "segmentation": [contour.astype(float).ravel().tolist()],
                    "bbox": [x, y, 16, 16],
                    "area": int(shape.sum()),
                    "iscrowd": 0,
                }
            )
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture[..., ::-1])
        images.append({"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE})
    write(tmp_path, images, annotations)
    (tmp_path / "recipe.toml").write_text(to_toml(Recipe(TINY, QUICK)))
    return tmp_path


def write(folder: Path, images: list[Any], annotations: list[Any]) -> None:
    categories = [{"id": 7, "name": "disc"}, {"id": 0, "name": "square"}]
    table = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "data.json").write_text(json.dumps(table))


def change(folder: Path, place: int, **keys: Any) -> None:
    table = json.loads((folder / "data.json").read_text())
    table["annotations"][place].update(keys)
    (folder / "data.json").write_text(json.dumps(table))


def options(folder: Path, output: str = "out/model", **more: Any) -> TrainOptions:
    return TrainOptions(
        folder / "data.json", folder, folder / "recipe.toml", folder / output, **more
    )


def test_recipe_survives_toml_and_names_bad_entries(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    recipe = Recipe(TINY, QUICK)
    path.write_text(to_toml(recipe))
    assert read_toml(path, Recipe) == recipe
    path.write_text("[train]\nlearning_rat = 1.0")
    with pytest.raises(UserError, match="learning_rat"):
        read_toml(path, Recipe)
    path.write_text("[model]\nwidths = [1, 2]")
    with pytest.raises(UserError, match="widths"):
        read_toml(path, Recipe)


def test_shipped_recipes_are_usable() -> None:
    configs = Path(__file__).resolve().parents[2] / "models" / "configs"
    for path in sorted(configs.glob("*.toml")):
        assert read_toml(path, Recipe).model.backbone == "slim"


def test_categories_are_numbered_by_id_and_empty_images_kept(folder: Path) -> None:
    data = read_dataset(folder / "data.json", folder)
    assert data.categories == ("square", "disc")
    assert data.category_ids == (0, 7)
    assert [len(sample.targets) for sample in data.samples] == [2] * 7 + [0]
    assert {target.category for target in data.samples[0].targets} == {1, 2}


def test_crowd_regions_are_left_out(folder: Path) -> None:
    change(folder, 0, iscrowd=1)
    assert len(read_dataset(folder / "data.json", folder).samples[0].targets) == 1


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"category_id": 3}, "unknown category 3"),
        ({"image_id": 99}, "image 99"),
        ({"bbox": [1, 1, 0, 4]}, "box without area"),
        ({"segmentation": []}, "no segmentation"),
        ({"segmentation": [[1, 1, 1, 1, 1, 1]]}, "empty mask"),
        ({"segmentation": {"size": [SIDE, SIDE], "counts": [5]}}, "cannot be read"),
        ({"segmentation": {"size": [9, 9], "counts": [81]}}, "not the image"),
    ],
)
def test_a_bad_annotation_is_named_by_id(folder: Path, keys: dict[str, Any], reason: str) -> None:
    change(folder, 4, **keys)
    with pytest.raises(UserError, match=rf"annotation 5 .*{reason}"):
        train(options(folder))


def test_missing_images_are_counted_and_named(folder: Path) -> None:
    (folder / "3.png").unlink()
    with pytest.raises(UserError, match=r"1 of 8 images .* 3\.png"):
        read_dataset(folder / "data.json", folder)
    write(folder, [], [])
    with pytest.raises(UserError, match="no images"):
        read_dataset(folder / "data.json", folder)


def test_view_without_randomness_is_the_image() -> None:
    config = TrainConfig(
        crop=SIDE, scale=(1.0, 1.0), flip_vertical=False, quarter_turns=False, colour=0, blur=0,
        noise=0,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    mask = rng.integers(0, 2, (11, 9), dtype=np.uint8)
    mask[0, 0] = mask[-1, -1] = 1
    whole = np.zeros((SIDE, SIDE), np.uint8)
    whole[7:18, 5:14] = mask
    seen = set()
    for seed in range(8):
        view = random_view(
            image, (Target(2, 5, 7, mask),), config, 1.0, np.random.default_rng(seed)
        )
        flipped = not np.array_equal(view.image, image)
        seen.add(flipped)
        there = (lambda a: a[:, ::-1]) if flipped else (lambda a: a)
        assert np.array_equal(view.image, there(image))
        assert np.array_equal(view.masks[0], there(whole))
        assert view.labels.tolist() == [2]
        assert view.boxes[0].tolist() == ([50, 7, 59, 18] if flipped else [5, 7, 14, 18])
    assert seen == {True, False}


def test_turns_and_scales_keep_mask_and_pixels_together() -> None:
    config = TrainConfig(crop=96, scale=(0.8, 1.6), colour=0, blur=0, noise=0)
    image = np.zeros((80, 120, 3), np.uint8)
    image[20:50, 30:90] = 255
    target = Target(1, 30, 20, np.ones((30, 60), np.uint8))
    for seed in range(12):
        view = random_view(image, (target,), config, 1.2, np.random.default_rng(seed))
        bright = (view.image[..., 0] >= 128) & (view.image[..., 1] >= 128)
        both = np.count_nonzero(bright & (view.masks[0] > 0))
        either = np.count_nonzero(bright | (view.masks[0] > 0))
        assert both / either > 0.97


def test_losses_fall_on_one_batch(folder: Path) -> None:
    data = read_dataset(folder / "data.json", folder)
    recipe = Recipe(Config(**{**config_fields(TINY), "categories": 2}), QUICK)
    torch.manual_seed(0)
    module = build(recipe.model)
    keep_outputs_float(module)
    adam = optimiser(module, QUICK)
    batch = make_batch(data, recipe, 0)
    totals = []
    for _ in range(12):
        parts = losses(module, batch, bf16=False)
        assert tuple(parts) == LOSSES
        total = sum(parts.values())
        adam.zero_grad()
        total.backward()
        adam.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.75 * totals[0]


def test_a_batch_without_objects_trains(folder: Path) -> None:
    table = json.loads((folder / "data.json").read_text())
    write(folder, table["images"], [])
    recipe = Recipe(Config(**{**config_fields(TINY), "categories": 2}), QUICK)
    module = build(recipe.model)
    keep_outputs_float(module)
    batch = make_batch(read_dataset(folder / "data.json", folder), recipe, 0)
    for bf16 in (False, True):
        total = sum(losses(module, batch, bf16).values())
        assert torch.isfinite(total)
        total.backward()
    assert all(torch.isfinite(value).all() for value in module.state_dict().values())


def test_a_resumed_run_equals_an_unbroken_one(folder: Path) -> None:
    whole = train(options(folder, "whole/model"))
    cancel = threading.Event()

    def stop_at_ten(progress: TrainProgress) -> None:
        assert progress.step == 10
        assert progress.seconds_left > 0
        cancel.set()

    with pytest.raises(Cancelled, match="--resume"):
        train(options(folder, "broken/model"), stop_at_ten, cancel)
    reports: list[TrainProgress] = []
    again = train(options(folder, "broken/model", resume=True), reports.append)
    assert [report.step for report in reports] == [20]
    one, two = load_model(whole), load_model(again)
    for (name, value), other in zip(
        one[0].state_dict().items(), two[0].state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name
    assert one[1].category_ids == (0, 7)
    assert not again.with_suffix(".checkpoint").exists()
    steps = [
        [line.split(",")[0] for line in path.with_suffix(".log.csv").read_text().splitlines()]
        for path in (whole, again)
    ]
    assert steps[0] == steps[1] == ["step", "10", "20", "20"]


def test_two_processes_share_the_images_and_agree(folder: Path) -> None:
    recipe = Recipe(TINY, TrainConfig(**{**config_fields(QUICK), "steps": 4, "hold_out": 0}))
    (folder / "recipe.toml").write_text(to_toml(recipe))
    results = run_two_processes(folder)
    assert results[0]["seen"] | results[1]["seen"] == set(range(8))
    assert not results[0]["seen"] & results[1]["seen"]
    assert results[0]["weights"] == results[1]["weights"]
    assert [result["wrote"] for result in results] == [True, False]


def run_two_processes(folder: Path) -> list[dict[str, Any]]:
    program = folder / "program.py"
    program.write_text(PROGRAM)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": f"{port}",
    }
    running = [
        subprocess.Popen(
            [sys.executable, str(program), str(folder), f"out{rank}"],
            env={**shared, "RANK": str(rank)}, stdout=subprocess.PIPE, cwd=REPOSITORY,
        )
        for rank in (0, 1)
    ]  # fmt: skip
    answers = [process.communicate(timeout=300)[0] for process in running]
    return [{**answer, "seen": set(answer["seen"])} for answer in map(json.loads, answers)]


def test_resume_refuses_what_does_not_belong(folder: Path) -> None:
    with pytest.raises(UserError, match="without --resume"):
        train(options(folder, resume=True))
    (folder / "out").mkdir(exist_ok=True)
    (folder / "out" / "model.checkpoint").write_bytes(b"not one")
    with pytest.raises(UserError, match="no training checkpoint"):
        train(options(folder, resume=True))
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled, match="step 0"):
        train(options(folder), None, cancel)
    change(folder, 0, iscrowd=1)
    recipe = Recipe(TINY, TrainConfig(**{**config_fields(QUICK), "seed": 3}))
    (folder / "recipe.toml").write_text(to_toml(recipe))
    with pytest.raises(UserError, match="another recipe"):
        train(options(folder, resume=True))


def test_schedule_warms_up_and_ends_low() -> None:
    config = TrainConfig(learning_rate=1.0, warmup_steps=10)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 10, 0.0) == pytest.approx(1.0)
    assert learning_rate(config, 10, 0.5) == pytest.approx(0.505)
    assert learning_rate(config, 10, 1.0) == pytest.approx(0.01)


def test_average_follows_the_weights() -> None:
    module = torch.nn.BatchNorm2d(2)
    average = Average(module, 0.5)
    with torch.no_grad():
        module.weight.fill_(3.0)
    average.update(module, step=1000)
    assert average.values["weight"].tolist() == [2.0, 2.0]


def config_fields(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
