"""Nesterov's look-ahead variables against the textbook's two points."""

import torch
from optim_population import STEPS, Problem, random_layout, spread, trained

from ravine.optim.nesterov import Nesterov

LR, MU = spread(0.002, 0.05), spread(0.0, 0.95)


def test_parameters_are_the_point_that_the_textbook_looks_ahead_to() -> None:
    """Sutskever et al., 2013, equations (3) and (4)."""
    problem = Problem(50, random_layout(50))
    theta, _ = trained(problem, Nesterov(LR, MU))
    lr, mu = (torch.tensor(values, dtype=torch.float64)[:, None] for values in (LR, MU))
    x, v = problem.start.clone(), torch.zeros_like(problem.start)
    for t in range(STEPS):
        v = mu * v - lr * problem.gradient(x + mu * v, t)
        x = x + v
    assert (theta - (x + mu * v)).abs().max() <= 1e-12
