"""RMSProp with ε inside the root, and the centred form where torch's gives NaN."""

import torch
from optim_population import Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.base.layout import Layout
from ravine.optim.rmsprop import RMSProp
from ravine.schedules.constant import Constant
from ravine.train.step import Stepper

LR, ALPHA, EPS, MOMENTUM = spread(0.001, 0.02), spread(0.8, 0.99), spread(1e-6, 1e-3), spread(0.0, 0.9)


def test_centred_with_momentum_and_epsilon_inside_the_root() -> None:
    """Graves, 2013, equations (38) to (41), with the rate outside the velocity."""

    def member_step(member: int):
        n = mean = velocity = 0.0
        a = ALPHA[member]

        def step(row: Tensor, g: Tensor, t: int) -> Tensor:
            nonlocal n, mean, velocity
            n, mean = a * n + (1 - a) * g**2, a * mean + (1 - a) * g
            velocity = MOMENTUM[member] * velocity + g / (n - mean**2 + EPS[member]) ** 0.5
            return row - LR[member] * velocity

        return step

    problem = Problem(30, random_layout(30))
    rule = RMSProp(LR, ALPHA, EPS, MOMENTUM, centred=True, epsilon="inside_root")
    theta, _ = trained(problem, rule)
    assert (theta - by_hand(problem, member_step)).abs().max() <= 1e-12


def test_centred_stays_finite_on_a_constant_gradient() -> None:
    theta, gradient = torch.zeros(1, 3), torch.tensor([[0.1, 0.3, 0.7]])
    stepper = Stepper(RMSProp(alpha=0.9, centred=True), Constant(), [], Layout.flat(3), theta, gradient, 1000, False)
    for _ in range(1000):
        stepper.step()
    assert theta.isfinite().all()
