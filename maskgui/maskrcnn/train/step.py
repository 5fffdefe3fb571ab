"""One step of training: losses in mixed precision, the optimiser, and averaged weights."""

import math

import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.image_list import ImageList

from maskgui.maskrcnn.config import TrainConfig
from maskgui.maskrcnn.train.loader import Batch

LOSSES = ("loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask")
EMA_WARMUP = 10


def keep_outputs_float(module: MaskRCNN) -> None:
    """Let the heads end in float32 under autocast: boxes decoded in bfloat16 move by pixels."""
    for part in (module.rpn.head, module.roi_heads.box_predictor, module.roi_heads.mask_predictor):
        part.register_forward_hook(_to_float)


def _to_float(_module: nn.Module, _inputs: object, output: object) -> object:
    if isinstance(output, Tensor):
        return output.float()
    assert isinstance(output, (tuple, list))
    return type(output)(_to_float(_module, None, part) for part in output)


def losses(module: MaskRCNN, batch: Batch, bf16: bool) -> dict[str, Tensor]:
    """Return the paper's five losses of one batch (section 3, and the RPN's two)."""
    mean = torch.tensor(module.transform.image_mean).view(1, 3, 1, 1)
    std = torch.tensor(module.transform.image_std).view(1, 3, 1, 1)
    images = ((batch.images.float() / 255 - mean) / std).contiguous(
        memory_format=torch.channels_last
    )
    sizes = [(images.shape[-2], images.shape[-1])] * len(images)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        features = {name: level.float() for name, level in module.backbone(images).items()}
        proposals, rpn = module.rpn(ImageList(images, sizes), features, batch.targets)
        _, heads = module.roi_heads(features, proposals, sizes, batch.targets)
    parts: dict[str, Tensor] = {**rpn, **heads}
    return {name: parts[name] for name in LOSSES}


def optimiser(module: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW; biases and norms are not decayed."""
    kernels = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
    rest = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": kernels, "weight_decay": config.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate)


def learning_rate(config: TrainConfig, step: int, progress: float) -> float:
    """Return the rate after a linear warm-up, on a half cosine that ends at 1 %."""
    warm = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    return config.learning_rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))


class Average:
    """An exponential moving average of every float tensor of a network, buffers included."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the network's weights; early steps move faster."""
        decay = min(self.decay, (1 + step) / (EMA_WARMUP + step))
        current = module.state_dict()
        floats = [name for name, value in current.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self.values[name] for name in floats], [current[name] for name in floats], 1 - decay
        )
        for name, value in current.items():
            if not value.is_floating_point():
                self.values[name].copy_(value)
