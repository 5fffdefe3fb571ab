"""Scenes: determinism, exact masks, and the promises made about a data set of them."""

import hashlib
from functools import cache

import cv2
import numpy as np
import pytest
from pycocotools import mask as rle_codec

from maskgui.scenes import CATEGORIES, GENERATOR_VERSION, Scene, draw_scene
from maskgui.scenes.backgrounds import BACKGROUNDS
from maskgui.scenes.compose import LIGHTS

SEEDS = range(1_000_500, 1_000_536)


@cache
def scenes() -> tuple[Scene, ...]:
    return tuple(draw_scene(seed) for seed in SEEDS)


def _longer_side(mask: np.ndarray) -> int:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(max(np.ptp(rows), np.ptp(columns))) + 1


def test_the_same_seed_gives_the_same_scene_whatever_came_before() -> None:
    first = scenes()[3]
    again = draw_scene(SEEDS[3])
    assert np.array_equal(first.image, again.image)
    assert [o.category for o in first.objects] == [o.category for o in again.objects]
    for one, other in zip(first.objects, again.objects, strict=True):
        assert np.array_equal(one.mask, other.mask)


def test_neighbouring_seeds_give_unlike_scenes() -> None:
    first, second = scenes()[:2]
    assert np.mean(np.abs(first.image.astype(int) - second.image)) > 5


def test_images_and_masks_have_the_promised_form() -> None:
    for scene in scenes():
        assert scene.image.shape == (480, 640, 3)
        assert scene.image.dtype == np.uint8
        for item in scene.objects:
            assert item.mask.shape == (480, 640)
            assert item.mask.dtype == np.bool_


def test_masks_are_disjoint() -> None:
    for scene in scenes():
        assert np.sum([item.mask for item in scene.objects], axis=0).max() == 1


def test_every_object_is_large_enough_to_be_told() -> None:
    for scene in scenes():
        assert 6 <= len(scene.objects) <= 25
        for item in scene.objects:
            assert 16 <= _longer_side(item.mask) <= 200
            assert np.count_nonzero(item.mask) >= 60
            assert 0.0 <= item.hidden_fraction <= 0.55


def test_a_third_of_the_objects_is_partly_hidden() -> None:
    hidden = [item.hidden_fraction > 0.02 for scene in scenes() for item in scene.objects]
    assert 0.30 <= np.mean(hidden) <= 0.45


def test_all_categories_benches_and_lights_occur() -> None:
    seen = {item.category for scene in scenes() for item in scene.objects}
    assert seen == set(CATEGORIES)
    assert len(CATEGORIES) >= 8
    assert {scene.background for scene in scenes()} == set(BACKGROUNDS)
    assert len(BACKGROUNDS) == 6
    assert {scene.light for scene in scenes()} == set(LIGHTS)
    assert len(LIGHTS) == 2


def test_holes_show_what_lies_beneath() -> None:
    """A part seen alone keeps its hole: the pixel at a washer's centre is not the washer's."""
    washers = [
        item.mask
        for scene in scenes()
        for item in scene.objects
        if item.category == "washer"
        and item.hidden_fraction == 0
        and not _touches_border(item.mask)
    ]
    assert washers
    for mask in washers:
        rows, columns = np.nonzero(mask)
        assert not mask[round(rows.mean()), round(columns.mean())]


def _touches_border(mask: np.ndarray) -> bool:
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def test_masks_lie_where_the_parts_are_seen() -> None:
    """The image changes most along the masks' outlines, less along the same outlines moved."""
    moves = [(dy, dx) for dy in (-2, -1, 0, 1, 2) for dx in (-2, -1, 0, 1, 2)]
    total = dict.fromkeys(moves, 0.0)
    for scene in scenes()[:12]:
        grey = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY)
        slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        owner = np.zeros((480, 640), np.uint8)
        for index, item in enumerate(scene.objects, start=1):
            owner[item.mask] = index
        rim = cv2.morphologyEx(owner, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        for move in moves:
            total[move] += float(slope[np.roll(rim, move, (0, 1))].mean())
    assert max(total, key=total.__getitem__) == (0, 0)


FROZEN_MASKS = "34f6d776af6ee118"
FROZEN_PICTURE = np.array(
    [
        107,
        108,
        117,
        122,
        143,
        128,
        125,
        114,
        111,
        115,
        104,
        109,
        127,
        122,
        129,
        124,
        116,
        119,
        122,
        129,
        130,
        132,
        137,
        125,
        115,
        122,
        143,
        133,
        133,
        132,
        129,
        122,
        113,
        122,
        128,
        136,
        124,
        124,
        143,
        134,
        100,
        101,
        112,
        119,
        116,
        122,
        125,
        110,
    ]
)


def _fingerprint(seed: int) -> str:
    digest = hashlib.sha256()
    for item in draw_scene(seed).objects:
        code = rle_codec.encode(np.asfortranarray(item.mask.astype(np.uint8)))
        digest.update(item.category.encode() + code["counts"])
    return digest.hexdigest()[:16]


def test_the_generator_is_frozen() -> None:
    """Models name the version they learned from: a change that moves a mask needs a new version.

    If this fails on purpose, raise GENERATOR_VERSION and train again.
    """
    assert GENERATOR_VERSION == 1
    assert _fingerprint(1_000_000) == FROZEN_MASKS


@pytest.mark.parametrize("seed", [1_000_000])
def test_the_pictures_are_frozen(seed: int) -> None:
    """Coarse, so that another build of OpenCV passes: an 8 x 6 reduction within 2 levels."""
    small = cv2.resize(draw_scene(seed).image, (8, 6), interpolation=cv2.INTER_AREA)
    assert np.abs(small.mean(axis=2).ravel() - FROZEN_PICTURE).max() <= 2
