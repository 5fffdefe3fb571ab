"""RoIAlign, RoIWarp and RoIPool against plain NumPy written from the papers."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import MultiScaleRoIAlign

from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.roi_layers import roi_layer
from tests.maskrcnn import roi_reference as reference

Array = NDArray[np.float64]
SIDE, SCALE, CELLS = 4, 1 / 8, (14, 18)
SMALL = (5, 7)

BOXES = np.array(
    [
        [20.0, 12.0, 100.0, 80.0],
        [3.3, 5.9, 50.1, 21.7],
        [60.0, 40.0, 61.0, 40.5],  # far smaller than a cell
        [0.0, 0.0, 144.0, 112.0],  # the whole image
        [131.0, 97.0, 144.0, 112.0],  # in the corner
        [16.0, 24.0, 48.0, 56.0],  # on whole cells
    ]
)

KINDS: dict[str, tuple[Config, Callable[[Array, Array], Array]]] = {
    "align": (Config(), lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 2, False)),
    "align of 3": (
        Config(roi_samples=3),
        lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 3, False),
    ),
    "align adaptive": (
        Config(roi_samples=0),
        lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 0, False),
    ),
    "aligned": (
        Config(roi_aligned=True),
        lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 2, True),
    ),
    "aligned adaptive": (
        Config(roi_aligned=True, roi_samples=0),
        lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 0, True),
    ),
    "align max": (
        Config(roi_layer="align_max"),
        lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 2, False, maximum=True),
    ),
    "aligned max": (
        Config(roi_layer="align_max", roi_aligned=True, roi_samples=3),
        lambda m, b: reference.roi_align(m, b, SCALE, SIDE, 3, True, maximum=True),
    ),
    "warp": (
        Config(roi_layer="warp"),
        lambda m, b: reference.roi_warp(m, b, SCALE, SIDE, 2),
    ),
    "warp max": (
        Config(roi_layer="warp_max"),
        lambda m, b: reference.roi_warp(m, b, SCALE, SIDE, 2, maximum=True),
    ),
    "pool": (
        Config(roi_layer="pool"),
        lambda m, b: reference.roi_pool(m, b, SCALE, SIDE),
    ),
}
each = pytest.mark.parametrize(("config", "expected"), KINDS.values(), ids=KINDS)


def noise(channels: int, cells: tuple[int, int]) -> Array:
    """A C x h x w map without ties, so that every maximum has a derivative."""
    count = channels * cells[0] * cells[1]
    return np.random.default_rng(0).permutation(count).reshape(channels, *cells) / 10.0


def pooled(config: Config, level: Tensor, boxes: Array) -> Tensor:
    """What the layer makes of one image with one level."""
    layer = roi_layer(SIDE, config)
    size = (level.shape[1] * 8, level.shape[2] * 8)
    found: Tensor = layer({"0": level[None]}, [torch.from_numpy(boxes)], [size])
    return found


@each
def test_forward(config: Config, expected: Callable[[Array, Array], Array]) -> None:
    level = noise(2, CELLS)
    found = pooled(config, torch.from_numpy(level), BOXES).numpy()
    assert found.shape == (len(BOXES), 2, SIDE, SIDE)
    for one, box in zip(found, BOXES, strict=True):
        assert np.allclose(one, expected(level, box), atol=1e-6)


@each
def test_gradient(config: Config, expected: Callable[[Array, Array], Array]) -> None:
    level, box = noise(1, SMALL), BOXES[1]
    weights = np.random.default_rng(2).normal(size=(1, SIDE, SIDE))
    cells = torch.from_numpy(level).requires_grad_()
    (pooled(config, cells, box[None])[0] * torch.from_numpy(weights)).sum().backward()
    assert cells.grad is not None
    wanted = reference.gradient(lambda m: expected(m, box), level, weights)
    assert np.allclose(cells.grad.numpy(), wanted, atol=1e-6)


@each
def test_gradcheck(config: Config, expected: Callable[[Array, Array], Array]) -> None:
    del expected
    level = torch.from_numpy(noise(1, SMALL)).requires_grad_()
    chosen = np.array([[3.3, 5.9, 50.1, 21.7], [40.0, 30.0, 41.0, 30.5], [0.0, 0.0, 56.0, 40.0]])
    assert torch.autograd.gradcheck(lambda cells: pooled(config, cells, chosen), (level,))


def test_torchvisions_own_layer_is_the_standard_one() -> None:
    levels = OrderedDict(
        (str(number), torch.rand(2, 5, 64 >> number, 64 >> number)) for number in range(4)
    )
    sides = torch.tensor([5.0, 30.0, 90.0, 150.0, 250.0])
    boxes = [torch.stack([sides / 50, sides / 70, sides, sides * 0.9], 1) for _ in range(2)]
    sizes = [(256, 256)] * 2
    theirs = MultiScaleRoIAlign(["0", "1", "2", "3"], SIDE, 2, canonical_scale=112)
    ours = roi_layer(SIDE, Config())
    assert torch.equal(ours(levels, boxes, sizes), theirs(levels, boxes, sizes))


@pytest.mark.parametrize("kind", ["align", "align_max", "warp", "warp_max", "pool"])
def test_each_box_comes_from_its_own_level_and_image(kind: str) -> None:
    levels = OrderedDict(
        (str(number), torch.full((2, 1, 64 >> number, 64 >> number), float(number)))
        for number in range(4)
    )
    for level in levels.values():
        level[1] += 10
    sides = torch.tensor([20.0, 60.0, 120.0, 240.0])  # canonical 112 belongs to stride 16
    boxes = [torch.stack([sides * 0, sides * 0, sides, sides], 1)] * 2
    config = Config(roi_layer=kind)  # type: ignore[arg-type]
    found = roi_layer(SIDE, config)(levels, boxes, [(256, 256)] * 2)
    inner = found[:, 0, 1, 1]
    assert inner.tolist() == [0, 1, 2, 3, 10, 11, 12, 13]


@pytest.mark.parametrize("kind", ["align", "align_max", "warp", "pool"])
def test_no_box_at_all(kind: str) -> None:
    config = Config(roi_layer=kind)  # type: ignore[arg-type]
    level = torch.rand(3, *CELLS)
    assert pooled(config, level, np.zeros((0, 4), np.float32)).shape == (0, 3, SIDE, SIDE)


def test_half_a_bin_moves_roi_align_and_not_roi_pool() -> None:
    """Section 3: RoIPool's rounding "introduces misalignments between the RoI and the features"."""
    ramp = torch.arange(float(CELLS[1])).expand(1, *CELLS).double()
    bin_width = 6.0  # pixels, of 8 a cell: half a bin lies within the rounding
    box = np.array([[22.0, 16.0, 22.0 + SIDE * bin_width, 16.0 + SIDE * bin_width]])
    shifted = box + np.array([bin_width / 2, 0, bin_width / 2, 0])

    def moved(config: Config) -> float:
        """Cells by which the pooled ramp moves with the box; it should be 3 / 8."""
        return float((pooled(config, ramp, shifted) - pooled(config, ramp, box)).mean())

    should = bin_width / 2 * SCALE
    assert moved(Config(roi_aligned=True)) == pytest.approx(should)
    assert moved(Config()) == pytest.approx(should)
    assert moved(Config(roi_layer="align_max")) == pytest.approx(should)
    assert moved(Config(roi_layer="pool")) == 0
    assert moved(Config(roi_layer="warp")) == 0


def test_roi_pool_is_off_by_up_to_half_a_cell_where_roi_align_is_exact() -> None:
    ramp = (torch.arange(float(CELLS[1])) + 0.5).expand(1, *CELLS).double()  # x in cells
    rng = np.random.default_rng(0)
    x0 = rng.uniform(16, 60, 200)
    boxes = np.stack([x0, np.full(200, 16.0), x0 + 48, np.full(200, 64.0)], 1)
    centres = (boxes[:, 0] + boxes[:, 2]) / 2 * SCALE

    def error(config: Config) -> Array:
        return pooled(config, ramp, boxes).numpy().mean((1, 2, 3)) - centres

    assert np.abs(error(Config(roi_aligned=True))).max() < 1e-5
    assert error(Config(roi_layer="warp")).std() > 0.2
    assert error(Config(roi_layer="pool")).std() > 0.2
