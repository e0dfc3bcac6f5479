"""Softmax heads against scikit-learn, and what held-out logits may know."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from ravine.base.errors import TrainingError
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.regularize.class_balance import class_weights
from ravine.stats.calibration import probabilities
from ravine.transfer.heads import fit_heads

X, Y = load_digits(return_X_y=True)
X, Y = (X[:500] / 16).astype(np.float32), Y[:500].astype(np.int64)
CLASSES = 10
ALL = np.ones((1, len(Y)), bool)
PENALTIES = (1e-4, 1e-2, 1.0)


def _objective(weight: np.ndarray, bias: np.ndarray, rows: np.ndarray, penalty: float) -> float:
    z = X[rows].astype(np.float64) @ weight.T.astype(np.float64) + bias.astype(np.float64)
    losses = -log_softmax(z, axis=1)[np.arange(len(z)), Y[rows]]
    return float(losses.mean() + penalty / 2 * (weight.astype(np.float64) ** 2).sum())


def _reference(rows: np.ndarray, penalty: float) -> LogisticRegression:
    model = LogisticRegression(C=1 / (penalty * len(rows)), tol=1e-10, max_iter=5_000)
    return model.fit(X[rows].astype(np.float64), Y[rows])


def test_every_head_of_a_wide_fit_is_that_of_scikit_learn() -> None:
    """Three penalties and two halves of the pictures in one fit."""
    halves = [np.arange(0, 250), np.arange(250, 500)]
    masks = np.zeros((6, len(Y)), bool)
    for head in range(6):
        masks[head, halves[head % 2]] = True
    heads = fit_heads(X, Y, CLASSES, np.repeat(PENALTIES, 2), masks, LBFGS())
    for head in range(6):
        penalty, rows = PENALTIES[head // 2], halves[head % 2]
        model = _reference(rows, penalty)
        least = _objective(model.coef_, model.intercept_, rows, penalty)
        assert _objective(heads.weight[head], heads.bias[head], rows, penalty) <= least * (1 + 1e-4) + 1e-6
        difference = probabilities(heads.logits(X, head)) - model.predict_proba(X.astype(np.float64))
        assert np.abs(difference).max() < 5e-3


@how(max_examples=10)
@given(shift=st.floats(-100, 100), width=st.integers(1, 8))
def test_a_shift_of_all_features_changes_no_probability(shift: float, width: int) -> None:
    penalties = np.full(1, 0.1)
    plain = fit_heads(X[:, 10 : 10 + width], Y, CLASSES, penalties, ALL, LBFGS())
    moved = fit_heads(X[:, 10 : 10 + width] + np.float32(shift), Y, CLASSES, penalties, ALL, LBFGS())
    p = probabilities(plain.logits(X[:, 10 : 10 + width], 0))
    q = probabilities(moved.logits(X[:, 10 : 10 + width] + np.float32(shift), 0))
    assert np.abs(p - q).max() < 2e-3


def test_a_stronger_penalty_gives_smaller_weights() -> None:
    heads = fit_heads(X, Y, CLASSES, np.array(PENALTIES), np.tile(ALL, (3, 1)), LBFGS())
    norms = np.linalg.norm(heads.weight.reshape(3, -1), axis=1)
    assert norms[0] > norms[1] > norms[2]


def test_features_that_are_not_finite_are_an_error() -> None:
    broken = X.copy()
    broken[3, 5] = np.nan
    with pytest.raises(TrainingError, match="a feature is not finite"):
        fit_heads(broken, Y, CLASSES, np.array([0.1]), ALL, LBFGS())


def test_weighted_heads_are_scikit_learns_with_balanced_classes() -> None:
    rows = np.flatnonzero((Y != 0) | (np.arange(len(Y)) % 5 == 0))[:300]
    x, y = X[rows], Y[rows]
    importance = class_weights(np.bincount(y))[y]
    heads = fit_heads(x, y, int(y.max()) + 1, np.array([0.01]), importance[None], LBFGS())
    model = LogisticRegression(C=1 / (0.01 * len(y)), class_weight="balanced", tol=1e-8, max_iter=10_000)
    model.fit(x.astype(np.float64), y)
    difference = probabilities(heads.logits(x, 0)) - model.predict_proba(x.astype(np.float64))
    assert np.abs(difference).max() < 1e-3
