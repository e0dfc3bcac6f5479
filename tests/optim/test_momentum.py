"""The two forms of momentum, and what tells them apart."""

import torch
from optim_population import STEPS, Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.optim.momentum import Momentum
from ravine.schedules.step import StepDecay

LR, MU, DAMPENING = spread(0.002, 0.05), spread(0.0, 0.95), spread(0.0, 0.5)


def _falling(t: int) -> float:
    return 0.1 ** ((t - 1) // (STEPS // 2))


def test_rate_inside_the_velocity() -> None:
    """Sutskever et al., 2013, equations (1) and (2)."""

    def member_step(member: int):
        v = 0.0

        def step(row: Tensor, g: Tensor, t: int) -> Tensor:
            nonlocal v
            share = 1.0 if t == 1 else 1 - DAMPENING[member]
            v = MU[member] * v - LR[member] * _falling(t) * share * g
            return row + v

        return step

    problem = Problem(40, random_layout(40))
    theta, _ = trained(problem, Momentum(LR, MU, DAMPENING, form="rate_inside"), schedule=StepDecay(every=0.5))
    assert (theta - by_hand(problem, member_step)).abs().max() <= 1e-12


def test_the_forms_agree_until_the_rate_changes() -> None:
    problem = Problem(41, random_layout(41))
    rules = Momentum(LR, MU), Momentum(LR, MU, form="rate_inside")
    constant = [trained(problem, rule)[0] for rule in rules]
    falling = [trained(problem, rule, schedule=StepDecay(every=0.5))[0] for rule in rules]
    assert torch.allclose(*constant, rtol=0, atol=1e-12)
    assert (falling[0] - falling[1]).abs().max() > 1e-3
