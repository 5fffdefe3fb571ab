"""One loaded network, run on one image at a time: the whole way from RGB to Detections."""

import threading
from collections.abc import Callable, Hashable

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.models.detection import FasterRCNN

from maskgui.core.detections import (
    CERTAIN,
    MAX_DETECTIONS,
    SCORE_FLOOR,
    UNUSED_CATEGORY,
    Detections,
)
from maskgui.core.errors import Cancelled, Failure
from maskgui.maskrcnn import stages
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.folding import fold_norms
from maskgui.maskrcnn.models import model_id

MASK_CHUNK = 50
"""Boxes that go through the mask head at once: bounds its memory and the wait for a cancel."""

SMALLER = 0.5
"""Share of the input's sides on the second try, when the device has no memory for the first."""

OnStage = Callable[[str, float], None]


class Predictor:
    """Runs a Mask R-CNN, or a Faster R-CNN, in stages, keeping the features of the last image.

    A network without a mask branch proposes whole boxes: their masks are full.

    Not for several threads at once. `module` is changed for inference (evaluation mode, norms
    folded, channels last) and belongs to the predictor from then on. `half` lets the backbone
    compute in bfloat16.
    """

    def __init__(
        self, module: FasterRCNN, card: Card, device: str = "cpu", *, half: bool = False
    ) -> None:
        self.card = card
        self.device = device
        self._half = half
        self._module = module.eval().requires_grad_(False)
        fold_norms(module)
        module.to(memory_format=torch.channels_last)
        self._is_used = torch.tensor([name != UNUSED_CATEGORY for name in card.categories])
        self._shrink = 1.0
        self._note: str | None = None
        self._key: Hashable | None = None
        self._image: NDArray[np.uint8] | None = None
        self._features: stages.Features | None = None
        self._on_device = False

    def detect(
        self,
        rgb: NDArray[np.uint8],
        *,
        key: Hashable | None = None,
        floor: float = SCORE_FLOOR,
        limit: int = MAX_DETECTIONS,
        cancel: threading.Event | None = None,
        on_stage: OnStage | None = None,
        on_note: Callable[[str], None] | None = None,
    ) -> Detections:
        """Return what the network finds in one image.

        Args:
            rgb: H x W x 3 uint8, upright.
            key: names the image; the same key, or the same array, uses the features again.
            floor: lowest score kept.
            limit: most detections kept.
            cancel: looked at between stages.
            on_stage: told (stage, share of the work done).
            on_note: told in a sentence when a device's memory was too small.

        Raises:
            Cancelled: `cancel` was set.
            Failure: not even the CPU has the memory.
        """
        run = _Run(cancel or threading.Event(), on_stage or _no_stage)
        while True:
            try:
                found = self._detect(rgb, key, floor, limit, run)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                self._step_down(error)
                continue
            if self._note and on_note:
                on_note(self._note)
            return found

    def forget(self) -> None:
        """Let go of the last image's features."""
        self._key = self._image = self._features = None

    @torch.inference_mode()
    def _detect(
        self, rgb: NDArray[np.uint8], key: Hashable | None, floor: float, limit: int, run: "_Run"
    ) -> Detections:
        run.enter("features", 0.0)
        features = self._features_of(rgb, key)
        run.enter("proposals", 0.5)
        proposals = stages.propose_regions(self._module, features)
        run.enter("boxes", 0.6)
        found = stages.classify_boxes(self._module, features, proposals, floor, limit)
        found = found.only(self._is_used[found.labels.cpu() - 1].to(found.labels.device))
        masks = self._masks(features, found, run)
        run.enter("done", 1.0)
        return Detections(
            model=model_id(self.card),
            categories=self.card.categories,
            boxes=stages.to_image(found.boxes, features).cpu().numpy().astype(np.float32),
            scores=found.scores.cpu().numpy().astype(np.float32),
            labels=(found.labels.cpu().numpy() - 1).astype(np.int32),
            masks=masks,
            floor=floor,
        )

    def _features_of(self, rgb: NDArray[np.uint8], key: Hashable | None) -> stages.Features:
        same = rgb is self._image if key is None else key == self._key
        if same and self._features is not None:
            return self._features
        self.forget()
        if not self._on_device:
            self._module.to(self.device)
            self._on_device = True
        features = stages.compute_features(self._module, rgb, self._shrink, self._half)
        self._key, self._image, self._features = key, rgb, features
        return features

    def _masks(
        self, features: stages.Features, found: stages.Found, run: "_Run"
    ) -> NDArray[np.uint16]:
        chunks = []
        for start in range(0, len(found.labels), MASK_CHUNK):
            run.enter("masks", 0.75 + 0.25 * start / len(found.labels))
            part = slice(start, start + MASK_CHUNK)
            masks = stages.predict_masks(
                self._module, features, found.boxes[part], found.labels[part]
            )
            steps = (masks * CERTAIN).round_().to(torch.int16)
            chunks.append(steps.cpu().numpy().astype(np.uint16))
        if not chunks:
            return np.zeros((0, 28, 28), np.uint16)
        return np.concatenate(chunks)

    def _step_down(self, error: RuntimeError | MemoryError) -> None:
        """After running out of memory: a smaller input, then the CPU, then give up."""
        self.forget()
        if self.device == "cpu":
            raise Failure(
                "There is not enough memory for this image and model; close other programs or "
                "choose a smaller model."
            ) from error
        if self._shrink == 1.0:
            self._shrink = SMALLER
            self._note = (
                f"The {self.device.upper()} device ran out of memory, so images go through the "
                "network at half their size; small objects may be missed."
            )
        else:
            self._note = (
                f"The {self.device.upper()} device ran out of memory, so this model now runs on "
                "the CPU, slower."
            )
            self.device, self._shrink, self._on_device = "cpu", 1.0, False
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that a device, or the machine, has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    words = str(error).lower()
    return "out of memory" in words or "can't allocate memory" in words


class _Run:
    """One call's cancel event and progress."""

    def __init__(self, cancel: threading.Event, on_stage: OnStage) -> None:
        self._cancel = cancel
        self._on_stage = on_stage

    def enter(self, stage: str, done: float) -> None:
        if self._cancel.is_set():
            raise Cancelled
        self._on_stage(stage, done)


def _no_stage(_stage: str, _done: float) -> None:
    return
