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

    def __init__(self, device: str = "cpu") -> None:
        """Join the processes that RANK and WORLD_SIZE in the environment tell of, by nccl on
        "cuda", a GPU each (LOCAL_RANK), else by gloo."""
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.device = torch.device(device)
        if self.size > 1 and device == "cuda":
            self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(self.device)
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=PATIENCE)

    @property
    def leads(self) -> bool:
        """Whether this process validates, logs and writes files."""
        return self.rank == 0

    def agreed(self, progress: float, stop: bool) -> tuple[float, bool]:
        """Return the first process's progress in every process, and whether any wants to stop."""
        if self.size == 1:
            return progress, stop
        values = torch.tensor([progress, 0.0], dtype=torch.float64, device=self.device)
        values[1] = float(stop)
        wishes = values[1:].clone()
        dist.broadcast(values, 0)
        dist.all_reduce(wishes)
        return float(values[0]), bool(wishes[0])

    @torch.no_grad()
    def average(self, module: nn.Module) -> None:
        """Make gradients and float buffers the mean over all processes."""
        if self.size == 1:
            return
        parts = [_gradient(p) for p in module.parameters() if p.requires_grad]
        parts += [buffer for buffer in module.buffers() if buffer.is_floating_point()]
        flat = torch.cat([part.reshape(-1) for part in parts])
        dist.all_reduce(flat)
        flat /= self.size
        pieces = torch.split(flat, [part.numel() for part in parts])
        for part, piece in zip(parts, pieces, strict=True):
            part.copy_(piece.view_as(part))

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the mean of the processes' values."""
        if self.size > 1:
            dist.all_reduce(values)
            values = values / self.size
        return values

    def leave(self) -> None:
        """End the exchange."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def _gradient(parameter: nn.Parameter) -> torch.Tensor:
    """Return the gradient; zero where this process's images gave none but another's may."""
    if parameter.grad is None:
        parameter.grad = torch.zeros_like(parameter)
    return parameter.grad
