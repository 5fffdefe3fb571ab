"""The look-up of bilinear samples gives what torchvision's RoIAlign gives, forward and backward."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.ops import roi_align

from maskgui.maskrcnn import sampling
from maskgui.maskrcnn.sampling import bilinear_bins

SCALE, HEIGHT, WIDTH = 1 / 4, 12, 17

coordinate = st.floats(-40, 110, width=32)
side = st.floats(0, 90, width=32)
box = st.tuples(st.integers(0, 1), coordinate, coordinate, side, side)


def rois_of(rows: list[tuple[int, float, float, float, float]]) -> Tensor:
    made = torch.tensor([[n, x, y, x + w, y + h] for n, x, y, w, h in rows], dtype=torch.float64)
    return made.reshape(-1, 5)


def both(
    rois: Tensor, bins: int, samples: int, aligned: bool
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Ours and torchvision's bins, with the gradient of a sum of them by random weights."""
    generator = torch.Generator().manual_seed(3)
    level = torch.rand(2, 5, HEIGHT, WIDTH, generator=generator, dtype=torch.float64)
    weights = torch.rand(len(rois), 5, bins, bins, generator=generator, dtype=torch.float64)
    found = []
    for ours in (True, False):
        cells = level.clone().requires_grad_()
        if ours:
            made = bilinear_bins(cells, rois, bins, SCALE, samples, aligned)
        else:
            made = roi_align(cells, rois, bins, SCALE, samples, aligned)
        (made * weights).sum().backward()
        assert cells.grad is not None
        found.append((made.detach(), cells.grad))
    return found[0], found[1]


@settings(max_examples=60)
@given(st.lists(box, max_size=6), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_bins_and_gradients_are_roi_aligns(
    rows: list[tuple[int, float, float, float, float]], bins: int, samples: int, aligned: bool
) -> None:
    # A sample exactly one cell outside counts or not by the last bit: none lies there.
    rois = rois_of(rows)
    rois[:, 1:] += 0.0123
    (bins_here, gradient_here), (bins_there, gradient_there) = both(rois, bins, samples, aligned)
    assert torch.allclose(bins_here, bins_there, atol=1e-9)
    assert torch.allclose(gradient_here, gradient_there, atol=1e-9)


def test_many_rois_are_looked_up_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rois = rois_of([(n % 2, 3.0 * n, 2.0 * n, 9.0 + n, 30.0) for n in range(11)])
    whole, _ = both(rois, 3, 2, aligned=True)
    monkeypatch.setattr(sampling, "CELLS", 3 * 3**2 * 4**2)
    parts, theirs = both(rois, 3, 2, aligned=True)
    assert torch.equal(whole[0], parts[0])
    assert torch.allclose(parts[1], theirs[1])


def test_no_roi_gives_no_bins() -> None:
    level = torch.rand(1, 5, HEIGHT, WIDTH, requires_grad=True)
    made = bilinear_bins(level, torch.zeros(0, 5), 7, SCALE, 2, aligned=False)
    assert made.shape == (0, 5, 7, 7)
    made.sum().backward()
    assert level.grad is not None
    assert not level.grad.any()
