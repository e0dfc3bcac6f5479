import pytest
from hypothesis import given
from hypothesis import strategies as st

from ravine.ensemble.recipe import Recipe, mixture


@given(st.sets(st.integers(0, 9), min_size=1), st.lists(st.integers(1, 50), min_size=10, max_size=10))
def test_shares_and_votes_sum_to_one(places, counts):
    chosen = sorted(places)
    for recipe in (Recipe.of(chosen, 10), Recipe.of(chosen, 10, counts[: len(chosen)]), Recipe.average(chosen, 10)):
        assert sum(recipe.votes) == pytest.approx(1, abs=1e-12)
        assert all(vote > 0 for vote in recipe.votes)
        for row in recipe.mixtures:
            assert len(row) == 10
            assert sum(row) == pytest.approx(1, abs=1e-12)
        assert recipe.used == tuple(chosen)


def test_votes_are_the_shares_of_counts():
    assert Recipe.of([0, 2], 3, [3, 1]).votes == (0.75, 0.25)


def test_each_place_counts_once():
    assert mixture([1, 1], 2) == (0.0, 1.0)
