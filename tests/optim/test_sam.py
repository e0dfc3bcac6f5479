"""Sharpness-aware minimization against its two passes, and the protocol of the probe."""

import pytest
import torch
from optim_population import STEPS, Problem, random_layout, spread, trained

from ravine.base.layout import Layout
from ravine.interfaces import merge
from ravine.optim.adam import Adam
from ravine.optim.momentum import Momentum
from ravine.optim.sam import SAM
from ravine.optim.sgd import SGD
from ravine.schedules.constant import Constant
from ravine.train.step import Stepper

LR, MU, RHO = spread(0.01, 0.1), spread(0.0, 0.9), spread(0.0, 0.5)


@pytest.mark.parametrize("adaptive", [False, True])
def test_equals_the_algorithm(adaptive: bool) -> None:
    """Foret et al., 2021, Algorithm 1, with momentum; Kwon et al., 2021, when adaptive."""
    problem = Problem(110, random_layout(110))
    theta, _ = trained(problem, SAM(Momentum(LR, MU), RHO, adaptive))
    lr, mu, rho = (torch.tensor(values, dtype=torch.float64)[:, None] for values in (LR, MU, RHO))
    w, v = problem.start.clone(), torch.zeros_like(problem.start)
    for t in range(STEPS):
        g = problem.gradient(w, t)
        scale = w.abs() if adaptive else torch.ones_like(w)
        climb = rho * scale**2 * g / (scale * g).square().sum(1, keepdim=True).sqrt()
        v = mu * v + problem.gradient(w + climb, t)
        w = w - lr * v
    assert (theta - w).abs().max() <= 1e-12


def test_with_a_radius_of_zero_it_is_the_base_rule() -> None:
    problem = Problem(111, random_layout(111))
    assert torch.equal(trained(problem, SAM(Adam(LR), 0.0))[0], trained(problem, Adam(LR))[0])


def test_a_gradient_of_zero_has_nowhere_to_probe() -> None:
    theta, gradient = torch.ones(2, 3), torch.zeros(2, 3)
    stepper = Stepper(SAM(SGD()), Constant(), [], Layout.flat(3), theta, gradient, 5, False)
    stepper.probe()
    assert torch.equal(theta, torch.ones(2, 3))


def test_a_finished_member_is_back_where_it_was_after_the_step() -> None:
    theta, gradient = torch.randn(2, 3), torch.randn(2, 3)
    before = theta.clone()
    stepper = Stepper(SAM(SGD(), rho=0.5), Constant(), [], Layout.flat(3), theta, gradient, 5, False)
    stepper.probe()
    assert not torch.equal(theta[1], before[1])
    stepper.step(torch.tensor([True, False]))
    assert torch.equal(theta[1], before[1])
    assert stepper.steps.tolist() == [1, 0]


def test_members_merge_with_their_base_rules() -> None:
    merged = merge([SAM(SGD(0.1), 0.1), SAM(SGD(0.2), 0.1)])
    assert merged == SAM(SGD((0.1, 0.2)), 0.1)
