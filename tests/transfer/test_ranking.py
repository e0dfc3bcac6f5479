"""Penalties judged on held-out pictures, against scikit-learn, and what held-out logits may know."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from ravine.optim.second_order.lbfgs import LBFGS
from ravine.stats.calibration import probabilities
from ravine.transfer.heads import RANKED_GAP, fit_heads
from ravine.transfer.ranking import GLANCE, STRONG, _Judge, rank_penalties

X, Y = load_digits(return_X_y=True)
X, Y = (X[:500] / 16).astype(np.float32), Y[:500].astype(np.int64)
CLASSES = 10
PENALTIES = (1e-4, 1e-2, 1.0)
FOLDS = [(fit, held) for fit, held in StratifiedKFold(4, shuffle=True, random_state=0).split(X, Y)]


def _reference(rows: np.ndarray, penalty: float) -> LogisticRegression:
    model = LogisticRegression(C=1 / (penalty * len(rows)), tol=1e-10, max_iter=5_000)
    return model.fit(X[rows].astype(np.float64), Y[rows])


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
    assert some.penalties == penalties[-STRONG:]
    assert some.penalties[int(np.argmin(some.nll))] == every.penalties[int(np.argmin(every.nll))] == penalties[-1]
    assert np.allclose(some.nll, every.nll[-STRONG:], rtol=6 * RANKED_GAP)
    assert some.logits.shape == (STRONG, len(Y), CLASSES)


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


@pytest.mark.parametrize("folds", [FOLDS, FOLDS[:2], FOLDS[:1]])
def test_a_glance_sees_the_first_few_folds(folds: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Three of four folds have as many held pictures as a glance asks for; fewer folds are seen whole."""
    judge = _Judge(X, Y, CLASSES, folds, LBFGS(), None)
    few = folds[:3]
    assert GLANCE <= sum(len(held) for _, held in FOLDS[:3]) < len(Y)
    found, glance = judge.glanced([0.1, 1.0], 1e-3)
    alone = _Judge(X, Y, CLASSES, few, LBFGS(), None).judged([1e-3, 0.1, 1.0])
    assert set(found) == ({0.1, 1.0} if len(folds) == 4 else {1e-3, 0.1, 1.0})
    for penalty, one in alone.items():
        assert glance[penalty] == pytest.approx(one.losses.mean(), rel=6 * RANKED_GAP)


def test_few_judges_leave_no_penalty_out() -> None:
    penalties = (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
    pair = (np.arange(480), np.arange(480, 500))
    assert rank_penalties(X, Y, CLASSES, penalties, [pair], LBFGS()).penalties == penalties


def test_a_final_head_is_the_one_that_is_fitted_from_nothing() -> None:
    ranking = rank_penalties(X, Y, CLASSES, PENALTIES, FOLDS, LBFGS())
    weights = np.where(np.arange(len(Y)) % 7 == 0, 0.0, 1.0 + np.arange(len(Y)) % 2)
    for place, penalty in enumerate(PENALTIES):
        start = ranking.means[place]
        near = ranking.turned.fitted(Y, CLASSES, np.array([penalty]), weights[None], LBFGS(), start=start)
        alone = fit_heads(X, Y, CLASSES, np.array([penalty]), weights[None], LBFGS())
        assert near.weight.shape == alone.weight.shape == (1, CLASSES, X.shape[1])
        assert np.abs(probabilities(near.logits(X, 0)) - probabilities(alone.logits(X, 0))).max() < 5e-3
