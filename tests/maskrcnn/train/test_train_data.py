"""The data of training: checked first, named by id; views keep masks and pixels together."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from maskgui.core.errors import UserError
from maskgui.maskrcnn.config import TrainConfig
from maskgui.maskrcnn.train import train
from maskgui.maskrcnn.train.augment import View, random_view
from maskgui.maskrcnn.train.copy_paste import paste_objects
from maskgui.maskrcnn.train.dataset import Target
from maskgui.maskrcnn.train.feed import Turns, batches, in_processes
from maskgui.maskrcnn.train.loader import Batch, make_batch
from maskgui.maskrcnn.train.parallel import Ranks
from maskgui.maskrcnn.train.prepare import held_out_count
from maskgui.maskrcnn.train.reading import read_dataset, read_validation

SIDE = 64
STILL = TrainConfig(
    crop=SIDE, scale=(1.0, 1.0), flip_vertical=False, quarter_turns=False, colour=0, blur=0, noise=0
)


def test_categories_are_numbered_by_id_and_empty_images_kept(toy: Any) -> None:
    data = read_dataset(toy.data, toy.folder)
    assert data.categories == ("square", "disc")
    assert data.category_ids == (0, 7)
    assert data.notes == ()
    assert [len(sample.targets) for sample in data.samples] == [2] * 7 + [0]
    assert {target.category for target in data.samples[0].targets} == {1, 2}


def test_categories_of_one_name_become_one_under_the_id_in_use(toy: Any) -> None:
    table = toy.table()
    toy.replace(categories=[*table["categories"], {"id": 3, "name": "disc"}])
    data = read_dataset(toy.data, toy.folder)
    assert data.categories == ("square", "disc")
    assert data.category_ids == (0, 7)
    assert data.notes == (
        "The categories 3 and 7 are both named “disc” and count as one, under the id 7.",
    )


def test_crowd_regions_are_kept_apart(toy: Any) -> None:
    toy.change(0, iscrowd=1)
    sample = read_dataset(toy.data, toy.folder).samples[0]
    assert len(sample.targets) == len(sample.crowds) == 1
    view = random_view(
        np.zeros((SIDE, SIDE, 3), np.uint8),
        sample.targets,
        STILL,
        1.0,
        np.random.default_rng(0),
        sample.crowds,
    )
    assert view.crowd.sum() == pytest.approx(sample.crowds[0].mask.sum())
    assert len(view.labels) == 1


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"bbox": [1, 1, 0, 4]}, "a box without area"),
        ({"segmentation": []}, "no segmentation"),
        ({"segmentation": [[1, 1, 1, 1, 1, 1]]}, "an empty mask"),
        ({"segmentation": [[1, 1, 9, 1, 9]]}, "a ring of 5 numbers"),
        ({"segmentation": [1, 1, 9, 1, 9, 9]}, "neither polygons nor RLE"),
        ({"segmentation": [[1, 1, 9e30, 1, 9, 9]]}, "far outside its image"),
        ({"bbox": [1, 1, "4"]}, "not four numbers"),
        ({"segmentation": {"size": [SIDE, SIDE], "counts": [5]}}, "cannot be read"),
        ({"segmentation": {"size": [9, 9], "counts": [81]}}, "not the image's size"),
    ],
)
def test_what_holds_nothing_to_learn_is_left_out_by_id(
    toy: Any, keys: dict[str, Any], reason: str
) -> None:
    toy.change(4, **keys)
    toy.change(6, **keys)
    data = read_dataset(toy.data, toy.folder)
    assert data.objects == 12
    assert len(data.notes) == 1
    assert "2 left out of training: annotations 5, 7 with " in data.notes[0]
    assert reason in data.notes[0]


def test_ids_that_stand_for_two_things_stop_the_run(toy: Any) -> None:
    table = toy.table()
    images = table["images"]
    toy.replace(images=[*images, {**images[7], "file_name": "0.png"}])
    with pytest.raises(UserError, match="image id 7 is listed twice; give each its own id"):
        read_dataset(toy.data, toy.folder)
    toy.replace(images=images, categories=[*table["categories"], {"id": 7, "name": "ring"}])
    with pytest.raises(UserError, match="category id 7 is listed twice"):
        read_dataset(toy.data, toy.folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("<!DOCTYPE html>", "web page or XML, not JSON"),
        ('{"images": [}', "not JSON: line 1 goes wrong at column 13"),
        ('{"images": [', "it ends too early"),
        ("[]", "not a COCO data set: the file must be keys with values, not a list of 0"),
        ('{"images": [], "annotations": []}', "the file has no “categories”"),
        (
            '{"images": [{"id": "a"}], "annotations": [], "categories": []}',
            '“id” of entry 1 of “images” must be a whole number, not "a"',
        ),
        (
            '{"images": [{"id": 1}], "annotations": [], "categories": []}',
            "entry 1 of “images” has no “file_name”",
        ),
    ],
)
def test_a_file_of_another_form_is_named_with_its_first_entry(
    toy: Any, content: str, said: str
) -> None:
    toy.data.write_text(content)
    with pytest.raises(UserError, match=re.escape(said)):
        read_dataset(toy.data, toy.folder)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"category_id": 3}, "annotation 5 with the unknown category 3"),
        ({"image_id": 99}, "annotation 5 with the unlisted image 99"),
    ],
)
def test_what_would_teach_wrong_things_stops_the_run(
    toy: Any, keys: dict[str, Any], reason: str
) -> None:
    toy.change(4, **keys)
    with pytest.raises(UserError, match=reason):
        train(toy.options())


def test_lists_with_the_same_names_are_one_list_whatever_their_ids(toy: Any) -> None:
    """A name under two ids, and which of the two is in use, makes no other list of it."""
    table = toy.table()
    squares = [{"id": 9, "name": "square"}, {"id": 7, "name": "disc"}, {"id": 0, "name": "square"}]
    entries = [
        {**entry, "category_id": 9 if entry["category_id"] == 0 else 7, "iscrowd": place == 0}
        for place, entry in enumerate(table["annotations"])
    ]
    val = toy.folder / "val.json"
    val.write_text(json.dumps({**table, "categories": squares, "annotations": entries}))
    data = read_dataset(toy.data, toy.folder)
    assert read_dataset(val, toy.folder).categories == ("disc", "square")
    found = read_validation(val, toy.folder, data, toy.data)
    assert (found.categories, found.category_ids) == (("square", "disc"), (0, 7))
    assert [target.category for target in found.samples[1].targets] == [1, 2]
    assert found.samples[0].crowds[0].category == 1
    val.write_text(json.dumps({**table, "categories": [*squares, {"id": 4, "name": "ring"}]}))
    with pytest.raises(UserError, match="other categories than"):
        read_validation(val, toy.folder, data, toy.data)


def test_images_with_objects_are_held_out_and_measured_first(toy: Any) -> None:
    """Two of the eight images have objects: one of them is held out, whatever the draw."""
    table = toy.table()
    full = [entry for entry in table["annotations"] if entry["image_id"] in (2, 5)]
    toy.replace(annotations=full)
    data = read_dataset(toy.data, toy.folder)
    shares = set()
    for seed in range(20):
        rest, held = data.split(2, seed)
        assert held.objects
        assert (len(rest), len(held)) == (6, 2)
        shares.add(rest.objects)
        assert held.measured_first().samples[0].targets
    assert shares == {0, 2}
    ids = [sample.image_id for sample in data.measured_first().samples]
    assert ids == [2, 5, 0, 1, 3, 4, 6, 7]


def test_images_that_are_missing_broken_or_of_another_size_are_named(toy: Any) -> None:
    cv2.imwrite(str(toy.folder / "2.png"), np.zeros((9, 12, 3), np.uint8))
    (toy.folder / "5.png").write_bytes(b"not one")
    with pytest.raises(UserError, match=r"2 of 8 images .* 2\.png is 12 x 9 .*5\.png"):
        read_dataset(toy.data, toy.folder)
    (toy.folder / "3.png").unlink()
    with pytest.raises(UserError, match=r"1 of 8 images .* “3\.png”"):
        read_dataset(toy.data, toy.folder)
    toy.replace(images=[])
    with pytest.raises(UserError, match="no images"):
        read_dataset(toy.data, toy.folder)


def test_a_set_without_any_object_is_refused(toy: Any) -> None:
    toy.replace(annotations=[])
    with pytest.raises(UserError, match="no object to learn"):
        train(toy.options())


def test_a_tenth_is_held_out_unless_the_recipe_says_otherwise() -> None:
    counts = [held_out_count(images, TrainConfig()) for images in (3, 4, 160, 10_000)]
    assert counts == [0, 2, 16, 200]
    assert held_out_count(160, TrainConfig(hold_out=0)) == 0
    assert held_out_count(160, TrainConfig(hold_out=40)) == 40


def test_view_without_randomness_is_the_image() -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    mask = rng.integers(0, 2, (11, 9), dtype=np.uint8)
    mask[0, 0] = mask[-1, -1] = 1
    whole = np.zeros((SIDE, SIDE), np.uint8)
    whole[7:18, 5:14] = mask
    seen = set()
    for seed in range(8):
        target = Target(2, 5, 7, mask)
        view = random_view(image, (target,), STILL, 1.0, np.random.default_rng(seed))
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


def rectangles(grey: int, *boxes: tuple[int, int, int, int]) -> View:
    """Return a 32 x 32 view of rectangles, labelled 1, 2, ... and its top row a crowd."""
    masks = np.zeros((len(boxes), 32, 32), np.uint8)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = 1
    crowd = np.zeros((32, 32), np.uint8)
    crowd[0] = 1
    labels = np.arange(1, len(boxes) + 1)
    image = np.full((32, 32, 3), grey, np.uint8)
    return View(image, masks, np.array(boxes, np.float32), labels, crowd)


def test_pasted_objects_cut_what_they_cover_and_boxes_follow() -> None:
    below = rectangles(10, (0, 0, 10, 10), (4, 4, 8, 8), (20, 20, 30, 30))
    above = rectangles(200, (4, 0, 12, 16))
    outcomes = Counter()
    for seed in range(20):
        view = paste_objects(below, above, np.random.default_rng(seed))
        outcomes[len(view.labels)] += 1
        if view is below:
            continue
        # the second lies under the pasted one altogether, the first loses its right side
        assert view.labels.tolist() == [1, 3, 1]
        assert view.boxes.tolist() == [[0, 0, 4, 10], [20, 20, 30, 30], [4, 0, 12, 16]]
        assert view.masks.sum(axis=0).max() == 1
        assert np.array_equal(view.image[..., 0] == 200, above.masks[0] > 0)
        assert view.crowd[0].tolist() == [1] * 4 + [0] * 8 + [1] * 20
    assert set(outcomes) == {3}
    assert below.masks[0].sum() == 100  # untouched


def test_batches_come_in_order_and_alike_from_any_number_of_workers(toy: Any) -> None:
    data = read_dataset(toy.data, toy.folder)
    device, steps = torch.device("cpu"), range(3, 9)
    recipe = toy.use(workers=1, copy_paste=0.5)
    one = list(batches(data, recipe, steps, Ranks(), device))
    three = list(batches(data, toy.use(workers=3), steps, Ranks(), device))
    processes = list(in_processes(Turns(data, recipe, Ranks()), steps, 2, pin=False))
    assert [step for step, _ in one] == list(steps)
    for others in (three, processes):
        assert [step for step, _ in others] == list(steps)
        for (_, first), (_, second) in zip(one, others, strict=True):
            assert alike(first, second)
    assert alike(make_batch(data, recipe, 4), one[1][1])


def alike(first: Batch, second: Batch) -> bool:
    """Whether two batches hold the same numbers."""
    pairs = zip(first.targets, second.targets, strict=True)
    return torch.equal(first.images, second.images) and all(
        torch.equal(a[name], b[name]) for a, b in pairs for name in a
    )


def test_an_image_that_vanishes_stops_the_run_in_a_sentence(toy: Any) -> None:
    data = read_dataset(toy.data, toy.folder)
    for path in Path(toy.folder).glob("*.png"):
        path.unlink()
    with pytest.raises(UserError, match="png"):
        list(batches(data, toy.recipe, range(3), Ranks(), torch.device("cpu")))
    with pytest.raises(UserError, match="png"):
        list(in_processes(Turns(data, toy.recipe, Ranks()), range(3), 1, pin=False))
