"""RoI layers: from feature maps and boxes to maps of one size (sections 3 and 4.2, Tables 2c, 2d).

All of them cut the same RoIs out of the same levels of the pyramid; they differ in how a RoI meets
the cells of a map:

RoIAlign leaves it as it is, and takes the average or the maximum of bilinear samples in each bin.
RoIPool rounds it to whole cells, its bins too, and takes the maximum of the cells in each bin
(Fast R-CNN, section 2.1).
RoIWarp rounds it as RoIPool does, and then resamples it as RoIAlign does: "quantizing RoI just like
RoIPool", so that only the rounding tells it from RoIAlign.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import MultiScaleRoIAlign, roi_align, roi_pool
from torchvision.ops.poolers import _convert_to_roi_format, _filter_input, _setup_scales

from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.sampling import bilinear_bins

LEVELS = ("0", "1", "2", "3")
"""The levels RoIs are cut from; on a neck with one map that is the first."""


def roi_layer(side: int, config: Config) -> MultiScaleRoIAlign:
    """Return the layer of `config` that makes maps of `side` x `side`.

    It takes levels (name -> B x C x h x w), boxes (for each image N x 4 at the network's scale)
    and the images' sizes, and returns (all N) x C x side x side.
    """
    kinds: dict[str, type[RoILayer]] = {
        "align": RoIAlign,
        "align_max": RoIAlign,
        "warp": RoIWarp,
        "warp_max": RoIWarp,
        "pool": RoIPool,
    }
    return kinds[config.roi_layer](
        side,
        config.roi_samples,
        canonical_side=config.roi_canonical_side,
        aligned=config.roi_aligned,
        maximum=config.roi_layer.endswith("_max"),
    )


class RoILayer(MultiScaleRoIAlign, ABC):  # type: ignore[misc]  # torchvision has no types
    """torchvision's choice of a level for each box (FPN, equation 1), with `pool` for the rest.

    Args:
        side: rows and columns of the output.
        samples: sampling points of a bin along each axis; 0: as many as the bin has cells.
        canonical_side: side of the boxes that belong to the level of stride 16.
        aligned: see RoIAlign.
        maximum: take the maximum of a bin's samples, not their average.
    """

    def __init__(
        self, side: int, samples: int, *, canonical_side: int, aligned: bool, maximum: bool
    ) -> None:
        super().__init__(list(LEVELS), side, samples, canonical_scale=canonical_side)
        self.scales: list[float] | None = None  # of the levels, found at the first call
        self.map_levels: Callable[[list[Tensor]], Tensor] | None = None
        self.aligned = aligned
        self.maximum = maximum

    def forward(
        self,
        x: dict[str, Tensor],
        boxes: list[Tensor],
        image_shapes: list[tuple[int, int]],
    ) -> Tensor:
        """Return N x C x side x side for the N boxes of all images (as MultiScaleRoIAlign)."""
        levels: list[Tensor] = _filter_input(x, self.featmap_names)
        if self.scales is None or self.map_levels is None:
            self.scales, self.map_levels = _setup_scales(
                levels, image_shapes, self.canonical_scale, self.canonical_level
            )
        rois = _convert_to_roi_format(boxes)
        if len(levels) == 1:
            return self.pool(levels[0], rois, self.scales[0])
        of_roi = self.map_levels(boxes)
        pooled = levels[0].new_zeros(len(rois), levels[0].shape[1], *self.output_size)
        if levels[0].requires_grad:  # a look-up's order, and the heads' convolutions like it, too
            pooled = pooled.contiguous(memory_format=torch.channels_last)
        for number, (level, scale) in enumerate(zip(levels, self.scales, strict=True)):
            chosen = torch.where(of_roi == number)[0]
            pooled[chosen] = self.pool(level, rois[chosen], scale).to(pooled.dtype)
        return pooled

    @abstractmethod
    def pool(self, level: Tensor, rois: Tensor, scale: float) -> Tensor:
        """Return N x C x side x side from one level.

        Args:
            level: B x C x h x w.
            rois: N x 5, the image's number in the batch and a box at the network's scale.
            scale: cells of the level for each pixel of that scale.
        """

    def sample(self, level: Tensor, rois: Tensor, scale: float, aligned: bool) -> Tensor:
        """Return the average or maximum of bilinear samples in each bin; shapes as `pool`."""
        side, count = int(self.output_size[0]), int(self.sampling_ratio)
        if not self.maximum:
            return _average(level, rois, side, scale, count, aligned)
        # A bin of a grid finer by the number of samples has one of them, at its centre.
        return F.max_pool2d(_average(level, rois, side * count, scale, 1, aligned), count)


class RoIAlign(RoILayer):
    """RoIAlign (section 3): no rounding anywhere.

    With `aligned` a pixel's value lies at its centre, (i + 0.5, j + 0.5); without, as in the first
    implementations, at its corner (i, j), and no RoI is smaller than one cell.
    """

    def pool(self, level: Tensor, rois: Tensor, scale: float) -> Tensor:
        """Return the bins of the RoIs as they are."""
        return self.sample(level, rois, scale, self.aligned)


class RoIWarp(RoILayer):
    """RoIWarp (section 4.2): the cells that RoIPool would take, bilinearly resampled."""

    def pool(self, level: Tensor, rois: Tensor, scale: float) -> Tensor:
        """Return the bins of the RoIs, rounded to whole cells."""
        return self.sample(level, _whole_cells(rois, scale), 1.0, aligned=True)


class RoIPool(RoILayer):
    """RoIPool (Fast R-CNN): RoI and bins rounded to whole cells, the maximum of each bin."""

    def pool(self, level: Tensor, rois: Tensor, scale: float) -> Tensor:
        """Return the largest values of the bins; 0 where a bin has no cell."""
        pooled: Tensor = roi_pool(level, rois, self.output_size, scale)
        return pooled


def _average(
    level: Tensor, rois: Tensor, side: int, scale: float, samples: int, aligned: bool
) -> Tensor:
    """Return the average of the samples in each of side x side bins; shapes as `RoILayer.pool`.

    Where a CPU learns, by a look-up whose gradient is quicker; elsewhere by torchvision's kernel,
    so that predictions are torchvision's to the last bit.
    """
    if level.requires_grad and level.device.type == "cpu" and samples:
        return bilinear_bins(level, rois, side, scale, samples, aligned)
    average: Tensor = roi_align(level, rois, side, scale, samples, aligned)
    return average


def _whole_cells(rois: Tensor, scale: float) -> Tensor:
    """Return N x 5 RoIs in cells of the level: RoIPool's, from the first to behind the last.

    RoIPool rounds both corners to cells, halves up, and takes both of them in.
    """
    cells = (rois[:, 1:] * scale + 0.5).floor()
    first, last = cells[:, :2], cells[:, 2:]
    return torch.cat([rois[:, :1], first, torch.maximum(last, first) + 1], 1)
