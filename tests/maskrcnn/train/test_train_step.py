"""One step: losses, crowd regions, schedule, averaging, too little memory."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torchvision.models.detection.image_list import ImageList

from maskgui.core.errors import Failure, UserError
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.config import Recipe, TrainConfig, check, read_toml, to_toml
from maskgui.maskrcnn.train import crowd
from maskgui.maskrcnn.train.engine import Engine
from maskgui.maskrcnn.train.loader import Batch, make_batch
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.reading import read_dataset
from maskgui.maskrcnn.train.step import (
    LOSSES,
    Average,
    keep_outputs_float,
    learning_rate,
    loss_names,
    losses,
    optimiser,
    set_training,
    settle_batch_norm,
)

CPU = torch.device("cpu")


def first_batch(toy: Any) -> Batch:
    return make_batch(read_dataset(toy.data, toy.folder), toy.recipe, 0)


def test_recipe_survives_toml_and_names_bad_entries(toy: Any, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    assert read_toml(path, Recipe) == toy.recipe
    path.write_text("[train]\nlearning_rat = 1.0")
    with pytest.raises(UserError, match="learning_rat"):
        read_toml(path, Recipe)
    path.write_text("[model]\nwidths = [1, 2]")
    with pytest.raises(UserError, match="widths"):
        read_toml(path, Recipe)
    assert "optimiser" in to_toml(toy.recipe)


def test_shipped_recipes_are_usable() -> None:
    configs = Path(__file__).resolve().parents[3] / "models" / "configs"
    for path in sorted(configs.glob("*.toml")):
        check(read_toml(path, Recipe).model)


@pytest.mark.parametrize("kind", ["adamw", "sgd"])
def test_losses_fall_on_one_batch(toy: Any, kind: str) -> None:
    recipe = toy.use(optimiser=kind, learning_rate=3e-3 if kind == "adamw" else 0.02)
    torch.manual_seed(0)
    module = build(recipe.model)
    keep_outputs_float(module)
    way = optimiser(module, recipe.train)
    batch = first_batch(toy)
    totals = []
    for _ in range(12):
        parts = losses(module, batch)
        assert tuple(parts) == tuple(LOSSES)
        total = sum(parts.values())
        way.zero_grad()
        total.backward()
        way.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.8 * totals[0]


def test_a_batch_without_objects_trains(toy: Any) -> None:
    toy.replace(annotations=[])
    module = build(toy.recipe.model)
    keep_outputs_float(module)
    batch = first_batch(toy)
    for dtype in (torch.float32, torch.bfloat16):
        total = sum(losses(module, batch, dtype).values())
        assert torch.isfinite(total)
        total.backward()
    assert all(torch.isfinite(value).all() for value in module.state_dict().values())


def test_without_a_mask_branch_there_is_no_mask_loss(toy: Any) -> None:
    recipe = toy.use(model={"mask_branch": "none"})
    module = build(recipe.model)
    keep_outputs_float(module)
    assert loss_names(module) == ("objectness", "rpn_box", "class", "box")
    assert tuple(losses(module, first_batch(toy))) == tuple(LOSSES)[:4]


def test_boxes_lie_in_a_crowd_by_the_share_of_their_pixels() -> None:
    region = torch.zeros(20, 30, dtype=torch.uint8)
    region[:, :10] = 1
    boxes = torch.tensor(
        [[0, 0, 10, 20], [5, 5, 15, 9], [6, 5, 15, 9], [20, 0, 30, 20], [-9, -9, 8, 40]],
    ).float()
    assert crowd.in_crowd(boxes, region).tolist() == [True, True, False, False, True]


def test_the_rpn_without_crowds_is_torchvisions(toy: Any) -> None:
    module = build(toy.recipe.model)
    batch = first_batch(toy)
    images = batch.images.float() / 255
    listed = ImageList(images, [(64, 64)] * 2)
    features = module.backbone(images)
    found = []
    for rpn in (module.rpn, lambda *given: crowd.propose(module.rpn, *given)):
        torch.manual_seed(3)
        found.append(rpn(listed, features, batch.targets))
    (one, ours), (two, theirs) = found
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert {n: float(v.detach()) for n, v in ours.items()} == pytest.approx(
        {n: float(v.detach()) for n, v in theirs.items()}, rel=1e-6
    )


def test_views_of_any_side_have_their_anchors_where_they_should_be(toy: Any) -> None:
    """Every level's cells lie `stride` pixels apart, and no proposal leaves the view."""
    toy.use(crop=300)
    module = build(toy.recipe.model)
    seen: dict[str, Any] = {}
    module.rpn.anchor_generator.register_forward_hook(lambda _m, _i, out: seen.update(anchors=out))
    module.roi_heads.box_roi_pool.register_forward_pre_hook(
        lambda _m, given: seen.update(levels=given[0], boxes=given[1])
    )
    losses(module, first_batch(toy))
    anchors, start = seen["anchors"][0], 0
    for name, stride in (("0", 4), ("1", 8), ("2", 16), ("3", 32)):
        rows, columns = seen["levels"][name].shape[-2:]
        assert rows == columns == 320 // stride
        cells = anchors[start : start + rows * columns * 3].view(rows, columns, 3, 4)
        start += rows * columns * 3
        centres = (cells[..., :2] + cells[..., 2:]) / 2
        places = torch.arange(rows) * float(stride)
        assert torch.equal(centres[..., 0], places[None, :, None].expand(rows, columns, 3)), name
        assert torch.equal(centres[..., 1], places[:, None, None].expand(rows, columns, 3)), name
    assert max(float(boxes.max()) for boxes in seen["boxes"]) <= 300
    assert module.roi_heads.box_roi_pool.scales == [1 / 4, 1 / 8, 1 / 16, 1 / 32]


