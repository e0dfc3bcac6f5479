import numpy as np
import pytest
from ensemble_training import course, linear_judge
from hypothesis import given
from hypothesis import strategies as st

from ravine.base.errors import PlanError
from ravine.ensemble.judge import Judge
from ravine.ensemble.recipe import mixture
from ravine.ensemble.soup import Soup, greedy_soup
from ravine.optim.schedule_free import ScheduleFree
from ravine.optim.sgd import SGD

MEASURES = st.sampled_from(["nll", "accuracy", "macro_f1"])


def _rows(seed: int, candidates: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(candidates, 12))


def _worth(judge: Judge, shares: tuple[float, ...]) -> float:
    return judge.worth(judge.probabilities(shares))


@given(st.integers(0, 10_000), st.integers(1, 6), MEASURES)
def test_a_greedy_soup_is_never_worse_on_validation_than_its_best_member(seed, candidates, measure):
    judge = linear_judge(_rows(seed, candidates), measure)
    recipe = Soup().combine(candidates, judge)
    best = max(_worth(judge, mixture([place], candidates)) for place in range(candidates))
    assert _worth(judge, recipe.mixtures[0]) >= best


@given(st.integers(0, 10_000), MEASURES)
def test_no_candidate_was_left_out_that_did_not_harm_when_its_turn_came(seed, measure):
    judge = linear_judge(_rows(seed, 5), measure)
    alone = [_worth(judge, mixture([place], 5)) for place in range(5)]
    chosen = greedy_soup(5, judge)
    pot = []
    for place in sorted(range(5), key=lambda place: (-alone[place], place)):
        better = not pot or _worth(judge, mixture([*pot, place], 5)) >= _worth(judge, mixture(pot, 5))
        assert (place in chosen) is better
        pot = [*pot, place] if better else pot
    assert pot == chosen


def test_equals_are_all_taken_and_one_that_harms_is_not():
    rows = np.repeat(_rows(3, 1), 3, axis=0)
    assert greedy_soup(3, linear_judge(rows)) == [0, 1, 2]
    harmful = np.concatenate([rows[:1], -50 * rows[:1]])
    assert len(greedy_soup(2, linear_judge(harmful))) == 1


def test_a_candidate_that_is_not_finite_is_left_out():
    rows = _rows(0, 3)
    clean = linear_judge(rows)

    def logits(shares):
        return clean.logits(shares) * (np.nan if shares[1] else 1.0)

    assert 1 not in greedy_soup(3, Judge(logits, clean.labels))


def test_a_uniform_soup_asks_nobody():
    assert Soup(kind="uniform").combine(4, None).mixtures == ((0.25, 0.25, 0.25, 0.25),)
    assert not Soup(kind="uniform").needs_validation


def test_a_greedy_soup_without_validation_is_refused():
    assert Soup().needs_validation
    with pytest.raises(PlanError, match=r"split\.validation"):
        Soup().combine(3, None)


def test_members_or_epochs():
    assert Soup().collector(course()) is None
    assert Soup().refuses(SGD(), members=1)
    assert Soup().refuses(ScheduleFree(), members=2) is None
    epochs = Soup(of="epochs", start=0.5)
    assert epochs.refuses(SGD(), members=1) is None
    assert epochs.refuses(ScheduleFree(), members=1)
    kept = epochs.collector(course(epochs=6, steps_per_epoch=7, members=2))
    assert kept is not None
    assert kept.steps == [[28, 35, 42]] * 2


def test_one_epoch_is_no_soup():
    with pytest.raises(PlanError, match="only one"):
        Soup(of="epochs").collector(course(epochs=2))
