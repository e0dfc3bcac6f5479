"""Relative gradient norms against autograd on the assembled network."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ravine.models.backbone import Backbone
from ravine.transfer.gradients import GradientNorms, gradient_norms, stage_parameters
from ravine.transfer.taps import Taps, tap


def _taps(name: str = "test_resnet", size: int = 32) -> Taps:
    torch.manual_seed(0)
    return tap(Backbone(name, "random").load_pretrained(), size)


def test_norms_are_those_of_autograd_and_the_body_stays_as_it_was() -> None:
    taps = _taps()
    generator = np.random.default_rng(0)
    weight, bias = generator.normal(size=(3, 96)).astype(np.float32), np.zeros(3, np.float32)
    images, labels = torch.randn(5, 3, 32, 32), torch.tensor([0, 1, 2, 0, 1])
    before = {name: one.clone() for name, one in taps.state_dict().items()}
    found = gradient_norms(taps, weight, bias, [(images[:3], labels[:3]), (images[3:], labels[3:])])
    assert found.pictures == 5
    assert all(torch.equal(one, taps.state_dict()[name]) for name, one in before.items())
    assert not any(one.requires_grad for one in taps.parameters())
    body = taps.body.requires_grad_(True)
    head = nn.Linear(96, 3)
    head.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    expected = np.zeros(5)
    for part in (slice(0, 3), slice(3, 5)):
        body.zero_grad()
        cross_entropy(head(body(images[part])), labels[part]).backward()
        for place, group in enumerate(stage_parameters(taps)):
            slopes, values = (torch.cat([one.flatten() for one in each]) for each in ([p.grad for p in group], group))
            expected[place] += len(labels[part]) / 5 * float(slopes.norm() / values.detach().norm())
    assert found.relative == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("name", "size"), [("test_resnet", 32), ("test_efficientnet", 32), ("test_vit", 160)])
def test_every_parameter_is_in_one_stage_and_in_order(name: str, size: int) -> None:
    taps = _taps(name, size)
    groups = stage_parameters(taps)
    places = {id(one): place for place, group in enumerate(groups) for one in group}
    assert len(places) == sum(map(len, groups)) == len(list(taps.parameters()))
    for end, module in enumerate(taps.modules_of[:-1]):
        assert {places[id(one)] for one in taps.body.get_submodule(module).parameters()} <= {end}


def test_the_peak_is_named() -> None:
    found = GradientNorms(("stage 1", "last"), (0.1, 0.3), 12)
    assert found.peak == 1
    assert "up to last ask for the greatest change (75%" in found.sentence
