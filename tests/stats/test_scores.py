import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, f1_score, log_loss

from ravine.stats.scores import reliability, score


def random_case(seed, n=200, c=4):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(c), n), np.concatenate([np.arange(c), rng.integers(0, c, n - c)])


@given(st.integers(0, 2**32 - 1))
def test_equals_scikit_learn(seed):
    p, y = random_case(seed)
    s = score(p, y, ("a", "b", "c", "d"))
    assert s.accuracy == pytest.approx((p.argmax(1) == y).mean())
    assert s.nll == pytest.approx(log_loss(y, p, labels=range(4)))
    assert s.macro_f1 == pytest.approx(f1_score(y, p.argmax(1), average="macro"))
    assert s.confusion.sum() == s.n == 200
    assert s.accuracy_interval[0] <= s.accuracy <= s.accuracy_interval[1]


def test_brier_is_twice_the_binary_score():
    p, y = random_case(0, c=2)
    assert score(p, y, ("a", "b")).brier == pytest.approx(2 * brier_score_loss(y, p[:, 1]))


def test_ece_by_hand():
    p = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65]])
    y = np.array([0, 1, 0, 1])
    assert reliability(p, y, bins=10).ece == pytest.approx(0.5 * 0.45 + 0.5 * 0.35)


def test_a_class_without_pictures_does_not_enter_the_mean():
    p = np.array([[0.9, 0.1, 0.0], [0.1, 0.9, 0.0]])
    s = score(p, np.array([0, 1]), ("a", "b", "c"))
    assert s.macro_f1 == 1.0
    assert s.classes[2].n == 0


def test_a_probability_of_zero_stays_finite():
    assert np.isfinite(score(np.array([[1.0, 0.0]]), np.array([1]), ("a", "b")).nll)
