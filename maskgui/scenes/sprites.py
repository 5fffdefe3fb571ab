"""From a part to pixels: its mask, its relief, and its shaded colours.

A sprite is rasterised two or three times finer than the image; light is reckoned there and
averaged down, so that outlines and highlights are smooth.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from maskgui.scenes.materials import Material
from maskgui.scenes.parts import Layer, Part

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

_SHIFT = 6  # fixed-point bits of fillPoly's coordinates
_MARGIN = 2  # px of empty border round a sprite


@dataclass(frozen=True)
class Sprite:
    """A rasterised part.

    `left`, `top` place it against the centre of what it belongs to, in px. `cover` float32 [h, w]
    is the share of each pixel that it covers, `mask` bool [h, w] where that is half or more.
    `relief` (height in fine px), `tone` and `solid` are float32 [h * fine, w * fine].
    """

    left: int
    top: int
    fine: int
    cover: Float
    mask: Bool
    relief: Float
    tone: Float
    solid: Float
    rise: float
    turned: bool


def _place(
    rings: tuple[NDArray[np.float64], ...], turn: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    return [ring @ turn for ring in rings]


def rasterise(part: Part, size: float, angle: float) -> Sprite:
    """Draw `part` with a longer side of about `size` px, turned by `angle` radians."""
    fine = 3 if size < 64 else 2
    cos, sin = np.cos(angle) * size, np.sin(angle) * size
    turn = np.array([[cos, sin], [-sin, cos]])
    placed = [_place(layer.rings, turn) for layer in part.layers]
    points = np.concatenate(
        [r for la, rs in zip(part.layers, placed, strict=True) if not la.groove for r in rs]
    )
    left, top = (int(v) for v in np.floor(points.min(axis=0)) - _MARGIN)
    width, height = (int(v) for v in np.ceil(points.max(axis=0)) + _MARGIN - (left, top))
    relief = np.zeros((height * fine, width * fine), np.float32)
    tone = np.ones_like(relief)
    solid = np.zeros(relief.shape, np.uint8)
    for layer, rings in zip(part.layers, placed, strict=True):
        filled = _fill(rings, relief.shape, (left, top), fine)
        if layer.groove:
            _carve(relief, tone, filled, layer, size * fine)
        else:
            _raise(relief, tone, filled, layer, size * fine)
            solid |= filled
    whole = solid.astype(np.float32)
    cover: Float = np.asarray(
        cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.float32
    )
    rise = max(layer.height for layer in part.layers if not layer.groove) * size
    return Sprite(left, top, fine, cover, cover >= 0.5, relief, tone, whole, rise, part.turned)


def _fill(
    rings: list[NDArray[np.float64]], shape: tuple[int, ...], origin: tuple[int, int], fine: int
) -> NDArray[np.uint8]:
    """Fill the rings even-odd on the fine grid; fillPoly's coordinates are of pixel centres."""
    canvas = np.zeros(shape, np.uint8)
    scale = fine * (1 << _SHIFT)
    half = 1 << (_SHIFT - 1)
    fixed = [np.rint((ring - origin) * scale - half).astype(np.int32) for ring in rings]
    cv2.fillPoly(canvas, fixed, 1, cv2.LINE_8, _SHIFT)
    return canvas


def _raise(
    relief: Float, tone: Float, filled: NDArray[np.uint8], layer: Layer, unit: float
) -> None:
    """Lay a slab on the relief; its edge falls off as a quarter circle over the bevel."""
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    width = depth.max() if layer.bevel is None else layer.bevel * unit
    width = max(float(width), 1.0)
    t = np.minimum(depth / width, 1.0)
    top = layer.height * unit - width * (1.0 - np.sqrt(1.0 - (1.0 - t) ** 2))
    above = (filled > 0) & (top > relief)
    relief[above] = top[above]
    tone[above] = layer.tone


def _carve(
    relief: Float, tone: Float, filled: NDArray[np.uint8], layer: Layer, unit: float
) -> None:
    soft = cv2.GaussianBlur(filled.astype(np.float32), (0, 0), 1.0)
    relief -= soft * np.float32(layer.height * unit)
    tone *= 1.0 - soft * np.float32(1.0 - layer.tone)


@cache
def texture(kind: str) -> Float:
    """A tileable 512 x 512 field of mean 0 and deviation about 1: 'streak', 'grain' or 'cloud'."""
    rng = np.random.default_rng({"streak": 11, "grain": 12, "cloud": 13}[kind])
    noise = rng.standard_normal((512, 512), dtype=np.float32)
    wrapped = np.tile(noise, (3, 3))
    sigma = {"streak": (28.0, 0.7), "grain": (0.8, 0.8), "cloud": (14.0, 14.0)}[kind]
    field = cv2.GaussianBlur(wrapped, (0, 0), sigma[0], sigmaY=sigma[1])[512:1024, 512:1024]
    return np.ascontiguousarray(field / field.std())


