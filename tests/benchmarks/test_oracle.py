"""Regret against an oracle that has no luck."""

import numpy as np
import pytest
from benchmarks.oracle import interval, regrets


def test_a_clearly_best_candidate_has_no_regret_and_the_others_lose_their_distance():
    right = {"head": np.arange(400) % 10 < 9, "all": np.arange(400) % 10 < 6}
    lost = regrets(right, {"good": "head", "bad": "all"})
    assert lost["good"] == pytest.approx(0)
    assert lost["bad"] == pytest.approx(0.3)


def test_among_candidates_that_differ_by_chance_alone_no_one_has_regret_on_average():
    generator = np.random.default_rng(0)
    found = []
    for repetition in range(60):
        right = {name: generator.random(200) < 0.7 for name in "abcdef"}
        found.append(regrets(right, {"always a": "a"}, repetition)["always a"])
    assert abs(np.mean(found)) < 3 * np.std(found) / len(found) ** 0.5


def test_the_same_seed_gives_the_same_regret():
    right = {name: np.random.default_rng(place).random(50) < 0.5 for place, name in enumerate("ab")}
    assert regrets(right, {"a": "a"}, 5) == regrets(right, {"a": "a"}, 5)


def test_the_interval_is_over_data_sets_not_over_their_cells():
    middle, low, high = interval([[0.0] * 50, [0.1]])
    assert middle == pytest.approx(0.05)
    assert (low, high) == pytest.approx((0.0, 0.1))
