"""Heads and the bound on what is left to gain, against Newton's method on scikit-learn's objective."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from ravine.optim.second_order.lbfgs import LBFGS
from ravine.optim.second_order.newton_cg import NewtonCG
from ravine.optim.second_order.softmax_head import SoftmaxHeads
from ravine.transfer.certified import Preconditioned, minima
from ravine.transfer.heads import _parts, fit_heads
from ravine.transfer.ridge import decompose

X, Y = load_digits(return_X_y=True)
X, Y = X[:200] / 16, Y[:200]
SCORES = torch.from_numpy(decompose(X - X.mean(0))[0])
PENALTIES = np.array([1e-5, 1e-3, 1e-1])


def _least(x: np.ndarray, penalty: float) -> float:
    """The value of the minimum by scikit-learn's Newton method."""
    model = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-10, max_iter=200, solver="newton-cholesky").fit(x, Y)
    losses = -log_softmax(x @ model.coef_.T + model.intercept_, axis=1)[np.arange(len(x)), Y]
    return float(losses.mean() + penalty / 2 * (model.coef_**2).sum())


@pytest.mark.parametrize("optimizer", [LBFGS(), NewtonCG()])
def test_losses_are_within_a_millionth_of_the_minimum(optimizer: LBFGS | NewtonCG) -> None:
    shares = torch.full((1, len(Y)), 1 / len(Y), dtype=torch.float64)
    found = minima(SCORES, torch.from_numpy(Y), 10, torch.from_numpy(PENALTIES), shares, optimizer)
    assert bool((found.gap <= 1e-6).all())
    for loss, gap, penalty in zip(found.loss.tolist(), found.gap.tolist(), PENALTIES, strict=True):
        excess = loss / _least(X, penalty) - 1
        assert -1e-9 <= excess <= gap + 1e-9


def test_heads_that_only_compete_are_close_to_the_minimum_and_sooner_there() -> None:
    shares = torch.full((1, len(Y)), 1 / len(Y), dtype=torch.float64)
    one = SCORES, torch.from_numpy(Y), 10, torch.from_numpy(PENALTIES), shares, LBFGS()
    gap = 1e-3
    quick, certain = minima(*one, gap, certain=False), minima(*one, gap)
    for loss, penalty in zip(quick.loss.tolist(), PENALTIES, strict=True):
        assert -1e-6 <= loss / _least(X, penalty) - 1 <= 5 * gap
    assert int(quick.evaluations.sum()) < int(certain.evaluations.sum())


def test_heads_that_start_near_arrive_sooner_and_at_the_same_minimum() -> None:
    labels, strengths = torch.from_numpy(Y), torch.from_numpy(PENALTIES)
    shares = torch.full((1, len(Y)), 1 / len(Y), dtype=torch.float64)
    folds = [(torch.arange(len(Y)) % 5 != number).double()[None] for number in range(5)]
    near = torch.stack([minima(SCORES, labels, 10, strengths, w / w.sum(), LBFGS()).theta for w in folds]).mean(0)
    before = near.clone()
    found, alone = (minima(SCORES, labels, 10, strengths, shares, LBFGS(), start=start) for start in (near, None))
    assert bool((found.gap <= 1e-6).all())
    assert torch.allclose(found.loss, alone.loss, rtol=2e-6)
    assert bool((found.evaluations < alone.evaluations).all())
    assert torch.equal(near, before)


def test_a_head_is_the_same_in_any_company() -> None:
    shares = torch.full((1, len(Y)), 1 / len(Y), dtype=torch.float64)
    strengths = torch.from_numpy(PENALTIES)
    together = minima(SCORES, torch.from_numpy(Y), 10, strengths, shares, LBFGS()).theta
    for place in range(3):
        alone = minima(SCORES, torch.from_numpy(Y), 10, strengths[[place]], shares, LBFGS()).theta
        assert torch.allclose(alone[0], together[place], atol=2e-2 * float(together[place].abs().max()))


def test_more_features_than_pictures_lose_nothing() -> None:
    """Features beyond the span of the pictures carry no weight at the minimum."""
    wide = np.random.default_rng(0).normal(size=(64, 300)) / 8
    x = X[:60] @ wide
    heads = fit_heads(x.astype(np.float32), Y[:60], 10, np.array([1e-3]), np.ones((1, 60), bool), LBFGS())
    weight, bias = heads.weight[0].astype(np.float64), heads.bias[0].astype(np.float64)
    model = LogisticRegression(C=1 / (1e-3 * 60), tol=1e-10, max_iter=2_000).fit(x, Y[:60])
    value, least = (
        -log_softmax(x @ w.T + b, axis=1)[np.arange(60), Y[:60]].mean() + 5e-4 * (w**2).sum()
        for w, b in ((weight, bias), (model.coef_, model.intercept_))
    )
    assert value <= least * (1 + 2e-6)


def test_products_in_other_coordinates_are_derivatives_of_the_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    problem = SoftmaxHeads(SCORES, torch.from_numpy(Y), 10, 0.1)
    shape = (2, problem.parameters)
    v, scale, along = (torch.rand(shape, generator=generator, dtype=torch.float64) for _ in range(3))
    closure = Preconditioned(problem, torch.tensor([0, 0]), scale)
    rows = torch.arange(2)
    step = 1e-5
    ahead, behind = (closure(v + sign * step * along, rows) for sign in (1, -1))
    difference = (ahead[1] - behind[1]) / (2 * step)
    assert torch.allclose(closure.product(v, rows, along), difference, rtol=1e-5, atol=1e-5)
    slope = (closure(v, rows)[1] * along).sum(1)
    assert torch.allclose(slope, (ahead[0] - behind[0]) / (2 * step), rtol=1e-6)


def test_heads_that_are_too_many_for_the_memory_are_fitted_in_parts() -> None:
    assert len(_parts(100, 1_000, 10, 100)) == 1
    parts = _parts(100, 100_000, 100, 1_280)
    assert [number for part in parts for number in range(100)[part]] == list(range(100))
    assert len(parts) > 10
