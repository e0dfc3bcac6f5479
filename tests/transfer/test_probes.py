"""The probe curve on features whose best depth is known."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from ravine.transfer.probes import paired_error, penalties_for, probe_depths

X, Y = load_digits(return_X_y=True)
X, Y = (X[:200] / 16).astype(np.float32), Y[:200]
NOISE = np.random.default_rng(0).normal(size=(200, 30)).astype(np.float32)
SLICES = (slice(0, 30), slice(30, 94))


def test_an_early_peak_says_different() -> None:
    found = probe_depths(np.hstack([X, NOISE]), (slice(0, 64), slice(64, 94)), ("stage 1", "last"), Y, 10)
    assert found.peak == 0
    assert not found.similar
    assert found.probes[0].accuracy > 0.8 > 0.3 > found.probes[1].accuracy
    assert found.lead == pytest.approx(found.probes[0].accuracy - found.probes[1].accuracy)
    assert "stage 1 tell the classes apart best" in found.sentence


def test_a_late_peak_at_a_high_level_says_similar() -> None:
    found = probe_depths(np.hstack([NOISE, X]), SLICES, ("stage 1", "last"), Y, 10)
    assert (found.peak, found.similar) == (1, True)
    assert found.level > 0.8
    assert "similar to those of its training" in found.sentence


def test_a_low_level_says_different() -> None:
    found = probe_depths(np.hstack([NOISE, NOISE]), SLICES[:1] * 2, ("stage 1", "last"), Y, 10)
    assert (found.peak, found.similar) == (1, False)
    assert found.level < 0.2
    assert "No depth is clearly better" in found.sentence


def test_accuracies_are_those_of_scikit_learn() -> None:
    x, y = X[:40], Y[:40]
    found = probe_depths(x, (slice(0, 64),), ("last",), y, 10).probes[0]
    by_ridge = []
    for model in [Ridge(alpha=40 * strength) for strength in penalties_for(x)]:
        answers = cross_val_predict(model, x.astype(np.float64), np.eye(10)[y], cv=LeaveOneOut())
        by_ridge.append((answers.argmax(1) == y).mean())
    model = KNeighborsClassifier(1, metric="cosine", algorithm="brute")
    by_neighbours = (cross_val_predict(model, x - x.mean(0), y, cv=LeaveOneOut()) == y).mean()
    assert found.ridge == max(by_ridge)
    assert found.neighbours >= by_neighbours


def test_copies_do_not_judge_one_another() -> None:
    twice, labels = np.repeat(NOISE[:60], 2, 0), np.repeat(Y[:60], 2)
    apart = probe_depths(twice, (slice(0, 30),), ("last",), labels, 10, np.repeat(np.arange(60), 2))
    leaky = probe_depths(twice, (slice(0, 30),), ("last",), labels, 10)
    assert apart.probes[0].neighbours < 0.5
    assert leaky.probes[0].neighbours == 1


def test_a_paired_error_is_that_of_the_mean_difference() -> None:
    one, other = (np.random.default_rng(seed).random(50) < 0.7 for seed in (0, 1))
    difference = one.astype(int) - other
    assert paired_error(one, other) == pytest.approx(np.sqrt(difference.var(ddof=1) / 50))
