"""The network of which stages are trained, and the whole that answers in the end."""

from copy import deepcopy

import numpy as np
import torch
from torch import nn

from ravine.ensemble.committee import answering
from ravine.models.backbone import Backbone
from ravine.transfer.divide import divide
from ravine.transfer.tuned import Tuned, whole

RNG = np.random.default_rng(0)
WEIGHT, BIAS = RNG.normal(size=(3, 96)).astype(np.float32), RNG.normal(size=3).astype(np.float32)


def _body() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Backbone("test_resnet", "random").load_pretrained()


def _pictures() -> torch.Tensor:
    return torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_batch_norms_stay_in_evaluation_mode_and_are_trained() -> None:
    divided = divide(_body(), "last1", 32)
    assert divided.prefix is not None
    tuned = Tuned(divided.suffix, WEIGHT, BIAS).train()
    norms = [module for module in tuned.modules() if isinstance(module, nn.BatchNorm2d)]
    assert tuned.training
    assert norms
    assert not any(norm.training for norm in norms)
    with torch.no_grad():
        maps = divided.prefix(_pictures())
    tuned(maps).sum().backward()
    assert all(parameter.grad is not None for parameter in tuned.parameters())
    assert not any(parameter.requires_grad for parameter in divided.suffix.parameters())


def test_the_whole_answers_what_the_parts_do() -> None:
    body = _body()
    divided = divide(body, "last2", 32)
    assert divided.prefix is not None
    tuned = Tuned(divided.suffix, WEIGHT, BIAS).eval()
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(0.01)
        z = tuned(divided.prefix(_pictures()))
        before = deepcopy(body.state_dict())
        joined = whole(tuned, body).eval()
        assert torch.equal(joined(_pictures()), z)
    assert [name for name, _ in joined.named_children()] == ["input", "body", "before_head", "head"]
    assert all(torch.equal(value, before[name]) for name, value in body.state_dict().items())


def test_each_member_of_a_committee_becomes_whole() -> None:
    body = _body()
    divided = divide(body, "last1", 32)
    members: list[nn.Module] = [Tuned(divided.suffix, WEIGHT * factor, BIAS) for factor in (1, 2)]
    committee = whole(answering(members, [0.5, 0.5]), body).eval()
    assert not any(isinstance(module, Tuned) for module in committee.modules())
    with torch.no_grad():
        assert committee(_pictures()).shape == (4, 3)
