import math
from dataclasses import replace

import numpy as np
import pytest

from ravine.report.trust import trust
from ravine.report.wording import SPACE
from ravine.stats.intervals import wilson
from ravine.stats.scores import Scores


def scores(right: int, n: int) -> Scores:
    return Scores(n, right / n, wilson(right, n), 0.9, 0.3, 0.1, 0.05, (), np.zeros((2, 2), np.int64))


def said(right: int, n: int, baseline: float) -> str:
    return " ".join(trust(scores(right, n), baseline)).replace(SPACE, " ")


def test_a_small_test_is_called_small():
    text = said(47, 52, 0.12)
    assert "right on 47 of 52 test pictures" in text
    assert "small test" in text and "between 79 % and 96 %" in text
    assert "clearly better" in text


def test_a_large_test_is_called_exact():
    assert "large enough to be exact" in said(9000, 10_000, 0.1)


def test_one_between_is_called_neither():
    text = said(900, 1000, 0.1)
    assert "small" not in text and "exact" not in text and "between 88 % and 92 %" in text


@pytest.mark.parametrize(
    ("right", "verdict"), [(30, "do not use"), (52, "not clearly better"), (80, "This is clearly better")]
)
def test_guessing_is_compared_with_the_whole_interval(right, verdict):
    assert verdict in said(right, 100, 0.5)


def test_without_a_test_nothing_is_claimed():
    (sentence,) = trust(replace(scores(1, 1), n=0, accuracy=math.nan), 0.1)
    assert "nobody knows" in sentence
