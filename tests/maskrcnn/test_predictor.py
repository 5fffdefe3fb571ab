"""The staged predictor against the plain network of torchvision with the same weights."""

import copy
import threading
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchvision.models.detection import (
    MaskRCNN,
    maskrcnn_resnet50_fpn,
    maskrcnn_resnet50_fpn_v2,
)
from torchvision.ops import FrozenBatchNorm2d

from maskgui.core.detections import CERTAIN
from maskgui.core.errors import Cancelled, Failure
from maskgui.maskrcnn import stages
from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.card import Card
from maskgui.maskrcnn.config import Config
from maskgui.maskrcnn.folding import fold_norms
from maskgui.maskrcnn.predictor import Predictor

CONFIG = Config(categories=4, min_side=64, max_side=112, proposals=40)
CARD = Card("tiny", "Tiny", CONFIG, ("a", "b", "N/A", "d"), sha256="0123456789abcdef")


def stir(module: nn.Module) -> None:
    """Give norms statistics, so that forgetting to fold one of them shows."""
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d | FrozenBatchNorm2d):
            part.running_mean.normal_(0, 0.1)
            part.running_var.uniform_(0.5, 1.5)
            part.weight.data.uniform_(0.6, 1.2)
            part.bias.data.normal_(0, 0.1)


def decided(module: MaskRCNN) -> MaskRCNN:
    """Make scores and masks far from ties, so that rounding cannot reorder them."""
    stir(module)
    module.eval()
    heads = module.roi_heads
    with torch.no_grad():
        for layer in (heads.box_predictor.cls_score, heads.mask_predictor.mask_fcn_logits):
            layer.weight.mul_(4 / spread(module, layer))
    return module


def spread(module: MaskRCNN, layer: nn.Module) -> float:
    """The standard deviation of what a layer puts out for a picture of noise."""
    seen: list[Tensor] = []
    hook = layer.register_forward_hook(lambda _module, _args, out: seen.append(out))
    module.roi_heads.score_thresh = 0.0
    with torch.inference_mode():
        module([torch.rand(3, 96, 120)])
    hook.remove()
    return float(seen[0].std())


@pytest.fixture(scope="module")
def original() -> MaskRCNN:
    torch.manual_seed(1)
    return decided(build(CONFIG))


@pytest.fixture
def network(original: MaskRCNN) -> MaskRCNN:
    return copy.deepcopy(original)


@pytest.fixture
def rgb() -> NDArray[np.uint8]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 13, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 15, 0), 13, 1)[:133, :]


@torch.inference_mode()
def plain(module: MaskRCNN, rgb: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Boxes, scores, labels and m x m masks by torchvision's own forward."""
    module.roi_heads.score_thresh, module.roi_heads.detections_per_img = 0.01, 300
    image = torch.from_numpy(rgb).permute(2, 0, 1).float() / 255
    images, _ = module.transform([image])
    features = module.backbone(images.tensors)
    proposals, _ = module.rpn(images, features)
    raw = module.roi_heads(features, proposals, images.image_sizes)[0][0]
    boxes = module([image])[0]["boxes"]
    return {
        "boxes": boxes.numpy(),
        "scores": raw["scores"].numpy(),
        "labels": raw["labels"].numpy(),
        "masks": raw["masks"][:, 0].numpy(),
    }


def assert_same(found: Any, expected: dict[str, NDArray[Any]], used: NDArray[np.bool_]) -> None:
    assert len(found) == used.sum() > 0
    assert np.abs(found.boxes - expected["boxes"][used]).max() < 0.5
    assert np.abs(found.scores - expected["scores"][used]).max() < 1e-3
    assert (found.labels + 1 == expected["labels"][used]).all()
    ours, theirs = found.masks > CERTAIN / 2, expected["masks"][used] >= 0.5
    both, either = (ours & theirs).sum((1, 2)), (ours | theirs).sum((1, 2))
    assert (both >= 0.99 * either).all()


def test_finds_what_the_plain_network_finds(network: MaskRCNN, rgb: NDArray[np.uint8]) -> None:
    expected = plain(copy.deepcopy(network), rgb)
    found = Predictor(network, CARD).detect(rgb)
    used = expected["labels"] != 3  # the third name stands for nothing
    assert used.sum() < len(used)
    assert_same(found, expected, used)
    assert found.model == "tiny 0123456789ab"
    assert found.masks.dtype == np.uint16
    assert found.masks.shape[1:] == (28, 28)


@pytest.mark.parametrize("factory", [maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2])
def test_torchvisions_own_variants(factory: Any, rgb: NDArray[np.uint8]) -> None:
    torch.manual_seed(2)
    sizes = {"min_size": 64, "max_size": 96, "rpn_post_nms_top_n_test": 20}
    model = decided(factory(weights=None, weights_backbone=None, num_classes=5, **sizes))
    expected = plain(copy.deepcopy(model), rgb)
    card = msgspec.structs.replace(CARD, categories=("a", "b", "c", "d"))
    found = Predictor(model, card).detect(rgb)
    assert_same(found, expected, np.ones(len(expected["scores"]), bool))


def test_folding_leaves_no_norm_and_the_same_function(network: MaskRCNN) -> None:
    x = torch.randn(1, 3, 96, 128)
    with torch.inference_mode():
        before = network.backbone(x)
        assert fold_norms(network) > 10
        after = network.backbone(x)
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.modules())
    for name, level in before.items():
        assert torch.allclose(level, after[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(37, 211), (133, 160), (500, 311), (2, 90)])
