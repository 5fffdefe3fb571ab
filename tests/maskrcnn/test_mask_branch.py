"""Softmax masks and class-agnostic masks do what their definitions say."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection.roi_heads import maskrcnn_loss, project_masks_on_boxes

from maskgui.maskrcnn.builder import build
from maskgui.maskrcnn.mask_branch import (
    AgnosticMaskPredictor,
    Deconvolution,
    MLPMaskPredictor,
    SoftmaxRoIHeads,
    softmax_mask_loss,
    softmax_masks,
)
from tests.maskrcnn.variants import batch, by_itself, in_stages, small


def test_softmax_masks_are_the_softmax() -> None:
    logits = torch.randn(5, 4, 6, 6, dtype=torch.float64) * 5
    labels = torch.tensor([1, 3, 2, 1, 3])
    found = softmax_masks(logits, labels).numpy()
    x = logits.numpy()
    for row, label in enumerate(labels.tolist()):
        expected = np.exp(x[row, label]) / np.exp(x[row]).sum(0)
        assert np.allclose(found[row], expected)
    # Over the classes and the background they sum to one, as a sigmoid's need not.
    everything = torch.stack([softmax_masks(logits, torch.full((5,), c)) for c in range(4)])
    assert torch.allclose(everything.sum(0), torch.ones(5, 6, 6, dtype=torch.float64))


@pytest.mark.parametrize("count", [3, 0])
def test_the_deconvolution_is_torchs_in_training_and_out_of_it(count: int) -> None:
    theirs = nn.ConvTranspose2d(6, 4, 2, 2).double()
    ours = Deconvolution.of(theirs)
    maps = torch.randn(count, 6, 5, 7, dtype=torch.float64)
    found = []
    for layer in (theirs, ours):
        theirs.zero_grad()
        taken = maps.clone().requires_grad_()
        made = layer(taken)
        (made * torch.arange(made.numel()).view_as(made)).sum().backward()
        gradients = [taken.grad, *(parameter.grad for parameter in theirs.parameters())]
        found.append([made.detach(), *(g.clone() for g in gradients if g is not None)])
        with torch.no_grad():
            found[-1].append(layer(maps))
    assert len(found[0]) == 5
    assert all(torch.allclose(a, b) for a, b in zip(*found, strict=True))
    assert list(ours.state_dict()) == list(theirs.state_dict())


def rois() -> tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]:
    """Boxes, masks, labels and matches of two images; the second has a RoI beside its object."""
    _, targets = batch()
    boxes = [target["boxes"].double() for target in targets]
    boxes[1] = boxes[1] + torch.tensor([3.0, -2.0, 5.0, 4.0])
    matched = [torch.tensor([1, 0]), torch.tensor([2, 2, 1])]
    return boxes, [t["masks"] for t in targets], [t["labels"] for t in targets], matched


def test_softmax_loss_is_the_cross_entropy() -> None:
    boxes, masks, labels, matched = rois()
    logits = torch.randn(5, 4, 14, 14, dtype=torch.float64)
    found = softmax_mask_loss(logits, boxes, masks, labels, matched)
    own = [int(one[i]) for one, index in zip(labels, matched, strict=True) for i in index]
    wanted = torch.cat(
        [project_masks_on_boxes(*one, 14) for one in zip(masks, boxes, matched, strict=True)]
    ).numpy()
    assert 0 < wanted.mean() < 1
    x = logits.numpy()
    probabilities = np.exp(x) / np.exp(x).sum(1, keepdims=True)
    expected = [
        -(share * np.log(p[label]) + (1 - share) * np.log(p[0]))
        for p, label, share in zip(probabilities, own, wanted, strict=True)
    ]
    assert found.item() == pytest.approx(np.mean(expected))


def test_softmax_makes_the_classes_compete_and_sigmoid_does_not() -> None:
    boxes, masks, labels, matched = rois()
    logits = torch.randn(5, 4, 14, 14, dtype=torch.float64)
    others = logits.clone()
    own = torch.cat([one[index] for one, index in zip(labels, matched, strict=True)])
    for row, label in enumerate(own.tolist()):
        for channel in {1, 2, 3} - {label}:
            others[row, channel] += 4
    sigmoid = [maskrcnn_loss(x, boxes, masks, labels, matched) for x in (logits, others)]
    softmax = [softmax_mask_loss(x, boxes, masks, labels, matched) for x in (logits, others)]
    assert sigmoid[0] == sigmoid[1]
    assert softmax[1] > softmax[0] + 1


def test_no_roi_costs_nothing() -> None:
    logits = torch.zeros(0, 4, 14, 14, requires_grad=True)
    loss = softmax_mask_loss(logits, [torch.zeros(0, 4)], [], [], [])
    assert loss.item() == 0
    loss.backward()


def test_softmax_heads_differ_from_torchvisions_in_the_masks_alone() -> None:
    torch.manual_seed(0)
    plain = build(small())
    torch.manual_seed(0)
    ours = build(small(mask_loss="softmax"))
    assert isinstance(ours.roi_heads, SoftmaxRoIHeads)
    assert list(ours.state_dict()) == list(plain.state_dict())
    images, targets = batch()
    found = []
    for module in (plain, ours):
        torch.manual_seed(1)
        found.append(module.train()(images, targets))
    assert found[0].keys() == found[1].keys()
    for name, loss in found[0].items():
        assert torch.equal(loss, found[1][name]) == (name != "loss_mask")
    ours.load_state_dict(plain.state_dict())
    boxes, others = by_itself(plain), by_itself(ours)
    for name in ("boxes", "scores", "labels"):
        assert torch.equal(boxes[name], others[name])
    assert not torch.allclose(boxes["masks"], others["masks"], atol=1e-3)


@pytest.mark.parametrize("branch", ["fcn", "mlp"])
def test_any_label_indexes_the_one_mask(branch: str) -> None:
    torch.manual_seed(0)
    module = build(small(mask_classes="agnostic", mask_branch=branch)).eval()
    predictor = module.roi_heads.mask_predictor
    assert isinstance(predictor, AgnosticMaskPredictor | MLPMaskPredictor)
    hidden = torch.randn(3, 16, 7, 7) if branch == "fcn" else torch.randn(3, 16)
    logits = predictor(hidden)
    assert logits.shape == (3, 4, 14, 14)
    for label in range(4):
        assert torch.equal(logits[:, label], logits[:, 1])
    assert len(set(in_stages(module)["labels"].tolist())) > 1


def test_a_class_agnostic_mask_learns_from_every_class() -> None:
    torch.manual_seed(0)
    module = build(small(mask_classes="agnostic"))
    module.train()(*batch())["loss_mask"].backward()
    last = module.roi_heads.mask_predictor.mask_fcn_logits
    assert last.weight.shape[0] == 1
    assert last.weight.grad.any()
