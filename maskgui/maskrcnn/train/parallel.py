"""Data-parallel training as torchrun starts it: each process takes its share of every step."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn

PATIENCE = timedelta(minutes=30)
"""How long the others wait while the first process validates."""


class Ranks:
    """This process among those that train together; alone, nothing is exchanged."""

    def __init__(self) -> None:
        """Join the processes that RANK and WORLD_SIZE in the environment tell of."""
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("gloo", timeout=PATIENCE)

    @property
    def leads(self) -> bool:
        """Whether this process validates, logs and writes files."""
        return self.rank == 0

    def agreed(self, progress: float, stop: bool) -> tuple[float, bool]:
        """Return the first process's values in every process."""
        if self.size == 1:
            return progress, stop
        values = torch.tensor([progress, float(stop)], dtype=torch.float64)
        dist.broadcast(values, 0)
        return float(values[0]), bool(values[1])

    @torch.no_grad()
    def average(self, module: nn.Module) -> None:
        """Make gradients and float buffers the mean over all processes."""
        if self.size == 1:
            return
        parts = [p.grad for p in module.parameters() if p.grad is not None]
        parts += [buffer for buffer in module.buffers() if buffer.is_floating_point()]
        flat = torch.cat([part.reshape(-1) for part in parts])
        dist.all_reduce(flat)
        flat /= self.size
        pieces = torch.split(flat, [part.numel() for part in parts])
        for part, piece in zip(parts, pieces, strict=True):
            part.copy_(piece.view_as(part))