def test_the_picture_is_torchvisions(network: MaskRCNN, height: int, width: int) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    rgb.flags.writeable = False
    seen: list[Tensor] = []
    network.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with torch.inference_mode():
        features = stages.compute_features(network, rgb)
        images, _ = network.transform([torch.from_numpy(rgb.copy()).permute(2, 0, 1).float() / 255])
    assert features.resized == images.image_sizes[0]
    assert seen[0].shape == images.tensors.shape
    assert torch.allclose(seen[0], images.tensors, atol=2e-5)


def test_a_lower_floor_and_a_limit_hold_for_their_call(
    network: MaskRCNN, rgb: NDArray[np.uint8]
) -> None:
    predictor = Predictor(network, CARD)
    usual, few = predictor.detect(rgb), predictor.detect(rgb, limit=5)
    strict, lower = predictor.detect(rgb, floor=0.5), predictor.detect(rgb, floor=1e-5)
    assert len(few) <= 5
    assert usual.floor == 0.01
    assert strict.scores.min() > 0.5
    assert len(strict) < len(usual) < len(lower)


def test_no_detection_at_all(network: MaskRCNN, rgb: NDArray[np.uint8]) -> None:
    found = Predictor(network, CARD).detect(rgb, floor=1.0)
    assert len(found) == 0
    assert type(found).from_bytes(found.to_bytes(), 1).masks.shape == (0, 28, 28)


def test_features_of_the_last_image_are_used_again(
    network: MaskRCNN, rgb: NDArray[np.uint8]
) -> None:
    runs: list[Any] = []
    network.backbone.register_forward_hook(lambda *_: runs.append(1))
    predictor = Predictor(network, CARD)
    first = predictor.detect(rgb)
    again = predictor.detect(rgb)
    assert len(runs) == 1
    assert np.array_equal(first.boxes, again.boxes)
    predictor.detect(rgb.copy())
    predictor.detect(rgb, key="one")
    predictor.detect(rgb.copy(), key="one")
    assert len(runs) == 3
    predictor.forget()
    predictor.detect(rgb, key="one")
    assert len(runs) == 4


@pytest.mark.parametrize("stage", ["features", "proposals", "boxes", "masks"])
def test_a_cancel_stops_before_the_next_stage(
    network: MaskRCNN, rgb: NDArray[np.uint8], stage: str
) -> None:
    cancel, entered = threading.Event(), []

    def on_stage(name: str, _done: float) -> None:
        entered.append(name)
        if name == stage:
            cancel.set()

    predictor = Predictor(network, CARD)
    with pytest.raises(Cancelled):
        predictor.detect(rgb, cancel=cancel, on_stage=on_stage)
    assert entered[-1] == stage
    assert len(predictor.detect(rgb)) > 0


class ShortOfMemory(nn.Module):
    """A backbone that has no memory for its first `times` images; keeps the sizes it saw."""

    def __init__(self, backbone: nn.Module, times: int, error: Exception) -> None:
        super().__init__()
        self.inner, self.times, self.error = backbone, times, error
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> Any:
        self.sizes.append(tuple(x.shape[-2:]))
        if len(self.sizes) <= self.times:
            raise self.error
        return self.inner(x)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY)
@pytest.mark.parametrize(("times", "words"), [(1, "half their size"), (2, "on the CPU")])
def test_out_of_memory_goes_smaller_then_to_the_cpu(
    network: MaskRCNN, rgb: NDArray[np.uint8], times: int, words: str, error: Exception
) -> None:
    network.backbone = short = ShortOfMemory(network.backbone, times, error)
    predictor = Predictor(network, CARD, "cpu")
    predictor.device, predictor._on_device = "cuda", True  # in name; the tensors stay here
    notes: list[str] = []
    found = predictor.detect(rgb, on_note=notes.append)
    assert len(found) > 0
    assert len(notes) == 1
    assert words in notes[0]
    assert short.sizes[1] < short.sizes[0]
    assert predictor.device == ("cuda" if times == 1 else "cpu")
    if times == 2:
        assert short.sizes[2] == short.sizes[0]
    boxes = found.boxes
    assert boxes[:, 2].max() > 0.8 * rgb.shape[1]  # mapped back from the smaller picture
    predictor.detect(rgb.copy(), on_note=notes.append)
    assert short.sizes[-1] == short.sizes[-2]  # it remembers what there is room for
    assert notes[0] == notes[1]


def test_the_cpu_out_of_memory_is_a_sentence(network: MaskRCNN, rgb: NDArray[np.uint8]) -> None:
    error = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
    network.backbone = ShortOfMemory(network.backbone, 9, error)
    with pytest.raises(Failure, match="not enough memory"):
        Predictor(network, CARD).detect(rgb)


def test_other_faults_are_not_taken_for_it(network: MaskRCNN, rgb: NDArray[np.uint8]) -> None:
    network.backbone = ShortOfMemory(network.backbone, 9, RuntimeError("bad shapes"))
    with pytest.raises(RuntimeError, match="bad shapes"):
        Predictor(network, CARD).detect(rgb)
