"""Bodies trained beforehand: what is taken over for FPN, C4 and C5, and what stays fresh."""

from typing import Any

import msgspec
import pytest
import torch
from torch import nn

from maskgui.maskrcnn.ablate.bodies import Source, take_body
from maskgui.maskrcnn.builder import build
from tests.maskrcnn.variants import narrow_resnets, small


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_resnets(monkeypatch)


def source(name: str = "trained", **choices: Any) -> Source:
    torch.manual_seed(1)
    return Source(name, build(small(**choices)).state_dict())


def test_c4_takes_its_res5_from_the_bodys_last_stage() -> None:
    given = source(backbone="resnet18")
    module = build(small(backbone="resnet18", neck="c4"))
    taken = take_body(module, [given])
    assert taken.taken == taken.tensors
    assert taken.source == "trained"
    own = module.state_dict()
    name = "0.conv1.weight"
    assert own[f"roi_heads.box_head.res5.{name}"].equal(
        given.weights[f"backbone.body.layer4.{name}"]
    )
    assert own[f"roi_heads.mask_head.res5.{name}"].equal(own[f"roi_heads.box_head.res5.{name}"])


@pytest.mark.parametrize("neck", ["fpn", "c5"])
def test_the_body_is_taken_and_the_heads_stay_fresh(neck: str) -> None:
    given = source(backbone="resnet18")
    config = small(backbone="resnet18", neck=neck, anchor_sizes=(8, 16, 32, 64, 96))
    torch.manual_seed(2)
    module = build(config)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    taken = take_body(module, [given])
    assert taken.taken == taken.tensors > 20
    for name, value in module.state_dict().items():
        if name.startswith("backbone.body.") and value.is_floating_point():
            assert value.equal(given.weights[name])
        elif not name.startswith("backbone.body."):
            assert value.equal(before[name])


def test_the_source_that_fits_best_is_taken() -> None:
    sources = [source("slim"), source("resnet", backbone="resnet18")]
    assert take_body(build(small(backbone="resnet18")), sources).source == "resnet"
    assert take_body(build(small()), sources).source == "slim"
    none = take_body(build(small(backbone="mobilenet_v3_large")), sources)
    assert (none.taken, none.source) == (0, "")
    assert none.tensors > 100
    assert take_body(build(small()), []).taken == 0


def test_a_deeper_body_begins_as_the_shallower_one() -> None:
    given = source()
    shallow, deep = build(small()), build(small(depths=(1, 2, 3, 1)))
    assert take_body(shallow, [given]).taken == take_body(deep, [given]).taken
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        maps = [module.eval().backbone.body(picture) for module in (shallow, deep)]
    for level, values in maps[0].items():
        torch.testing.assert_close(maps[1][level], values)


def test_fresh_bodies_are_left_as_they_are() -> None:
    module = build(small(depths=(2, 2, 2, 2)))
    take_body(module, [])
    norms = [part for part in module.backbone.body.modules() if isinstance(part, nn.BatchNorm2d)]
    assert all(bool((norm.weight == 1).all()) for norm in norms)


def test_a_sources_other_shapes_are_left() -> None:
    given = source(widths=(8, 8, 16, 24))
    module = build(msgspec.structs.replace(small()))
    taken = take_body(module, [given])
    assert 0 < taken.taken < taken.tensors