def sample(kind: str, shape: tuple[int, ...], rng: np.random.Generator, angle: float) -> Float:
    """A window [h, w] of a texture at a random place, turned by `angle` radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    shift = rng.uniform(0, 512, 2)
    matrix = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (shape[1], shape[0])
    field = cv2.warpAffine(texture(kind), matrix, size, flags=flags, borderMode=cv2.BORDER_WRAP)
    return np.asarray(field, np.float32)


def _lights(sprite: Sprite, light: Float) -> tuple[Float, Float, Float]:
    """Diffuse light (1 on a level face), highlight base and reflection, float32 [h, w] each."""
    # Beyond the outline the edge's own height goes on, a little lower: a full drop would be one
    # saturated, jagged step.
    beyond = cv2.dilate(sprite.relief, np.ones((7, 7), np.uint8)) - 1.2 * sprite.fine
    relief = np.where(sprite.solid > 0, sprite.relief, beyond)
    relief = cv2.GaussianBlur(relief, (0, 0), 0.75 * sprite.fine)
    gx = np.clip(cv2.Sobel(relief, cv2.CV_32F, 1, 0, scale=0.125), -1.7, 1.7)
    gy = np.clip(cv2.Sobel(relief, cv2.CV_32F, 0, 1, scale=0.125), -1.7, 1.7)
    gx, gy = cv2.blur(gx, (3, 3)), cv2.blur(gy, (3, 3))
    inverse = 1.0 / np.sqrt(gx * gx + gy * gy + 1.0)
    diffuse = np.maximum((light[2] - gx * light[0] - gy * light[1]) * inverse, 0.0) / light[2]
    half = light + np.array([0.0, 0.0, 1.0], np.float32)
    half /= np.linalg.norm(half)
    facing = np.maximum((half[2] - gx * half[0] - gy * half[1]) * inverse, 0.0)
    reflection = np.sin((gx * 1.7 + gy * 2.3) * inverse * 2.4)
    return (
        _shrink(diffuse * sprite.tone, sprite),
        _shrink(facing, sprite),
        _shrink(reflection, sprite),
    )


def _shrink(field: Float, sprite: Sprite) -> Float:
    height, width = sprite.cover.shape
    sums = cv2.resize(field * sprite.solid, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(sums / np.maximum(sprite.cover, 1e-3), np.float32)


def _sheen(sprite: Sprite, rng: np.random.Generator) -> Float:
    """The slow change of brightness across a face: a fan on turned parts, a slope on the others."""
    height, width = sprite.cover.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x + sprite.left, y + sprite.top
    phase = rng.uniform(0, 2 * np.pi)
    if sprite.turned:
        fan = np.cos(2 * np.arctan2(y, x) + phase) + 0.4 * np.cos(4 * np.arctan2(y, x) - phase)
        return np.asarray(fan, np.float32)
    reach = max(height, width)
    return np.asarray(
        np.sin((x * np.cos(phase) + y * np.sin(phase)) * (3.2 / reach) + phase), np.float32
    )


def shade(sprite: Sprite, material: Material, light: Float, rng: np.random.Generator) -> Float:
    """Colours of a sprite, float32 [h, w, 3], 1 is white; `light` is the unit vector to it."""
    diffuse, facing, reflection = _lights(sprite, light)
    shape = sprite.cover.shape
    angle = rng.uniform(0, np.pi)
    rough = sample("streak" if material.sheen > 0.05 else "grain", shape, rng, angle) * 0.035
    blotch = sample("cloud", shape, rng, angle)
    face = 1.0 + material.sheen * _sheen(sprite, rng) + rough + 0.04 * blotch
    colour = np.empty((*shape, 3), np.float32)
    colour[:] = material.colour
    if material.rust:
        stain = (
            np.clip((blotch + sample("grain", shape, rng, 0.0) * 0.5) * 0.6 - 0.1, 0, 1)
            * material.rust
        )
        colour += (np.array([0.42, 0.22, 0.11], np.float32) - colour) * stain[..., None]
    level = (0.3 + 0.7 * diffuse) * face + material.mirror * reflection * face
    highlight = material.gloss * 0.75 * facing**material.shine
    shaded = colour * level[..., None] + highlight[..., None]
    return np.asarray(np.clip(shaded, 0.0, 1.25), np.float32)