def test_the_losses_of_views_that_need_padding_are_torchvisions(toy: Any) -> None:
    side = 104
    toy.use(model={"min_side": side, "max_side": side}, crop=side)
    module = build(toy.recipe.model)
    module.transform.torch_choice = min  # which would draw a number
    batch = first_batch(toy)
    found = []
    for ours in (True, False):
        torch.manual_seed(3)
        images = [image.float() / 255 for image in batch.images]
        parts = losses(module, batch) if ours else module(images, batch.targets)
        found.append({name: float(parts[name].detach()) for name in LOSSES})
    assert found[0] == pytest.approx(found[1], rel=1e-4)


def test_nothing_inside_a_crowd_is_a_negative(toy: Any) -> None:
    """All of the image is a crowd: no background is learned, in neither stage."""
    table = toy.table()
    everything = {"size": [64, 64], "counts": [0, 64 * 64]}
    for image in range(8):
        table["annotations"].append(
            {"id": 90 + image, "image_id": image, "category_id": 7, "iscrowd": 1,
             "segmentation": everything, "bbox": [0, 0, 64, 64]}
        )  # fmt: skip
    toy.replace(annotations=table["annotations"])
    toy.use(scale=(1.0, 1.0))  # no border around the image
    module = build(toy.recipe.model)
    batch = first_batch(toy)
    seen: dict[str, Any] = {}

    def spy(name: str, place: Any, attribute: str) -> None:
        sampler = getattr(place, attribute)

        def watch(labels: Any) -> Any:
            seen[name] = torch.cat([*labels])
            return sampler(labels)

        setattr(place, attribute, watch)

    spy("rpn", module.rpn, "fg_bg_sampler")
    spy("roi", module.roi_heads, "fg_bg_sampler")
    parts = losses(module, batch)
    assert all(torch.isfinite(part) for part in parts.values())
    for name in ("rpn", "roi"):
        values = set(seen[name].tolist())
        assert 0 not in values, name
        assert values - {-1}, name  # the outlined objects are still positives


def test_schedules_warm_up_and_end_low() -> None:
    config = TrainConfig(learning_rate=1.0, warmup_steps=10)
    assert learning_rate(config, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(config, 10, 0.0) == pytest.approx(1.0)
    assert learning_rate(config, 10, 0.5) == pytest.approx(0.505)
    assert learning_rate(config, 10, 1.0) == pytest.approx(0.01)
    steps = msgspec.structs.replace(config, schedule="step", drops=(0.6, 0.9))
    rates = [learning_rate(steps, 10, share) for share in (0.0, 0.59, 0.6, 0.95)]
    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.01])


