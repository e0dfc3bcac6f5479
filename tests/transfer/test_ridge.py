"""Ridge heads against scikit-learn, and left-out answers against fits without the picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from ravine.base.errors import PlanError
from ravine.transfer.ridge import decompose, fit_ridge

PENALTIES = np.array([1e-3, 1e-1, 3.0])


def _data(pictures: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.arange(pictures) % 3
    features = generator.normal(size=(pictures, width)) + 0.8 * generator.normal(size=(3, width))[labels] + 4
    return features.astype(np.float32), labels


@how(max_examples=8)
@given(pictures=st.integers(6, 30), width=st.integers(1, 40), seed=st.integers(0, 9))
def test_every_head_is_that_of_scikit_learn(pictures: int, width: int, seed: int) -> None:
    x, y = _data(pictures, width, seed)
    heads = fit_ridge(x, y, 3, PENALTIES)
    for place, strength in enumerate(PENALTIES):
        model = Ridge(alpha=strength * pictures).fit(x.astype(np.float64), np.eye(3)[y])
        assert np.abs(heads.weight[place] - model.coef_).max() < 1e-7
        assert np.abs(heads.bias[place] - model.intercept_).max() < 1e-6


@pytest.mark.parametrize(("pictures", "width"), [(15, 4), (12, 30)])
@pytest.mark.parametrize("blocks", [None, np.array([0, 1, 2, 0, 1, 5, 5, 5, 8, 9, 10, 11, 12, 13, 14])])
def test_left_out_answers_are_those_of_fits_without_the_picture(
    pictures: int, width: int, blocks: np.ndarray | None
) -> None:
    x, y = _data(pictures, width)
    together = np.arange(pictures) if blocks is None else blocks[:pictures]
    heads = fit_ridge(x, y, 3, PENALTIES, None if blocks is None else together)
    for place, strength in enumerate(PENALTIES):
        expected = np.empty((pictures, 3))
        for block in np.unique(together):
            rest = together != block
            model = Ridge(alpha=strength * pictures).fit(x[rest].astype(np.float64), np.eye(3)[y[rest]])
            expected[~rest] = model.predict(x[~rest].astype(np.float64))
        assert np.abs(heads.left_out[place] - expected).max() < 1e-7
        assert heads.accuracy[place] == (expected.argmax(1) == y).mean()
    assert heads.accuracy[heads.best] == heads.accuracy.max()


def test_of_equal_penalties_the_strongest_is_best() -> None:
    x, y = np.eye(3, dtype=np.float32)[np.arange(9) % 3], np.arange(9) % 3
    heads = fit_ridge(x, y, 3, np.array([1e-3, 1e-2]))
    assert heads.accuracy.tolist() == [1, 1]
    assert heads.best == 1


@pytest.mark.parametrize("shape", [(7, 20), (20, 7)])
def test_the_decomposition_gives_the_features_back(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    x -= x.mean(0)
    scores, values, onto = decompose(x)
    assert np.abs(scores @ onto.T - x).max() < 1e-10
    assert np.abs(onto.T @ onto - np.eye(len(values))).max() < 1e-8
    assert len(values) == min(shape[0] - 1, shape[1])


def test_what_cannot_be_fitted_is_refused() -> None:
    x, y = _data(6, 2)
    with pytest.raises(PlanError, match="must all be above 0"):
        fit_ridge(x, y, 3, np.array([0.0]))
    with pytest.raises(PlanError, match="none can be judged by the others"):
        fit_ridge(x, y, 3, PENALTIES, np.zeros(6, np.int64))
