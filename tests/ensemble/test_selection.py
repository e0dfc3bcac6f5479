from collections import Counter
from itertools import product

import numpy as np
import pytest
from ensemble_training import linear_judge
from hypothesis import given
from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.ensemble.selection import Selection, select

MEASURES = st.sampled_from(["nll", "accuracy", "macro_f1"])


def _rows(seed: int, candidates: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(candidates, 12))


def _worth(judge, said, recipe) -> float:
    places = [row.index(1.0) for row in recipe.mixtures]
    return judge.worth(np.average([said[place] for place in places], axis=0, weights=recipe.votes))


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 8), st.sampled_from([1, 4]), MEASURES)
def test_never_worse_on_validation_than_the_best_member(seed, candidates, rounds, bags, measure):
    judge = linear_judge(_rows(seed, candidates), measure)
    said = judge.alone(candidates)
    recipe = Selection(rounds=rounds, bags=bags).combine(candidates, judge)
    assert sum(recipe.votes) == pytest.approx(1)
    assert _worth(judge, said, recipe) >= max(map(judge.worth, said)) - 1e-12


@given(st.integers(0, 10_000))
def test_each_round_takes_what_is_best_then(seed):
    judge = linear_judge(_rows(seed, 4))
    said = judge.alone(4)
    taken, best = [], []
    for _ in range(6):
        means = [np.mean([said[place] for place in [*taken, place]], axis=0) for place in range(4)]
        taken.append(int(np.argmax([judge.worth(mean) for mean in means])))
        best.append(max(judge.worth(mean) for mean in means))
    assert select(said, range(4), judge, 6) == Counter(taken[: int(np.argmax(best)) + 1])


def test_more_rounds_near_the_best_weights():
    judge = linear_judge(_rows(5, 3), pictures=200)
    said = judge.alone(3)
    grid = [(a, b, 50 - a - b) for a, b in product(range(51), repeat=2) if a + b <= 50]
    best = max(judge.worth(np.average(said, axis=0, weights=weights)) for weights in grid)
    assert _worth(judge, said, Selection(rounds=50).combine(3, judge)) >= best - 1e-3


def test_bags_repeat_and_take_only_their_share():
    selection, judge = Selection(bags=5, share=0.5), linear_judge(_rows(2, 6))
    assert selection.combine(6, judge) == selection.combine(6, judge)
    bags = selection._bags(6)
    assert [len(bag) for bag in bags] == [3] * 5
    assert len({tuple(bag) for bag in bags}) > 1


def test_without_validation_it_is_refused():
    with pytest.raises(PlanError, match=r"split\.validation"):
        Selection().combine(3, None)
