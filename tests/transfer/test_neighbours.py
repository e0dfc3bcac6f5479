"""Nearest neighbours against scikit-learn, and what copies may say of one another."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from ravine.base.errors import PlanError
from ravine.transfer import neighbours
from ravine.transfer.neighbours import leave_one_out

X, Y = load_digits(return_X_y=True)
X, Y = X[:150].astype(np.float32), Y[:150]


@pytest.mark.parametrize("chunk", [1_000, 64])
@pytest.mark.parametrize("count", [1, 5])
def test_votes_are_those_of_scikit_learn(count: int, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CHUNK", chunk)
    found = leave_one_out(X, Y, 10, (count,))
    centred = X - X.mean(0)
    for row in range(len(X)):
        rest = np.arange(len(X)) != row
        model = KNeighborsClassifier(count, metric="cosine", algorithm="brute").fit(centred[rest], Y[rest])
        chances = model.predict_proba(centred[[row]])[0]
        winners = model.classes_[chances == chances.max()]
        assert found.predictions[0, row] in winners
        assert len(winners) > 1 or found.predictions[0, row] == model.predict(centred[[row]])[0]
    assert found.accuracy[0] == (found.predictions[0] == Y).mean()


def test_of_equal_votes_the_more_similar_wins() -> None:
    x = np.array([[1, 0], [1, 0.1], [1, 0.9], [-1, 0.5], [-1, -1.5]], np.float32)
    found = leave_one_out(x, np.array([0, 0, 1, 2, 2]), 3, (2,))
    assert found.predictions[0, 0] == 0


def test_several_counts_at_once_are_each_alone() -> None:
    together = leave_one_out(X, Y, 10, (20, 1, 5))
    for place, count in enumerate(together.counts):
        assert np.array_equal(together.predictions[place], leave_one_out(X, Y, 10, (count,)).predictions[0])
    assert together.accuracy[together.best] == together.accuracy.max()


def test_copies_are_not_asked_about_one_another() -> None:
    x, y = np.repeat(X, 2, axis=0), np.repeat(Y, 2)
    blocks = np.repeat(np.arange(len(X)) + 7, 2)
    alone, copied = leave_one_out(X, Y, 10, (1,)), leave_one_out(x, y, 10, (1,), blocks)
    assert np.array_equal(copied.predictions[0, ::2], alone.predictions[0])


def test_more_neighbours_than_there_are_ask_all() -> None:
    assert np.array_equal(
        leave_one_out(X[:8], Y[:8], 10, (50,)).predictions, leave_one_out(X[:8], Y[:8], 10, (7,)).predictions
    )


def test_a_lone_block_is_refused() -> None:
    with pytest.raises(PlanError, match="have no 1 neighbours"):
        leave_one_out(X[:4], Y[:4], 10, (1,), np.zeros(4, np.int64))
