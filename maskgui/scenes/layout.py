"""Where things lie: which parts, how large, how turned, and what covers what.

Placement keeps every object recognisable: one that something would hide too far is not covered.
Nothing here decides a colour, so masks depend on the layout's random stream alone.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maskgui.scenes.backgrounds import HEIGHT, WIDTH
from maskgui.scenes.clutter import PIECES
from maskgui.scenes.materials import Material
from maskgui.scenes.parts import CATALOGUE
from maskgui.scenes.sprites import Bool, Sprite, rasterise

FEWEST, MOST = 6, 25
SHORTEST, LONGEST = 16, 200
VISIBLE_SHARE, VISIBLE_PIXELS = 0.46, 60
INSIDE_SHARE = 0.72  # of an object that the border cuts
COVERING = 0.42  # how often a new object is laid partly over one that lies there
_EMPTY, _CLUTTER = -1, -2


@dataclass(frozen=True)
class Thing:
    """Something laid on the bench with its centre at (`x`, `y`) px: sprites from the bench up.

    Clutter (`category` None) brings its materials; a part's is chosen when it is painted.
    """

    category: str | None
    sprites: tuple[Sprite, ...]
    materials: tuple[Material, ...]
    x: int
    y: int


@dataclass
class Layout:
    """Things from the bench up. `owner` int16 [480, 640] names the object seen at each pixel.

    -1 is the bench, -2 clutter; `full` counts each object's pixels inside the image before
    anything covered it.
    """

    things: list[Thing] = field(default_factory=list)
    owner: NDArray[np.int16] = field(
        default_factory=lambda: np.full((HEIGHT, WIDTH), _EMPTY, np.int16)
    )
    categories: list[str] = field(default_factory=list)
    full: list[int] = field(default_factory=list)
    spots: list[tuple[int, int, float]] = field(default_factory=list)


def clip(left: int, top: int, mask: Bool) -> tuple[slice, slice, slice, slice]:
    """Rows and columns of the image that a crop at (left, top) meets, and those of the crop."""
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + mask.shape[0], HEIGHT), min(left + mask.shape[1], WIDTH)
    y1, x1 = max(y0, y1), max(x0, x1)
    return slice(y0, y1), slice(x0, x1), slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)


def plan(rng: np.random.Generator) -> Layout:
    """Lay out a scene: 6 to 25 objects with some clutter between, from the bench up."""
    layout = Layout()
    wanted = int(rng.integers(FEWEST + 1, MOST + 1))
    scale = rng.uniform(0.85, 1.15) * (1.12 if wanted < 14 else 0.98)
    clutter = rng.choice(3 * wanted, int(rng.integers(1, 5)), replace=False) // 3
    tries = 0
    while len(layout.full) < FEWEST or (len(layout.full) < wanted and tries < 6 * wanted):
        for _ in range(int(np.count_nonzero(clutter == tries))):
            _lay_clutter(layout, rng)
        tries += 1
        _lay_object(layout, rng, scale)
    return layout


def _lay_clutter(layout: Layout, rng: np.random.Generator) -> None:
    piece = PIECES[rng.integers(len(PIECES))](rng)
    angle = rng.uniform(0, 2 * np.pi)
    sprites = tuple(rasterise(part, piece.size, angle) for part, _ in piece.stack)
    materials = tuple(material for _, material in piece.stack)
    for _ in range(12):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        if _may_cover(layout, sprites, x, y):
            for sprite in sprites:
                _stamp(layout.owner, sprite, x, y, _CLUTTER)
            layout.things.append(Thing(None, sprites, materials, x, y))
            return


def _lay_object(layout: Layout, rng: np.random.Generator, scale: float) -> None:
    category = tuple(CATALOGUE)[rng.integers(len(CATALOGUE))]
    entry = CATALOGUE[category]
    size = _size(rng, entry.smallest, scale)
    sprite = rasterise(entry.draw(rng, size), size, rng.uniform(0, 2 * np.pi))
    covering = bool(layout.spots) and rng.random() < COVERING
    for _ in range(30):
        x, y = _beside(layout, rng, size) if covering else _anywhere(rng)
        if _fits(layout, sprite, x, y, covering):
            _stamp(layout.owner, sprite, x, y, len(layout.full))
            layout.full.append(int(np.count_nonzero(_inside(sprite, x, y)[2])))
            layout.categories.append(category)
            layout.spots.append((x, y, size))
            layout.things.append(Thing(category, (sprite,), (), x, y))
            return


def _size(rng: np.random.Generator, smallest: float, scale: float) -> float:
    """A longer side in px: mostly 32 to 130, now and then small or large."""
    tail = rng.random()
    if tail < 0.05:
        return max(smallest, rng.uniform(SHORTEST + 1, 34))
    if tail < 0.10:
        return rng.uniform(130, LONGEST - 6)
    return float(np.clip(72 * scale * np.exp(0.36 * rng.standard_normal()), max(30, smallest), 150))


def _anywhere(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.integers(8, WIDTH - 8)), int(rng.integers(8, HEIGHT - 8))


def _beside(layout: Layout, rng: np.random.Generator, size: float) -> tuple[int, int]:
    x, y, other = layout.spots[rng.integers(len(layout.spots))]
    distance = (size + other) / 2 * rng.uniform(0.35, 0.95)
    angle = rng.uniform(0, 2 * np.pi)
    return int(x + distance * np.cos(angle)), int(y + distance * np.sin(angle))


def _inside(sprite: Sprite, x: int, y: int) -> tuple[slice, slice, Bool]:
    """The image's rows and columns that a sprite at (x, y) meets, and its mask there."""
    rows, columns, crop_rows, crop_columns = clip(x + sprite.left, y + sprite.top, sprite.mask)
    return rows, columns, sprite.mask[crop_rows, crop_columns]


def _fits(layout: Layout, sprite: Sprite, x: int, y: int, covering: bool) -> bool:
    """Whether an object may lie here: mostly inside, of a fair size, covering as it was told."""
    rows, columns, inside = _inside(sprite, x, y)
    pixels = np.count_nonzero(inside)
    if pixels < VISIBLE_PIXELS or pixels < INSIDE_SHARE * np.count_nonzero(sprite.mask):
        return False
    if not SHORTEST <= _longer_side(inside) <= LONGEST:
        return False
    if not covering:
        return not np.any(layout.owner[rows, columns][inside] >= 0)
    top, left = max(rows.start - 3, 0), max(columns.start - 3, 0)
    near = layout.owner[top : rows.stop + 3, left : columns.stop + 3]
    return bool(np.any(near >= 0)) and _may_cover(layout, (sprite,), x, y)


def _may_cover(layout: Layout, sprites: tuple[Sprite, ...], x: int, y: int) -> bool:
    """Whether every object under the sprites together would stay large enough to be told."""
    owner = layout.owner.copy()
    for sprite in sprites:
        _stamp(owner, sprite, x, y, _CLUTTER)
    for index in np.unique(layout.owner[owner != layout.owner]):
        if index < 0:
            continue
        left = owner == index
        count = np.count_nonzero(left)
        if count < max(VISIBLE_PIXELS, VISIBLE_SHARE * layout.full[index]):
            return False
        if _longer_side(left) < SHORTEST:
            return False
    return True


def _longer_side(mask: Bool) -> int:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(max(rows[-1] - rows[0], columns[-1] - columns[0])) + 1


def _stamp(owner: NDArray[np.int16], sprite: Sprite, x: int, y: int, index: int) -> None:
    rows, columns, inside = _inside(sprite, x, y)
    owner[rows, columns][inside] = index
