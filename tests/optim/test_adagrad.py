"""Adagrad with ε inside the root, and its dying step."""

import torch
from optim_population import Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.base.layout import Layout
from ravine.interfaces import Columns
from ravine.optim.adagrad import Adagrad

LR, EPS, DECAY, INITIAL = spread(0.01, 0.1), spread(1e-7, 1e-3), spread(0.0, 0.1), spread(0.0, 0.2)


def test_epsilon_inside_the_root() -> None:
    def member_step(member: int):
        s = INITIAL[member]

        def step(row: Tensor, g: Tensor, t: int) -> Tensor:
            nonlocal s
            s = s + g**2
            return row - LR[member] / (1 + (t - 1) * DECAY[member]) * g / (s + EPS[member]) ** 0.5

        return step

    problem = Problem(20, random_layout(20))
    theta, _ = trained(problem, Adagrad(LR, EPS, DECAY, INITIAL, epsilon="inside_root"))
    assert (theta - by_hand(problem, member_step)).abs().max() <= 1e-12


def test_a_constant_gradient_gives_steps_that_fall_like_one_over_the_root_of_time() -> None:
    rule, layout = Adagrad(lr=1.0), Layout.flat(1)
    p = g = torch.ones(1, 1, dtype=torch.float64)
    state, h = rule.init(p, layout), rule.columns(1)
    for t in range(1, 101):
        c = Columns(rule.coefficients(h, torch.full_like(h.lr, t)))
        step = rule.step(p, g, Columns(state), c, layout)
        state = dict(step.state)
        assert abs(step.delta.item() + t**-0.5) < 1e-9
