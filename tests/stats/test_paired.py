"""Paired differences against references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm, sem

from ravine.stats.paired import Difference, difference_of_right, mean_difference

bits = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(bits)
def test_the_interval_is_that_of_agresti_and_min(pairs: list[tuple[bool, bool]]) -> None:
    one, other = np.array(pairs).T
    gained, lost, n = (other & ~one).sum() + 0.5, (one & ~other).sum() + 0.5, len(one) + 2
    error = np.sqrt(gained + lost - (gained - lost) ** 2 / n) / n
    low, high = norm.interval(0.8, (gained - lost) / n, error)
    found = difference_of_right(one, other)
    assert found.low(0.1) == pytest.approx(low)
    assert found.high(0.1) == pytest.approx(high)


@given(bits)
def test_the_other_way_round_is_the_same_with_the_other_sign(pairs: list[tuple[bool, bool]]) -> None:
    one, other = np.array(pairs).T
    there, back = difference_of_right(one, other), difference_of_right(other, one)
    assert (there.mean, there.error) == (pytest.approx(-back.mean), pytest.approx(back.error))


def test_a_bootstrap_of_pictures_gives_nearly_the_same() -> None:
    one, other = np.random.default_rng(1).random(600) < 0.8, np.random.default_rng(2).random(600) < 0.85
    reference = bootstrap((other.astype(float) - one,), np.mean, confidence_level=0.9, rng=1, n_resamples=4000)
    found = difference_of_right(one, other)
    assert found.low(0.05) == pytest.approx(reference.confidence_interval.low, abs=0.003)
    assert found.high(0.05) == pytest.approx(reference.confidence_interval.high, abs=0.003)


def test_a_bootstrap_of_blocks_gives_nearly_the_same() -> None:
    right = np.repeat(np.random.default_rng(3).random((2, 300)) < [[0.7], [0.8]], 4, axis=1)
    blocks = np.repeat(np.arange(300), 4)
    sums = (right[1].astype(float) - right[0]).reshape(300, 4).mean(axis=1)
    reference = bootstrap((sums,), np.mean, confidence_level=0.9, rng=1, n_resamples=4000).confidence_interval
    found = difference_of_right(right[0], right[1], blocks)
    assert found.low(0.05) == pytest.approx(reference.low, abs=0.005)
    assert found.high(0.05) == pytest.approx(reference.high, abs=0.005)
    assert found.error > 1.8 * difference_of_right(right[0], right[1]).error


def test_no_disagreement_on_few_pictures_is_no_certainty() -> None:
    right = np.ones(10, bool)
    found = difference_of_right(right, right)
    assert (found.mean, found.pictures) == (0.0, 10)
    assert found.low(0.1) < -0.05


def test_the_mean_of_values_has_the_standard_error_of_scipy() -> None:
    one, other = np.random.default_rng(4).normal(size=(2, 50))
    found = mean_difference(one, other)
    assert found.error == pytest.approx(sem(other - one))
    assert mean_difference(one, other, np.arange(50)[::-1]).error == pytest.approx(found.error)
    blocks = np.repeat(np.arange(25), 2)
    assert mean_difference(one, other, blocks).error == pytest.approx(sem((other - one).reshape(25, 2).mean(1)))


def test_ends_hold_with_the_chance_that_is_asked() -> None:
    below = above = 0
    numbers = np.random.default_rng(5)
    for _ in range(2000):
        one, other = numbers.random(80) < 0.8, numbers.random(80) < 0.85
        found = difference_of_right(one, other)
        below += found.low(0.1) > 0.05
        above += found.high(0.1) < 0.05
    assert 0.06 < below / 2000 < 0.13
    assert 0.06 < above / 2000 < 0.13


def test_ends_are_those_of_a_normal_distribution() -> None:
    one = Difference(0.1, 0.02, 50)
    assert (one.low(0.1), one.high(0.1)) == pytest.approx(norm.interval(0.8, 0.1, 0.02))


def test_the_hope_is_the_share_of_futures_that_end_clearly() -> None:
    seen, every, chance, bound = 100, 300, 0.1, 0.01
    found = Difference(0.03, 0.02, seen)
    sigma = 0.02 * np.sqrt(seen)
    truth = np.random.default_rng(7).normal(found.mean, found.error, 20_000)
    later = np.random.default_rng(8).normal(truth, sigma / np.sqrt(every - seen))
    ends = (seen * found.mean + (every - seen) * later) / every
    share = (ends - norm.isf(chance) * sigma / np.sqrt(every) > bound).mean()
    assert found.hope(bound, every, chance) == pytest.approx(share, abs=0.015)


def test_without_further_pictures_the_hope_is_whether_it_is_so_already() -> None:
    found = Difference(0.03, 0.02, 100)
    assert found.hope(0.0, 100, 0.1) == (found.low(0.1) > 0.0) == 1.0
    assert found.hope(0.02, 100, 0.1) == (found.low(0.1) > 0.02) == 0.0