@pytest.mark.parametrize("count", [8, 30, 60, 300])
def test_a_schedule_cut_short_reaches_its_rate_and_a_long_one_stays(count: int) -> None:
    """With 100 steps of warm-up, whether few steps or the minutes given make an end."""
    config = TrainConfig(learning_rate=1.0, warmup_steps=100, steps=10_000)
    rates = [learning_rate(config, step, step / count) for step in range(count)]
    assert 0.85 < max(rates) <= 1.0
    assert rates[0] == pytest.approx(0.01)
    highest = rates.index(max(rates))
    assert rates[: highest + 1] == sorted(rates[: highest + 1])
    assert highest <= count * 0.2 + 1
    long = [learning_rate(config, step, step / config.steps) for step in (0, 49, 99, 100)]
    assert long == pytest.approx([0.01, 0.5, 1.0, 1.0], rel=1e-3)


def test_average_follows_the_weights_and_can_be_off(toy: Any) -> None:
    module = torch.nn.BatchNorm2d(2)
    average = Average(module, 0.5)
    with torch.no_grad():
        module.weight.fill_(3.0)
    average.update(step=1000)
    assert average.values["weight"].tolist() == [2.0, 2.0]
    plain = make_engine(toy, ema_decay=0.0)
    plain.step(0, first_batch(toy), 0.1)
    assert torch.equal(
        plain.weights["rpn.head.bbox_pred.weight"], plain.module.rpn.head.bbox_pred.weight
    )


def test_batch_norm_keeps_its_statistics_in_small_fine_tuning_only(toy: Any) -> None:
    settled = [
        settle_batch_norm(TrainConfig(batch=batch, batch_norm=given), from_weights).batch_norm
        for batch, given, from_weights in [
            (4, "auto", True),
            (4, "auto", False),
            (8, "auto", True),
            (4, "eval", False),
            (4, "train", True),
        ]
    ]
    assert settled == ["eval", "train", "train", "eval", "train"]
    module = torch.nn.Sequential(torch.nn.BatchNorm2d(2), torch.nn.Dropout())
    set_training(module, keep_statistics=True)
    assert [part.training for part in module] == [False, True]


def make_engine(toy: Any, notes: list[str] | None = None, **train: Any) -> Engine:
    recipe = toy.use(**train)
    torch.manual_seed(0)
    say = [] if notes is None else notes
    return Engine(build(recipe.model), recipe.train, CPU, Ranks(), say.append)


def test_gradients_are_clipped_only_where_asked(toy: Any) -> None:
    batch = first_batch(toy)
    moved = []
    for clip in (0.0, 1e-6):
        engine = make_engine(toy, optimiser="sgd", weight_decay=0.0, clip_norm=clip, momentum=0.0)
        before = engine.module.roi_heads.box_head.fc6.weight.detach().clone()
        engine.step(0, batch, 1.0)
        after = engine.module.roi_heads.box_head.fc6.weight.detach()
        moved.append(float((after - before).norm()))
    assert moved[0] > 1e-4
    assert moved[1] <= 1.01e-6


def test_too_little_memory_makes_smaller_pieces_and_says_so_once(toy: Any) -> None:
    notes: list[str] = []
    engine = make_engine(toy, notes, batch=4)
    sizes = []

    def refuse(_module: Any, inputs: tuple[torch.Tensor, ...]) -> None:
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    engine.module.backbone.register_forward_pre_hook(refuse)
    first = engine.step(0, first_batch(toy), 1e-3)
    assert sizes == [4, 2, 1, 1, 1, 1]
    engine.step(1, first_batch(toy), 1e-3)
    assert sizes[6:] == [1, 1, 1, 1]
    assert len(notes) == 1
    assert "batch of 4" in notes[0]
    assert torch.isfinite(first).all()


def test_pieces_make_the_step_that_the_whole_batch_would(toy: Any) -> None:
    """Gradients of pieces, weighted by their images, add up."""
    toy.use(batch=4)
    batch = first_batch(toy)
    whole = make_engine(toy, batch=4, batch_norm="eval")
    split = make_engine(toy, batch=4, batch_norm="eval")
    split.load_state({**whole.state(), "pieces": 4})
    one, two = (engine.step(0, batch, 1e-3) for engine in (whole, split))
    # other draws of anchors and RoIs and other means over them, so alike and not equal
    assert float(two.sum()) == pytest.approx(float(one.sum()), rel=0.35)


def test_no_memory_for_one_image_is_said_in_a_sentence(toy: Any) -> None:
    engine = make_engine(toy)

    def refuse(_module: Any, _inputs: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    engine.module.backbone.register_forward_pre_hook(refuse)
    with pytest.raises(Failure, match=r"single image.*crop"):
        engine.step(0, first_batch(toy), 1e-3)
