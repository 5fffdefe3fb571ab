"""The recipe of a run that names none: from the model to start from and the data's size."""

import msgspec

from maskgui.maskrcnn.config import Config, Recipe, TrainConfig
from maskgui.maskrcnn.train.dataset import DataSet

GRID = 32
CROPS = (256, 512)


def default_recipe(start: Config | None, data: DataSet, device: str) -> Recipe:
    """Return settings for photographs: fine-tuning of `start`, or the slim network from scratch.

    Fine-tuning sees each image about 20 times in 300 to 3,000 steps at a third of the rate;
    training from scratch 60 times in 1,000 to 12,000 steps.
    """
    batch = 4 if device == "cpu" else 8
    model = start or Config()
    side = round(model.min_side * 0.7 / GRID) * GRID
    common = TrainConfig(
        batch=batch,
        crop=min(max(side, CROPS[0]), CROPS[1]),
        scale=(0.7, 1.4),
        flip_vertical=False,
        quarter_turns=False,
        colour=0.2,
    )
    epochs, fewest, most = (20, 300, 3000) if start else (60, 1000, 12000)
    steps = min(max(epochs * len(data) // batch, fewest), most)
    train = msgspec.structs.replace(
        common,
        steps=steps,
        learning_rate=4e-4 if start else 1e-3,
        warmup_steps=min(100, steps // 10),
        ema_decay=0.99 if start else 0.998,
    )
    return Recipe(model, train)
