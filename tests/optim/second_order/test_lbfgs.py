"""L-BFGS on the problems of Moré, Garbow and Hillstrom, on a softmax regression, and its promises."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
import torch
from problems import PROBLEMS, Problem
from sklearn.datasets import load_digits
from torch import Tensor

from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.minimizer import Iterates, Minima
from ravine.optim.second_order.softmax_head import SoftmaxHeads

BROWN_DENNIS = 16
NOT_SOLVED_BY_TORCH = {3, 13}


class Counted:
    """A problem as a closure that notes every point asked for."""

    def __init__(self, problem: Problem, scale: float = 1.0) -> None:
        self.problem, self.scale, self.asked = problem, scale, 0

    def __call__(self, theta: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        del rows
        self.asked += len(theta)
        x = theta.detach().requires_grad_()
        loss = self.scale * self.problem.loss(x)
        return loss.detach(), torch.autograd.grad(loss.sum(), x)[0]

    def gtol(self) -> float:
        if self.problem.number != BROWN_DENNIS:
            return self.scale * self.problem.gtol
        return 1e-6 * float(self(self.problem.start[None], torch.tensor([0]))[1].abs().max())


def run(problem: Problem, scale: float = 1.0) -> Minima:
    closure = Counted(problem, scale)
    return LBFGS().run(closure, problem.start[None], max_steps=1500, max_evaluations=3000, gtol=closure.gtol())


def scipy_evaluations(problem: Problem) -> int:
    closure = Counted(problem)

    def both(x: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = closure(torch.from_numpy(x.copy())[None], torch.tensor([0]))
        return float(loss[0]), gradient[0].numpy()

    options = {"maxcor": 10, "ftol": 0, "gtol": closure.gtol(), "maxiter": 1500, "maxfun": 3000}
    found = scipy.optimize.minimize(both, problem.start.numpy(), jac=True, method="L-BFGS-B", options=options)
    return int(found.nfev)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: f"{problem.number}")
def test_every_problem_is_solved_in_at_most_twice_the_evaluations_of_scipy(problem):
    found = run(problem)
    assert found.converged.all(), found.reasons
    assert any(float(found.loss[0]) == pytest.approx(minimum, rel=1e-4, abs=1e-6) for minimum in problem.minima)
    assert int(found.evaluations[0]) <= 2 * scipy_evaluations(problem)


def test_all_together_need_no_more_evaluations_than_scipy():
    counted = [p for p in PROBLEMS if p.number != BROWN_DENNIS and p.number not in NOT_SOLVED_BY_TORCH]
    assert len(counted) == 16
    assert sum(int(run(problem).evaluations[0]) for problem in counted) <= 655


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: f"{problem.number}")
def test_the_scale_of_the_loss_costs_at_most_a_fifth(problem):
    plain, small = run(problem), run(problem, scale=1e-8)
    assert small.converged.all()
    assert int(small.evaluations[0]) <= 1.2 * int(plain.evaluations[0])


@pytest.mark.parametrize("limit", [1, 2, 7, 40])
def test_the_budget_is_honoured_exactly(limit):
    problem = PROBLEMS[0]
    closure = Counted(problem)
    found = LBFGS().run(closure, problem.start[None], max_evaluations=limit, gtol=0.0)
    assert closure.asked == limit
    assert int(found.evaluations[0]) == limit


def test_every_accepted_step_satisfies_the_strong_wolfe_conditions():
    for problem in PROBLEMS:
        points: list[Iterates] = []
        closure = Counted(problem)
        LBFGS().run(closure, problem.start[None], max_evaluations=200, gtol=closure.gtol(), callback=points.append)
        for before, after in pairwise(points):
            step = after.theta[0] - before.theta[0]
            slope, slope_after = float(before.gradient[0] @ step), float(after.gradient[0] @ step)
            change, size = float(after.loss[0] - before.loss[0]), float(before.loss[0].abs())
            assert slope < 0
            assert change <= 1e-4 * slope + 1e-14 * size
            assert abs(slope_after) <= 0.9 * abs(slope) * (1 + 1e-9)


def test_a_member_is_the_same_alone_and_among_others():
    problem = PROBLEMS[0]
    starts = problem.start + 0.3 * torch.arange(4, dtype=torch.float64)[:, None]
    together = LBFGS().run(Counted(problem), starts, gtol=1e-8)
    for row in range(4):
        alone = LBFGS().run(Counted(problem), starts[row : row + 1], gtol=1e-8)
        assert torch.equal(alone.theta[0], together.theta[row])
        assert int(alone.evaluations[0]) == int(together.evaluations[row])


def test_softmax_regression_on_digits():
    """scikit-learn's mean objective at C = 1, features over 16, to |g| ≤ 1e-8: SciPy needs 313."""
    x, y = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
    share = torch.full((1, len(y)), 1 / len(y), dtype=torch.float64)
    heads = SoftmaxHeads(x / 16, y, 10, 1 / len(y), share)
    start = torch.zeros(1, heads.parameters, dtype=torch.float64)
    found = LBFGS().run(heads, start, max_steps=2000, max_evaluations=4000, gtol=1e-8)
    assert found.converged.all()
    assert int(found.evaluations[0]) <= 340
