"""Lion against the paper's program."""

import torch
from optim_population import Problem, by_hand, random_layout, spread, trained
from torch import Tensor

from ravine.optim.lion import Lion

LR, BETA1, BETA2, LAMBDA = spread(0.001, 0.01), spread(0.5, 0.95), spread(0.9, 0.99), spread(0.0, 1.0)


def test_equals_the_program() -> None:
    """Chen et al., 2023, Program 1 and Algorithm 2."""

    problem = Problem(80, random_layout(80))
    weights = problem.layout.penalized().to(torch.float64)

    def member_step(member: int):
        momentum = torch.zeros(problem.layout.size, dtype=torch.float64)

        def step(row: Tensor, g: Tensor, t: int) -> Tensor:
            nonlocal momentum
            update = torch.sign(torch.lerp(g, momentum, BETA1[member])) + LAMBDA[member] * weights * row
            momentum = torch.lerp(g, momentum, BETA2[member])
            return row - LR[member] * update

        return step

    theta, _ = trained(problem, Lion(LR, BETA1, BETA2, LAMBDA))
    assert (theta - by_hand(problem, member_step)).abs().max() <= 1e-12
