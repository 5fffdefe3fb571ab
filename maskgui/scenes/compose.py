"""A whole scene from a seed."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maskgui.scenes import layout as lay
from maskgui.scenes.backgrounds import BACKGROUNDS, HEIGHT, WIDTH, stain
from maskgui.scenes.materials import choose
from maskgui.scenes.parts import CATALOGUE
from maskgui.scenes.sprites import Bool, Float, Sprite, shade

GENERATOR_VERSION = 1
"""Raised with every change that alters an image or a mask; models name the version they learned."""

CATEGORIES: tuple[str, ...] = tuple(CATALOGUE)

LIGHTS: dict[str, tuple[float, float, float]] = {
    "from the left": (-0.56, -0.46, 0.69),
    "from the right": (0.58, -0.42, 0.70),
}


@dataclass(frozen=True)
class SceneObject:
    """One labelled part.

    `mask` bool [480, 640] is what is seen of it; `hidden_fraction` is the share of its pixels
    inside the image that something else covers.
    """

    category: str
    mask: Bool
    hidden_fraction: float


@dataclass(frozen=True)
class Scene:
    """`image` uint8 [480, 640, 3] RGB; objects from the bench up; the names of bench and light."""

    image: NDArray[np.uint8]
    objects: tuple[SceneObject, ...]
    background: str
    light: str


def draw_scene(seed: int) -> Scene:
    """Draw the scene of a seed (>= 0): the same seed gives the same scene, whatever came before.

    Masks are exact (a pixel is an object's where it covers half of it or more and nothing lies
    above) and disjoint.
    """
    layout = lay.plan(np.random.default_rng([GENERATOR_VERSION, seed, 0]))
    looks = np.random.default_rng([GENERATOR_VERSION, seed, 1])
    background = tuple(BACKGROUNDS)[looks.integers(len(BACKGROUNDS))]
    light = tuple(LIGHTS)[looks.integers(len(LIGHTS))]
    towards = np.array(LIGHTS[light], np.float32)
    canvas = BACKGROUNDS[background](looks)
    for _ in range(int(looks.integers(0, 4))):
        stain(canvas, looks)
    for thing in layout.things:
        _paint(canvas, thing, towards, looks)
    return Scene(_develop(canvas, towards, looks), _objects(layout), background, light)


def _objects(layout: lay.Layout) -> tuple[SceneObject, ...]:
    objects = []
    for index, (category, full) in enumerate(zip(layout.categories, layout.full, strict=True)):
        mask = layout.owner == index
        objects.append(SceneObject(category, mask, 1.0 - np.count_nonzero(mask) / full))
    return tuple(objects)


def _paint(canvas: Float, thing: lay.Thing, light: Float, rng: np.random.Generator) -> None:
    if thing.category is None:
        materials = thing.materials
    else:
        materials = (choose(rng, CATALOGUE[thing.category].plastic),)
    for sprite, material in zip(thing.sprites, materials, strict=True):
        left, top = thing.x + sprite.left, thing.y + sprite.top
        _cast_shadow(canvas, sprite, left, top, light)
        rows, columns, crop_rows, crop_columns = lay.clip(left, top, sprite.mask)
        colour = shade(sprite, material, light, rng)[crop_rows, crop_columns]
        weight = sprite.cover[crop_rows, crop_columns, None]
        canvas[rows, columns] += (colour - canvas[rows, columns]) * weight


def _cast_shadow(canvas: Float, sprite: Sprite, left: int, top: int, light: Float) -> None:
    """Darken what lies under a sprite: a contact shadow and a soft one away from the light."""
    reach = min(2.5 + 0.32 * sprite.rise, 13.0)
    dx, dy = round(-light[0] * reach * 1.4), round(-light[1] * reach * 1.4)
    pad = int(reach * 2) + 6
    cover = cv2.copyMakeBorder(sprite.cover, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    cast = cv2.GaussianBlur(np.roll(cover, (dy, dx), (0, 1)), (0, 0), 1.0 + reach * 0.28)
    contact = cv2.GaussianBlur(cover, (0, 0), 1.8)
    dark = 1.0 - np.maximum(0.55 * cast, 0.5 * contact)
    rows, columns, crop_rows, crop_columns = lay.clip(left - pad, top - pad, dark)
    canvas[rows, columns] *= dark[crop_rows, crop_columns, None]


def _develop(canvas: Float, light: Float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """What the camera adds: fall-off of the light, vignette, exposure, cast, blur and noise."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    x, y = x / (WIDTH / 2) - 1, y / (HEIGHT / 2) - 1
    slope = 1.0 + rng.uniform(0.04, 0.14) * (x * light[0] + y * light[1])
    level = slope * (1.0 - rng.uniform(0.06, 0.16) * (x * x + y * y)) * rng.uniform(0.92, 1.14)
    cast = rng.normal(1.0, 0.02, 3).astype(np.float32)
    picture = np.asarray(canvas * (level[..., None] * cast))
    sigma = rng.uniform(0.0, 0.95)
    if sigma > 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))
    grain = rng.standard_normal((HEIGHT, WIDTH, 1), dtype=np.float32) * rng.uniform(0.004, 0.016)
    coarse = rng.standard_normal((HEIGHT // 2, WIDTH // 2, 3), dtype=np.float32)
    chroma = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    picture = picture + grain + chroma * rng.uniform(0.002, 0.009)
    return np.asarray(np.rint(np.clip(picture, 0.0, 1.0) * 255.0), np.uint8)
