"""Members in several threads are what they are one after another."""

import math
from collections.abc import Callable

import pytest
import torch
from populations import batch, course, looped, population

from ravine.base.errors import PlanError
from ravine.models.architecture import Architecture
from ravine.models.mlp import MLP
from ravine.models.residual import Residual
from ravine.models.small_cnn import SmallCNN
from ravine.regularize.dropconnect import DropConnect
from ravine.regularize.dropout import Dropout
from ravine.train.execution import Execution, Looped
from ravine.train.spread import Spread
from ravine.train.stacked import Stacked
from ravine.train.state import Population

ARCHITECTURES = [MLP(width=6, depth=2), SmallCNN(width=3, depth=2), Residual(width=2, blocks=1)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("kind", "parts"), [(Looped, 3), (Looped, 2), (Stacked, 2), (Stacked, 3)])
def test_fifty_steps_in_double_precision(
    architecture: Architecture, kind: Callable[[Population], Execution], parts: int
) -> None:
    techniques = [[Dropout(p)] for p in (0.1, 0.5, 0.0)]
    both = [population(architecture, techniques=techniques) for _ in range(2)]
    one = looped(both[0], 50, own_batches=True)
    other = course(Spread(both[1], kind, parts, threads=2), 50, own_batches=True)
    assert (one.losses - other.losses).abs().max() < 1e-9
    assert (one.numbers() - other.numbers()).abs().max() < 1e-9


def test_members_that_have_ended_stay_as_they_are() -> None:
    active = torch.tensor([True, False, True])
    one = looped(population(SmallCNN(width=2, depth=1)), 5, active=active)
    members = population(SmallCNN(width=2, depth=1))
    other = course(Spread(members, Looped, 3, threads=2), 5, active=active)
    assert other.losses.isnan().any(dim=0).tolist() == [False, True, False]
    assert (one.numbers() - other.numbers()).abs().max() < 1e-9


@pytest.mark.parametrize(("kind", "parts", "at_once"), [(Looped, 3, 2), (Stacked, 2, 3)])
def test_answers_in_evaluation_mode(kind: Callable[[Population], Execution], parts: int, at_once: int) -> None:
    members = population(SmallCNN(width=2, depth=1))
    execution, (x, _) = Spread(members, kind, parts, threads=2), batch(0)
    found = execution.logits(x, torch.tensor([True, False, True]))
    assert execution.at_once == at_once
    assert found[1].isnan().all()
    for row in (0, 2):
        assert torch.allclose(members.networks[row].eval()(x), found[row], rtol=0, atol=1e-12)


def test_a_member_that_is_not_finite_changes_no_other() -> None:
    whole, broken = (population(SmallCNN(width=2, depth=1)) for _ in range(2))
    broken.theta[1] = math.nan
    expected, found = (Spread(one, Looped, 3, 2).losses([batch(0)] * 3, [0, 0, 0]) for one in (whole, broken))
    assert torch.equal(found[[0, 2]], expected[[0, 2]])
    assert torch.equal(broken.gradient[[0, 2]], whole.gradient[[0, 2]])


def test_the_threads_of_the_caller_stay_as_they_were() -> None:
    before = torch.get_num_threads()
    Spread(population(MLP(width=5, depth=1)), Looped, 3, threads=2).losses([batch(0)] * 3, [0, 0, 0])
    assert torch.get_num_threads() == before


def test_what_cannot_be_stacked_cannot_be_stacked_in_parts() -> None:
    members = population(MLP(width=5, depth=1), techniques=[[DropConnect()]] * 3)
    with pytest.raises(PlanError, match="DropConnectLayer is not stacked"):
        Spread(members, Stacked, 2, threads=2)
