"""Softmax heads against scikit-learn, and what held-out logits may know."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from scipy.special import log_softmax
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from ravine.base.errors import TrainingError
from ravine.optim.second_order.lbfgs import LBFGS
from ravine.regularize.class_balance import class_weights
from ravine.stats.calibration import probabilities
from ravine.transfer.heads import RANKED_GAP, STRONG, fit_heads, rank_penalties

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


FOLDS = [(fit, held) for fit, held in StratifiedKFold(4, shuffle=True, random_state=0).split(X, Y)]


def test_held_out_logits_know_nothing_of_the_pictures_that_they_judge() -> None:
    """Other labels on the held rows of one fold leave that fold's logits as they were, and change the others'."""
    held, rest = FOLDS[1][1], np.concatenate([held for place, (_, held) in enumerate(FOLDS) if place != 1])
    labels = Y.copy()
    labels[held] = (labels[held] + 1) % CLASSES
    plain = rank_penalties(X, Y, CLASSES, (0.01,), FOLDS, LBFGS())
    changed = rank_penalties(X, labels, CLASSES, (0.01,), FOLDS, LBFGS())
    assert np.abs(plain.logits[0, held] - changed.logits[0, held]).max() < 1e-4
    assert np.abs(plain.logits[0, rest] - changed.logits[0, rest]).max() > 0.5


def test_a_ranking_against_one_fit_a_fold() -> None:
    ranking = rank_penalties(X, Y, CLASSES, PENALTIES, FOLDS, LBFGS())
    assert ranking.logits.shape == (3, len(Y), CLASSES)
    for place, penalty in enumerate(PENALTIES):
        p = np.empty((len(Y), CLASSES))
        for fit, held in FOLDS:
            p[held] = _reference(fit, penalty).predict_proba(X[held].astype(np.float64))
        assert np.abs(probabilities(ranking.logits[place]) - p).max() < 2e-2
        assert ranking.nll[place] == pytest.approx(-np.log(p[np.arange(len(Y)), Y]).mean(), rel=6 * RANKED_GAP)


def test_penalties_that_are_weaker_than_clearly_worse_ones_are_left_out() -> None:
    """Labels that no feature knows: the strongest penalty is best, and every weaker one clearly worse."""
    y = np.random.default_rng(0).permutation(Y)
    penalties = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 10.0)
    some, every = (rank_penalties(X, y, CLASSES, penalties, FOLDS, LBFGS(), every=every) for every in (False, True))
    assert every.penalties == penalties
    assert some.penalties == (penalties[0], *penalties[-STRONG:])
    assert some.penalties[int(np.argmin(some.nll))] == every.penalties[int(np.argmin(every.nll))] == penalties[-1]
    assert np.allclose(some.nll[1:], every.nll[-STRONG:], rtol=6 * RANKED_GAP)
    assert some.logits.shape == (1 + STRONG, len(Y), CLASSES)


@pytest.mark.parametrize("penalties", [(0.01, 0.02, 1.0, 3.0, 10.0, 30.0), (0.1,), (0.1, 0.1, 1.0)])
def test_penalties_are_judged_once_and_from_weak_to_strong(penalties: tuple[float, ...]) -> None:
    """The likelihood rises from strong to weak, so that none is left out."""
    found = rank_penalties(X, Y, CLASSES, penalties[::-1], FOLDS, LBFGS())
    assert found.penalties == tuple(sorted(set(penalties)))


def test_a_second_peak_at_the_weakest_penalty_is_found() -> None:
    """One small feature that knows the class, and many large ones that know nothing."""
    chance = np.random.default_rng(3)
    y = np.arange(120) % 2
    x = chance.normal(size=(120, 41)).astype(np.float32)
    x[:, 0] = 0.03 * (2 * y - 1 + 0.3 * x[:, 0])
    folds = [
        (np.flatnonzero(np.arange(120) // 2 % 5 != n), np.flatnonzero(np.arange(120) // 2 % 5 == n)) for n in range(5)
    ]
    found = rank_penalties(x, y, 2, (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3), folds, LBFGS())
    assert found.penalties[int(np.argmin(found.nll))] == 1e-4


def test_a_single_pair_is_judged_on_its_held_rows_alone() -> None:
    pair = (np.arange(400), np.array([450, 410, 430]))
    ranking = rank_penalties(X, Y, CLASSES, (0.01,), [pair], LBFGS())
    heads = fit_heads(X[:400], Y[:400], CLASSES, np.array([0.01]), np.ones((1, 400), bool), LBFGS())
    assert ranking.logits.shape == (1, 3, CLASSES)
    assert np.abs(ranking.logits[0] - heads.logits(X[[410, 430, 450]], 0)).max() < 5e-2


def test_weighted_heads_are_scikit_learns_with_balanced_classes() -> None:
    rows = np.flatnonzero((Y != 0) | (np.arange(len(Y)) % 5 == 0))[:300]
    x, y = X[rows], Y[rows]
    importance = class_weights(np.bincount(y))[y]
    heads = fit_heads(x, y, int(y.max()) + 1, np.array([0.01]), importance[None], LBFGS())
    model = LogisticRegression(C=1 / (0.01 * len(y)), class_weight="balanced", tol=1e-8, max_iter=10_000)
    model.fit(x.astype(np.float64), y)
    difference = probabilities(heads.logits(x, 0)) - model.predict_proba(x.astype(np.float64))
    assert np.abs(difference).max() < 1e-3
