import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from ravine.ensemble.disagreement import disagreement

LOGITS = arrays.arrays(np.float64, (4, 3, 5), elements=st.floats(-200, 200))
VOTES = np.array([0.2, 0.3, 0.5])


@given(LOGITS)
def test_mutual_information_is_entropy_of_the_mean_less_mean_entropy(logits):
    said = log_softmax(logits, axis=2)
    p = np.exp(said)
    expected = entropy(np.average(p, axis=1, weights=VOTES), axis=1) - entropy(p, axis=2) @ VOTES
    np.testing.assert_allclose(disagreement(said, VOTES).mutual_information, expected, rtol=0, atol=1e-12)


@given(LOGITS)
def test_both_lie_between_zero_and_their_bounds(logits):
    found = disagreement(log_softmax(logits, axis=2), np.full(3, 1 / 3))
    assert (found.mutual_information >= 0).all()
    assert (found.mutual_information <= np.log(3) + 1e-12).all()
    assert (found.variation_ratio >= 0).all()
    assert (found.variation_ratio <= 1 - 1 / 3 + 1e-12).all()


def test_it_is_the_information_between_member_and_class():
    counts = np.array([[6, 2, 2], [1, 1, 8]])
    members, classes = np.indices((2, 3))
    expected = mutual_info_score(np.repeat(members, counts.ravel()), np.repeat(classes, counts.ravel()))
    found = disagreement(np.log(counts / 10)[None], np.array([0.5, 0.5]))
    assert found.mutual_information[0] == pytest.approx(expected, abs=1e-12)


def test_members_that_say_the_same_do_not_disagree():
    said = np.repeat(log_softmax(np.random.default_rng(0).normal(size=(6, 1, 4)), axis=2), 3, axis=1)
    found = disagreement(said, VOTES)
    np.testing.assert_allclose(found.mutual_information, 0, atol=1e-12)
    np.testing.assert_allclose(found.variation_ratio, 0, atol=1e-12)


def test_the_variation_ratio_counts_votes():
    said = np.log(np.array([[[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.4, 0.35, 0.25]]]))
    assert disagreement(said, VOTES).variation_ratio[0] == pytest.approx(1 - 0.7)


def test_classes_that_nobody_holds_possible_count_nothing():
    said = np.array([[[0.0, -np.inf], [-np.inf, 0.0]]])
    found = disagreement(said, np.array([0.5, 0.5]))
    assert found.mutual_information[0] == pytest.approx(np.log(2))
