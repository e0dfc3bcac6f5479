"""Member after member: what any other execution is held against."""

import math

import pytest
import torch
from populations import Doubled, batch, population
from torch.nn.functional import cross_entropy

from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.dropout import Dropout
from ravine.train.execution import Looped


@pytest.mark.parametrize("architecture", [MLP(width=5, depth=1), SmallCNN(width=2, depth=2)])
def test_losses_and_gradients_are_those_of_ordinary_networks(architecture: Architecture) -> None:
    members = population(architecture)
    x, y = batch(0)
    losses = Looped(members).losses([(x, y)] * 3, [0, 0, 0])
    for row, network in enumerate(members.networks):
        ordinary = architecture.build(1, 8, 3).double()
        ordinary.load_state_dict(network.state_dict())
        loss = cross_entropy(ordinary(x), y)
        loss.backward()
        expected = torch.cat([parameter.grad.flatten() for parameter in ordinary.parameters()])
        assert losses[row].item() == pytest.approx(loss.item(), abs=1e-12)
        assert torch.allclose(members.gradient[row], expected, rtol=0, atol=1e-12)


def test_a_second_pass_forgets_the_gradient_of_the_first() -> None:
    members = population(MLP(width=5, depth=1))
    x, y = batch(0)
    execution = Looped(members)
    execution.losses([(x, y)] * 3, [0, 0, 0])
    once = members.gradient.clone()
    execution.losses([(x, y)] * 3, [0, 0, 0])
    assert torch.equal(members.gradient, once)


def test_a_member_that_has_ended_has_no_gradient_and_keeps_its_statistics() -> None:
    members = population(SmallCNN(width=2, depth=1))
    before = members.buffers.clone()
    losses = Looped(members).losses([batch(0)] * 3, [0, 0, 0], torch.tensor([True, False, True]))
    assert math.isnan(losses[1])
    assert torch.isfinite(losses[[0, 2]]).all()
    assert members.gradient.any(dim=1).tolist() == [True, False, True]
    assert (members.buffers == before).all(dim=1).tolist() == [False, True, False]


def test_random_numbers_depend_on_the_step_of_the_member() -> None:
    members = population(MLP(width=5, depth=1), techniques=[[Dropout(p=0.5)]] * 3)
    execution = Looped(members)
    first, again, other = (execution.losses([batch(0)] * 3, steps) for steps in ([0, 0, 0], [0, 0, 0], [0, 1, 0]))
    assert torch.equal(first, again)
    assert (first == other).tolist() == [True, False, True]


@pytest.mark.parametrize("architecture", [MLP(width=5, depth=1), SmallCNN(width=2, depth=2)])
def test_answers_are_those_of_the_networks_in_evaluation_mode(architecture: Architecture) -> None:
    members = population(architecture, techniques=[[Dropout(p=0.5)]] * 3)
    before = members.buffers.clone()
    x, _ = batch(0)
    found = Looped(members).logits(x)
    assert all(module.training for network in members.networks for module in network.modules())
    assert torch.equal(members.buffers, before)
    assert not found.requires_grad
    for network, own in zip(members.networks, found, strict=True):
        assert torch.equal(network.eval()(x), own)


def test_a_member_that_is_not_asked_gives_no_number() -> None:
    found = Looped(population(MLP(width=5, depth=1))).logits(batch(0)[0], torch.tensor([True, False, True]))
    assert found.isnan().all(dim=(1, 2)).tolist() == [False, True, False]
    assert torch.isfinite(found[[0, 2]]).all()


def test_a_technique_may_answer_in_place_of_the_network() -> None:
    members = population(SmallCNN(width=2, depth=1), techniques=[[Doubled()], [], []])
    found = Looped(members).logits(batch(0)[0])
    for row, factor in enumerate((2, 1, 1)):
        assert torch.equal(found[row], factor * members.networks[row].eval()(batch(0)[0]))
