"""A small data set and recipe that training tests share."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
import torch

from maskgui.maskrcnn.config import Config, Recipe, TrainConfig, to_toml
from maskgui.maskrcnn.train import TrainOptions

SIDE = 64
TINY = Config(
    categories=2,
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
    steps=20,
    batch=2,
    crop=SIDE,
    warmup_steps=2,
    precision="float32",
    learning_rate=3e-3,
    hold_out=2,
)
CATEGORIES = [{"id": 7, "name": "disc"}, {"id": 0, "name": "square"}]


class Toy:
    """Eight images of squares (category id 0) and discs (id 7), the last one empty; a recipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data.json"
        self.recipe = Recipe(TINY, QUICK)
        self.draw()
        self.use()

    def draw(self) -> None:
        """Write the images and data.json."""
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
            cv2.imwrite(str(self.folder / f"{number}.png"), picture[..., ::-1])
            entry = {"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE}
            images.append(entry)
        table = {"images": images, "annotations": annotations, "categories": CATEGORIES}
        self.data.write_text(json.dumps(table))

    def table(self) -> dict[str, Any]:
        """Return the data set."""
        table: dict[str, Any] = json.loads(self.data.read_text())
        return table

    def replace(self, **lists: Any) -> None:
        """Put other lists in the data set."""
        self.data.write_text(json.dumps({**self.table(), **lists}))

    def change(self, place: int, **keys: Any) -> None:
        """Change one annotation."""
        table = self.table()
        table["annotations"][place].update(keys)
        self.data.write_text(json.dumps(table))

    def use(self, model: dict[str, Any] | None = None, **train: Any) -> Recipe:
        """Change the recipe."""
        self.recipe = Recipe(
            msgspec.structs.replace(self.recipe.model, **(model or {})),
            msgspec.structs.replace(self.recipe.train, **train),
        )
        (self.folder / "recipe.toml").write_text(to_toml(self.recipe))
        return self.recipe

    def options(self, output: str = "out/model", **more: Any) -> TrainOptions:
        """Return options to train with the recipe."""
        config = self.folder / "recipe.toml"
        given = {"config": config, "device": "cpu", "output": self.folder / output, **more}
        return TrainOptions(self.data, self.folder, **given)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)
