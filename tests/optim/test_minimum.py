import pytest
import torch
from scipy.optimize import rosen, rosen_der

from ravine.base.errors import PlanError
from ravine.optim import Minimum, minimize
from ravine.optim.adam import Adam
from ravine.optim.nesterov import Nesterov
from ravine.optim.sam import SAM
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.newton import Newton
from ravine.optim.sgd import SGD

START = torch.tensor([-1.2, 1.0, -1.2, 1.0], dtype=torch.float64)


def bowl(x):
    return 0.5 * (torch.arange(1, len(x) + 1) * (x - 1) ** 2).sum()


def with_gradient(x):
    return torch.tensor(rosen(x.detach().numpy())), torch.from_numpy(rosen_der(x.detach().numpy()))


def test_a_function_may_bring_its_own_gradient():
    found = minimize(with_gradient, START, LBFGS(), gtol=1e-8)
    assert found.converged
    assert torch.allclose(found.x, torch.ones(4, dtype=torch.float64), atol=1e-6)


def test_the_path_begins_at_the_start_and_ends_at_the_minimum():
    found = minimize(bowl, START, LBFGS())
    assert isinstance(found, Minimum)
    assert torch.equal(found.path[0], START)
    assert torch.equal(found.path[-1], found.x)
    assert len(found.path) == found.steps + 1
    assert found.value == pytest.approx(float(bowl(found.x)))


def test_sgd_takes_the_steps_that_are_its_formula():
    found = minimize(bowl, START, SGD(lr=0.1), max_steps=3)
    x = START.clone()
    for _ in range(3):
        x = x - 0.1 * torch.arange(1, 5) * (x - 1)
    assert torch.allclose(found.x, x, atol=1e-15)
    assert (found.steps, found.evaluations, found.converged, found.reason) == (3, 4, False, "max_steps reached")


def test_adam_equals_torch():
    found = minimize(bowl, START, Adam(lr=0.05), max_steps=50)
    x = START.clone().requires_grad_()
    optimizer = torch.optim.Adam([x], lr=0.05)
    for _ in range(50):
        optimizer.zero_grad()
        bowl(x).backward()
        optimizer.step()
    assert torch.allclose(found.x, x.detach(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", [Nesterov(lr=0.05), SAM(base=SGD(lr=0.1), rho=1e-3), ScheduleFree(lr=0.1)])
def test_rules_that_need_more_than_one_gradient_descend_too(rule):
    found = minimize(bowl, START, rule, max_steps=300, gtol=1e-3)
    assert found.value < 1e-2 * float(bowl(START))
    assert found.evaluations >= found.steps


def test_a_rate_that_is_too_large_says_so():
    found = minimize(bowl, START, SGD(lr=1e200), max_steps=10)
    assert not found.converged
    assert "smaller lr" in found.reason


def test_evaluations_are_limited():
    assert minimize(bowl, START, SGD(lr=0.01), max_evaluations=5).evaluations == 5
    assert minimize(with_gradient, START, LBFGS(), max_evaluations=5).evaluations == 5


def test_what_cannot_be_minimized_is_an_error():
    with pytest.raises(PlanError, match="Give a vector"):
        minimize(bowl, torch.zeros(2, 2), LBFGS())
    with pytest.raises(PlanError, match="differentiated twice"):
        minimize(with_gradient, START, Newton())
