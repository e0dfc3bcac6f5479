"""Members side by side are what they are one after another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from populations import SHAPE, Doubled, batch, course, looped, population
from torch import nn

from ravine.models.architecture import Architecture
from ravine.models.backbone import Backbone
from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.moments import Technique
from ravine.regularize.batch_norm import BatchNorm
from ravine.regularize.dropconnect import DropConnect
from ravine.regularize.dropout import Dropout
from ravine.regularize.stochastic_depth import StochasticDepth
from ravine.train.execution import Looped
from ravine.train.stacked import Stacked
from ravine.train.state import PictureShape, Population

ARCHITECTURES = [MLP(width=6, depth=2), SmallCNN(width=3, depth=2), Residual(width=2, blocks=1)]
OWN_RATES = [[Dropout(p, mode, "both")] for p, mode in ((0.1, "inverted"), (0.5, "plain"), (1.0, "inverted"))]
TECHNIQUES: dict[str, list[list[Technique]] | None] = {
    "none": None,
    "batch norm on": [[BatchNorm("on", momentum=0.2)]] * 3,
    "batch norm off": [[BatchNorm("off")]] * 3,
    "dropout": [*OWN_RATES],
}


def _fits(architecture: Architecture, techniques: str) -> bool:
    return not (isinstance(architecture, MLP) and techniques == "batch norm off")


CASES = [(one, name) for one in ARCHITECTURES for name in TECHNIQUES if _fits(one, name)]


@pytest.mark.parametrize(("architecture", "techniques"), CASES)
@pytest.mark.parametrize("own_batches", [False, True])
def test_fifty_steps_in_double_precision(architecture: Architecture, techniques: str, own_batches: bool) -> None:
    both = [population(architecture, techniques=TECHNIQUES[techniques]) for _ in range(2)]
    one = looped(both[0], 50, own_batches=own_batches)
    other = course(Stacked(both[1]), 50, own_batches=own_batches)
    assert (one.losses - other.losses).abs().max() < 1e-9
    assert (one.numbers() - other.numbers()).abs().max() < 1e-9


@pytest.mark.parametrize(("architecture", "techniques"), CASES)
def test_five_steps_in_single_precision(architecture: Architecture, techniques: str) -> None:
    both = [population(architecture, torch.float32, TECHNIQUES[techniques]) for _ in range(2)]
    one, other = looped(both[0], 5), course(Stacked(both[1]), 5)
    assert (one.losses - other.losses).abs().max() < 1e-5
    assert (one.numbers() - other.numbers()).abs().max() < 1e-5


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_targets_that_are_distributions_beside_labels(architecture: Architecture) -> None:
    one = looped(population(architecture), 20, smooth=True)
    other = course(Stacked(population(architecture)), 20, smooth=True)
    assert (one.losses - other.losses).abs().max() < 1e-9
    assert (one.numbers() - other.numbers()).abs().max() < 1e-9


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_member_that_is_not_finite_changes_no_other(architecture: Architecture) -> None:
    whole, broken = population(architecture), population(architecture)
    broken.theta[1] = math.nan
    expected, found = (Stacked(one).losses([batch(0)] * 3, [0, 0, 0]) for one in (whole, broken))
    assert math.isnan(found[1])
    assert torch.equal(found[[0, 2]], expected[[0, 2]])
    assert torch.equal(broken.gradient[[0, 2]], whole.gradient[[0, 2]])
    assert torch.isfinite(broken.gradient[[0, 2]]).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_members_that_have_ended_stay_as_they_are(architecture: Architecture) -> None:
    active = torch.tensor([True, False, True])
    one = looped(population(architecture), 5, active=active)
    other = course(Stacked(population(architecture)), 5, active=active)
    assert torch.equal(one.losses.isnan(), other.losses.isnan())
    assert (one.losses - other.losses).abs().nan_to_num().max() < 1e-9
    assert (one.numbers() - other.numbers()).abs().max() < 1e-9
    assert not other.population.gradient[1].any()


@pytest.mark.parametrize(("architecture", "techniques"), CASES)
def test_answers_in_evaluation_mode(architecture: Architecture, techniques: str) -> None:
    members = population(architecture, techniques=TECHNIQUES[techniques])
    course(Stacked(members), 3)
    x, _ = batch(7)
    found = Stacked(members).logits(x)
    assert found.shape == (3, 12, 3)
    assert not found.requires_grad
    for network, own in zip(members.networks, found, strict=True):
        assert torch.allclose(network.eval()(x), own, rtol=0, atol=1e-12)


def test_a_member_that_is_not_asked_gives_no_number() -> None:
    members = population(SmallCNN(width=2, depth=1))
    everyone, some = Stacked(members).logits(batch(0)[0]), torch.tensor([True, False, True])
    found = Stacked(members).logits(batch(0)[0], some)
    assert found[1].isnan().all()
    assert torch.equal(found[some], everyone[some])


def test_a_technique_that_answers_in_place_of_the_network_is_asked() -> None:
    members = population(MLP(width=5, depth=1), techniques=[[Doubled()]] * 3)
    x, _ = batch(0)
    for network, own in zip(members.networks, Stacked(members).logits(x), strict=True):
        assert torch.equal(2 * network.eval()(x), own)


def test_answers_follow_the_weights() -> None:
    members = population(MLP(width=5, depth=1))
    execution, (x, _) = Stacked(members), batch(0)
    members.theta.zero_()
    assert not execution.logits(x).any()


def test_the_networks_keep_their_mode() -> None:
    members = population(SmallCNN(width=2, depth=1))
    Stacked(members).logits(batch(0)[0])
    assert all(module.training for network in members.networks for module in network.modules())


@given(
    kind=st.sampled_from([MLP, SmallCNN, Residual]),
    width=st.integers(1, 5),
    depth=st.integers(1, 2),
    members=st.integers(1, 4),
    seed=st.integers(0, 99),
)
@how(max_examples=15)
def test_any_number_of_members_and_layers(kind: type, width: int, depth: int, members: int, seed: int) -> None:
    seeds = range(seed, seed + members)
    both = [Population(kind(width, depth), SHAPE, seeds, dtype=torch.float64) for _ in range(2)]
    seen = [batch(seed)] * members
    one, other = (kind(own).losses(seen, [0] * members) for kind, own in zip((Looped, Stacked), both, strict=True))
    assert torch.allclose(one, other, rtol=0, atol=1e-10)
    assert torch.allclose(both[0].gradient, both[1].gradient, rtol=0, atol=1e-10)
    assert torch.allclose(both[0].buffers, both[1].buffers, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("architecture", "techniques", "reason"),
    [
        (MLP(width=5, depth=1), [[DropConnect()]] * 3, "Layer 2: DropConnectLayer is not stacked."),
        (Residual(width=2, blocks=1), [[StochasticDepth()]] * 3, "Layer 4: GatedBlock is not stacked."),
        (MLP(width=5, depth=1), [[Dropout()], [], []], "Layer 4: some members have DropoutLayer, others Site."),
        (SmallCNN(width=2, depth=1), [[BatchNorm(momentum=m)] for m in (0.2, 0.3, 0.4)], "Layer 1.1: members differ"),
    ],
)
def test_what_cannot_be_stacked_is_named(
    architecture: Architecture, techniques: Sequence[Sequence[Technique]] | None, reason: str
) -> None:
    refused = Stacked.refuses(population(architecture, techniques=techniques))
    assert refused is not None
    assert refused.startswith(reason)


def test_a_network_of_timm_is_not_stacked() -> None:
    members = Population(Backbone("test_resnet", "random"), PictureShape(3, 32, 3), [0, 1])
    assert Stacked.refuses(members) == "Layer body: ResNet is not stacked."


@dataclass(frozen=True)
class HalfFrozen(Architecture):
    """Its first layer is not trained."""

    def build(self, channels: int, size: int, classes: int) -> nn.Module:
        network = MLP(width=5, depth=1).build(channels, size, classes)
        network[2].requires_grad_(False)
        return network


def test_a_layer_that_is_not_trained_is_named() -> None:
    assert Stacked.refuses(population(HalfFrozen())) == "Layer 2: weight is not trained."
