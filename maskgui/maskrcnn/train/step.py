"""One step of training in parts: losses in mixed precision, optimiser, schedule, average."""

import math
from functools import cache
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList

from maskgui.maskrcnn.config import TrainConfig
from maskgui.maskrcnn.train import crowd
from maskgui.maskrcnn.train.loader import Batch

LOSSES = {
    "loss_objectness": "objectness",
    "loss_rpn_box_reg": "rpn_box",
    "loss_classifier": "class",
    "loss_box_reg": "box",
    "loss_mask": "mask",
}
"""torchvision's names of the paper's losses -> what people read."""
EMA_WARMUP = 10
SMALL_BATCH = 8
WARMUP_MOST = 0.2
"""Of the schedule."""
PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def loss_names(module: Any) -> tuple[str, ...]:
    """Return the losses that a network has: without a mask branch there is no mask loss."""
    names = tuple(LOSSES.values())
    return names if module.roi_heads.has_mask() else names[:-1]


def precision(config: TrainConfig, device: torch.device) -> torch.dtype:
    """Return the type that convolutions compute in; float16 needs a GPU."""
    if config.precision == "float16" and device.type != "cuda":
        return torch.bfloat16
    if config.precision != "auto":
        return PRECISIONS[config.precision]
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
    able = torch.cpu.get_capabilities()
    quick = device.type == "cpu" and (able.get("amx_bf16") or able.get("avx512_bf16"))
    return torch.bfloat16 if quick else torch.float32


def keep_outputs_float(module: Any) -> None:
    """Let the heads end in float32 under autocast: boxes decoded in bfloat16 move by pixels."""
    heads = module.roi_heads
    for part in (module.rpn.head, heads.box_predictor, heads.mask_predictor):
        if part is not None:
            part.register_forward_hook(_to_float)


def _to_float(_module: nn.Module, _inputs: object, output: object) -> object:
    if isinstance(output, Tensor):
        return output.float()
    assert isinstance(output, (tuple, list))
    return type(output)(_to_float(_module, None, part) for part in output)


def set_training(module: nn.Module, keep_statistics: bool) -> None:
    """Put the network in training mode, batch norm's running statistics fixed if asked."""
    module.train()
    if keep_statistics:
        for part in module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                part.eval()


def settle_batch_norm(config: TrainConfig, from_weights: bool) -> TrainConfig:
    """Return the settings with `batch_norm` "train" or "eval" where it was "auto"."""
    if config.batch_norm != "auto":
        return config
    still = from_weights and config.batch < SMALL_BATCH
    return msgspec.structs.replace(config, batch_norm="eval" if still else "train")


def losses(module: Any, batch: Batch, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Return the paper's losses of one batch (section 3, and the RPN's two) by torchvision's names.

    The batch is on the network's device; its images are at the network's scale already. They are
    padded as torchvision pads them, because anchors stand where they should only where every map
    divides the batch's sides; what is proposed stays within the images themselves.
    """
    device, transform = batch.images.device, module.transform
    mean = _per_channel(tuple(transform.image_mean), device)
    deviation = _per_channel(tuple(transform.image_std), device)
    images = (batch.images.float() / 255 - mean) / deviation
    sizes = [(images.shape[-2], images.shape[-1])] * len(images)
    images = padded(images, int(transform.size_divisible))
    # RoI layers find their scales from these: maps and images divide evenly only with the padding.
    whole = [(images.shape[-2], images.shape[-1])] * len(images)
    targets = batch.targets
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        features = {name: level.float() for name, level in module.backbone(images).items()}
        listed = ImageList(images, sizes)
        if batch.crowded:
            proposals, rpn = crowd.propose(module.rpn, listed, features, targets)
            proposals = crowd.without_crowd(module.roi_heads, proposals, targets)
        else:
            proposals, rpn = module.rpn(listed, features, targets)
        _, heads = module.roi_heads(features, proposals, whole, targets)
    parts: dict[str, Tensor] = {**rpn, **heads}
    return {name: parts[name] for name in LOSSES if name in parts}


def padded(images: Tensor, step: int) -> Tensor:
    """Return B x C x H x W, channels last, with zeros at the right and the bottom that make both
    sides multiples of `step`."""
    below, right = (-side % step for side in images.shape[-2:])
    if below or right:
        images = F.pad(images, (0, right, 0, below))
    return images.contiguous(memory_format=torch.channels_last)


@cache
def _per_channel(values: tuple[float, ...], device: torch.device) -> Tensor:
    """Return 1 x C x 1 x 1; made once, because a GPU waits for what comes from ordinary memory."""
    return torch.tensor(values, device=device).view(1, -1, 1, 1)


def optimiser(module: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Return AdamW or SGD; biases and norms are not decayed."""
    kernels = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
    rest = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": kernels, "weight_decay": config.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    if config.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    # On a CPU fused takes a sixth of the time: with a resnet18 that is a fifth of a step.
    fused = kernels[0].device.type in ("cpu", "cuda")
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=fused)


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Return the rate after a linear warm-up: on a half cosine that ends at 1 %, or a tenth of
    what it was from each of the drops on (the paper's schedule).

    Where minutes or few steps cut the schedule short, the warm-up is shorter too. `progress` is
    the share of the schedule that is done.
    """
    by_steps = (step + 1) / max(config.warmup_steps, 1)
    warm = min(1.0, max(by_steps, progress / WARMUP_MOST))
    if config.schedule == "step":
        share = 0.1 ** sum(progress >= drop for drop in config.drops)
    else:
        share = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
    return config.learning_rate * warm * share


class Average:
    """An exponential moving average of every float tensor of a network, buffers included.

    It follows the tensors that the network has now, which training changes in place.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        current = {name: value.detach() for name, value in module.state_dict().items()}
        self.values = {name: value.clone() for name, value in current.items()}
        floats = [name for name, value in current.items() if value.is_floating_point()]
        self._followed = [current[name] for name in floats]
        self._means = [self.values[name] for name in floats]
        self._counts = [(self.values[n], current[n]) for n in current if n not in set(floats)]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the network's weights; early steps move faster."""
        decay = min(self.decay, (1 + step) / (EMA_WARMUP + step))
        torch._foreach_lerp_(self._means, self._followed, 1 - decay)
        for kept, count in self._counts:
            kept.copy_(count)
