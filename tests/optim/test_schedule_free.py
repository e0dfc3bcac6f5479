"""Schedule-free learning against the three sequences of the paper."""

from typing import Literal

import pytest
import torch
from optim_population import STEPS, Problem, random_layout, spread, trained

from ravine.base.errors import PlanError
from ravine.interfaces import Schedule
from ravine.optim.schedule_free import ScheduleFree
from ravine.penalties.l1 import L1
from ravine.schedules.constant import Constant
from ravine.schedules.warm_up import WarmUp

LR, BETA, BETA2, LAMBDA = spread(0.01, 0.1), spread(0.5, 0.95), spread(0.9, 0.99), spread(0.0, 0.05)


@pytest.mark.parametrize("base", ["sgd", "adamw"])
@pytest.mark.parametrize("schedule", [Constant(), WarmUp(Constant(), length=20.0, unit="step")])
def test_equals_the_algorithm(base: Literal["sgd", "adamw"], schedule: Schedule) -> None:
    """Defazio et al., 2024, Algorithm 1, keeping x, y and z apart."""
    problem = Problem(100, random_layout(100))
    theta, stepper = trained(problem, ScheduleFree(LR, BETA, BETA2, 1e-8, LAMBDA, base), schedule=schedule)
    lr, beta, beta2, decay = (torch.tensor(v, dtype=torch.float64)[:, None] for v in (LR, BETA, BETA2, LAMBDA))
    weights = problem.layout.penalized().to(torch.float64)
    x, z, v, total = problem.start.clone(), problem.start.clone(), torch.zeros_like(theta), torch.zeros_like(lr)
    h = schedule.columns(16)
    for t in range(1, STEPS + 1):
        y = (1 - beta) * z + beta * x
        g = problem.gradient(y, t - 1)
        gamma = lr * schedule.factor(h, torch.full_like(lr, t - 1), torch.full_like(lr, STEPS))
        if base == "adamw":
            gamma = gamma * (1 - beta2**t).sqrt()
            v = beta2 * v + (1 - beta2) * g**2
            g = g / (v.sqrt() + 1e-8)
        z = z - gamma * g - gamma * decay * weights * y
        total = total + gamma**2
        c = gamma**2 / total
        x = (1 - c) * x + c * z
    assert (theta - ((1 - beta) * z + beta * x)).abs().max() <= 1e-12
    assert (stepper.evaluated() - x).abs().max() <= 1e-12


def test_a_proximal_penalty_is_refused() -> None:
    problem = Problem(101, random_layout(101))
    with pytest.raises(PlanError, match="L1 changes the weights after the step"):
        trained(problem, ScheduleFree(), [L1()])
