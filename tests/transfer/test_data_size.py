"""Accuracy by the number of pictures, where more is known to help or not to."""

import numpy as np
import pytest

from ravine.transfer.data_size import SizeCurve, size_curve
from ravine.transfer.probes import penalties_for
from ravine.transfer.ridge import fit_ridge


def _data(pictures: int, width: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.arange(pictures) % 4
    centres = distance * generator.normal(size=(4, width)) / np.sqrt(width)
    return (centres[labels] + generator.normal(size=(pictures, width))).astype(np.float32), labels


def test_many_weak_features_are_limited_by_pictures() -> None:
    curve = size_curve(*_data(800, 100, 2.0), 4)
    assert curve.pictures == (100, 200, 400, 800)
    assert curve.course == "rising"
    assert curve.accuracy[-1] > curve.accuracy[0] + 0.05
    assert curve.gain == pytest.approx((curve.accuracy[3] - curve.accuracy[1]) / 2)
    assert "more pictures would help" in curve.sentence


def test_two_features_are_learned_from_few_pictures() -> None:
    curve = size_curve(*_data(1_600, 2, 3.0), 4)
    assert curve.course == "flat"
    assert "the features are the limit" in curve.sentence


def test_all_pictures_are_judged_by_all_others_at_the_full_size() -> None:
    x, y = _data(80, 10, 3.0)
    blocks = np.arange(80) // 2
    curve = size_curve(x, y, 4, blocks)
    assert curve.accuracy[-1] == fit_ridge(x, y, 4, penalties_for(x), blocks).accuracy.max()


def test_the_same_seed_gives_the_same_curve() -> None:
    x, y = _data(80, 10, 3.0)
    assert size_curve(x, y, 4, seed=1) == size_curve(x, y, 4, seed=1)
    assert size_curve(x, y, 4, seed=1).accuracy[:-1] != size_curve(x, y, 4, seed=2).accuracy[:-1]


def test_too_few_pictures_tell_nothing() -> None:
    curve = size_curve(*_data(12, 3, 3.0), 4)
    assert curve.pictures == (12,)
    assert curve.course == "unclear"
    assert "too few pictures" in curve.sentence


def test_a_gain_within_its_error_is_unclear() -> None:
    curve = SizeCurve((50, 100), (0.5, 0.52), 0.02, 0.02)
    assert curve.course == "unclear"
    assert "cannot be told" in curve.sentence
