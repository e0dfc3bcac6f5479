"""Penalties: their values, their gradients, their proximal steps, and what they leave alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ravine.base.layout import Layout
from ravine.interfaces import Penalty, Rule
from ravine.optim.adam import Adam
from ravine.optim.sgd import SGD
from ravine.penalties.decoupled_decay import DecoupledDecay
from ravine.penalties.elastic_net import ElasticNet
from ravine.penalties.l1 import L1
from ravine.penalties.l2 import L2
from ravine.schedules.constant import Constant
from ravine.train.step import Stepper

LAYOUT = Layout.of([("weight", (2, 3), "weight"), ("bias", (2,), "bias"), ("norm", (2,), "norm")])
PENALTIES = [L1(0.5), L2(0.5), ElasticNet(0.5, 0.5), DecoupledDecay(0.5)]


def _stepper(rule: Rule, penalty: Penalty, theta: torch.Tensor, gradient: torch.Tensor) -> Stepper:
    return Stepper(rule, Constant(), [penalty], LAYOUT, theta, gradient, 100, compiled=False)


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda part: type(part).__name__)
def test_biases_and_norms_are_left_alone_unless_asked_for(penalty: Penalty) -> None:
    theta = torch.randn(3, LAYOUT.size)
    moved = theta.clone()
    _stepper(SGD(0.1), penalty, moved, torch.zeros_like(theta)).step()
    assert (moved[:, :6] != theta[:, :6]).all()
    assert torch.equal(moved[:, 6:], theta[:, 6:])
    everything = type(penalty)(biases_and_norms=True)
    moved = theta.clone()
    _stepper(SGD(0.1), everything, moved, torch.zeros_like(theta)).step()
    assert (moved != theta).all()


def test_values() -> None:
    theta = torch.tensor([[1.0, -2.0, 0.0, 3.0, 0.0, 0.0, 9.0, 9.0, 9.0, 9.0]])
    expected = {L1(0.5): 3.0, L2(0.5): 3.5, ElasticNet(0.5, 0.2): 4.4, DecoupledDecay(0.5): 3.5}
    for penalty, value in expected.items():
        assert _stepper(SGD(), penalty, theta, torch.zeros_like(theta)).penalty().item() == pytest.approx(value)


def test_l2_gradient_is_that_of_its_value() -> None:
    p = torch.randn(2, 5, dtype=torch.float64, requires_grad=True)
    penalty = L2((0.3, 0.7))
    h = penalty.columns(2)
    (gradient,) = torch.autograd.grad(penalty.value(p, h).sum(), p)
    assert torch.allclose(penalty.gradient(p, h), gradient)


@given(p=st.floats(-2, 2), scale=st.floats(1e-3, 1), l1=st.floats(0, 2), l2=st.floats(0, 2))
def test_proximal_step_minimizes_its_objective(p: float, scale: float, l1: float, l2: float) -> None:
    """prox(p) = argmin_x ½(x − p)²/a + λ₁|x| + ½λ₂x², against a search on a grid."""
    penalty = ElasticNet(l1, l2)
    x = penalty.proximal(
        torch.tensor([[p]], dtype=torch.float64), torch.tensor([[scale]], dtype=torch.float64), penalty.columns(1)
    ).item()
    grid = torch.cat([torch.linspace(-2, 2, 4001, dtype=torch.float64), torch.tensor([0.0, x], dtype=torch.float64)])
    objective = 0.5 * (grid - p) ** 2 / scale + l1 * grid.abs() + 0.5 * l2 * grid**2
    assert objective[-1] <= objective.min() + 1e-9


def test_elastic_net_without_l2_is_l1() -> None:
    p, scale = torch.randn(2, 5), torch.rand(2, 5)
    net, lasso = ElasticNet(0.5, 0.0), L1(0.5)
    assert torch.equal(net.proximal(p, scale, net.columns(2)), lasso.proximal(p, scale, lasso.columns(2)))


@pytest.mark.parametrize("rule", [SGD(0.05), Adam(0.01)], ids=lambda rule: type(rule).__name__)
def test_l1_solves_the_lasso_with_exact_zeros(rule: Rule) -> None:
    """½(x − b)² + λ|x| per coordinate has the minimum sign(b)·max(|b| − λ, 0), under any rule."""
    b = torch.tensor([[2.0, -1.0, 0.3, -0.2, 0.6, 0.1, 0.4, 0.4, 0.4, 0.4]], dtype=torch.float64)
    theta, gradient = torch.randn_like(b), torch.empty_like(b)
    stepper = Stepper(rule, Constant(), [L1(0.5)], LAYOUT, theta, gradient, 3000, compiled=False)
    for _ in range(3000):
        gradient.copy_(theta - b)
        stepper.step()
    solution = torch.where(LAYOUT.penalized(), b.sign() * (b.abs() - 0.5).clamp(min=0), b)
    assert (theta - solution).abs().max() < 1e-3
    assert ((theta == 0) == (solution == 0)).all()
